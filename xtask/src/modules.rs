//! The page's wasm modules: what each is made of, and the way into it.

use crate::paths::{root, target};
use crate::wasm;
use anyhow::{Context, Result};
use std::env;
use std::fs;
use std::path::Path;

/// One module: `name`.js, `name`_bg.wasm, and `name`_loader.js, which the page starts as a worker.
pub struct Module {
    pub name: &'static str,
    /// The program of Cargo.toml that it is.
    program: &'static str,
}

/// What cargo builds at once: the same features for all of it, so that dependencies are compiled once.
pub struct Group {
    feature: &'static str,
    threads: bool,
    pub modules: &'static [Module],
}

/// In the order in which `serve` builds them: with the first one most visits can begin.
pub const GROUPS: [Group; 4] = [
    Group { feature: "cpu", threads: false, modules: &[Module { name: "worker-cpu", program: "worker-cpu" }] },
    Group { feature: "cpu", threads: false, modules: &[Module { name: "worker-text", program: "worker-text" }] },
    Group {
        feature: "cpu",
        threads: true,
        modules: &[
            Module { name: "worker-cpu-threads", program: "worker-cpu" },
            Module { name: "worker-text-threads", program: "worker-text" },
        ],
    },
    Group { feature: "gpu", threads: false, modules: &[Module { name: "worker-gpu", program: "worker-gpu" }] },
];

/// The way into a module with threads is written by hand; this stands for its name there.
const THREADS: &str = "worker-threads";

/// The modules with threads, into the folder that Trunk is filling. Trunk calls this (Trunk.toml), since it builds all others in one way.
pub fn for_trunk() -> Result<()> {
    let place = env::var("TRUNK_STAGING_DIR").context("Trunk calls this; `cargo xtask build` calls Trunk")?;
    GROUPS.iter().filter(|group| group.threads).try_for_each(|group| group.build("release", Path::new(&place)))
}

impl Group {
    /// Builds the modules and puts them into `dist`, each at once: a visit finds all of it or what was there before.
    pub fn build(&self, profile: &str, dist: &Path) -> Result<()> {
        let mut what: Vec<_> = ["--no-default-features", "--features", self.feature].map(String::from).into();
        for module in self.modules {
            what.extend(["--bin".to_owned(), module.program.to_owned()]);
        }
        let names: Vec<_> = self.modules.iter().map(|module| module.name).collect();
        let built = wasm::build(&what, self.threads, profile)
            .with_context(|| format!("{} could not be built", names.join(" and ")))?;
        for module in self.modules {
            let place = target().join("page").join(module.name);
            wasm::bind(&built.join(module.program).with_extension("wasm"), module.name, &place)?;
            for file in [format!("{}.js", module.name), format!("{}_bg.wasm", module.name)] {
                copy(&place.join(&file), &dist.join(&file))?;
            }
            module.write_loader(dist, &self.loader(module)?)?;
        }
        Ok(())
    }

    fn loader(&self, module: &Module) -> Result<String> {
        if !self.threads {
            return Ok(format!("import init from './{}.js';\nawait init();\n", module.name));
        }
        let file = root().join("www").join(format!("{THREADS}_loader.js"));
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(text.replace(THREADS, module.name))
    }
}

impl Module {
    /// Leaves a way in that says that there is no module behind it yet.
    pub fn announce(&self, dist: &Path) -> Result<()> {
        let event = "{ type: 'error', code: 'not-built', message: 'This part of Kiln is still being built.', \
                     help: 'Load the page again in some minutes.', step: 0, fatal: true }";
        self.write_loader(dist, &format!("postMessage({event});\n"))
    }

    fn write_loader(&self, dist: &Path, text: &str) -> Result<()> {
        let file = dist.join(format!("{}_loader.js", self.name));
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    }
}

/// Under another name first: whoever reads meanwhile gets the old file or the new one.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let new = to.with_extension("new");
    fs::copy(from, &new).and_then(|_| fs::rename(&new, to)).with_context(|| format!("cannot write {}", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_is_a_program_of_the_manifest_with_a_name_of_its_own() {
        let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
        let mut names = Vec::new();
        for module in GROUPS.iter().flat_map(|group| group.modules) {
            assert!(manifest.contains(&format!("[[bin]]\nname = \"{}\"\n", module.program)), "{}", module.program);
            assert!(!names.contains(&module.name), "{} stands twice", module.name);
            names.push(module.name);
        }
    }

    #[test]
    fn the_way_into_a_module_with_threads_names_that_module_alone() {
        let group = GROUPS.iter().find(|group| group.threads).expect("a group with threads");
        for module in group.modules {
            let loader = group.loader(module).expect("a loader");
            assert!(loader.contains(&format!("'./{}.js'", module.name)), "{loader}");
            assert_eq!(loader.matches("worker-").count(), loader.matches(module.name).count(), "{loader}");
        }
    }
}
