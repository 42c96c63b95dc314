//! Chromium and its driver, for the tests.

use crate::paths;
use crate::run::{self, program};
use anyhow::{Result, bail};
use std::env;
use std::path::PathBuf;

pub struct Browser {
    pub chromium: PathBuf,
    pub driver: PathBuf,
}

/// `CHROMIUM` and `CHROMEDRIVER`, else what is on `PATH`, else Debian's packages.
pub fn find() -> Result<Browser> {
    for variable in ["CHROMIUM", "CHROMEDRIVER"] {
        if let Some(path) = named(variable).filter(|path| !path.is_file()) {
            bail!("{variable} names {}, which is not a file", path.display());
        }
    }
    let there = || Some(Browser { chromium: chromium()?, driver: driver()? });
    if let Some(browser) = there() {
        return Ok(browser);
    }
    if paths::find("apt-get").is_some() {
        println!("Chromium or chromedriver is missing: installing Debian's packages, about two minutes.");
        let installed = apt(&["update"])
            .and_then(|()| apt(&["install", "--yes", "--no-install-recommends", "chromium", "chromium-driver"]));
        if let Err(error) = installed {
            println!("{error:#}");
        }
    }
    match there() {
        Some(browser) => Ok(browser),
        None => bail!(
            "Chromium and chromedriver (of the same version) are needed and could not be installed here. \
             Install your system's packages (Debian: chromium chromium-driver), \
             or name them: CHROMIUM=/path/to/chromium CHROMEDRIVER=/path/to/chromedriver"
        ),
    }
}

fn apt(arguments: &[&str]) -> Result<()> {
    let root = run::answer(program("id", ["-u"])).as_deref() == Some("0");
    let mut command = match root {
        true => program("apt-get", arguments),
        false => {
            let mut sudo = program("sudo", ["apt-get"]);
            sudo.args(arguments);
            sudo
        }
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    run::finish(command)
}

fn chromium() -> Option<PathBuf> {
    named("CHROMIUM").or_else(|| ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(paths::find))
}

fn driver() -> Option<PathBuf> {
    named("CHROMEDRIVER").or_else(|| paths::find("chromedriver"))
}

fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from)
}
