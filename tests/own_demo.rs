//! A demo of the test's own, in one file and registered by one line: it is listed, trains, shares its link, saves and resumes like those
//! of the house. `tests/page/own-demo.spec.js` opens one of its own in the page in the same way, with nothing changed under `www/`.

mod common;

use async_trait::async_trait;
use burn::tensor::Tensor;
use common::{Desk, Driver};
use kiln::data::points::{Distribution, PointBatch, Points};
use kiln::demos::settings::{RunSettings, Settings};
use kiln::demos::training::{Measured, Run, Task, Training};
use kiln::demos::{ConfigType, Does, Entry, Family, Figure, Needs, Panel, Title, View, WasmModule, config, registry};
use kiln::error::{Code, Result};
use kiln::nn::{Activation, AdamOptions, Linear, upload};
use kiln::rng::Purpose;
use kiln::session::Session;
use kiln::session::protocol::{Command, DeviceKind, Event};
use kiln::train::{Losses, Trainer};
use kiln::weights::Checkpoint;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// The registry with one more line.
const DEMOS: &[Entry] = &[registry::DEMOS[0], LINE];

const LINE: Entry = Entry {
    name: "line",
    family: Family::Classifier,
    title: Title { en: "A line through points", zh: "用直线拟合点" },
    does: Does::Trains,
    needs: Needs { bytes: 0, model: false, gpu: false },
    module: WasmModule::Training,
    opens: &[],
    config: ConfigType::of::<Config>(),
    actions: Vec::new,
    build: |values, context| {
        let config: Config = config(values)?;
        let model = Linear::new(1, 1, 1.0, true, &mut config.run.stream(Purpose::Weights), &context.device);
        let task = Line { trainer: Trainer::new("line", model, context.device.clone()) };
        let data = Points::new(Distribution::Line, Vec::new(), u64::from(config.run.seed));
        Ok(Box::new(Training::new(task, config, data, &context)))
    },
    steps: Some(100),
};

/// A line through points (linear regression).
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Config {
    #[serde(flatten)]
    run: RunSettings,
    /// Adam's step size.
    #[schemars(title = "Learning rate", range(min = 0.0, max = 0.5), extend("x-live" = true))]
    lr: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { run: RunSettings { seed: 1, evaluate: 20 }, lr: 0.1 }
    }
}

impl Settings for Config {
    fn run(&self) -> &RunSettings {
        &self.run
    }
}

const BATCH: usize = 32;

struct Line {
    trainer: Trainer<Linear>,
}

/// Mean squared error of a line at points, x and y alternating.
fn error(line: &Linear, points: Tensor<2>) -> Tensor<1> {
    let (x, y) = (points.clone().narrow(1, 0, 1), points.narrow(1, 1, 1));
    (line.forward(x, Activation::Identity) - y).square().mean()
}

#[async_trait(?Send)]
impl Task for Line {
    type Config = Config;
    type Data = Points;
    type Evaluation = ();

    const LOSSES: &'static [&'static str] = &["error"];
    const MEASURES: &'static [&'static str] = &["held_out"];

    fn examples(&self, _run: &Run<Self>) -> usize {
        BATCH
    }

    fn step(&mut self, run: &mut Run<Self>, points: PointBatch) -> Result<Losses> {
        let options = AdamOptions { lr: run.config.lr, beta1: 0.9, beta2: 0.999 };
        let loss = error(&self.trainer.model, upload(points.xy, [BATCH, 2], &run.device).autodiff());
        self.trainer.update(&loss, options, false);
        Ok(vec![("error", loss.inner().into())])
    }

    fn evaluation(&self, _run: &Run<Self>) {}

    async fn evaluate(&mut self, run: &mut Run<Self>, (): &mut ()) -> Result<Option<Vec<f32>>> {
        use kiln::data::Dataset;
        let points = run.data.held_out()?.ready().expect("points are drawn, not fetched");
        let n = points.labels.len();
        let error = error(&self.trainer.sampler(), upload(points.xy, [n, 2], &run.device));
        Ok(Some(run.curves.flush(vec![error]).await?.concat()))
    }

    async fn views(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        let slope = run.read(vec![self.trainer.sampler().weight.val().reshape([1])]).await?.concat()[0];
        let mut figures = vec![Figure::new("slope", "Slope", slope, 2, None)];
        figures.extend(self.latest_figures(run));
        Ok(vec![
            Panel::new("line", "The line", vec![View::Figures { figures }]),
            run.losses("losses", "Losses", Self::LOSSES),
        ])
    }

    async fn save(&mut self, file: &mut Checkpoint) -> Result<()> {
        self.trainer.save(file).await
    }

    fn load(&mut self, _run: &Run<Self>, file: &Checkpoint) -> Result<()> {
        self.trainer = self.trainer.loaded(file)?;
        Ok(())
    }

    fn figures(&self, _run: &Run<Self>, measured: &Measured) -> Vec<Figure> {
        measured.figure("held_out", "Error, held out", None).into_iter().collect()
    }
}

fn started() -> (Rc<Desk>, Session) {
    let desk = Driver::new(true).desk;
    desk.events.borrow_mut().clear();
    let mut session = Session::with_demos(desk.clone(), DeviceKind::Cpu, DEMOS);
    pollster::block_on(session.handle(Command::Start { software: false, proven: vec![] }));
    (desk, session)
}

fn trained(link: &str, checkpoint: Option<Vec<u8>>, n: u32) -> Driver {
    let (desk, session) = started();
    let mut driver = Driver { desk, session };
    driver.load(link, checkpoint);
    driver.step(n);
    driver
}

fn slope(driver: &Driver) -> f32 {
    let View::Figures { figures } = &driver.last_panels()[0].views[0] else { panic!("it shows figures") };
    figures[0].value
}

#[test]
fn a_demo_in_the_registry_is_told_to_the_page_with_what_the_picker_shows() {
    let (desk, _session) = started();
    let events = desk.events.borrow();
    let Some(Event::Hello { demos, .. }) = events.first() else { panic!("hello comes first") };
    let told = serde_json::to_value(demos).expect("JSON");
    assert_eq!(told[1]["name"], "line");
    assert_eq!(told[1]["title"]["zh"], "用直线拟合点");
    assert_eq!(told[1]["does"], "trains");
    assert_eq!(told.as_array().map(Vec::len), Some(2));
}

/// The points lie around y = x / 2, with a noise of 0.05 across.
#[test]
fn it_learns_and_its_link_is_the_whole_experiment() {
    let first = trained("line?seed=7&lr=0.05", None, 200);
    assert!((slope(&first) - 0.5).abs() < 0.02, "{}", slope(&first));
    assert_eq!(first.link(), "line?seed=7&lr=0.05");
    assert_eq!(slope(&first), slope(&trained(&first.link(), None, 200)));
    assert_ne!(slope(&first), slope(&trained("line?lr=0.05", None, 200)));
    assert_eq!(trained("line?lr=99", None, 0).link(), "line?lr=0.5", "out of range");
}

#[test]
fn a_live_setting_acts_while_it_runs_and_is_in_the_link_from_then_on() {
    let mut driver = trained("line", None, 3);
    driver.send(Command::Set { key: "lr".into(), value: 0.0.into() });
    let before = slope(&driver);
    driver.step(2);
    assert_eq!((slope(&driver), driver.link()), (before, "line?lr=0.0".into()));
}

#[test]
fn it_goes_on_from_a_checkpoint_as_if_it_had_never_stopped() {
    let whole = trained("line?seed=3", None, 50);
    let saved = trained("line?seed=3", None, 30).bytes();
    let resumed = trained("", Some(saved), 20);
    assert_eq!((slope(&resumed), resumed.steps(), resumed.link()), (slope(&whole), 50, "line?seed=3".into()));
    let held_out = |driver: &mut Driver| driver.checkpoint().find("history.measures").expect("measures").values.clone();
    let (mut whole, mut resumed) = (whole, resumed);
    assert_eq!(held_out(&mut resumed), held_out(&mut whole), "measured at the steps 20 and 40");
}

#[test]
fn what_is_in_no_registry_is_refused_by_name() {
    let (desk, session) = started();
    let mut driver = Driver { desk, session };
    driver.load("no-demo", None);
    assert_eq!(driver.errors(), [Code::UnknownDemo]);
}
