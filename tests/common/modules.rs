//! Which source file imports from which: `crate::`, `super::` and child paths, through groups, inline modules and re-exports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The path of a module below the crate: `["nn", "ops"]`.
pub type Module = Vec<String>;

/// A source file.
struct Source {
    path: PathBuf,
    /// The paths that it imports or names, resolved to names below the crate, and whether they are only re-exported.
    uses: Vec<(Module, bool)>,
}

/// The modules of `src/`.
pub struct Modules {
    sources: BTreeMap<Module, Source>,
    /// Names that a module re-exports, and where they come from.
    exports: BTreeMap<Module, Vec<(String, Module)>>,
}

impl Modules {
    /// Those of the library among some files.
    pub fn read(files: &[PathBuf]) -> Self {
        // Binaries are crates of their own.
        let library = files.iter().filter(|path| !path.starts_with("src/bin") && !path.ends_with("lib.rs"));
        Self::of(library.map(|path| (path.clone(), std::fs::read_to_string(path).expect("text"))).collect())
    }

    /// Files below `src/`, with their texts.
    pub fn of(files: Vec<(PathBuf, String)>) -> Self {
        let module = |path: &Path| -> Module {
            let inside = path.strip_prefix("src").expect("a source").with_extension("");
            let mut module: Module = inside.components().map(|c| c.as_os_str().to_string_lossy().into()).collect();
            module.pop_if(|last| last == "mod");
            module
        };
        let known: BTreeSet<Module> = files.iter().map(|(path, _)| module(path)).collect();
        let mut all = Self { sources: BTreeMap::new(), exports: BTreeMap::new() };
        for (path, text) in files {
            let module = module(&path);
            let uses = uses(&code(&text), &module, &known);
            let exported = uses.iter().filter(|(_, export)| *export);
            let named = exported.filter_map(|(target, _)| Some((target.last()?.clone(), target.clone()))).collect();
            all.exports.insert(module.clone(), named);
            all.sources.insert(module, Source { path, uses });
        }
        all
    }

    /// The module that defines what `path` names.
    fn home(&self, path: &[String]) -> Module {
        let depth = (0..=path.len()).rev().find(|&n| self.sources.contains_key(&path[..n])).unwrap_or(0);
        let (module, rest) = path.split_at(depth);
        let exports = rest.first().and_then(|name| self.exports.get(module)?.iter().find(|(export, _)| export == name));
        match exports {
            Some((_, target)) if target[..] != *path => self.home(target),
            _ => module.to_vec(),
        }
    }

    /// Each import of another module, re-exports followed: the file, the module, the one that it imports from, and whether it is
    /// itself a re-export.
    pub fn imports(&self) -> Vec<(&Path, Module, Module, bool)> {
        let mut found = Vec::new();
        for (module, source) in &self.sources {
            let used: BTreeSet<(Module, bool)> =
                source.uses.iter().map(|(to, export)| (self.home(to), *export)).collect();
            let others = used.into_iter().filter(|(to, _)| to != module && !to.is_empty());
            found.extend(others.map(|(to, export)| (source.path.as_path(), module.clone(), to, export)));
        }
        found
    }

    /// A circle of imports among the modules of a room, if there is one. A module may re-export from those below it.
    pub fn circle(&self, room: &str) -> Option<Vec<Module>> {
        let mut edges: BTreeMap<Module, Vec<Module>> = BTreeMap::new();
        for (_, from, to, export) in self.imports() {
            if from[0] == room && to[0] == room && !export {
                edges.entry(from).or_default().push(to);
            }
        }
        let mut done = BTreeSet::new();
        edges.keys().find_map(|module| visit(module, &edges, &mut done, &mut Vec::new()))
    }
}

/// Depth first: the circle that `module` is on or leads to.
fn visit(
    module: &Module,
    edges: &BTreeMap<Module, Vec<Module>>,
    done: &mut BTreeSet<Module>,
    path: &mut Vec<Module>,
) -> Option<Vec<Module>> {
    if let Some(at) = path.iter().position(|m| m == module) {
        return Some(path[at..].to_vec());
    }
    if done.contains(module) {
        return None;
    }
    path.push(module.clone());
    let found = edges.get(module).into_iter().flatten().find_map(|next| visit(next, edges, done, path));
    path.pop();
    done.insert(module.clone());
    found
}

/// The text without comments.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// All paths in a file that begin with `crate`, `super` or a child module, and whether they are in a `pub use`.
fn uses(text: &str, module: &Module, known: &BTreeSet<Module>) -> Vec<(Module, bool)> {
    let child = |name: &str| known.contains(&[module.as_slice(), &[name.to_string()]].concat());
    let (mut found, mut inline, mut at) = (Vec::new(), false, 0);
    for line in text.split_inclusive('\n') {
        // An inline module ends with its brace in the first column.
        let opens = line.trim_end().ends_with('{') && (line.starts_with("mod ") || line.starts_with("pub mod "));
        inline = opens || (inline && line.trim_end() != "}");
        let export = line.trim_start().starts_with("pub use ") || line.trim_start().starts_with("pub(crate) use ");
        for (begin, _) in line.match_indices("::") {
            let head = &line[..begin];
            let start = head.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |i| i + 1);
            let (before, name) = head.split_at(start);
            if before.ends_with("::") || before.ends_with('.') || !(name == "crate" || name == "super" || child(name)) {
                continue;
            }
            for path in tree(&text[at + start..]) {
                let mut base = if path[0] == "crate" { Vec::new() } else { module.clone() };
                if inline {
                    base.push("inline".into());
                }
                for segment in path {
                    match segment.as_str() {
                        "super" => drop(base.pop()),
                        "crate" => base.clear(),
                        "self" => {}
                        _ => base.push(segment),
                    }
                }
                found.push((base, export));
            }
        }
        at += line.len();
    }
    found
}

/// The paths of a use tree, such as `a::{b, c::d}`, at the beginning of `text`.
fn tree(text: &str) -> Vec<Vec<String>> {
    parse(text).0
}

/// The paths, and the rest of the text.
fn parse(text: &str) -> (Vec<Vec<String>>, &str) {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let prefix = |paths: Vec<Vec<String>>| paths.into_iter().map(|p| [vec![name.to_string()], p].concat()).collect();
    let Some(rest) = rest.strip_prefix("::") else { return (vec![vec![name.into()]], rest) };
    let Some(mut rest) = rest.strip_prefix('{') else {
        if !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return (vec![vec![name.into()]], rest);
        }
        let (paths, rest) = parse(rest);
        return (prefix(paths), rest);
    };
    let mut all = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if let Some(after) = rest.strip_prefix('}') {
            return (prefix(all), after);
        }
        let (paths, after) = parse(rest);
        all.extend(paths);
        // What follows a path inside of a group: `as name`, or a glob.
        rest = after.trim_start_matches(|c: char| c != ',' && c != '}');
        if rest.is_empty() {
            return (prefix(all), rest);
        }
    }
}
