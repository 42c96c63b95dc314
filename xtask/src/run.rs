//! Running other programs.

use crate::paths;
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::process::{Command, Stdio};

/// A program to be run in the repository, with our tools on its `PATH`.
pub fn program<I, S>(name: &str, arguments: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let path = paths::find(name);
    let mut command = Command::new(path.as_deref().map_or(OsStr::new(name), |path| path.as_os_str()));
    command.args(arguments).current_dir(paths::root()).env("PATH", paths::path_variable());
    command.env("CARGO_TARGET_DIR", paths::target());
    // What `cargo run` says about xtask itself: build scripts that watch these would run again on every change of caller.
    for (key, _) in std::env::vars_os() {
        let key = key.to_string_lossy();
        if key.starts_with("CARGO_PKG_") || key.starts_with("CARGO_MANIFEST_") {
            command.env_remove(key.as_ref());
        }
    }
    command
}

pub fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// `cargo` with these arguments, separated by blanks.
pub fn cargo(line: &str) -> Command {
    program("cargo", words(line))
}

pub fn shown(command: &Command) -> String {
    let name = std::path::Path::new(command.get_program()).file_stem().unwrap_or_default();
    let arguments = command.get_args().map(OsStr::to_string_lossy);
    std::iter::once(name.to_string_lossy()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Runs to the end with the terminal as it is; an error where it fails.
pub fn finish(mut command: Command) -> Result<()> {
    let line = shown(&command);
    println!("$ {line}");
    let status = command.status().with_context(|| format!("`{line}` could not be started"))?;
    if !status.success() {
        bail!("`{line}` failed ({status}); its own message is above");
    }
    Ok(())
}

/// What it prints on standard output, or `None` where it is missing or fails.
pub fn answer(mut command: Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

pub struct Heard {
    pub success: bool,
    /// Both outputs, line by line, without colours.
    pub lines: Vec<String>,
}

/// Runs to the end, passing on what it prints and keeping it too.
pub fn listen(mut command: Command) -> Result<Heard> {
    let line = shown(&command);
    println!("$ {line}");
    if std::io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always").env("FORCE_COLOR", "1");
    }
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = started.with_context(|| format!("`{line}` could not be started"))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let errors = std::thread::spawn(move || err.map(|pipe| pass_on(pipe, std::io::stderr())).unwrap_or_default());
    let mut lines = out.map(|pipe| pass_on(pipe, std::io::stdout())).unwrap_or_default();
    lines.extend(errors.join().unwrap_or_default());
    let status = child.wait().with_context(|| format!("`{line}` was lost"))?;
    Ok(Heard { success: status.success(), lines })
}

fn pass_on(pipe: impl Read, mut to: impl Write) -> Vec<String> {
    let mut reader = BufReader::new(pipe);
    let mut lines = Vec::new();
    let mut bytes = Vec::new();
    while matches!(reader.read_until(b'\n', &mut bytes), Ok(count) if count > 0) {
        // A closed terminal is no reason to stop counting.
        let _ = to.write_all(&bytes).and_then(|()| to.flush());
        lines.push(without_colours(String::from_utf8_lossy(&bytes).trim_end()));
        bytes.clear();
    }
    lines
}

/// Drops terminal control sequences: ESC, `[`, up to the letter that ends them.
pub fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            characters.next();
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
}
