//! `cargo xtask bench`: builds Kiln's page of the bench, brings its peers and models, and has bench/runner/ measure.

use crate::paths::{self, root};
use crate::run::{self, program};
use crate::{Options, browser, npm, strip, wasm};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// With a value; as the runner has them.
pub const OPTIONS: [&str; 7] = ["--device", "--adapter", "--repeat", "--budget", "--timeout", "--only", "--peer"];
pub const FLAGS: [&str; 1] = ["--peers"];

/// What each workload loads: by Kiln and all peers, and by onnxruntime alone. The rest is computed from seeds.
const MODELS: [(&str, Option<&str>, Option<&str>); 4] = [
    ("w3", Some("gpt2.safetensors"), Some("gpt2.onnx")),
    ("w3s", Some("gpt2s.safetensors"), Some("gpt2s.onnx")),
    ("w4", Some("smollm2-135m-q4_1.gguf"), None),
    ("w5", None, Some("vae.onnx")),
];

/// Whether Kiln was measured and all results agree.
pub fn run(options: &Options) -> Result<bool> {
    let device = options.last("--device").unwrap_or("cpu");
    if !["cpu", "webgpu"].contains(&device) {
        bail!("--device is cpu or webgpu");
    }
    let peers = options.has("--peers") || options.has("--peer");
    let browser = browser::find()?;
    npm::install()?;
    if peers {
        npm::install_peers()?;
    }
    build(device)?;
    if device == "cpu" {
        build_threads()?;
    }
    let folder = paths::target().join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    make_models(&folder, &wanted(&options.all("--only"), peers))?;
    let mut measure = program("node", ["bench/runner/run.js"]);
    measure.args(options.words()).env("CHROMIUM", browser.chromium).env("KILN_BENCH", &folder);
    println!("The table goes to {0}/table.md, every run to {0}/results.jsonl.", folder.display());
    let status = measure.status().context("node could not be started")?;
    Ok(status.success())
}

/// Leaves the page with this device's module in bench/dist/, which any static server can serve.
fn build(device: &str) -> Result<()> {
    let feature = if device == "webgpu" { "gpu" } else { "cpu" };
    let dist = root().join("bench/dist");
    let place = dist.join("pkg").join(device);
    build_module(feature, false, &place)?;
    for file in ["bench.html", "helper.js", "page.js"] {
        copy(&root().join("bench").join(file), &dist.join(file))?;
    }
    let shared = root().join("bench/shared");
    fs::create_dir_all(dist.join("shared"))?;
    for entry in fs::read_dir(&shared).with_context(|| format!("cannot list {}", shared.display()))? {
        let entry = entry?;
        copy(&entry.path(), &dist.join("shared").join(entry.file_name()))?;
    }
    Ok(())
}

/// The CPU's module once more, with threads.
fn build_threads() -> Result<()> {
    build_module("cpu", true, &root().join("bench/dist/pkg/threads"))
}

fn build_module(feature: &str, threads: bool, place: &Path) -> Result<()> {
    let what = run::words("--package kiln-bench --no-default-features --features").into_iter().chain([feature]);
    let built = wasm::build(&what.map(String::from).collect::<Vec<_>>(), threads, "release")?;
    wasm::bind(&built.join("kiln_bench.wasm"), "kiln_bench", place)?;
    strip::modules(place)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// The models of these workloads; of all where none is named.
fn wanted(only: &[String], peers: bool) -> Vec<&'static str> {
    let chosen = MODELS.iter().filter(|(workload, ..)| only.is_empty() || only.iter().any(|name| name == workload));
    chosen.flat_map(|(_, all, onnx)| [*all, onnx.filter(|_| peers)]).flatten().collect()
}

/// Makes what is not in `folder`/models yet, by bench/models.py: minutes and 1.4 GB for all of them.
fn make_models(folder: &Path, names: &[&str]) -> Result<()> {
    let models = folder.join("models");
    if names.iter().all(|name| models.join(name).exists()) {
        return Ok(());
    }
    let mut make = program(&python(folder)?.to_string_lossy(), ["bench/models.py"]);
    make.arg(models).args(names);
    run::finish(make).context("the models could not be made; `--only w2` needs none")
}

/// Python in an environment of its own, with what bench/requirements.txt names.
fn python(folder: &Path) -> Result<PathBuf> {
    let place = folder.join("venv");
    let python = place.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let requirements = root().join("bench/requirements.txt");
    let wanted = fs::read(&requirements).context("bench/requirements.txt cannot be read")?;
    let stamp = place.join("kiln-requirements");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    let system = ["python3", "python"].into_iter().find(|name| paths::find(name).is_some());
    let system = system.context("Python 3 is missing: it makes the bench's models")?;
    let mut make = program(system, ["-m", "venv"]);
    make.arg(&place);
    run::finish(make)?;
    let mut install = program(&python.to_string_lossy(), ["-m", "pip", "install", "--quiet", "--requirement"]);
    install.arg(requirements);
    run::finish(install).context("numpy and onnx could not be installed: is the network available?")?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(python)
}
