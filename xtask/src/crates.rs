//! The crate that a function comes from, told by its name: mangled by rustc, the old way or the new, or demangled already,
//! as wasm-bindgen does.

/// What linker, compiler and wasm-bindgen add has no path: `memcpy`, `__wasm_call_ctors`.
pub const NONE: &str = "(no crate)";

/// Everyone implements their traits, and traits for their types: the other side of `as` tells more.
const STANDARD: [&str; 3] = ["alloc", "core", "std"];

/// The first crate of the path: where the code is written, whatever types it is generic over. `<X as Trait>` is the type's
/// crate; the trait's where the type is of the standard library, built in, or a parameter.
pub fn of(name: &str) -> String {
    let plain = format!("{:#}", rustc_demangle::demangle(name));
    owner(&plain).unwrap_or(NONE).to_owned()
}

fn owner(path: &str) -> Option<&str> {
    let path = behind(path);
    let Some(inside) = path.strip_prefix('<') else {
        return first(path);
    };
    let (owned, through) = match inside.strip_prefix("impl ") {
        Some(inside) => split(inside, " for ").map_or((inside, None), |(through, owned)| (owned, Some(through))),
        None => split(inside, " as ").map_or((inside, None), |(owned, through)| (owned, Some(through))),
    };
    let (owned, through) = (owner(owned), through.and_then(owner));
    let own = |name: &&str| !STANDARD.contains(name);
    owned.filter(own).or(through.filter(own)).or(owned).or(through)
}

/// The type behind references, pointers, slices and tuples.
fn behind(mut path: &str) -> &str {
    loop {
        let bare = path.trim_start_matches(['&', '*', '[', '(', ' ']);
        let bare = ["mut ", "const ", "dyn "].iter().find_map(|word| bare.strip_prefix(word)).unwrap_or(bare);
        if bare == path {
            return path;
        }
        path = bare;
    }
}

/// `kiln` of `kiln::nn` and of `kiln[3f2a]::nn`; nothing of `T`, `u8`, `memcpy`.
fn first(path: &str) -> Option<&str> {
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    let (name, rest) = path.split_at(end);
    let rest = rest.strip_prefix('[').and_then(|hash| hash.split_once(']')).map_or(rest, |(_, rest)| rest);
    (end > 0 && rest.starts_with("::")).then_some(name)
}

/// What stands before and after a word that is outside of all brackets.
fn split<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let mut open = 0;
    for (at, c) in text.char_indices() {
        match c {
            '<' | '(' | '[' | '{' => open += 1,
            // The arrow of `fn() -> T`, which the old mangling makes `.>`, closes nothing.
            '>' if text[..at].ends_with(['-', '.']) => {}
            '>' | ')' | ']' | '}' => open -= 1,
            _ if open == 0 && text[at..].starts_with(word) => return Some((&text[..at], &text[at + word.len()..])),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::of;

    fn all(wanted: &str, names: &[&str]) {
        for name in names {
            assert_eq!(of(name), wanted, "{name}");
        }
    }

    #[test]
    fn both_manglings_and_plain_names_give_the_first_crate_of_the_path() {
        let old = "_ZN9burn_flex3ops6binary9binary_op17hb13917b6d91f9106E";
        all("burn_flex", &[old, "burn_flex::ops::binary::binary_op::hb13917b6d91f9106", "burn_flex::ops::cat::cat[2]"]);
        all("std", &["_RNvNtCs5zM4Ggcu_3std2io4read", "std[a543996e6e7dbf1e]::io::read"]);
        all("core", &["core::ptr::drop_in_place<kiln::web::blob::Memory>::hf80ab0f1b118464e"]);
    }

    #[test]
    fn an_implementation_in_a_module_belongs_to_the_module() {
        let old = "_ZN4kiln7session8protocol1_90_$LT$impl$u20$serde_core..de..Deserialize$u20$for$u20$kiln..session..\
                   protocol..Command$GT$11deserialize17h3ea4be4a7ac5484bE";
        all(
            "kiln",
            &[old, "kiln::demos::vae::views::<impl burn::Autoencoder>::panels::{{closure}}::h9f191c0d2e6a6520"],
        );
    }

    #[test]
    fn an_implementation_belongs_to_its_type() {
        let old =
            "_ZN72_$LT$combine..parser..FirstMode$u20$as$u20$pliron..parser..ParseMode$GT$5parse17h483869655c4b7db9E";
        all("combine", &[old, "<combine::parser::FirstMode as pliron::parser::ParseMode>::parse"]);
        all(
            "kiln",
            &["<kiln[3f2a]::rng::Stream>::next", "<impl kiln::Demo>::step", "<impl pliron::Op for kiln::Demo>::step"],
        );
        all("serde_json", &["<&mut serde_json::de::Deserializer<R> as serde_core::de::Deserializer>::deserialize_seq"]);
        all("kiln", &["<[kiln::demos::Panel] as core::fmt::Debug>::fmt", "<dyn kiln::demos::Demo as pliron::Op>::f"]);
        let nested = "<<core::option::Option<T> as serde_bytes::Deserialize>::deserialize::Visitor<T> as serde_core::de::Visitor>::f";
        all("serde_bytes", &[nested]);
    }

    #[test]
    fn an_implementation_for_anybodys_type_belongs_to_its_trait() {
        all("minijinja", &["<Func as minijinja::functions::Function<Rv,(A,B)>>::invoke::h46527c48f1609c43"]);
        all("minijinja", &["<(A,B) as minijinja::value::FunctionArgs>::from_values", "<() as minijinja::Args>::f"]);
        all("serde_core", &["<alloc::vec::Vec<T> as serde_core::ser::Serialize>::serialize"]);
        all("core", &["<u128 as core[c5930c85a12de822]::fmt::LowerExp>::fmt", "<T as core::any::Any>::type_id"]);
        all("alloc", &["<alloc::vec::Vec<T> as core::clone::Clone>::clone", "<alloc::vec::Vec<T>>::push"]);
        all("pliron", &["<alloc::Map<fn() .> U> as pliron::Op>::f", "<alloc::Map<fn() -> U> as pliron::Op>::f"]);
        all("pliron", &["<alloc::Map<<T as burn::Tensor>::Device> as pliron::Op>::f"]);
    }

    #[test]
    fn what_is_not_rust_has_no_crate() {
        all("(no crate)", &["memcpy", "__wasm_call_ctors", "main[1]", "", "Ref(String) -> Externref externref shim"]);
        all("(no crate)", &["<", "<<<", "&", "<T>::f", "_ZN", "_R", "é"]);
    }
}
