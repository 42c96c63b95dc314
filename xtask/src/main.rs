//! `cargo xtask serve | test | build | bench`: brings the pinned tools, then builds, serves, tests or measures Kiln.

mod bench;
mod browser;
mod budgets;
mod count;
mod crates;
mod modules;
mod npm;
mod page;
mod parts;
mod paths;
mod run;
mod sizes;
mod strip;
mod suite;
mod tools;
mod wasm;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask COMMAND

  serve [--port N] [--address IP]   build the page's first module, serve the page, build the rest, and again what changes (port 8080)
        [--profile NAME]            with this cargo profile: `dev` rebuilds sooner and trains slower
  test  [--only STAGE]...           run every test; the last line counts them
  build                             leave the page in dist/: static files for any host, any sub-path
  bench [--peers] [--peer NAME]...  time Kiln, with all other libraries or these (tfjs, jax, ort, wllama; tfjs-1, ...)
        [--device cpu|webgpu]       where (cpu)
        [--adapter software|hardware]  which WebGPU: software counts, a real GPU times (software)
        [--only WORKLOAD]...        of w1, w1b8, w2, w3, w3s, w4, w5, w6, w7, w8, w6d, w7d, w8d
        [--repeat N] [--budget MS]  fresh browsers for each library (5), time for samples in each (4000)
        [--timeout S]               when to give up on a browser (600)

Stages of `test`, in order: fmt, clippy, clippy-wasm, native, browser-cpu, browser-gpu, build, budgets, page, types.

Environment:
  CARGO_TARGET_DIR  where builds go; the pinned tools go to its folder tools/
  CHROMIUM          the browser for the tests, if it is not on PATH
  CHROMEDRIVER      its driver, if it is not on PATH
  KILN_BLESS        `test --only budgets` records what the page weighs now in docs/sizes.tsv
  KILN_BENCH_GGUF   SmolLM2-135M-Instruct Q4_1 for w4, if you already have it

Needs rustup, Node 20 or newer, and npm. Everything else is downloaded.";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match command(&arguments) {
        Ok(true) => {}
        Ok(false) => std::process::exit(1),
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            std::process::exit(1);
        }
    }
}

/// Whether all went well; `Err` where the command could not be carried out at all.
fn command(arguments: &[String]) -> Result<bool> {
    let rest = arguments.get(1..).unwrap_or_default();
    match arguments.first().map(String::as_str) {
        Some("serve") => page::serve(&Options::parse(rest, &["--port", "--address", "--profile"])?).map(|()| true),
        Some("test") => suite::run(&Options::parse(rest, &["--only"])?.all("--only")),
        Some("build") => {
            Options::parse(rest, &[])?;
            page::build()?;
            budgets::report()?;
            Ok(true)
        }
        Some("threads") => modules::for_trunk().map(|()| true),
        None | Some("help" | "--help" | "-h") => {
            println!("{HELP}");
            Ok(true)
        }
        Some("bench") => bench::run(&Options::parse_with(rest, &bench::OPTIONS, &bench::FLAGS)?),
        Some(other) => bail!("there is no command `{other}`.\n\n{HELP}"),
    }
}

/// `--name VALUE` pairs, in the order given; the value of a flag is empty.
pub struct Options(Vec<(String, String)>);

impl Options {
    fn parse(arguments: &[String], known: &[&str]) -> Result<Self> {
        Self::parse_with(arguments, known, &[])
    }

    fn parse_with(arguments: &[String], known: &[&str], flags: &[&str]) -> Result<Self> {
        let mut pairs = Vec::new();
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            if flags.contains(&name.as_str()) {
                pairs.push((name.clone(), String::new()));
                continue;
            }
            if !known.contains(&name.as_str()) {
                bail!("`{name}` is not an option here.\n\n{HELP}");
            }
            match arguments.next() {
                Some(value) => pairs.push((name.clone(), value.clone())),
                None => bail!("`{name}` needs a value after it"),
            }
        }
        Ok(Self(pairs))
    }

    pub fn last(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.last(name).is_some()
    }

    /// As they were given.
    pub fn words(&self) -> impl Iterator<Item = &String> {
        self.0.iter().flat_map(|(name, value)| [name, value]).filter(|word| !word.is_empty())
    }

    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }
}
