//! Links: what a teacher writes comes back, what is wrong is named, and nothing that runs is lost.

mod common;

use common::Driver;
use kiln::error::Code;
use kiln::session::link::{canonical, parse};
use kiln::session::protocol::{Command, Event};

#[test]
fn defaults_are_left_out_and_keys_keep_the_order_of_the_config() {
    let link = parse("#gan2d?lr_d=0.01&seed=1&data=moons").expect("a link");
    assert_eq!(canonical(link.entry, &link.values), "gan2d?data=moons&lr_d=0.01");
    assert_eq!(canonical(parse("dcgan").unwrap().entry, &parse("dcgan").unwrap().values), "dcgan");
    assert_eq!(parse("").expect("a link").entry.name, "gan2d");
}

#[test]
fn every_setting_of_every_demo_survives_its_own_link() {
    for demo in kiln::demos::registry::DEMOS {
        let schema = (demo.config.schema)();
        // Trained weights ship for a few sizes only, and the link says so of the others: tests/vae.rs, tests/diffusion_demo.rs.
        let start = if ["vae", "diffusion"].contains(&demo.name) { "start=scratch&" } else { "" };
        for (key, property) in schema["properties"].as_object().expect("properties") {
            assert!(property["title"].is_string(), "{}.{key} has no title", demo.name);
            assert!(property["description"].is_string(), "{}.{key} has no description", demo.name);
            for bound in ["minimum", "maximum"] {
                let Some(value) = property.get(bound) else { continue };
                let link = parse(&format!("{}?{start}{key}={value}", demo.name)).expect("a link");
                assert!(link.notes.is_empty(), "{}.{key}={value}: {:?}", demo.name, link.notes);
                let again = parse(&canonical(link.entry, &link.values)).expect("a link");
                assert_eq!(link.values, again.values, "{}.{key}", demo.name);
            }
        }
    }
}

#[test]
fn what_is_out_of_range_is_clamped_and_what_is_unknown_dropped_each_with_a_note() {
    let link = parse("gan2d?width=100000&nonsense=1&loss=sharp&lr_g=NaN&batch=&depth=2.4&seed").expect("a link");
    assert_eq!(canonical(link.entry, &link.values), "gan2d?width=256");
    assert_eq!(link.notes.len(), 7, "{:?}", link.notes);
}

/// The links that the README, the lessons, their tasks, the list of courses and the front door show. A prompt may hold a quotation mark only as
/// `%22`, so that one ends each link.
fn shown() -> Vec<(String, String)> {
    let lessons = std::fs::read_dir("www/lessons").expect("a folder").map(|e| e.expect("an entry").path());
    let tasks = std::fs::read_dir("www/later/tasks").expect("a folder").map(|e| e.expect("an entry").path());
    let mut links = Vec::new();
    for path in lessons.chain(tasks).chain(["README.md".into(), "docs/courses.md".into(), "www/later/door.json".into()])
    {
        let text = std::fs::read_to_string(&path).expect("text");
        for demo in kiln::demos::registry::DEMOS {
            for (at, _) in text.match_indices(&format!("{}?", demo.name)) {
                let link: String =
                    text[at..].chars().take_while(|c| !c.is_whitespace() && !"\"'`".contains(*c)).collect();
                links.push((path.display().to_string(), link));
            }
        }
    }
    links
}

#[test]
fn every_link_that_the_readme_the_lessons_and_the_courses_show_is_read_without_a_note_and_names_no_default() {
    let links = shown();
    assert!(links.len() > 60, "only {} links were found", links.len());
    for (path, text) in links.iter().filter(|(_, text)| !text.contains("...")) {
        let link = parse(text).unwrap_or_else(|e| panic!("{path}: {text}: {e}"));
        assert!(link.notes.is_empty(), "{path}: {text}: {:?}", link.notes);
        let defaults = (link.entry.config.defaults)(&link.values);
        for (key, _) in text.split_once('?').expect("settings").1.split('&').filter_map(|pair| pair.split_once('=')) {
            // An alias stands for several settings, and is none itself.
            let named = link.values.get(key).filter(|value| defaults.get(key) == Some(value));
            assert_eq!(named, None, "{path}: {text} names {key} as it is without");
        }
    }
}

/// What stands above the tasks in `docs/courses.md`.
const COURSES: &str = "# Kiln beside two courses

Two courses have their students build diffusion models on points and on digits. For each of their tasks that Kiln can do there is a link
(what stands after `#` in the address of the page, or after `kiln train`); what it cannot do yet is named. The page shows the same list
under each lesson. `tests/links.rs` writes this file from `www/later/courses.json`; do not edit it.
";

/// `KILN_BLESS=1 cargo test --profile fast --features typescript --test links` writes the file anew.
#[test]
fn the_document_of_courses_is_the_list_that_the_page_shows_and_each_task_has_both_languages() {
    let list = std::fs::read_to_string("www/later/courses.json").expect("text");
    let list: Vec<serde_json::Value> = serde_json::from_str(&list).expect("JSON");
    let english = |words: &serde_json::Value| {
        let [en, zh] = ["en", "zh"].map(|language| words[language].as_str().expect("text").to_string());
        assert!(!en.is_empty() && !zh.is_empty(), "{words}");
        en
    };
    let mut text = COURSES.to_string();
    for course in &list {
        text += &format!("\n## {}\n\n| task | in Kiln |\n| --- | --- |\n", english(&course["course"]));
        for task in course["tasks"].as_array().expect("tasks") {
            let mut runs = Vec::new();
            for run in task["runs"].as_array().expect("runs") {
                let link = run[0].as_str().expect("a link");
                let opened = parse(link).unwrap_or_else(|e| panic!("{link}: {e}"));
                assert!(opened.notes.is_empty(), "{link}: {:?}", opened.notes);
                assert!(link.starts_with(opened.entry.name), "{link} opens {}", opened.entry.name);
                runs.push(format!("`{link}`: {}", english(&run[1])));
            }
            let runs = if runs.is_empty() { "not yet".to_string() } else { runs.join("; ") };
            text += &format!("| {} | {runs} |\n", english(&task["task"]));
        }
    }
    let path = "docs/courses.md";
    if std::env::var_os("KILN_BLESS").is_some() {
        std::fs::write(path, &text).expect("it can be written");
    }
    assert_eq!(std::fs::read_to_string(path).expect("text"), text, "{path}");
}

/// The page opens a task's link as it stands, and judges only runs that keep the settings which the target names.
#[test]
fn each_demo_has_four_tasks_whose_links_are_canonical_and_whose_targets_name_its_settings() {
    for demo in kiln::demos::registry::DEMOS {
        let path = format!("www/later/tasks/{}.en.json", demo.name);
        let list = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        let list: Vec<serde_json::Value> = serde_json::from_str(&list).expect("JSON");
        assert!(list.len() >= 4, "{path} has {}", list.len());
        let schema = (demo.config.schema)();
        for task in &list {
            let text = task["link"].as_str().expect("a link");
            let link = parse(text).unwrap_or_else(|e| panic!("{path}: {text}: {e}"));
            assert_eq!(canonical(link.entry, &link.values), text, "{path}");
            assert_eq!(link.entry.name, demo.name, "{path}: {text}");
            for (key, bounds) in task["target"]["keep"].as_object().into_iter().flatten() {
                let property = schema["properties"].get(key);
                assert!(property.is_some(), "{path}: {} keeps {key}", task["id"]);
                // Bounds that the link itself breaks would never count.
                let (value, ours) = (&link.values[key], |name: &str| bounds[name].as_f64());
                let number = value.as_f64().unwrap_or(f64::NAN);
                assert!(ours("least").is_none_or(|least| number >= least), "{path}: {} keeps {key}", task["id"]);
                assert!(ours("most").is_none_or(|most| number <= most), "{path}: {} keeps {key}", task["id"]);
                assert!(bounds.get("is").is_none_or(|is| is == value), "{path}: {} keeps {key}", task["id"]);
            }
        }
    }
}

#[test]
fn a_malformed_link_and_an_unknown_demo_leave_what_runs_as_it_was() {
    let mut driver = Driver::open("gan2d?seed=5");
    driver.step(3);
    for (link, code) in [("%%%", Code::BadLink), ("gan3d?seed=1", Code::UnknownDemo), ("a b", Code::BadLink)] {
        driver.load(link, None);
        assert_eq!(driver.errors().pop(), Some(code), "{link}");
    }
    assert_eq!((driver.steps(), driver.link().as_str()), (3, "gan2d?seed=5"));
    driver.load(&"x".repeat(300_000), None);
    assert_eq!(driver.errors().pop(), Some(Code::BadLink));
}

#[test]
fn a_live_setting_acts_at_once_and_another_is_refused() {
    let mut driver = Driver::open("gan2d?seed=5");
    driver.step(3);
    driver.send(Command::Set { key: "lr_g".into(), value: 0.5.into() });
    assert_eq!(driver.link(), "gan2d?seed=5&lr_g=0.1", "clamped to its bound");
    assert_eq!(driver.steps(), 3);
    for (key, value) in [("width", 8.into()), ("nothing", 1.into()), ("lr_g", "fast".into())] {
        let value: serde_json::Value = value;
        driver.send(Command::Set { key: key.into(), value });
        assert_eq!(driver.errors().pop(), Some(Code::BadCommand), "{key}");
    }
    assert_eq!(driver.steps(), 3);
}

#[test]
fn lr_stands_for_both_learning_rates() {
    let link = parse("dcgan?seed=7&lr=0.0002").expect("a link");
    assert_eq!(canonical(link.entry, &link.values), "dcgan?seed=7&lr_g=0.0002&lr_d=0.0002");
    let mut driver = Driver::open("gan2d");
    driver.send(Command::Set { key: "lr".into(), value: 0.002.into() });
    assert_eq!(driver.link(), "gan2d?lr_g=0.002&lr_d=0.002");
}

#[test]
fn drawn_points_travel_in_the_link() {
    let mut driver = Driver::open("gan2d");
    let points = serde_json::json!({ "points": [1.0, -1.0, 0.5, 2.0] });
    driver.send(Command::Act { name: "draw".into(), args: points });
    let link = parse(&driver.link()).expect("a link");
    let points = kiln::data::points::decode(link.values["points"].as_str().expect("text"));
    assert_eq!(points.len(), 2);
    assert!((points[0][0] - 1.0).abs() < 2e-3 && (points[1][1] - 2.0).abs() < 2e-3, "{points:?}");
    driver.step(2);
    driver.send(Command::Act { name: "draw".into(), args: serde_json::json!({ "points": [1.0] }) });
    assert_eq!(driver.errors().pop(), Some(Code::BadCommand));
}

/// Rows of the losses from `from` on: which of discriminator, generator and their gradients were measured (`x`), were not looked
/// at (`.`), or were not there (`-`).
fn measured(driver: &mut Driver, from: usize) -> Vec<String> {
    let file = driver.checkpoint();
    let mark = |v: &f32| match (v.is_finite(), v.is_nan()) {
        (true, _) => 'x',
        (_, true) => '.',
        _ => '-',
    };
    common::curve(&file, "losses")[from..].iter().map(|row| row[1..].iter().map(mark).collect()).collect()
}

#[test]
fn a_player_that_does_not_train_has_no_loss_and_a_gradient_that_is_not_looked_at_is_only_not_measured() {
    let mut driver = Driver::open("dcgan?width=4&batch=8");
    driver.step(8);
    for (action, steps, expected) in [
        ("train_both", 3, ["xx..", "xxxx", "xx.."]),
        ("train_discriminator", 3, ["x-.-", "x-.-", "x-.-"]),
        ("train_generator", 3, ["-x-.", "-x-.", "-x-."]),
        ("train_both", 3, ["xx..", "xx..", "xxxx"]),
    ] {
        let from = driver.steps() as usize;
        driver.send(Command::Act { name: action.into(), args: serde_json::Value::Null });
        driver.step(steps);
        assert_eq!(measured(&mut driver, from), expected, "{action}");
    }
}

#[test]
fn one_player_alone_leaves_the_other_as_it_was() {
    for (action, still) in [("train_discriminator", "generator"), ("train_generator", "discriminator")] {
        let mut driver = Driver::open("gan2d");
        let before = driver.step(2).checkpoint();
        driver.send(Command::Act { name: action.into(), args: serde_json::Value::Null });
        let after = driver.step(3).checkpoint();
        for entry in before.tensors.iter().filter(|t| t.name.ends_with("weight")) {
            let same = after.find(&entry.name).expect("the same model").values == entry.values;
            assert_eq!(same, entry.name.starts_with(still), "{action}: {}", entry.name);
        }
    }
}

fn altered(driver: &Driver) -> bool {
    let events = driver.desk.events.borrow();
    let told =
        events.iter().rev().find_map(|e| if let Event::Link { altered, .. } = e { Some(*altered) } else { None });
    told.expect("a link")
}

/// What acts on learning from its step on is not in a link that begins at step 0; what only shows something else is.
#[test]
fn a_change_that_the_link_does_not_replay_is_told_and_kept_in_the_file() {
    let mut driver = Driver::new(true);
    driver.load("gan2d?width=16&batch=16", None);
    driver.send(Command::Set { key: "lr_g".into(), value: 0.003.into() });
    assert!(!altered(&driver), "before the first step a link replays everything");
    driver.step(2);
    driver.send(Command::Set { key: "speed".into(), value: "fast".into() });
    assert!(!altered(&driver));
    driver.send(Command::Set { key: "lr_g".into(), value: 0.003.into() });
    assert!(!altered(&driver), "nothing was changed");
    driver.send(Command::Set { key: "lr_g".into(), value: 0.004.into() });
    assert!(altered(&driver));
    let file = driver.bytes();
    driver.load("gan2d?width=16&batch=16", None);
    assert!(!altered(&driver));
    driver.load("", Some(file));
    assert!(altered(&driver));
}
