//! What a build weighs, part by part, and what grew since docs/sizes.tsv was blessed.

use crate::parts::{self, Parts};
use crate::paths::{root, target};
use crate::strip;
use anyhow::{Context, Result, anyhow, bail};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Of each budget its files, in bytes after brotli; of each module its crates, in bytes as they are.
pub type Sizes = BTreeMap<String, Parts>;

/// What changes by no more than so many bytes is not told.
const SMALL: u64 = 512;

const HEAD: &str = "budget or module\tfile or crate\tbytes";
const RECORD: &str = "docs/sizes.tsv";
const BLESS: &str = "`KILN_BLESS=1 cargo xtask test --only budgets`";

/// Beside the build and not in dist/: it is not for visitors.
fn beside_the_build() -> PathBuf {
    target().join("sizes.tsv")
}

/// Writes down what the modules in dist/ are made of. Once they are stripped nobody can tell.
pub fn attribute(dist: &Path) -> Result<()> {
    let mut sizes = Sizes::new();
    for path in strip::modules_in(dist)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let parts = parts::of(&fs::read(&path)?).with_context(|| format!("cannot say what is in {name}"))?;
        sizes.insert(name, parts);
    }
    let file = beside_the_build();
    fs::write(&file, write(&sizes)).with_context(|| format!("cannot write {}", file.display()))
}

/// What `attribute` wrote.
pub fn built() -> Result<Sizes> {
    let file = beside_the_build();
    read(&file).with_context(|| format!("{}: `cargo xtask build` writes it", file.display()))
}

/// The parts of a module of so many bytes in dist/. Builds of other clones may leave theirs in the same folder,
/// and `serve` leaves none: then the parts do not add up.
pub fn parts(built: &Sizes, module: &str, bytes: u64) -> Result<Parts> {
    match built.get(module) {
        Some(parts) if parts.values().sum::<u64>() == bytes => Ok(parts.clone()),
        _ => {
            bail!(
                "{} does not describe the {module} in dist/: `cargo xtask build` writes both",
                beside_the_build().display()
            )
        }
    }
}

/// A build and the last one that was blessed.
pub struct Growth {
    now: Sizes,
    then: Sizes,
    bless: bool,
}

impl Growth {
    pub fn since_record(now: Sizes) -> Result<Self> {
        Self::since(read(&root().join(RECORD)), now, std::env::var_os("KILN_BLESS").is_some())
    }

    fn since(record: Result<Sizes>, now: Sizes, bless: bool) -> Result<Self> {
        let then = match record {
            Ok(then) => then,
            Err(_) if bless => now.clone(),
            Err(error) => return Err(error.context(format!("{RECORD} is not a record of a build; {BLESS} writes one"))),
        };
        Ok(Self { now, then, bless })
    }

    /// What grew or shrank in a budget with these files, in the columns that its files' weights are printed in.
    pub fn lines(&self, budget: &str, files: &[String]) -> Vec<String> {
        let mut lines: Vec<_> =
            self.changes(budget).iter().map(|(file, bytes)| format!("{:>12} {bytes:>+12}  {file}", "")).collect();
        for module in files.iter().filter(|file| self.now.contains_key(*file)) {
            let changes = self.changes(module);
            lines.extend(changes.iter().map(|(part, bytes)| format!("{bytes:>+12} {:>12}  {part} in {module}", "")));
        }
        if !lines.is_empty() {
            lines.insert(0, format!("{:>12} {:>12}  since {RECORD}:", "", ""));
        }
        lines
    }

    /// Says how to bless, or does it.
    pub fn settle(&self) -> Result<()> {
        if self.bless {
            fs::write(root().join(RECORD), write(&self.now)).with_context(|| format!("cannot write {RECORD}"))?;
            println!("\n{RECORD} is what this build weighs: commit it.");
        } else if self.now.keys().any(|name| !self.changes(name).is_empty()) {
            println!("\n{BLESS} makes this build the one to compare with.");
        }
        Ok(())
    }

    /// The largest first. What is small is told where it adds up.
    fn changes(&self, name: &str) -> Vec<(String, i64)> {
        let none = Parts::new();
        let (now, then) = (self.now.get(name).unwrap_or(&none), self.then.get(name).unwrap_or(&none));
        let parts: BTreeSet<&String> = now.keys().chain(then.keys()).collect();
        let bytes = |sizes: &Parts, part| sizes.get(part).map_or(0, |bytes| *bytes as i64);
        let all = parts.into_iter().map(|part| (part.clone(), bytes(now, part) - bytes(then, part)));
        let large = |(_, bytes): &(String, i64)| bytes.unsigned_abs() > SMALL;
        let (mut told, small): (Vec<_>, Vec<_>) = all.partition(large);
        told.extend(Some(("(others)".to_owned(), small.iter().map(|(_, bytes)| bytes).sum())).filter(large));
        told.sort_by_key(|(_, bytes)| Reverse(bytes.unsigned_abs()));
        told
    }
}

fn write(sizes: &Sizes) -> String {
    let lines = sizes.iter().flat_map(|(name, parts)| parts.iter().map(move |part| (name, part)));
    let lines = lines.map(|(name, (part, bytes))| format!("{name}\t{part}\t{bytes}\n"));
    format!("{HEAD}\n{}", lines.collect::<String>())
}

fn read(file: &Path) -> Result<Sizes> {
    parse(&fs::read_to_string(file).context("it cannot be read")?)
}

fn parse(text: &str) -> Result<Sizes> {
    let mut lines = text.lines();
    if lines.next() != Some(HEAD) {
        bail!("its first line is not `{HEAD}`");
    }
    let mut sizes = Sizes::new();
    for line in lines {
        let fields: Vec<_> = line.split('\t').collect();
        let (name, part, bytes) = match fields[..] {
            [name, part, bytes] => (name, part, bytes.parse()),
            _ => bail!("`{line}` is not three fields with tabs between them"),
        };
        let bytes = bytes.map_err(|_| anyhow!("`{line}` does not end in a number of bytes"))?;
        sizes.entry(name.to_owned()).or_default().insert(part.to_owned(), bytes);
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(parts: &[(&str, &str, u64)]) -> Sizes {
        let mut sizes = Sizes::new();
        for (name, part, bytes) in parts {
            sizes.entry((*name).to_owned()).or_default().insert((*part).to_owned(), *bytes);
        }
        sizes
    }

    fn growth(then: &[(&str, &str, u64)], now: &[(&str, &str, u64)]) -> Growth {
        Growth::since(Ok(sizes(then)), sizes(now), false).expect("a record")
    }

    #[test]
    fn what_grew_is_told_by_file_and_by_crate_the_largest_first() {
        let then =
            [("GPU", "w.js", 9_000), ("GPU", "w.wasm", 70_000), ("w.wasm", "burn", 5_000), ("w.wasm", "kiln", 9_000)];
        let now =
            [("GPU", "w.js", 9_600), ("GPU", "w.wasm", 69_000), ("w.wasm", "kiln", 90_000), ("w.wasm", "pliron", 513)];
        let told = growth(&then, &now).lines("GPU", &["w.wasm".to_owned(), "w.js".to_owned()]);
        let wanted = [
            "                           since docs/sizes.tsv:",
            "                    -1000  w.wasm",
            "                     +600  w.js",
            "      +81000               kiln in w.wasm",
            "       -5000               burn in w.wasm",
            "        +513               pliron in w.wasm",
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn small_changes_are_told_only_where_they_add_up() {
        let then = [("GPU", "a.js", 9_000), ("GPU", "b.js", 9_000)];
        assert!(growth(&then, &[("GPU", "a.js", 9_512), ("GPU", "b.js", 9_000)]).lines("GPU", &[]).is_empty());
        assert!(growth(&then, &[("GPU", "a.js", 9_512), ("GPU", "b.js", 8_488)]).lines("GPU", &[]).is_empty());
        let both = growth(&then, &[("GPU", "a.js", 9_400), ("GPU", "b.js", 9_400)]);
        assert_eq!(both.changes("GPU"), [("(others)".to_owned(), 800)]);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_an_error_that_says_how_to_write_it() {
        let now = sizes(&[("GPU", "w.js", 9_000)]);
        for record in [read(Path::new("no such file")), parse(""), parse(&format!("{HEAD}\n<<<<<<< ours"))] {
            let error = Growth::since(record, now.clone(), false).err().expect("no record");
            assert!(format!("{error:#}").contains(BLESS), "{error:#}");
        }
        assert!(parse(&format!("{HEAD}\nGPU\tw.js\tmany")).is_err());
        assert!(Growth::since(parse(""), now, true).is_ok(), "it can be blessed");
    }

    #[test]
    fn a_module_that_the_build_did_not_take_apart_is_an_error_that_says_what_to_do() {
        let built = sizes(&[("w.wasm", "kiln", 900), ("w.wasm", "(rest)", 100)]);
        assert_eq!(parts(&built, "w.wasm", 1000).expect("parts"), built["w.wasm"]);
        for (module, bytes) in [("w.wasm", 1001), ("other.wasm", 1000)] {
            let error = parts(&built, module, bytes).expect_err("other bytes").to_string();
            assert!(error.contains(module) && error.contains("`cargo xtask build`"), "{error}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let sizes = sizes(&[("GPU module", "www/a.js", 9_000), ("w.wasm", "(data)", 0), ("w.wasm", "kiln", 12)]);
        assert_eq!(parse(&write(&sizes)).expect("a record"), sizes);
    }
}
