//! `cargo xtask test`: every stage is run, whatever an earlier one came to; the last line counts.

use crate::count::{self, Count};
use crate::paths::root;
use crate::run::{self, cargo, program};
use crate::{browser, budgets, npm, page, tools};
use anyhow::{Result, bail};
use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

type Stage = fn() -> Result<Count>;

const STAGES: [(&str, Stage); 10] = [
    ("fmt", fmt),
    ("clippy", clippy),
    ("clippy-wasm", clippy_wasm),
    ("native", native),
    ("browser-cpu", browser_cpu),
    ("browser-gpu", browser_gpu),
    ("build", build),
    ("budgets", budgets::report),
    ("page", playwright),
    ("types", types),
];

/// Whether all passed. `only` names stages; empty means all.
pub fn run(only: &[String]) -> Result<bool> {
    if let Some(unknown) = only.iter().find(|name| !STAGES.iter().any(|(stage, _)| stage == name)) {
        bail!("there is no stage `{unknown}`; there are {}", STAGES.map(|(name, _)| name).join(", "));
    }
    let start = Instant::now();
    let mut total = Count::default();
    let mut table = Vec::new();
    for (name, stage) in STAGES {
        if !only.is_empty() && !only.iter().any(|wanted| wanted == name) {
            continue;
        }
        println!("\n== {name}");
        let begun = Instant::now();
        let (count, why) = match stage() {
            Ok(count) => (count, String::new()),
            Err(error) => (Count::one(false), format!("{error:#}")),
        };
        if !why.is_empty() {
            println!("{name} could not run: {why}");
        }
        total += count;
        table.push((name, count, begun.elapsed(), why));
    }
    println!("\n{:<12} {:>7} {:>7} {:>9}", "stage", "passed", "failed", "time");
    for (name, count, took, why) in table {
        println!("{name:<12} {:>7} {:>7} {:>9}  {why}", count.passed, count.failed, clock(took));
    }
    println!("{:<12} {:>7} {:>7} {:>9}", "together", total.passed, total.failed, clock(start.elapsed()));
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(total.failed == 0)
}

fn clock(time: Duration) -> String {
    format!("{}:{:02} min", time.as_secs() / 60, time.as_secs() % 60)
}

/// A command whose success is the test.
fn passes(command: Command) -> Result<Count> {
    Ok(Count::one(run::listen(command)?.success))
}

/// A test runner whose own counts are taken over.
fn counted(command: Command, read: fn(&[String]) -> Count) -> Result<Count> {
    let heard = run::listen(command)?;
    Ok(read(&heard.lines).held_against(heard.success))
}

fn fmt() -> Result<Count> {
    tools::component("rustfmt")?;
    passes(cargo("fmt --all --check"))
}

fn clippy() -> Result<Count> {
    tools::component("clippy")?;
    passes(cargo("clippy --workspace --all-targets --features typescript -- -D warnings"))
}

fn clippy_wasm() -> Result<Count> {
    tools::component("clippy")?;
    tools::wasm_target()?;
    let mut count = Count::default();
    for device in ["cpu", "gpu"] {
        let what = "clippy --lib --bins --tests --target wasm32-unknown-unknown --no-default-features --features";
        count += passes(cargo(&format!("{what} {device} -- -D warnings")))?;
    }
    Ok(count)
}

fn native() -> Result<Count> {
    let mut count = counted(cargo("test --no-fail-fast --profile fast --features typescript"), count::cargo)?;
    count += counted(cargo("test --package xtask --package kiln-kernels"), count::cargo)?;
    // What needs the real model, which is not committed.
    let models = env::var_os("KILN_MODELS").map_or_else(|| root().join("../shared/models"), PathBuf::from);
    if models.join("SmolLM2-135M-Instruct.Q4_1.gguf").is_file() {
        let real = "test --no-fail-fast --profile fast --features typescript -- --ignored";
        count += counted(cargo(real), count::cargo)?;
    } else {
        println!("Left out: the tests of the real SmolLM2, which is not in {}.", models.display());
    }
    Ok(count)
}

fn browser_cpu() -> Result<Count> {
    in_browser("cpu")
}

fn browser_gpu() -> Result<Count> {
    in_browser("gpu")
}

/// The Rust tests that run in headless Chromium: tests/browser_cpu.rs and tests/browser_gpu.rs.
fn in_browser(device: &str) -> Result<Count> {
    tools::for_browser_tests()?;
    let browser = browser::find()?;
    let mut command =
        program("wasm-pack", ["test", "--headless", "--chrome", "--mode", "no-install", "--chromedriver"]);
    command.arg(browser.driver).arg(".");
    command.args(["--no-default-features", "--features", device, "--test", &format!("browser_{device}")]);
    // Seconds, for a software adapter on a busy machine.
    command.env("WASM_BINDGEN_TEST_TIMEOUT", "300");
    counted(command, count::cargo)
}

fn build() -> Result<Count> {
    page::build()?;
    Ok(Count::one(true))
}

fn playwright() -> Result<Count> {
    npm::install()?;
    if !root().join("dist/index.html").is_file() {
        bail!("there is no page in dist/: the build failed or was skipped");
    }
    let browser = browser::find()?;
    let script = "node_modules/@playwright/test/cli.js";
    let mut command = program("node", [script, "test", "-c", "tests/page/playwright.config.js", "--reporter=list"]);
    command.env("CHROMIUM", browser.chromium).env("KILN_BUDGETS", budgets::as_json()?);
    counted(command, count::playwright)
}

fn types() -> Result<Count> {
    npm::vendor()?;
    if !["www/tsconfig.json", "www/jsconfig.json"].iter().any(|file| root().join(file).is_file()) {
        println!("Left out: www/ has no tsconfig.json or jsconfig.json.");
        return Ok(Count::default());
    }
    let project = if root().join("www/tsconfig.json").is_file() { "www" } else { "www/jsconfig.json" };
    passes(program("node", ["node_modules/typescript/bin/tsc", "--noEmit", "-p", project]))
}
