//! How a wasm module is made: by cargo, and by wasm-bindgen.
//!
//! With threads it is built so that it shares its memory. Rust's own library is built with it, since the one that rustup brings
//! may not share any; the pinned compiler is asked for that as a nightly one would be.

use crate::paths;
use crate::run::{self, program};
use crate::tools;
use anyhow::Result;
use std::path::{Path, PathBuf};

const TARGET: &str = "wasm32-unknown-unknown";

/// What the linker and wasm-bindgen need to know of a memory that threads share. As much as 32 bits reach: it grows in steps.
const FLAGS: &str = "-C target-feature=+simd128,+atomics,+bulk-memory,+mutable-globals \
    -C link-arg=--shared-memory -C link-arg=--import-memory -C link-arg=--max-memory=4294967296 \
    -C link-arg=--export=__wasm_init_tls -C link-arg=--export=__tls_size -C link-arg=--export=__tls_align \
    -C link-arg=--export=__tls_base";

/// Rust's own crates: small as the rest is made they would slow every step of a small network by a tenth, and weigh a hundredth less.
const FAST: [&str; 5] = ["alloc", "compiler_builtins", "core", "hashbrown", "std"];

/// Has cargo build what `arguments` name; gives the folder that its modules lie in then.
pub fn build(arguments: &[String], threads: bool, profile: &str) -> Result<PathBuf> {
    tools::wasm_target()?;
    // Apart from the others where there are threads: everything in it is compiled in another way.
    let target = if threads { paths::target().join("threads") } else { paths::target() };
    let mut cargo = program("cargo", ["build", "--profile", profile, "--target", TARGET, "--target-dir"]);
    cargo.arg(&target).args(arguments);
    if threads {
        tools::component("rust-src")?;
        cargo.arg("-Zbuild-std=panic_abort,std");
        for name in FAST {
            cargo.arg("--config").arg(format!("profile.{profile}.package.{name}.opt-level=3"));
        }
        // Either would be taken in the place of ours.
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        cargo.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", FLAGS);
    }
    run::finish(cargo)?;
    Ok(target.join(TARGET).join(if profile == "dev" { "debug" } else { profile }))
}

/// Leaves `name`.js and `name`_bg.wasm in `place`, of a module that cargo has built.
pub fn bind(module: &Path, name: &str, place: &Path) -> Result<()> {
    tools::wasm_bindgen()?;
    let mut bind = program("wasm-bindgen", ["--target", "web", "--no-typescript", "--out-name", name, "--out-dir"]);
    bind.arg(place).arg(module);
    run::finish(bind)
}
