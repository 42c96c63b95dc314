//! What the bytes of a built module are: the code of each crate, its data, and the rest.

use crate::{crates, strip};
use anyhow::{Result, bail};
use std::collections::{BTreeMap, HashMap};
use wasmparser::{KnownCustom, Name, NameSectionReader, Parser, Payload, TypeRef};

/// Bytes by part: a crate's name, or something in brackets.
pub type Parts = BTreeMap<String, u64>;

/// Of a module that still has its functions' names. All parts together weigh what it weighs when it is stripped.
pub fn of(module: &[u8]) -> Result<Parts> {
    let mut names = HashMap::new();
    let mut lengths = Vec::new();
    let (mut imported, mut code_end, mut data) = (0, 0, 0);
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)));
                }
            }
            Payload::CodeSectionStart { range, .. } => code_end = range.start,
            // From where the last one ended: the length that stands before a body counts too.
            Payload::CodeSectionEntry(body) => {
                lengths.push(body.range().end - code_end);
                code_end = body.range().end;
            }
            Payload::DataSection(section) => data = section.range().len(),
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(section) = section.as_known() {
                    names = function_names(section)?;
                }
            }
            _ => {}
        }
    }
    if names.is_empty() {
        bail!("its functions have no names: let cargo keep them, `cargo xtask` strips them afterwards");
    }
    let code: usize = lengths.iter().sum();
    let rest = strip::without_names(module)?.len() - code - data;
    let mut parts = Parts::from([("(data)".to_owned(), data as u64), ("(rest)".to_owned(), rest as u64)]);
    // Imported functions have the first numbers.
    for (index, bytes) in (imported..).zip(lengths) {
        let name = names.get(&index).map_or(crates::NONE.to_owned(), |name| crates::of(name));
        *parts.entry(name).or_default() += bytes as u64;
    }
    Ok(parts)
}

/// By the function's number.
fn function_names(section: NameSectionReader<'_>) -> Result<HashMap<u32, &str>> {
    let mut names = HashMap::new();
    for subsection in section {
        if let Name::Function(map) = subsection? {
            for naming in map {
                let naming = naming?;
                names.insert(naming.index, naming.name);
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(id: u8, body: &[&[u8]]) -> Vec<u8> {
        let body = body.concat();
        [&[id, body.len() as u8], &body[..]].concat()
    }

    /// A global and a function are imported; three functions follow, of 3, 4 and 5 bytes with their lengths.
    fn module(names: &[u8]) -> Vec<u8> {
        [
            b"\0asm\x01\0\0\0".to_vec(),
            section(1, &[b"\x01\x60\0\0"]),
            section(2, &[b"\x02", b"\x01e\x01g\x03\x7f\0", b"\x01e\x01f\0\0"]),
            section(3, &[b"\x03\0\0\0"]),
            section(5, &[b"\x01\0\x01"]),
            section(10, &[b"\x03", b"\x02\0\x0b", b"\x03\0\x01\x0b", b"\x04\0\x01\x01\x0b"]),
            section(11, &[b"\x01\0\x41\0\x0b\x03abc"]),
            section(0, &[b"\x04name", names]),
        ]
        .concat()
    }

    /// The last function has no name.
    fn named() -> Vec<u8> {
        let map = section(1, &[b"\x03", b"\0\x07dom::go", b"\x01\x08kiln::go", b"\x02\x08burn::go"]);
        module(&map)
    }

    #[test]
    fn code_goes_to_the_crate_that_its_function_is_named_after() {
        let parts = of(&named()).expect("a module");
        // The byte that counts the functions is the first one's.
        assert_eq!((parts["kiln"], parts["burn"], parts["(no crate)"]), (4, 4, 5));
        assert_eq!((parts["(data)"], parts.len()), (9, 5), "{parts:?}");
    }

    #[test]
    fn the_parts_add_up_to_the_stripped_module() {
        let module = named();
        let stripped = strip::without_names(&module).expect("a module").len() as u64;
        assert!(stripped < module.len() as u64);
        assert_eq!(of(&module).expect("a module").values().sum::<u64>(), stripped);
    }

    #[test]
    fn a_module_without_names_is_an_error() {
        for nameless in [module(b""), strip::without_names(&named()).expect("a module")] {
            let error = of(&nameless).expect_err("no names").to_string();
            assert!(error.contains("no names"), "{error}");
        }
        assert!(of(&named()[..40]).is_err());
    }
}
