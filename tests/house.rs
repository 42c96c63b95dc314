//! The rules of the house that a compiler does not hold: imports run downwards, and nothing blocks on the device.

#[path = "common/modules.rs"]
mod modules;

use modules::Modules;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Rooms from the bottom up; those of one line may use each other.
const FLOORS: [&[&str]; 6] = [
    &["compare", "error", "poll", "rng"],
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
    let modules = Modules::read(&rust());
    let mut seen = 0;
    for (path, from, to, _) in modules.imports() {
        let (Some(own), Some(other)) = (floor(&from[0]), floor(&to[0])) else { continue };
        seen += 1;
        assert!(other <= own, "{} uses {}, which is above it", path.display(), to.join("::"));
        assert!(
            from[0] != "models" || !["device", "data"].contains(&to[0].as_str()),
            "{} uses {}",
            path.display(),
            to[0]
        );
    }
    assert!(seen > 50, "only {seen} imports were found");
}

#[test]
fn no_room_has_a_circle_of_imports() {
    let modules = Modules::read(&rust());
    let rooms: BTreeSet<String> = modules.imports().into_iter().map(|(_, from, ..)| from[0].clone()).collect();
    assert!(rooms.len() > 8, "only {rooms:?} were found");
    for room in &rooms {
        let circle = modules.circle(room).map(|circle| circle.iter().map(|m| m.join("::")).collect::<Vec<_>>());
        assert!(circle.is_none(), "{room}: {circle:?}");
    }
}

#[test]
fn circles_and_arrows_upwards_are_seen_however_they_are_written() {
    let of = |files: &[(&str, &str)]| {
        Modules::of(files.iter().map(|(path, text)| (path.into(), text.to_string())).collect())
    };
    let circles = [
        [("src/nn/a.rs", "use super::b::B;"), ("src/nn/b.rs", "use super::a::A;")],
        [("src/nn/a.rs", "use super::{c::C,\n b::{self, B}};"), ("src/nn/b.rs", "fn f() { crate::nn::a::f() }")],
        [
            ("src/nn/deep/a.rs", "mod inner {\n    use super::super::super::b::B;\n}"),
            ("src/nn/b.rs", "use super::deep::a::A;"),
        ],
        [("src/nn/mod.rs", "mod a;\nfn f() { a::f() }"), ("src/nn/a.rs", "use super::f;")],
    ];
    for files in &circles {
        assert!(of(files).circle("nn").is_some(), "{files:?}");
    }
    let exported = [
        ("src/nn/mod.rs", "pub use a::A;\npub use b::B;"),
        ("src/nn/a.rs", "use super::B;"),
        ("src/nn/b.rs", "use super::A;"),
    ];
    assert!(of(&exported).circle("nn").is_some());
    let free = [("src/nn/mod.rs", "pub use a::A;\npub trait T {}"), ("src/nn/a.rs", "use super::T; // use super::A;")];
    assert!(of(&free).circle("nn").is_none());
    let arrow = [("src/nn/deep/a.rs", "use super::super::super::session::S;"), ("src/session/mod.rs", "")];
    assert!(of(&arrow).imports().iter().any(|(_, from, to, _)| from[0] == "nn" && to[0] == "session"));
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
    let all = ["src", "kernels/src", "xtask/src", "www", "bench/src", "bench/peers", "bench/runner", "bench/shared"]
        .iter()
        .flat_map(|f| sources(Path::new(f)));
    let code = all.filter(|p| !p.starts_with("www/vendor") && p.extension().is_some_and(|e| e == "rs" || e == "js"));
    for path in code {
        let lines = std::fs::read_to_string(&path).expect("text").lines().count();
        assert!(lines <= 350, "{} has {lines} lines", path.display());
    }
}

/// Every Rust source but this one, which names what it forbids.
fn all_rust() -> Vec<PathBuf> {
    let folders = ["src", "kernels", "bench/src", "tests", "xtask/src", "fuzz"];
    let all = folders.iter().flat_map(|folder| sources(Path::new(folder)));
    let all: Vec<PathBuf> =
        all.filter(|p| p.extension().is_some_and(|e| e == "rs") && !p.ends_with("house.rs")).collect();
    assert!(all.len() > 150, "only {} sources were found", all.len());
    all
}

/// What stands in the parentheses that open at the end of each `call(`.
fn arguments<'a>(text: &'a str, call: &str) -> Vec<&'a str> {
    let inside = |(at, _): (usize, &str)| {
        let rest = &text[at + call.len()..];
        let mut depth = 1;
        let end = rest.char_indices().find(|(_, c)| {
            depth += i32::from(*c == '(') - i32::from(*c == ')');
            depth == 0
        });
        &rest[..end.map_or(rest.len(), |(at, _)| at)]
    };
    text.match_indices(call).map(inside).collect()
}

/// `f32::max` and a comparison pass over a NaN, so that what is not a number at all counts as right.
#[test]
fn no_comparison_of_numbers_loses_a_nan() {
    // Where a NaN cannot be, or comes through by another way.
    const ALLOWED: [(&str, &str); 6] = [
        ("src/compare.rs", "f32::max"),                                          // says why
        ("src/generate/sampler.rs", "f32::NEG_INFINITY, |m, v| m.max(*v)"),      // the sum of exponentials is checked
        ("kernels/src/vector.rs", "f32::NEG_INFINITY, |m, v| m.max(*v)"),        // each exponential is NaN then
        ("kernels/src/cross_entropy.rs", "f32::NEG_INFINITY, |m, v| m.max(*v)"), // and here
        ("kernels/src/quantized.rs", "if m.is_nan() || v.abs() <= m"),           // asks for it
        ("src/demos/gan2d/views.rs", "(f32::MAX, f32::MIN), |(a, b), v| (a.min(v), b.max(v))"), // finite ones alone
    ];
    let allowed =
        |path: &Path, found: &str| ALLOWED.iter().any(|(at, what)| path.ends_with(at) && found.contains(what));
    for path in all_rust() {
        let text = std::fs::read_to_string(&path).expect("text");
        for name in ["f32::max", "f64::max", "f32::min", "f64::min", ".partial_cmp("] {
            assert!(!text.contains(name) || allowed(&path, name), "{}: {name} loses a NaN", path.display());
        }
        // A longer one is about other things than numbers.
        let folds = ["fold(", "reduce("].iter().flat_map(|call| arguments(&text, call)).filter(|f| f.len() < 200);
        for folded in folds {
            let compares = [".max(", ".min(", " > m", " < m", " >= m", " <= m"].iter().any(|c| folded.contains(c));
            assert!(!compares || allowed(&path, folded), "{}: {folded:?} may lose a NaN", path.display());
        }
        // The worst of a loop's turns so far.
        for line in text.lines().filter(|_| path.starts_with("tests") || path.starts_with("bench")) {
            let Some((name, rest)) = line.trim().split_once(" = ") else { continue };
            let kept = rest.starts_with(&format!("{name}.max("));
            assert!(!kept, "{}: {line:?} may lose a NaN", path.display());
        }
    }
}

/// What cannot be tested here is ignored with its reason, which the harness counts; it never passes.
#[test]
fn no_test_passes_by_saying_that_it_was_skipped() {
    for path in all_rust().iter().filter(|p| p.starts_with("tests")) {
        let text = std::fs::read_to_string(path).expect("text");
        assert!(!text.contains("skipped"), "{}", path.display());
        // Nor is anything left out by a feature that no stage of `cargo xtask test` turns on.
        let built = ["typescript", "terminal", "cpu"];
        for feature in text.split("feature = \"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(built.contains(&feature), "{}: {feature}", path.display());
        }
    }
    let manifest = std::fs::read_to_string("Cargo.toml").expect("text");
    for needed in manifest.split("required-features = [").skip(1).filter_map(|rest| rest.split(']').next()) {
        let native = needed.contains("terminal") && !needed.contains("gpu");
        assert!(native || ["\"cpu\"", "\"gpu\""].contains(&needed), "no stage builds what needs {needed}");
    }
}

/// Memory that no compiler looks after is touched where somebody has said why it may be, and in the kernels' vectors alone
/// without a check.
#[test]
fn every_unsafe_line_says_why_it_is_sound() {
    let mut seen = 0;
    for path in all_rust().iter().filter(|p| p.starts_with("src") || p.starts_with("kernels")) {
        let text = std::fs::read_to_string(path).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if !code.contains("unsafe ") {
                continue;
            }
            seen += 1;
            let mark = if code.contains("unsafe fn") { "# Safety" } else { "// SAFETY:" };
            assert!(
                lines[at.saturating_sub(5)..at].iter().any(|before| before.contains(mark)),
                "{}:{}: {mark} is missing",
                path.display(),
                at + 1
            );
        }
        let within = |folder: &str| path.starts_with(folder);
        for unchecked in ["get_unchecked", "read_unaligned", "write_unaligned", "from_raw_parts"] {
            let lends = unchecked == "from_raw_parts" && path.ends_with("kernels/src/pool.rs");
            assert!(lends || !within("kernels/src") || !text.contains(unchecked), "{}: {unchecked}", path.display());
        }
        for pointer in [".as_ptr()", ".as_mut_ptr()"] {
            let lends = within("kernels/src/simd") || path.ends_with("kernels/src/pool.rs");
            assert!(lends || !within("kernels/src") || !text.contains(pointer), "{}: {pointer}", path.display());
        }
    }
    assert!(seen > 20, "only {seen} unsafe lines were found");
}
