//! A demo of the test's own, registered by one line: it is listed, runs, shares its link, saves and resumes like those of the house.
//! `tests/page/own-demo.spec.js` opens one of its own in the page in the same way, with nothing changed under `www/`.

mod common;

use async_trait::async_trait;
use common::{Desk, Driver};
use kiln::demos::{
    Context, Demo, Does, Entry, Family, Figure, Needs, Panel, Stepped, Title, Values, View, WasmModule, config,
    defaults, schema, settled,
};
use kiln::error::{Code, Result};
use kiln::rng::{Purpose, Stream};
use kiln::session::Session;
use kiln::session::protocol::{Command, DeviceKind, Event};
use kiln::weights::Checkpoint;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// The registry with one more line.
const DEMOS: &[Entry] = &[kiln::demos::DEMOS[0], WALK];

const WALK: Entry = Entry {
    name: "walk",
    family: Family::Gan,
    title: Title { en: "Random walk", zh: "随机游走" },
    does: Does::Trains,
    needs: Needs { bytes: 0, model: false, gpu: false },
    module: WasmModule::Training,
    opens: &[],
    schema: schema::<Config>,
    defaults: defaults::<Config>,
    actions: Vec::new,
    build: |values, _context: Context| Ok(Box::new(Walk { config: config(values)?, steps: 0, place: 0.0 })),
    steps: Some(10),
    settle: settled,
};

/// A point that walks.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Config {
    /// The same seed gives the same run.
    #[schemars(title = "Seed", range(min = 0, max = 999))]
    seed: u64,
    /// How far it goes in a step.
    #[schemars(title = "Stride", range(min = 0.0, max = 10.0), extend("x-live" = true))]
    stride: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { seed: 1, stride: 1.0 }
    }
}

struct Walk {
    config: Config,
    steps: u32,
    place: f32,
}

#[async_trait(?Send)]
impl Demo for Walk {
    fn steps(&self) -> u32 {
        self.steps
    }

    async fn step(&mut self) -> Result<Stepped> {
        let mut stream = Stream::new(1_000 * self.config.seed + u64::from(self.steps), Purpose::Noise);
        self.place += self.config.stride as f32 * stream.normal(1)[0];
        self.steps += 1;
        Ok(Stepped::Done)
    }

    async fn views(&mut self, _fresh: bool) -> Result<Vec<Panel>> {
        let figures =
            vec![Figure { id: "place".into(), title: "Place".into(), value: self.place, digits: 2, of: None }];
        Ok(vec![Panel { id: "place".into(), title: "Place".into(), views: vec![View::Figures { figures }] }])
    }

    fn set(&mut self, values: &Values) -> Result<()> {
        self.config = config(values)?;
        Ok(())
    }

    async fn save(&mut self) -> Result<Checkpoint> {
        let mut file = Checkpoint::default();
        file.push("place", &[1], vec![self.place]);
        file.set_text("step", self.steps);
        Ok(file)
    }

    fn load(&mut self, file: &Checkpoint) -> Result<()> {
        (self.place, self.steps) = (file.finite("place", &[1])?[0], file.count("step")?);
        Ok(())
    }
}

fn started() -> (Rc<Desk>, Session) {
    let desk = Driver::new(true).desk;
    desk.events.borrow_mut().clear();
    let mut session = Session::with_demos(desk.clone(), DeviceKind::Cpu, DEMOS);
    pollster::block_on(session.handle(Command::Start { software: false, proven: vec![] }));
    (desk, session)
}

fn walked(link: &str, checkpoint: Option<Vec<u8>>, n: u32) -> Driver {
    let (desk, session) = started();
    let mut driver = Driver { desk, session };
    driver.load(link, checkpoint);
    driver.step(n);
    driver
}

fn place(driver: &Driver) -> u32 {
    let View::Figures { figures } = &driver.last_panels()[0].views[0] else { panic!("it shows figures") };
    figures[0].value.to_bits()
}

#[test]
fn a_demo_in_the_registry_is_told_to_the_page_with_what_the_picker_shows() {
    let (desk, _session) = started();
    let events = desk.events.borrow();
    let Some(Event::Hello { demos, .. }) = events.first() else { panic!("hello comes first") };
    let told = serde_json::to_value(demos).expect("JSON");
    assert_eq!(told[1]["name"], "walk");
    assert_eq!(told[1]["title"]["zh"], "随机游走");
    assert_eq!(told[1]["does"], "trains");
    assert_eq!(told.as_array().map(Vec::len), Some(2));
}

#[test]
fn it_runs_and_its_link_is_the_whole_experiment() {
    let first = walked("walk?seed=7&stride=2", None, 5);
    assert_eq!(first.link(), "walk?seed=7&stride=2.0");
    assert_eq!(place(&first), place(&walked(&first.link(), None, 5)));
    assert_ne!(place(&first), place(&walked("walk?stride=2", None, 5)));
    assert_eq!(walked("walk?stride=99", None, 0).link(), "walk?stride=10.0", "out of range");
}

#[test]
fn a_live_setting_acts_while_it_runs_and_is_in_the_link_from_then_on() {
    let mut driver = walked("walk", None, 3);
    driver.send(Command::Set { key: "stride".into(), value: 0.0.into() });
    let before = place(&driver);
    driver.step(2);
    assert_eq!((place(&driver), driver.link()), (before, "walk?stride=0.0".into()));
}

#[test]
fn it_goes_on_from_a_checkpoint_as_if_it_had_never_stopped() {
    let whole = walked("walk?seed=3", None, 9);
    let saved = walked("walk?seed=3", None, 4).bytes();
    let resumed = walked("", Some(saved), 5);
    assert_eq!((place(&resumed), resumed.steps(), resumed.link()), (place(&whole), 9, "walk?seed=3".into()));
}

#[test]
fn what_is_in_no_registry_is_refused_by_name() {
    let (desk, session) = started();
    let mut driver = Driver { desk, session };
    driver.load("dcgan", None);
    assert_eq!(driver.errors(), [Code::UnknownDemo]);
}
