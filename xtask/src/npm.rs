//! What comes from npm: the page's three libraries, Playwright, the TypeScript checker; and apart from them the bench's peers.

use crate::paths::root;
use crate::run::{self, program};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// What the page loads, and the licences that must travel with it.
const VENDOR: [(&str, &str); 7] = [
    // Minified: 16 KB of brotli less than its module, which is not.
    ("uplot/dist/uPlot.iife.min.js", "uPlot.esm.js"),
    ("uplot/dist/uPlot.min.css", "uPlot.min.css"),
    ("uplot/LICENSE", "uPlot.LICENSE"),
    ("lit-html/lit-html.js", "lit-html.js"),
    ("lit-html/LICENSE", "lit-html.LICENSE"),
    ("lean-qr/index.mjs", "lean-qr.js"),
    ("lean-qr/LICENSE", "lean-qr.LICENSE"),
];

/// Their types, for the checker: TypeScript reads the `.d.ts` beside a module in its stead.
const TYPES: [(&str, &str); 3] = [
    ("lit-html.d.ts", "export * from 'lit-html';\n"),
    ("uPlot.esm.d.ts", "export { default } from 'uplot';\n"),
    ("lean-qr.d.ts", "export * from 'lean-qr';\n"),
];

/// The page's and the tests' packages.
pub fn install() -> Result<()> {
    install_in(root())
}

/// The libraries that Kiln is measured against: some 280 MB, which only the bench wants.
pub fn install_peers() -> Result<()> {
    install_in(&root().join("bench"))
}

/// A folder's `node_modules/` as its package-lock.json says; nothing is done where it is so already.
fn install_in(folder: &Path) -> Result<()> {
    let said =
        run::answer(program("node", ["--version"])).context("Node is missing: install Node 20 or newer, with npm")?;
    let major = said.trim_start_matches('v').split('.').next().and_then(|number| number.parse().ok());
    if !matches!(major, Some(20u32..)) {
        bail!("Node {said} is too old: install Node 20 or newer");
    }
    let lock = folder.join("package-lock.json");
    let lock = fs::read(&lock).with_context(|| format!("{} cannot be read", lock.display()))?;
    let stamp = folder.join("node_modules/.kiln-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let mut install = program("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    install.current_dir(folder);
    run::finish(install).context("the npm packages could not be installed: are npm and the network available?")?;
    fs::write(&stamp, lock).with_context(|| format!("cannot write {}", stamp.display()))
}

/// Copies the page's libraries to www/vendor/, so that the page loads from nowhere else.
pub fn vendor() -> Result<()> {
    install()?;
    let place = root().join("www/vendor");
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    for (from, to) in VENDOR {
        let mut text = fs::read(root().join("node_modules").join(from))
            .with_context(|| format!("npm's {from} is missing: remove node_modules/ and run this again"))?;
        if from.ends_with(".iife.min.js") {
            // A script that sets one variable: this makes a module of it.
            text.extend_from_slice(b"\nexport default uPlot;\n");
        }
        write_new(&place.join(to), &text)?;
    }
    for (to, text) in TYPES {
        write_new(&place.join(to), text.as_bytes())?;
    }
    Ok(())
}

/// Leaves the file alone where nothing changed: `cargo xtask serve` copies what is new.
fn write_new(file: &Path, text: &[u8]) -> Result<()> {
    if fs::read(file).is_ok_and(|present| present == text) {
        return Ok(());
    }
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
