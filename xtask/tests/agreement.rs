//! What is written in two places must say the same.

use std::fs;
use std::path::Path;
use toml::{Table, Value};

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn table(file: &str) -> Table {
    read(file).parse().unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The keys of every table whose name ends in `dependencies`, at any depth.
fn dependencies(table: &Table) -> Vec<String> {
    let inner = table.iter().filter_map(|(name, value)| Some((name, value.as_table()?)));
    inner
        .flat_map(|(name, value)| match name.ends_with("dependencies") {
            true => value.keys().cloned().collect(),
            false => dependencies(value),
        })
        .collect()
}

/// As in `"lit-html": "3.3.3",` under `"dependencies": {`; package.json is formatted by npm.
fn npm_dependencies(file: &str) -> Vec<String> {
    let text = read(file);
    let groups = text.split("ependencies\": {").skip(1);
    let lines = groups.flat_map(|group| group.split('}').next().unwrap_or_default().lines());
    lines.filter_map(|line| Some(line.trim().strip_prefix('"')?.split('"').next()?.to_owned())).collect()
}

#[test]
fn every_dependency_has_its_reason_in_the_docs() {
    let docs = read("docs/dependencies.md");
    let explained = |name: &str| {
        let cells = docs.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
        cells.flat_map(|cell| cell.split(", ")).any(|cell| cell == name)
    };
    let mut all = dependencies(&table("Cargo.toml"));
    all.extend(dependencies(&table("xtask/Cargo.toml")));
    all.extend(dependencies(&table("bench/Cargo.toml")).into_iter().filter(|name| name != "kiln"));
    let (npm, peers) = (npm_dependencies("package.json"), npm_dependencies("bench/package.json"));
    let requirements = read("bench/requirements.txt");
    let pip: Vec<_> = requirements.lines().filter_map(|line| Some(line.split_once("==")?.0.to_owned())).collect();
    let counts = [all.len() > 10, npm.len() > 2, peers.len() > 4, pip.len() > 1];
    assert_eq!(counts, [true; 4], "the manifests were not understood: {all:?} {npm:?} {peers:?} {pip:?}");
    all.extend([npm, peers, pip].concat());
    all.retain(|name| !explained(name));
    assert!(all.is_empty(), "give each a line in docs/dependencies.md, or remove it: {all:?}");
}

#[test]
fn wasm_bindgen_has_one_version() {
    let cargo = table("Cargo.toml");
    let wasm = &cargo["target"]["cfg(target_family = \"wasm\")"]["dependencies"]["wasm-bindgen"];
    let pinned = wasm.as_str().and_then(|version| version.strip_prefix('=')).expect("an exact version of wasm-bindgen");
    assert_eq!(table("Trunk.toml")["tools"]["wasm_bindgen"].as_str(), Some(pinned), "Trunk.toml");
    assert!(read("xtask/src/tools.rs").contains(&format!("version: \"{pinned}\"")), "xtask/src/tools.rs");
}

#[test]
fn the_served_policy_is_that_of_the_page() {
    let trunk = table("Trunk.toml");
    let served = trunk["serve"]["headers"]["Content-Security-Policy"].as_str().expect("a policy in Trunk.toml");
    let page = read("index.html").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        page.contains(&format!("content=\"{served}\"")),
        "index.html does not carry the policy of Trunk.toml:\n{served}"
    );
    assert!(!served.contains("unsafe-inline") && !served.contains("'unsafe-eval'"), "{served}");
}

/// Whoever visits the page loads none of them.
#[test]
fn peers_are_development_dependencies_of_the_bench_alone() {
    assert!(!read("bench/package.json").contains("\"dependencies\""), "bench/package.json");
    let page = npm_dependencies("package.json");
    let both: Vec<_> = npm_dependencies("bench/package.json").into_iter().filter(|name| page.contains(name)).collect();
    assert!(both.is_empty(), "package.json has {both:?}");
}

#[test]
fn the_locked_packages_name_no_registry() {
    for lock in ["package-lock.json", "bench/package-lock.json"] {
        assert!(!read(lock).contains("resolved"), "{lock}: npm install again with its folder's .npmrc");
    }
    assert!(matches!(table("docs/budgets.toml").get("weight"), Some(Value::Array(budgets)) if !budgets.is_empty()));
}
