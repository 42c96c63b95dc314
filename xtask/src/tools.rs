//! The pinned tools: what is on `PATH` at the right version, else brought into the target folder.

use crate::paths;
use crate::run::{self, program};
use anyhow::{Context, Result, bail};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

struct Tool {
    program: &'static str,
    krate: &'static str,
    version: &'static str,
    locked: bool,
    /// What the source build needs not have.
    features: &'static [&'static str],
    /// Trunk and wasm-pack only call others; wasm-bindgen works through megabytes.
    opt_level: &'static str,
    /// On two cores.
    minutes: u32,
}

/// Unlocked: the lock file that 0.2.130 was published with names a crate version that is no longer served.
const WASM_BINDGEN: Tool = Tool {
    program: "wasm-bindgen",
    krate: "wasm-bindgen-cli",
    version: "0.2.130",
    locked: false,
    features: &[],
    opt_level: "2",
    minutes: 3,
};

/// Not the newest: 0.22 wants a newer rustc than the one that rust-toolchain.toml pins.
const TRUNK: Tool = Tool {
    program: "trunk",
    krate: "trunk",
    version: "0.21.14",
    locked: true,
    features: &["--no-default-features", "--features=rustls"],
    opt_level: "0",
    minutes: 5,
};

const WASM_PACK: Tool = Tool {
    program: "wasm-pack",
    krate: "wasm-pack",
    version: "0.15.1",
    locked: true,
    features: &[],
    opt_level: "0",
    minutes: 2,
};

/// What the page that ships is built with.
pub fn trunk() -> Result<()> {
    wasm_target()?;
    bring(&WASM_BINDGEN)?;
    bring(&TRUNK)
}

/// What modules are built with.
pub fn wasm_bindgen() -> Result<()> {
    bring(&WASM_BINDGEN)
}

/// What the Rust tests in the browser are run with.
pub fn for_browser_tests() -> Result<()> {
    wasm_target()?;
    bring(&WASM_BINDGEN)?;
    bring(&WASM_PACK)
}

/// The wasm target of the pinned toolchain. Machines that forbid rustup to install by itself still get it.
pub fn wasm_target() -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    if let Some(installed) = run::answer(program("rustup", ["target", "list", "--installed"])) {
        if !installed.lines().any(|line| line == TARGET) {
            run::finish(program("rustup", ["target", "add", TARGET]))?;
        }
        return Ok(());
    }
    let sysroot = run::answer(program("rustc", ["--print", "sysroot"])).context("rustc is missing: install rustup")?;
    if !std::path::Path::new(&sysroot).join("lib/rustlib").join(TARGET).is_dir() {
        bail!("this Rust has no target {TARGET}: install rustup, or your system's package for that target");
    }
    Ok(())
}

/// `rustfmt` or `clippy`.
pub fn component(name: &str) -> Result<()> {
    let installed = run::answer(program("rustup", ["component", "list", "--installed"]));
    match installed {
        Some(list) if !list.lines().any(|line| line.starts_with(name)) => {
            run::finish(program("rustup", ["component", "add", name]))
        }
        // Without rustup, cargo itself says what is missing.
        _ => Ok(()),
    }
}

fn bring(tool: &Tool) -> Result<()> {
    // Whoever needs it while it is being brought waits for it.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Tool { program: name, krate, version, .. } = *tool;
    if is_there(tool) {
        return Ok(());
    }
    let place = paths::tools();
    std::fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    let pinned = format!("{krate}@{version}");
    println!("{name} {version} is not on PATH. Installing it once in {}.", place.display());
    if paths::find("cargo-binstall").is_some() {
        println!("Trying cargo-binstall for a prebuilt one: this takes seconds.");
        let mut install = program("cargo-binstall", ["--no-confirm", "--disable-strategies", "compile", "--root"]);
        install.arg(&place).arg(&pinned);
        if run::finish(install).is_ok() && is_there(tool) {
            return Ok(());
        }
        println!("cargo-binstall has no prebuilt one for this machine.");
    }
    println!("Building {pinned} from source: about {} minutes on two cores.", tool.minutes);
    let start = Instant::now();
    // Beside the page's first module it gives way: that module is linked on one core in the end, which leaves the other for this.
    let mut install = if cfg!(unix) { program("nice", ["-n", "19", "cargo"]) } else { program("cargo", [""; 0]) };
    install
        .args(["install", "--force", "--root"])
        .arg(&place)
        .arg(&pinned)
        .args(tool.features)
        .args(tool.locked.then_some("--locked"));
    // Apart from Kiln's own builds; hundreds of megabytes that nobody needs afterwards.
    let build = place.join("build");
    install.arg("--target-dir").arg(&build);
    // Their release profiles take minutes more for speed that a build tool does not need.
    install.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    install.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", tool.opt_level).env("CARGO_PROFILE_RELEASE_DEBUG", "0");
    run::finish(install).with_context(|| {
        format!("{pinned} could not be built. Install it by hand (`cargo install {pinned}`) and run this again")
    })?;
    if let Err(error) = std::fs::remove_dir_all(&build) {
        println!("{} can be removed: {error}", build.display());
    }
    if !is_there(tool) {
        bail!("{pinned} was installed, yet `{name} --version` does not say {version}");
    }
    println!("{name} {version} is ready after {:.0} s.", start.elapsed().as_secs_f32());
    Ok(())
}

fn is_there(tool: &Tool) -> bool {
    let said = run::answer(program(tool.program, ["--version"])).unwrap_or_default();
    said.split_whitespace().nth(1) == Some(tool.version)
}
