//! The rules of the house that a compiler does not hold: imports run downwards, and nothing blocks on the device.

use std::path::{Path, PathBuf};

/// Rooms from the bottom up; those of one line may use each other.
const FLOORS: [&[&str]; 6] = [
    &["error", "rng"],
    &["nn"],
    &["models", "data", "device", "text"],
    &["train", "generate", "weights"],
    &["demos"],
    &["session"],
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path());
    entries.flat_map(|p| if p.is_dir() { sources(&p) } else { vec![p] }).collect()
}

fn rust() -> Vec<PathBuf> {
    sources(Path::new("src")).into_iter().filter(|p| p.extension().is_some_and(|e| e == "rs")).collect()
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

#[test]
fn imports_run_downwards_only() {
    let mut seen = 0;
    for path in rust() {
        let inside = path.strip_prefix("src").expect("a source");
        let room = inside.components().next().expect("a room").as_os_str().to_string_lossy().replace(".rs", "");
        let Some(own) = floor(&room) else { continue };
        let text = std::fs::read_to_string(&path).expect("text");
        for used in text.split("crate::").skip(1) {
            let name: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let Some(other) = floor(&name) else { continue };
            seen += 1;
            assert!(other <= own, "{} uses {name}, which is above it", path.display());
            assert!(room != "models" || !["device", "data"].contains(&name.as_str()), "{} uses {name}", path.display());
        }
    }
    assert!(seen > 50, "only {seen} imports were found");
}

/// On WebGPU in a browser each of these panics; natively none does, so that only this test tells.
#[test]
fn nothing_that_reaches_the_browser_blocks_on_the_device() {
    const BLOCKING: [&str; 13] = [
        ".into_data()",
        ".to_data()",
        ".try_into_data()",
        ".into_scalar()",
        ".try_into_scalar()",
        ".into_record()",
        ".sync()",
        ".argsort(",
        ".sort(",
        ".topk(",
        ".nonzero()",
        ".mask_select(",
        "Device::default()",
    ];
    for path in rust().iter().filter(|p| !p.starts_with("src/bin/kiln")) {
        let text = std::fs::read_to_string(path).expect("text");
        for call in BLOCKING {
            assert!(!text.contains(call), "{} calls {call}", path.display());
        }
    }
}

#[test]
fn no_source_is_longer_than_can_be_read_in_one_sitting() {
    let all = ["src", "xtask/src", "www", "bench/src", "bench/peers", "bench/runner", "bench/shared"]
        .iter()
        .flat_map(|f| sources(Path::new(f)));
    let code = all.filter(|p| !p.starts_with("www/vendor") && p.extension().is_some_and(|e| e == "rs" || e == "js"));
    for path in code {
        let lines = std::fs::read_to_string(&path).expect("text").lines().count();
        assert!(lines <= 350, "{} has {lines} lines", path.display());
    }
}
