//! A small classifier of digits. Its weights ship with the page, where they judge what a GAN draws.

use super::settings::{OptimizerSettings, RunSettings, Settings};
use super::training::{Measured, Run, Task, Training};
use super::views::{Figure, Panel, View};
use super::{ConfigType, Context, Does, Entry, Family, Needs, Title, WasmModule, config};
use crate::data::mnist::{CLASSES, Mnist, PIXELS};
use crate::data::{Batch, Dataset};
use crate::device::read;
use crate::error::{Error, Result};
use crate::models::classifier::{Classifier, FEATURES};
use crate::nn::{AdamOptions, one_hot, upload};
use crate::poll::Poll;
use crate::ready;
use crate::rng::Purpose;
use crate::train::{Gaussian, HELD_OUT_MEAN, Losses, Moments, Referee, Trainer, best, cross_entropy};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: Entry = Entry {
    name: "classifier",
    family: Family::Classifier,
    title: Title { en: "Classifier", zh: "分类器" },
    does: Does::Trains,
    needs: Needs { bytes: 1_632_378, model: false, gpu: false },
    module: WasmModule::Training,
    opens: &[],
    config: ConfigType::of::<Config>(),
    actions: Vec::new,
    build: |values, context| {
        let config: Config = config(values)?;
        let data = Mnist::new(context.source.clone(), u64::from(config.run.seed));
        let task = ClassifierDemo::new(&config, &context);
        Ok(Box::new(Training::new(task, config, data, &context)))
    },
    // `time taskset -c 0 kiln train "classifier" --device cpu --steps 600 --out out`: 6.2 ms of one core a step.
    steps: Some(20_000),
};

/// A classifier of handwritten digits.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Config {
    #[serde(flatten)]
    run: RunSettings,
    /// Digits in each step.
    #[schemars(title = "Batch size", range(min = 8, max = 512), extend("x-group" = "data", "x-step" = 8))]
    batch: u32,
    #[serde(flatten)]
    optimizer: OptimizerSettings,
}

impl Default for Config {
    fn default() -> Self {
        let (run, optimizer) = (RunSettings { seed: 1, evaluate: 500 }, OptimizerSettings { lr: 0.001 });
        Self { run, batch: 64, optimizer }
    }
}

impl Settings for Config {
    fn run(&self) -> &RunSettings {
        &self.run
    }
}

/// Held-out digits judged at once, and examples shown.
const CHUNK: usize = 500;
const SHOWN: usize = 24;

struct ClassifierDemo {
    trainer: Trainer<Classifier>,
    held_out: Option<Batch>,
    /// Of the held-out digits' features.
    features: Option<Gaussian>,
    /// Digits of the last step.
    real: Batch,
}

impl ClassifierDemo {
    fn new(config: &Config, context: &Context) -> Self {
        let model = Classifier::new(&mut config.run.stream(Purpose::Weights), &context.device);
        let trainer = Trainer::new("classifier", model, context.device.clone());
        Self { trainer, held_out: None, features: None, real: Batch::default() }
    }
}

#[async_trait(?Send)]
impl Task for ClassifierDemo {
    type Config = Config;
    type Data = Mnist;
    type Evaluation = ();

    const NOISE: bool = false;
    const LOSSES: &'static [&'static str] = &["loss"];
    const MEASURES: &'static [&'static str] = &["accuracy"];

    /// Only when they are needed: they are as large as the first digits to learn from.
    fn prepare_evaluation(&mut self, run: &mut Run<Self>, due: bool) -> Result<Poll<()>> {
        if due && self.held_out.is_none() {
            self.held_out = Some(ready!(run.data.held_out()?));
        }
        Ok(Poll::Ready(()))
    }

    fn examples(&self, run: &Run<Self>) -> usize {
        run.config.batch as usize
    }

    fn step(&mut self, run: &mut Run<Self>, batch: Batch) -> Result<Losses> {
        let options = AdamOptions { lr: run.config.optimizer.lr, beta1: 0.9, beta2: 0.999 };
        self.trainer.prepare(1, options);
        let x = upload(batch.pixels.clone(), [batch.labels.len(), PIXELS], &run.device).autodiff();
        let (_, logits) = self.trainer.model.forward(x);
        let loss = cross_entropy(logits, one_hot(&batch.labels, CLASSES, &run.device).autodiff());
        self.trainer.update(&loss, options, false);
        self.real = batch;
        Ok(vec![("loss", loss.inner().into())])
    }

    fn evaluation(&self, _run: &Run<Self>) {}

    /// Accuracy on the held-out digits; the moments of their features are kept.
    async fn evaluate(&mut self, run: &mut Run<Self>, (): &mut ()) -> Result<Option<Vec<f32>>> {
        let batch = self.held_out.as_ref().ok_or_else(|| Error::internal("The held-out digits are not here."))?;
        let model = self.trainer.sampler();
        let (mut right, mut moments) = (0, Moments::new(FEATURES));
        for (pixels, labels) in batch.pixels.chunks(CHUNK * PIXELS).zip(batch.labels.chunks(CHUNK)) {
            let n = labels.len();
            let (features, logits) = model.forward(upload(pixels.to_vec(), [n, PIXELS], &run.device));
            let values = read(vec![features.reshape([n * FEATURES]), logits.reshape([n * CLASSES])]).await?;
            moments.add(&values[0]);
            let rows = values[1].chunks(CLASSES).zip(labels);
            right += rows.filter(|(row, label)| best(row) == usize::from(**label)).count();
        }
        let accuracy = right as f32 / batch.labels.len() as f32;
        self.features = Some(moments.gaussian());
        Ok(Some(vec![accuracy]))
    }

    async fn views(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        let n = self.real.labels.len().min(SHOWN);
        let pixels = &self.real.pixels[..n * PIXELS];
        let mut tensors = Vec::new();
        if n > 0 {
            let (_, logits) = self.trainer.sampler().forward(upload(pixels.to_vec(), [n, PIXELS], &run.device));
            tensors.push(logits.reshape([n * CLASSES]));
        }
        let logits = run.read(tensors).await?.pop().unwrap_or_default();
        let guesses: Vec<String> = logits.chunks(CLASSES).map(|row| best(row).to_string()).collect();
        let mut figures = self.latest_figures(run);
        let loss = run.curves.history.last("loss");
        figures.extend(loss.map(|v| Figure::of_curve("loss", "Cross-entropy at the last step (nats)", v, None)));
        let title = format!("Digits from the last step, recognised as {}", guesses.join(" "));
        Ok(vec![
            Panel::new("examples", &title, vec![View::digits(pixels, 8, false)]),
            Panel::figures(figures),
            run.losses("losses", "Loss", Self::LOSSES),
            run.measured("quality", "Accuracy on unseen digits"),
        ])
    }

    async fn save(&mut self, file: &mut Checkpoint) -> Result<()> {
        self.trainer.save(file).await?;
        if let Some(features) = &self.features {
            Referee::push_moments(features, file);
        }
        Ok(())
    }

    fn load(&mut self, _run: &Run<Self>, file: &Checkpoint) -> Result<()> {
        // None before the first test.
        let features = file.find(HELD_OUT_MEAN).map(|_| Referee::moments(file)).transpose()?;
        (self.trainer, self.features) = (self.trainer.loaded(file)?, features);
        Ok(())
    }

    /// With a digit more than the curve has.
    async fn measure(&mut self, run: &mut Run<Self>) -> Result<Vec<Figure>> {
        let accuracy = self.evaluate_whole(run).await?.into_iter();
        Ok(accuracy.map(|v| Figure::new("accuracy", "Accuracy on held-out digits", v, 4, Some(1.0))).collect())
    }

    fn figures(&self, _run: &Run<Self>, measured: &Measured) -> Vec<Figure> {
        measured.figure("accuracy", "Accuracy on unseen digits", Some(1.0)).into_iter().collect()
    }
}
