//! A small classifier of digits. Its weights ship with the page, where they judge what a GAN draws.

use super::digits::one_hot;
use super::panel::{Figure, Panel, View};
use super::{
    Context, Demo, Does, Entry, Family, Needs, Stepped, Title, Values, WasmModule, config, defaults, schema, settled,
};
use crate::data::mnist::{CLASSES, Mnist, PIXELS, held_out};
use crate::data::{Batch, Pictures, Source};
use crate::device::{Device, read};
use crate::error::{Error, Result};
use crate::models::classifier::{Classifier, FEATURES};
use crate::nn::{Adam, AdamOptions, upload};
use crate::rng::{Purpose, Stream};
use crate::train::{Curves, Gaussian, HELD_OUT_MEAN, History, Moments, Referee, best, cross_entropy};
use crate::weights::{Checkpoint, collect, load_module};
use async_trait::async_trait;
use burn::module::Module;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

pub const ENTRY: Entry = Entry {
    name: "classifier",
    family: Family::Classifier,
    title: Title { en: "Classifier", zh: "分类器" },
    does: Does::Trains,
    needs: Needs { bytes: 1_632_378, model: false, gpu: false },
    module: WasmModule::Training,
    opens: &[],
    schema: schema::<Config>,
    defaults: defaults::<Config>,
    actions: Vec::new,
    build: |values, context| Ok(Box::new(Digits::new(config(values)?, context))),
    // `time taskset -c 0 kiln train "classifier" --device cpu --steps 600 --out out`: 6.2 ms of one core a step.
    steps: Some(20_000),
    settle: settled,
};

/// A classifier of handwritten digits.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Config {
    /// The same seed gives the same run.
    #[schemars(title = "Seed", range(min = 0, max = 999_999), extend("x-group" = "run", "x-hidden" = true))]
    seed: u32,
    /// Digits in a step.
    #[schemars(title = "Batch", range(min = 8, max = 512), extend("x-group" = "data", "x-step" = 8))]
    batch: u32,
    /// Adam's step size.
    #[schemars(title = "Learning rate", range(min = 0.000_001, max = 0.1), extend("x-group" = "game", "x-live" = true, "x-log" = true))]
    lr: f64,
    /// Steps between two tests on held-out digits.
    #[schemars(title = "Test every", range(min = 50, max = 5000), extend("x-group" = "run", "x-live" = true, "x-replayed" = true, "x-step" = 50))]
    evaluate: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { seed: 1, batch: 64, lr: 0.001, evaluate: 500 }
    }
}

/// Held-out digits judged at once, and examples shown.
const CHUNK: usize = 500;
const SHOWN: usize = 24;

struct Digits {
    config: Config,
    model: Classifier,
    adam: Adam,
    data: Mnist,
    source: Rc<dyn Source>,
    device: Device,
    trainable: Device,
    step: u32,
    curves: Curves,
    tests: History,
    held_out: Option<Batch>,
    features: Option<Gaussian>,
    real: Batch,
}

impl Digits {
    fn new(config: Config, context: Context) -> Self {
        let seed = u64::from(config.seed);
        Self {
            model: Classifier::new(&mut Stream::new(seed, Purpose::Weights), &context.device),
            adam: Adam::default(),
            data: Mnist::new(context.source.clone(), seed),
            source: context.source,
            device: context.device.clone().inner(),
            step: 0,
            curves: Curves::new(&["loss"], &context.device),
            trainable: context.device,
            tests: History::new(&["accuracy"]),
            held_out: None,
            features: None,
            real: Batch::default(),
            config,
        }
    }

    /// Accuracy on the held-out digits, and the moments of their features.
    async fn judge(&self) -> Result<Option<(f32, Gaussian)>> {
        let Some(batch) = &self.held_out else { return Ok(None) };
        let model = self.model.valid();
        let (mut right, mut moments) = (0, Moments::new(FEATURES));
        for (pixels, labels) in batch.pixels.chunks(CHUNK * PIXELS).zip(batch.labels.chunks(CHUNK)) {
            let n = labels.len();
            let (features, logits) = model.forward(upload(pixels.to_vec(), [n, PIXELS], &self.device));
            let values = read(vec![features.reshape([n * FEATURES]), logits.reshape([n * 10])]).await?;
            moments.add(&values[0]);
            right += values[1].chunks(10).zip(labels).filter(|(row, label)| best(row) == usize::from(**label)).count();
        }
        Ok(Some((right as f32 / batch.labels.len() as f32, moments.gaussian())))
    }
}

#[async_trait(?Send)]
impl Demo for Digits {
    fn steps(&self) -> u32 {
        self.step
    }

    async fn step(&mut self) -> Result<Stepped> {
        let due = (self.step + 1).is_multiple_of(self.config.evaluate);
        if due && self.held_out.is_none() {
            match held_out(&*self.source)? {
                Ok(batch) => self.held_out = Some(batch),
                Err(waiting) => return Ok(waiting.into()),
            }
        }
        let n = self.config.batch as usize;
        self.real = match self.data.batch(n)? {
            Ok(batch) => batch,
            Err(waiting) => return Ok(waiting.into()),
        };
        let options = AdamOptions { lr: self.config.lr, beta1: 0.9, beta2: 0.999 };
        self.adam.prepare(1, options, &self.device);
        let x = upload(self.real.pixels.clone(), [n, PIXELS], &self.device).autodiff();
        let labels = one_hot(&self.real.labels, CLASSES, &self.device).autodiff();
        let (_, logits) = self.model.forward(x);
        let loss = cross_entropy(logits, labels);
        (self.model, _) = self.adam.step(self.model.clone(), loss.backward(), options, false);
        self.step += 1;
        self.curves.push(self.step, vec![loss.inner().into()]);
        if due && let Some((accuracy, features)) = self.judge().await? {
            self.tests.push(self.step, &[accuracy]);
            self.features = Some(features);
        }
        if self.step.is_multiple_of(32) {
            self.curves.flush(Vec::new()).await?;
        }
        Ok(Stepped::Done)
    }

    async fn views(&mut self, fresh: bool) -> Result<Vec<Panel>> {
        let n = self.real.labels.len().min(SHOWN);
        let pixels = &self.real.pixels[..n * PIXELS];
        let mut tensors = Vec::new();
        if n > 0 {
            let (_, logits) = self.model.valid().forward(upload(pixels.to_vec(), [n, PIXELS], &self.device));
            tensors.push(logits.reshape([n * 10]));
        }
        let examples = View::digits(pixels, 8, false);
        let logits = self.curves.flush(tensors).await?.pop().unwrap_or_default();
        let guesses: Vec<String> = logits.chunks(10).map(|row| best(row).to_string()).collect();
        let figures = [
            Figure::of_curve("accuracy", "Accuracy on held-out digits", &self.tests, 0, Some(1.0)),
            Figure::measured_at(&self.tests),
            Figure::of_curve("loss", "Cross entropy of the last step (nats)", &self.curves.history, 0, None),
        ];
        let figures = figures.into_iter().flatten().collect();
        let (losses, tests) = (self.curves.history.unseen(fresh), self.tests.unseen(fresh));
        Ok(vec![
            Panel::new("examples", &format!("Digits of the last step, read as {}", guesses.join(" ")), vec![examples]),
            Panel::new("figures", "Figures", vec![View::Figures { figures }]),
            Panel::new("losses", "Loss", vec![View::curves(&losses, &self.curves.history, &[0], fresh)]),
            Panel::new("quality", "Accuracy on held-out digits", vec![View::curves(&tests, &self.tests, &[0], fresh)]),
        ])
    }

    fn set(&mut self, values: &Values) -> Result<()> {
        self.config = config(values)?;
        Ok(())
    }

    async fn save(&mut self) -> Result<Checkpoint> {
        self.curves.flush(Vec::new()).await?;
        let mut file = Checkpoint::default();
        collect(&self.model, Some(&self.adam), "classifier", &mut file).await?;
        if let Some(features) = &self.features {
            Referee::push_moments(features, &mut file);
        }
        self.curves.save(self.step, &mut file)?;
        self.tests.save("tests", &mut file);
        file.set_text("data.place", self.data.place());
        Ok(file)
    }

    fn load(&mut self, file: &Checkpoint) -> Result<()> {
        let place = file.text("data.place")?;
        let mut adam = Adam::default();
        let model = load_module(self.model.clone(), Some(&mut adam), "classifier", file, &self.trainable)?;
        let mut tests = self.tests.clone();
        tests.load("tests", file)?;
        // None before the first test.
        let features = file.find(HELD_OUT_MEAN).map(|_| Referee::moments(file)).transpose()?;
        self.step = self.curves.load(file)?;
        (self.model, self.adam, self.tests, self.features) = (model, adam, tests, features);
        self.data.seek(place);
        Ok(())
    }

    async fn measure(&mut self) -> Result<Vec<Figure>> {
        let missing = || Error::internal("The digits are not here.");
        self.held_out = Some(held_out(&*self.source)?.map_err(|_| missing())?);
        let (accuracy, _) = self.judge().await?.ok_or_else(missing)?;
        Ok(vec![Figure::new("accuracy", "Accuracy on held-out digits", accuracy, 4, Some(1.0))])
    }
}
