//! The module with threads: the CPU's, built once more so that it shares its memory. Rust's own library is built with it, since the
//! one that rustup brings may not share any; the pinned compiler is asked for that as a nightly one would be.

use crate::run::{self, program};
use crate::{paths, tools};
use anyhow::{Context, Result};
use std::env;
use std::path::Path;

/// What the linker and wasm-bindgen need to know of a memory that threads share. As much as 32 bits reach: it grows in steps.
const FLAGS: &str = "-C target-feature=+simd128,+atomics,+bulk-memory,+mutable-globals \
    -C link-arg=--shared-memory -C link-arg=--import-memory -C link-arg=--max-memory=4294967296 \
    -C link-arg=--export=__wasm_init_tls -C link-arg=--export=__tls_size -C link-arg=--export=__tls_align \
    -C link-arg=--export=__tls_base";

/// Rust's own crates: small as the rest is made they would slow every step of a small network by a tenth, and weigh a hundredth less.
const FAST: [&str; 5] = ["alloc", "compiler_builtins", "core", "hashbrown", "std"];

/// The page's, into the folder that Trunk is filling. Trunk calls this (Trunk.toml), since it builds all modules in one way.
pub fn for_trunk() -> Result<()> {
    let place = env::var("TRUNK_STAGING_DIR").context("Trunk runs this; `cargo xtask build` runs Trunk")?;
    let profile = env::var(PROFILE).unwrap_or("release".into());
    let what = ["--no-default-features", "--features", "cpu", "--bin", "worker-cpu"];
    build(&what, &profile, "worker-cpu", "worker-threads", Path::new(&place))
}

/// The environment's variable that says which profile is built, where it is not the one that ships.
pub const PROFILE: &str = "KILN_PROFILE";

/// Leaves `name`.js and `name`_bg.wasm in `place`: what cargo builds by `arguments` as `built`.wasm.
pub fn build(arguments: &[&str], profile: &str, built: &str, name: &str, place: &Path) -> Result<()> {
    tools::component("rust-src")?;
    tools::for_wasm()?;
    // Apart from the other modules: everything in it is compiled in another way.
    let target = paths::target().join("threads");
    let triple = "wasm32-unknown-unknown";
    let mut cargo = program("cargo", ["build", "--profile", profile, "--target", triple, "--target-dir"]);
    cargo.arg(&target).arg("-Zbuild-std=panic_abort,std").args(arguments);
    for name in FAST {
        cargo.arg("--config").arg(format!("profile.{profile}.package.{name}.opt-level=3"));
    }
    // Either would be taken in the place of ours.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", FLAGS);
    run::finish(cargo).context("the module with threads could not be built")?;
    let folder = if profile == "dev" { "debug" } else { profile };
    let mut bind = program("wasm-bindgen", ["--target", "web", "--no-typescript", "--out-name", name, "--out-dir"]);
    bind.arg(place).arg(target.join(triple).join(folder).join(built).with_extension("wasm"));
    run::finish(bind)
}
