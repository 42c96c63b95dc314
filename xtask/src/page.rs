//! The page: built into dist/, and served.

use crate::paths::root;
use crate::run::{self, program};
use crate::{Options, npm, sizes, strip, threads, tools};
use anyhow::{Context, Result, bail};
use std::fs;
use std::process::Command;

/// Leaves a static dist/ that works from any sub-path of any host.
pub fn build() -> Result<()> {
    prepare()?;
    // What an earlier build left must not pass for this one's.
    let dist = root().join("dist");
    if dist.exists() {
        fs::remove_dir_all(&dist).with_context(|| format!("cannot clear {}", dist.display()))?;
    }
    println!("Building the page: this takes some minutes the first time, because all of burn is compiled three times.");
    run::finish(trunk(&["build", "--release"]))?;
    // While the functions still have names.
    sizes::attribute(&dist)?;
    strip::modules(&dist)?;
    println!("The page is in dist/.");
    Ok(())
}

/// Serves the page with the headers of Trunk.toml until it is stopped.
pub fn serve(options: &Options) -> Result<()> {
    let port: u16 = match options.last("--port").unwrap_or("8080").parse() {
        Ok(port) if port > 0 => port,
        _ => bail!("--port needs a number from 1 to 65535"),
    };
    let address = options.last("--address").unwrap_or("127.0.0.1");
    prepare()?;
    println!("Building the page: this takes some minutes the first time, because all of burn is compiled three times.");
    println!("Then Kiln is at http://{address}:{port}/ (Ctrl+C stops it).");
    let port = port.to_string();
    let mut serve = trunk(&["serve", "--release", "--port", &port, "--address", address]);
    if let Some(profile) = options.last("--profile") {
        serve.args(["--cargo-profile", profile]).env(threads::PROFILE, profile);
    }
    run::finish(serve)
}

fn prepare() -> Result<()> {
    tools::for_page()?;
    npm::vendor()
}

fn trunk(arguments: &[&str]) -> Command {
    let mut command = program("trunk", arguments);
    // It would ask for a newer Trunk otherwise.
    command.env("TRUNK_SKIP_VERSION_CHECK", "true");
    // Trunk takes only `true` or `false` here, while terminals and CI set 1.
    command.env_remove("NO_COLOR");
    command
}
