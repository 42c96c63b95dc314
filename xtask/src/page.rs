//! The page: built by Trunk for any host, or put together module by module and served while it is built.
//!
//! `serve` does without Trunk, which takes five minutes to compile and builds all modules before it serves any.

use crate::modules::GROUPS;
use crate::paths::root;
use crate::run::{self, program};
use crate::{Options, npm, sizes, strip, tools};
use anyhow::{Context, Result, bail};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::{sleep, spawn};
use std::time::{Duration, SystemTime};

/// What lies beside index.html in dist/ and not in its folder www/: a service worker answers for the folder that it lies in.
const BESIDE: [&str; 1] = ["service-worker.js"];
/// What only the build and the type checker read.
const UNSERVED: [&str; 2] = ["worker-threads_loader.js", "tsconfig.json"];
/// What the modules are made of.
const SOURCES: [&str; 4] = ["Cargo.toml", "Cargo.lock", "src", "kernels"];
/// How soon a change of a file is noticed.
const EVERY: Duration = Duration::from_millis(500);

/// Leaves a static dist/ that works from any sub-path of any host.
pub fn build() -> Result<()> {
    tools::trunk()?;
    npm::vendor()?;
    let dist = clear()?;
    println!("Building the page: some minutes the first time, since all of burn is compiled three times.");
    let mut trunk = program("trunk", ["build", "--release"]);
    // It would ask for a newer Trunk otherwise.
    trunk.env("TRUNK_SKIP_VERSION_CHECK", "true");
    // Trunk takes only `true` or `false` here, while terminals and CI set 1.
    trunk.env_remove("NO_COLOR");
    run::finish(trunk)?;
    // While the functions still have names.
    sizes::attribute(&dist)?;
    strip::modules(&dist)?;
    println!("The page is in dist/.");
    Ok(())
}

/// Serves the page as soon as its first module is built, until it is stopped; builds the others meanwhile, and again what changes.
pub fn serve(options: &Options) -> Result<()> {
    let port: u16 = match options.last("--port").unwrap_or("8080").parse() {
        Ok(port) if port > 0 => port,
        _ => bail!("--port wants a number from 1 to 65535"),
    };
    let address = options.last("--address").unwrap_or("127.0.0.1");
    let profile = options.last("--profile").unwrap_or("release");
    // Now, and not after minutes of building.
    TcpListener::bind((address, port)).with_context(|| format!("port {port} of {address} cannot be had"))?;
    let dist = begin()?;
    for module in GROUPS.iter().flat_map(|group| group.modules) {
        module.announce(&dist)?;
    }
    let seen = newest(&SOURCES);
    println!("Building the page's first module: some minutes the first time, since all of burn is compiled.");
    GROUPS[0].build(profile, &dist)?;
    let mut server = program("node", ["tests/page/serve.mjs"]);
    server.arg(&dist).arg(port.to_string()).arg(address);
    let mut server = server.spawn().context("node could not be started")?;
    println!("\nKiln is at http://{address}:{port}/ (Ctrl+C stops it), and trains on one core of the CPU.");
    println!(
        "Language models, threads and WebGPU are built now; what is ready is there when the page is loaded again.\n"
    );
    let copied = dist.clone();
    spawn(move || follow(&copied));
    let ended = keep_up(&mut server, profile, &dist, seen);
    // Where it has not ended by itself.
    let _ = server.kill();
    ended
}

/// A fresh dist/ with everything but the modules.
fn begin() -> Result<PathBuf> {
    // Beside the first module, which is linked on one core. Who needs it waits, and tells what is wrong.
    spawn(|| drop(tools::wasm_bindgen()));
    npm::vendor()?;
    let dist = clear()?;
    copy(&dist)?;
    Ok(dist)
}

/// No dist/: what an earlier build left must not pass for this one's.
fn clear() -> Result<PathBuf> {
    let dist = root().join("dist");
    if dist.exists() {
        fs::remove_dir_all(&dist).with_context(|| format!("cannot clear {}", dist.display()))?;
    }
    Ok(dist)
}

/// Builds what is not built yet, the first group first, and after a change everything again. Ends when the server does.
fn keep_up(server: &mut Child, profile: &str, dist: &Path, mut seen: SystemTime) -> Result<()> {
    let mut next = 1;
    loop {
        if let Some(status) = server.try_wait().context("the server was lost")? {
            bail!("the server has ended ({status}); its own message is above");
        }
        let now = newest(&SOURCES);
        if now != seen {
            (seen, next) = (now, 0);
        }
        let Some(group) = GROUPS.get(next) else {
            sleep(EVERY);
            continue;
        };
        next += 1;
        if let Err(error) = group.build(profile, dist) {
            println!("\nxtask: {error:#}. What was built before is still served.");
            // Where the first module cannot be built the others cannot, either; one of these may lack something of its own.
            next = if next == 1 { GROUPS.len() } else { next };
        }
        if next == GROUPS.len() {
            println!("\nNothing is left to build. A change of a file is noticed.\n");
        }
    }
}

/// Copies what changes in the page's own files.
fn follow(dist: &Path) {
    let mut seen = SystemTime::UNIX_EPOCH;
    loop {
        let now = newest(&["index.html", "www"]);
        if now != seen {
            seen = now;
            if let Err(error) = copy(dist) {
                println!("xtask: {error:#}");
            }
        }
        sleep(EVERY);
    }
}

/// The page's own files, as they are.
fn copy(dist: &Path) -> Result<()> {
    copy_new(&root().join("index.html"), &dist.join("index.html"))?;
    for name in BESIDE {
        copy_new(&root().join("www").join(name), &dist.join(name))?;
    }
    copy_folder(&root().join("www"), &dist.join("www"), &[&BESIDE[..], &UNSERVED[..]].concat())
}

fn copy_folder(from: &Path, to: &Path, except: &[&str]) -> Result<()> {
    for (path, name) in entries(from)? {
        if except.contains(&name.as_str()) {
            continue;
        }
        match path.is_dir() {
            true => copy_folder(&path, &to.join(name), &[])?,
            false => copy_new(&path, &to.join(name))?,
        }
    }
    Ok(())
}

/// Leaves alone what is there already.
fn copy_new(from: &Path, to: &Path) -> Result<()> {
    let (old, new) = (changed(to), changed(from));
    if old.is_some() && old >= new {
        return Ok(());
    }
    let copied = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::copy(from, to));
    copied.map(drop).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

fn changed(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|about| about.modified()).ok()
}

/// When the last of these files, or of the files in these folders, was changed.
fn newest(names: &[&str]) -> SystemTime {
    fn of(path: &Path) -> Option<SystemTime> {
        let inside = entries(path).unwrap_or_default().into_iter().filter_map(|(path, _)| of(&path)).max();
        changed(path).max(inside)
    }
    names.iter().filter_map(|name| of(&root().join(name))).max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// What lies in a folder: paths and names.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let listed = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    listed
        .map(|entry| entry.map(|e| (e.path(), e.file_name().to_string_lossy().into_owned())).map_err(Into::into))
        .collect()
}
