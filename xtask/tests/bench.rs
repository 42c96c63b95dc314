//! The bench's own sums: its seeded workloads, its timing loop, its table. Nothing is timed, no browser is opened.

use std::path::Path;
use std::process::Command;

#[test]
fn the_bench_measures_what_it_says_and_says_what_it_measured() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut node = Command::new("node");
    node.arg("--test").args(["bench/tests/spec.test.js", "bench/tests/table.test.js"]).current_dir(root);
    let output = node.output().expect("Node 20 or newer");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
