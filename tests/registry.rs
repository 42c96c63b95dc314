//! What the registry says of each demo is true.

mod common;

use common::{Desk, Disk, Driver};
use kiln::data::Source;
use kiln::demos::registry::DEMOS;
use kiln::demos::{Does, FileKind};
use kiln::error::Result;
use kiln::poll::Poll;
use kiln::session::protocol::{Command, DeviceKind, Event};
use kiln::session::{Host, Next, Session};
use kiln::weights::Library;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

fn schema_of(demo: &str) -> Value {
    (DEMOS.iter().find(|d| d.name == demo).expect("a demo").config.schema)()
}

fn manifest() -> Vec<Value> {
    let text = std::fs::read_to_string("www/weights/models.json").expect("text");
    let manifest: Value = serde_json::from_str(&text).expect("JSON");
    manifest["models"].as_array().expect("a list").clone()
}

#[test]
fn each_demo_has_a_name_that_fits_a_link_and_titles_of_its_own() {
    for (at, demo) in DEMOS.iter().enumerate() {
        assert!(demo.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{}", demo.name);
        assert!(!demo.title.en.is_empty() && !demo.title.zh.is_empty(), "{}", demo.name);
        for other in &DEMOS[..at] {
            assert_ne!(demo.name, other.name);
            assert_ne!(demo.title.en, other.title.en);
            assert_ne!(demo.title.zh, other.title.zh);
        }
        assert_eq!(demo.does == Does::Trains, demo.steps.is_some(), "{}", demo.name);
    }
}

#[test]
fn a_kind_of_files_is_opened_by_one_demo_through_a_setting_that_takes_it() {
    let opened: Vec<FileKind> = DEMOS.iter().flat_map(|d| d.opens).map(|o| o.kind).collect();
    assert!(opened.iter().enumerate().all(|(at, kind)| !opened[..at].contains(kind)), "{opened:?}");
    for demo in DEMOS {
        for opens in demo.opens {
            let property = &schema_of(demo.name)["properties"][opens.key];
            match opens.kind {
                FileKind::Pictures | FileKind::Picture => {
                    assert_eq!(property["x-pictures"], opens.side, "{}", demo.name);
                    assert_eq!(opens.kind == FileKind::Picture, opens.side == 0, "{}", demo.name);
                }
                kind => assert_eq!(property["x-model"], serde_json::to_value(kind).expect("a name"), "{}", demo.name),
            }
        }
    }
}

/// A model is named by a setting with `x-model`, and its weight is told before anything of it is fetched.
#[test]
fn a_demo_needs_a_model_where_a_setting_names_one_and_says_what_the_first_one_weighs() {
    let models = manifest();
    for demo in DEMOS {
        let schema = schema_of(demo.name);
        let properties = schema["properties"].as_object().expect("properties");
        let setting = properties.iter().find(|(_, p)| p.get("x-model").is_some());
        assert_eq!(demo.needs.model, setting.is_some(), "{}", demo.name);
        let Some((key, property)) = setting else { continue };
        let id = &(demo.config.defaults)(&Default::default())[key];
        let model = models.iter().find(|m| &m["id"] == id).unwrap_or_else(|| panic!("{id} is in no list"));
        assert_eq!(model["kind"], property["x-model"], "{id}");
        let bytes: u64 =
            model["files"].as_array().expect("files").iter().map(|f| f["bytes"].as_u64().expect("a size")).sum();
        assert_eq!(demo.needs.bytes, bytes, "{}", demo.name);
    }
    let kinds: Vec<Value> = DEMOS
        .iter()
        .flat_map(|d| schema_of(d.name)["properties"].as_object().expect("properties").clone())
        .filter_map(|(_, p)| p.get("x-model").cloned())
        .collect();
    assert!(models.iter().all(|m| kinds.contains(&m["kind"])), "a model that no demo offers");
}

/// The files of the page that a session asks for, and their bytes.
struct Counted(Rc<RefCell<BTreeMap<String, u64>>>);

impl Source for Counted {
    fn poll(&self, path: &str) -> Result<Poll<Vec<u8>>> {
        let answer = Disk.poll(path);
        if let Ok(Poll::Ready(bytes)) = &answer {
            self.0.borrow_mut().insert(path.into(), bytes.len() as u64);
        }
        answer
    }
}

struct Counting {
    desk: Rc<Desk>,
    asked: Rc<RefCell<BTreeMap<String, u64>>>,
}

impl Host for Counting {
    fn emit(&self, event: Event) {
        self.desk.emit(event);
    }

    fn now(&self) -> f64 {
        0.0
    }

    fn source(&self) -> Rc<dyn Source> {
        Rc::new(Counted(self.asked.clone()))
    }

    fn library(&self) -> Rc<dyn Library> {
        self.desk.library()
    }

    fn memory(&self) -> f64 {
        0.0
    }

    fn view_interval(&self) -> f64 {
        f64::INFINITY
    }
}

/// Within a tenth: it is told to a person.
#[test]
fn a_demo_that_trains_fetches_what_it_says_up_to_its_first_step() {
    let mut wrong = Vec::new();
    for demo in DEMOS.iter().filter(|d| d.does == Does::Trains) {
        let (desk, asked) = (Driver::new(false).desk, Rc::default());
        let host = Rc::new(Counting { desk, asked: Rc::clone(&asked) });
        let mut session = Session::new(host, DeviceKind::Cpu);
        let mut send = |command| pollster::block_on(session.handle(command));
        send(Command::Start { software: false, proven: vec![] });
        send(Command::Open { link: demo.name.into(), checkpoint: None });
        send(Command::Step { n: 1 });
        while pollster::block_on(session.tick()) != Next::Sleep {}
        let bytes: u64 = asked.borrow().values().sum();
        if demo.needs.bytes.abs_diff(bytes) > bytes / 10 {
            wrong.push(format!("{} says {}, and asks for {bytes}: {:?}", demo.name, demo.needs.bytes, asked.borrow()));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// All keywords of a schema that are no part of JSON Schema.
fn keywords(part: &Value, found: &mut BTreeSet<String>) {
    match part {
        Value::Object(map) => {
            found.extend(map.keys().filter(|key| key.starts_with("x-")).cloned());
            map.values().for_each(|inner| keywords(inner, found));
        }
        Value::Array(list) => list.iter().for_each(|inner| keywords(inner, found)),
        _ => {}
    }
}

#[test]
fn every_keyword_of_a_schema_is_documented_and_no_other_one_is() {
    let mut used = BTreeSet::new();
    DEMOS.iter().for_each(|demo| keywords(&(demo.config.schema)(), &mut used));
    let text = std::fs::read_to_string("docs/schema.md").expect("text");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(used, rows.map(str::to_string).collect());
}

#[test]
fn a_setting_waits_only_for_what_another_one_can_be() {
    let mut waits = 0;
    for demo in DEMOS {
        let schema = (demo.config.schema)();
        let properties = schema["properties"].as_object().expect("settings");
        for (key, property) in properties {
            for (other, wanted) in property.get("x-when").and_then(Value::as_object).into_iter().flatten() {
                // Settings that demos share may wait for one that only some of them have.
                let Some(other) = properties.get(other) else { continue };
                waits += 1;
                for value in wanted.as_array().expect("values") {
                    let told = kiln::session::link::coerce(other.as_object().expect("a setting"), value);
                    assert!(matches!(told, Ok((_, None))), "{}: {key} waits for {value}", demo.name);
                }
            }
        }
    }
    assert!(waits > 10, "{waits}");
}

/// What differs between demos is said by the schema, by the registry, and by the kinds of views and actions. The texts of a demo
/// stand in the language files and lessons under its name.
#[test]
fn no_script_of_the_page_names_a_demo() {
    let scripts = ["www", "www/later", "www/views"].map(|folder| std::fs::read_dir(folder).expect("a folder"));
    let scripts = scripts.into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let mut seen = 0;
    for path in scripts.filter(|p| p.extension().is_some_and(|e| e == "js" || e == "css" || e == "html")) {
        let text = std::fs::read_to_string(&path).expect("text");
        seen += 1;
        for demo in DEMOS {
            // As a word of its own in quotation marks, at the beginning of a link, or in a selector.
            let name = demo.name;
            for named in [
                format!("'{name}'"),
                format!("'{name}?"),
                format!("`{name}?"),
                format!("#{name}"),
                format!("data-demo={name}"),
                format!("{name}: ["),
                format!("'{name}."),
                format!("`{name}."),
            ] {
                assert!(!text.contains(&named), "{}: {named}", path.display());
            }
        }
    }
    assert!(seen > 50, "only {seen} scripts were found");
}
