//! The weights that docs/budgets.toml allows, held against dist/.

use crate::count::Count;
use crate::paths::root;
use crate::run::{self, program};
use crate::sizes::{self, Growth, Sizes};
use anyhow::{Context, Result, anyhow, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use toml::{Table, Value};

/// Bytes as they are and after brotli.
#[derive(Clone, Copy)]
struct Weight {
    raw: u64,
    brotli: u64,
}

type Weights = BTreeMap<String, Weight>;

/// Prints what each file of each budget weighs, and what grew. One test a budget, and one more where growth cannot be told.
pub fn report() -> Result<Count> {
    let dist = root().join("dist");
    if !dist.join("index.html").is_file() {
        bail!("there is no page in dist/: `cargo xtask build` makes it");
    }
    let mut files = Vec::new();
    list(&dist, "", &mut files)?;
    let budgets = read()?;
    let budgets = budgets.get("weight").and_then(Value::as_array).context("docs/budgets.toml has no [[weight]]")?;
    let wanted: Vec<Wanted> = budgets.iter().map(|budget| Wanted::read(budget, &files)).collect::<Result<_>>()?;
    let weights = weigh(wanted.iter().flat_map(Wanted::all).collect())?;
    let mut count = Count::default();
    let growth = sizes_now(&wanted, &weights).and_then(Growth::since_record);
    for budget in &wanted {
        let files = budget.counted(&weights);
        count += Count::one(budget.print(&files, &weights));
        for line in growth.iter().flat_map(|growth| growth.lines(&budget.name, &files)) {
            println!("{line}");
        }
    }
    if let Err(error) = growth.and_then(|growth| growth.settle()) {
        println!("\nCannot say what grew: {error:#}");
        count += Count::one(false);
    }
    Ok(count)
}

/// What the files of each budget weigh, and the parts of each module among them.
fn sizes_now(budgets: &[Wanted], weights: &Weights) -> Result<Sizes> {
    let built = sizes::built()?;
    let mut now = Sizes::new();
    for budget in budgets {
        let files = budget.counted(weights);
        for module in files.iter().filter(|file| file.ends_with(".wasm")) {
            now.insert(module.clone(), sizes::parts(&built, module, weights[module].raw)?);
        }
        now.insert(budget.name.clone(), files.into_iter().map(|file| (file.clone(), weights[&file].brotli)).collect());
    }
    Ok(now)
}

/// The whole file, for the page's tests: `{"milliseconds":{"pause":200,...},...}`.
pub fn as_json() -> Result<String> {
    let tables = read()?.into_iter().filter_map(|(name, value)| {
        let Value::Table(table) = value else {
            return None;
        };
        let fields: Vec<_> = table.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        Some(format!("\"{name}\":{{{}}}", fields.join(",")))
    });
    Ok(format!("{{{}}}", tables.collect::<Vec<_>>().join(",")))
}

fn read() -> Result<Table> {
    let text = fs::read_to_string(root().join("docs/budgets.toml")).context("docs/budgets.toml cannot be read")?;
    text.parse().context("docs/budgets.toml")
}

/// One budget and the files that it counts, as paths in dist/.
struct Wanted {
    name: String,
    bound: u64,
    goal: Option<u64>,
    files: BTreeSet<String>,
    /// Of each of these groups only the heaviest counts.
    groups: Vec<Vec<String>>,
}

impl Wanted {
    fn read(budget: &Value, dist: &[String]) -> Result<Self> {
        let text = |key| budget.get(key).and_then(Value::as_str);
        let number = |key| budget.get(key).and_then(Value::as_integer).and_then(|number| u64::try_from(number).ok());
        let patterns = |key| -> Vec<&str> {
            let list = budget.get(key).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str).collect()
        };
        let name = text("name").context("a [[weight]] in docs/budgets.toml has no name")?;
        let except = patterns("except");
        let matching = |pattern: &str| -> Result<Vec<String>> {
            let wanted = |file: &&String| matches(pattern, file) && !except.iter().any(|not| matches(not, file));
            let found: Vec<_> = dist.iter().filter(wanted).cloned().collect();
            if found.is_empty() {
                return Err(anyhow!("budget \"{name}\": nothing in dist/ matches {pattern}; fix docs/budgets.toml"));
            }
            Ok(found)
        };
        let groups: Vec<_> = patterns("heaviest_of").into_iter().map(&matching).collect::<Result<_>>()?;
        let mut files = BTreeSet::new();
        for pattern in patterns("files") {
            files.extend(matching(pattern)?);
        }
        for file in groups.iter().flatten() {
            files.remove(file);
        }
        let bound = number("bound").with_context(|| format!("budget \"{name}\" has no bound"))?;
        Ok(Self { name: name.to_owned(), bound, goal: number("goal"), files, groups })
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        self.files.iter().chain(self.groups.iter().flatten())
    }

    /// The heaviest first.
    fn counted(&self, weights: &Weights) -> Vec<String> {
        let heaviest = |group: &Vec<String>| group.iter().max_by_key(|file| weights[*file].brotli).cloned();
        let mut counted: Vec<String> = self.files.iter().cloned().collect();
        counted.extend(self.groups.iter().filter_map(heaviest));
        counted.sort_by_key(|file| std::cmp::Reverse(weights[file].brotli));
        counted
    }

    /// Whether it is held.
    fn print(&self, counted: &[String], weights: &Weights) -> bool {
        let sum: u64 = counted.iter().map(|file| weights[file].brotli).sum();
        println!("\n{:>12} {:>12}  {}", "bytes", "brotli", self.name);
        for file in counted {
            println!("{:>12} {:>12}  {file}", weights[file].raw, weights[file].brotli);
        }
        let raw: u64 = counted.iter().map(|file| weights[file].raw).sum();
        let verdict = match (sum <= self.bound, self.goal) {
            (false, _) => "TOO HEAVY",
            (true, Some(goal)) if sum > goal => "held, goal not reached",
            (true, _) => "held",
        };
        let goal = self.goal.map(|goal| format!(", goal {goal}")).unwrap_or_default();
        println!("{raw:>12} {sum:>12}  together; bound {}{goal}: {verdict}", self.bound);
        sum <= self.bound
    }
}

fn weigh(files: BTreeSet<&String>) -> Result<Weights> {
    let mut command = program("node", ["xtask/js/weigh.mjs"]);
    command.args(files.iter().map(|file| format!("dist/{file}")));
    let said = run::answer(command).context("xtask/js/weigh.mjs failed: run it by hand to see why")?;
    let line = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let raw = parts.next()?.parse().ok()?;
        let brotli = parts.next()?.parse().ok()?;
        Some((parts.next()?.strip_prefix("dist/")?.to_owned(), Weight { raw, brotli }))
    };
    Ok(said.lines().filter_map(line).collect())
}

fn list(folder: &Path, prefix: &str, files: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.path().is_dir() {
            true => list(&entry.path(), &format!("{name}/"), files)?,
            false => files.push(name),
        }
    }
    files.sort();
    Ok(())
}

/// `*` stands for anything but a slash, `**` for anything.
fn matches(pattern: &str, file: &str) -> bool {
    let Some(star) = pattern.find('*') else {
        return pattern == file;
    };
    let (head, tail) = pattern.split_at(star);
    let Some(rest) = file.strip_prefix(head) else {
        return false;
    };
    let deep = tail.starts_with("**");
    let tail = tail.trim_start_matches('*');
    let reach = if deep { rest.len() } else { rest.find('/').unwrap_or(rest.len()) };
    (0..=reach).any(|end| rest.is_char_boundary(end) && matches(tail, &rest[end..]))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn one_star_stays_in_its_folder_and_two_do_not() {
        assert!(matches("worker-gpu*", "worker-gpu_bg.wasm"));
        assert!(!matches("*.js", "views/images.js"));
        assert!(matches("**.js", "views/images.js") && matches("**.js", "main.js"));
        assert!(matches("lessons/*/en.json", "lessons/dcgan/en.json"));
        assert!(!matches("index.html", "www/index.html"));
    }
}
