//! A GAN that learns to draw handwritten digits from MNIST, watched for mode collapse by a classifier; or other pictures,
//! which no classifier of ours knows.

mod config;
mod views;

use super::digits::{one_hot, referee};
use super::panel::{Action, Panel};
use super::pictures;
use super::{
    Context, Demo, Does, Entry, Family, Figure, Needs, Samples, Stepped, Title, Values, WasmModule, defaults, schema,
    settled,
};
use crate::data::mnist::CLASSES;
use crate::data::{Batch, Pictures, Shape, Source};
use crate::device::{Device, read};
use crate::error::{Error, Result};
use crate::models::dcgan::DcganConfig;
use crate::models::dense_gan::DenseConfig;
use crate::models::{Discriminator, Generator};
use crate::nn::upload;
use crate::rng::{Purpose, Stream};
use crate::train::{CHUNK, CHUNKS, Evaluation, Gan, GanOptions, History, Players, Referee, Report, StepInput};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use burn::tensor::Tensor;
use config::{Config, Model};
use serde_json::{Value, json};
use std::rc::Rc;
use views::quality_figures;

pub const ENTRY: Entry = Entry {
    name: "dcgan",
    family: Family::Gan,
    title: Title { en: "GAN on pictures", zh: "图片 GAN" },
    does: Does::Trains,
    needs: Needs { bytes: 1_809_250, model: false, gpu: true },
    module: WasmModule::Training,
    opens: &[],
    schema: schema::<Config>,
    defaults: defaults::<Config>,
    actions,
    build,
    // `time taskset -c 0 kiln train "dcgan" --device cpu --steps 200 --out out`: 20.6 ms of one core a step.
    steps: Some(6_000),
    settle: settled,
};

fn actions() -> Vec<Action> {
    let action = |name: &str, title: &str| Action { name: name.into(), title: title.into(), draws: false };
    vec![
        action("train_both", "Both players"),
        action("train_discriminator", "Discriminator only"),
        action("train_generator", "Generator only"),
    ]
}

fn build(values: &Values, context: Context) -> Result<Box<dyn Demo>> {
    let c: Config = super::config(values)?;
    let mut weights = Stream::new(u64::from(c.seed), Purpose::Weights);
    let (latent, width, device) = (c.latent as usize, c.width as usize, context.device.clone());
    let data = pictures::open(&c.data, &context, u64::from(c.seed))?;
    let (shape, classes) = (data.shape(), if c.conditional { data.classes().len() } else { 0 });
    if c.conditional && classes == 0 {
        return Err(Error::unsupported("These pictures have no classes, which a conditional model needs."));
    }
    Ok(match c.model {
        Model::Conv => {
            let sizes = DcganConfig { latent, width, classes, channels: shape.channels, side: shape.height };
            let (g, d) = (sizes.generator(&mut weights, &device), sizes.discriminator(&mut weights, &device));
            Box::new(Painter::new(c, Gan::new(g, d, device), data, context))
        }
        Model::Dense => {
            let sizes = DenseConfig { latent, classes, pixels: shape.len() };
            let (g, d) = (sizes.generator(&mut weights, &device), sizes.discriminator(&mut weights, &device));
            Box::new(Painter::new(c, Gan::new(g, d, device), data, context))
        }
    })
}

/// Pictures shown on a side of the sample grid.
const SIDE: usize = 8;
const SHOWN: usize = SIDE * SIDE;
/// What the referee says of 1,024 samples.
const QUALITY: [&str; 3] = ["distance", "entropy", "diversity"];
/// Steps between two measurements of the gradient norms.
const NORMS_EVERY: u32 = 10;

struct Painter<G, D> {
    config: Config,
    gan: Gan<G, D>,
    data: Box<dyn Pictures>,
    shape: Shape,
    /// Classes that both networks are told; 0 for none.
    told: usize,
    noise: Stream,
    source: Rc<dyn Source>,
    device: Device,
    /// Judges digits; of other pictures there is no judge.
    referee: Option<Referee>,
    evaluation: Option<Evaluation<G>>,
    quality: History,
    classes: Vec<f32>,
    /// Fixed: latents of the grid, and of the evaluation.
    z_shown: Tensor<2>,
    z_judged: Vec<Tensor<2>>,
    /// The last real batch, for the pictures and the histogram.
    real: Batch,
}

impl<G: Generator, D: Discriminator> Painter<G, D> {
    fn new(config: Config, gan: Gan<G, D>, data: Box<dyn Pictures>, context: Context) -> Self {
        let (seed, latent) = (u64::from(config.seed), config.latent as usize);
        let device = context.device.inner();
        let mut sampling = Stream::new(seed, Purpose::Sampling);
        let mut latents = |n: usize| upload(sampling.normal(n * latent), [n, latent], &device);
        Self {
            gan,
            shape: data.shape(),
            told: if config.conditional { data.classes().len() } else { 0 },
            data,
            noise: Stream::new(seed, Purpose::Noise),
            source: context.source,
            referee: None,
            evaluation: None,
            quality: History::new(&QUALITY),
            classes: Vec::new(),
            z_shown: latents(SHOWN),
            z_judged: (0..CHUNKS).map(|_| latents(CHUNK)).collect(),
            real: Batch::default(),
            device,
            config,
        }
    }

    fn options(&self) -> GanOptions {
        GanOptions {
            loss: self.config.loss.into(),
            lr_generator: self.config.lr_g,
            lr_discriminator: self.config.lr_d,
            beta1: self.config.beta1,
            beta2: self.config.beta2,
            penalty: 0.0,
            norms: (self.gan.step + 1).is_multiple_of(NORMS_EVERY),
        }
    }

    /// Whether the pictures are digits, which the referee can judge.
    fn judged(&self) -> bool {
        self.config.data == "mnist"
    }

    /// What a conditional model is told of pictures of these classes.
    fn tell(&self, labels: &[u8]) -> Option<Tensor<2>> {
        (self.told > 0).then(|| one_hot(labels, self.told, &self.device))
    }

    /// Classes for `n` drawn pictures: the chosen one, or all in turn.
    fn asked(&self, n: usize, turn: bool) -> Option<Tensor<2>> {
        let chosen = (self.config.digit as u8).checked_sub(1).filter(|c| !turn && usize::from(*c) < self.told);
        let label = |i: usize| chosen.unwrap_or((i % self.told.max(1)) as u8);
        self.tell(&(0..n).map(label).collect::<Vec<_>>())
    }

    /// Everything one update needs; `batch` is empty for a generator's update.
    fn input(&mut self, batch: Option<&Batch>) -> StepInput {
        let (n, latent, sigma) = (self.config.batch as usize, self.config.latent as usize, self.config.noise as f32);
        let device = &self.device;
        let pixels = self.shape.len();
        let noise = |stream: &mut Stream| stream.normal(n * pixels).into_iter().map(|v| v * sigma).collect::<Vec<_>>();
        let z = upload(self.noise.normal(n * latent), [n, latent], device);
        let mut real = batch.map_or_else(|| vec![0.0; n * pixels], |b| b.pixels.clone());
        let fake = (sigma > 0.0).then(|| {
            if batch.is_some() {
                real.iter_mut().zip(noise(&mut self.noise)).for_each(|(x, e)| *x += e);
            }
            upload(noise(&mut self.noise), [n, pixels], device).autodiff()
        });
        let labels: Vec<u8> = match batch {
            Some(batch) => batch.labels.clone(),
            None if self.told > 0 => (0..n).map(|_| self.noise.below(self.told) as u8).collect(),
            None => Vec::new(),
        };
        StepInput {
            real: upload(real, [n, pixels], device).autodiff(),
            z: z.autodiff(),
            noise: fake,
            classes: self.tell(&labels).map(Tensor::autodiff),
            mix: None,
        }
    }

    /// Judges one more chunk of an evaluation; after the last one there is a report.
    async fn judge(&self, evaluation: &mut Evaluation<G>) -> Result<Option<Report>> {
        let Some(referee) = &self.referee else { return Ok(None) };
        let z = self.z_judged[evaluation.chunks()].clone();
        evaluation.add(referee, evaluation.generator.forward(z, self.asked(CHUNK, true))).await
    }

    /// Judges one more chunk of the evaluation that is under way.
    async fn evaluate(&mut self) -> Result<()> {
        let Some(mut evaluation) = self.evaluation.take() else { return Ok(()) };
        match self.judge(&mut evaluation).await? {
            Some(report) => {
                self.quality.push(evaluation.step, &report.quality());
                self.classes = report.classes;
            }
            None => self.evaluation = Some(evaluation),
        }
        Ok(())
    }
}

#[async_trait(?Send)]
impl<G: Generator, D: Discriminator> Demo for Painter<G, D> {
    fn steps(&self) -> u32 {
        self.gan.step
    }

    async fn step(&mut self) -> Result<Stepped> {
        let due = self.judged() && (self.gan.step + 1).is_multiple_of(self.config.evaluate);
        if self.judged() && self.referee.is_none() {
            match referee(&*self.source, &self.device)? {
                Ok(referee) => self.referee = Some(referee),
                // Its first use waits for it, so that the same link gives the same curves on any network.
                Err(waiting) if due => return Ok(waiting.into()),
                Err(_) => {}
            }
        }
        let options = self.options();
        let (n, players) = (self.config.batch as usize, self.config.players);
        let updates = if players == Players::Generator { 0 } else { self.config.d_steps as usize };
        let real = match self.data.batch(n * updates)? {
            Ok(real) => real,
            Err(waiting) => return Ok(waiting.into()),
        };
        let mut inputs = Vec::new();
        for (k, pixels) in real.pixels.chunks(n * self.shape.len()).enumerate() {
            let labels = real.labels.get(k * n..(k + 1) * n).unwrap_or_default().to_vec();
            inputs.push(self.input(Some(&Batch { pixels: pixels.to_vec(), labels })));
        }
        let generator = (players != Players::Discriminator).then(|| self.input(None));
        self.gan.step(options, inputs, generator)?;
        if !real.pixels.is_empty() {
            self.real = real;
        }
        if due {
            // A slow device may still be at the last one: what it found is kept.
            while self.evaluation.is_some() {
                self.evaluate().await?;
            }
            self.evaluation = Some(Evaluation::new(self.gan.generator.valid(), self.gan.step));
        }
        self.evaluate().await?;
        if self.gan.step.is_multiple_of(32) {
            // A readback now and then: WebGPU has no other brake on what is submitted.
            self.gan.curves.flush(Vec::new()).await?;
        }
        Ok(Stepped::Done)
    }

    async fn views(&mut self, fresh: bool) -> Result<Vec<Panel>> {
        self.panels(fresh).await
    }

    fn set(&mut self, values: &Values) -> Result<()> {
        self.config = super::config(values)?;
        Ok(())
    }

    async fn act(&mut self, name: &str, _args: &Value) -> Result<Values> {
        match name.strip_prefix("train_") {
            Some(players @ ("both" | "discriminator" | "generator")) => {
                Ok(json!({ "players": players }).as_object().cloned().unwrap_or_default())
            }
            _ => Err(Error::bad_command(format!("This demo has no action {name:?}."))),
        }
    }

    async fn save(&mut self) -> Result<Checkpoint> {
        while self.evaluation.is_some() && self.referee.is_some() {
            self.evaluate().await?;
        }
        let mut file = self.gan.save().await?;
        self.quality.save("quality", &mut file);
        file.push("history.classes", &[self.classes.len()], self.classes.clone());
        file.set_text("rng.noise", self.noise.position());
        file.set_text("data.place", self.data.place());
        Ok(file)
    }

    fn load(&mut self, file: &Checkpoint) -> Result<()> {
        let noise = file.text("rng.noise")?;
        let place = file.text("data.place")?;
        let mut quality = self.quality.clone();
        quality.load("quality", file)?;
        // None before the first evaluation.
        let judged = file.find("history.classes").is_some_and(|entry| !entry.values.is_empty());
        let classes = if judged { file.finite("history.classes", &[CLASSES])?.to_vec() } else { Vec::new() };
        self.gan.load(file)?;
        (self.quality, self.classes) = (quality, classes);
        self.evaluation = None;
        self.noise.seek(noise);
        self.data.seek(place);
        Ok(())
    }

    async fn sample(&mut self, n: usize, seed: u64) -> Result<Samples> {
        let (latent, size) = (self.config.latent as usize, self.shape.len());
        let mut stream = Stream::new(seed, Purpose::Sampling);
        let mut values = Vec::new();
        // Batch norm uses the statistics of the batch: always a whole one.
        while values.len() < n * size {
            let z = upload(stream.normal(SHOWN * latent), [SHOWN, latent], &self.device);
            let drawn = self.gan.sample(z, self.asked(SHOWN, false));
            values.extend(read(vec![drawn.reshape([SHOWN * size])]).await?.pop().unwrap_or_default());
        }
        values.truncate(n * size);
        let Shape { channels, height, width } = self.shape;
        Ok(Samples { shape: vec![n, channels, height, width], values })
    }

    /// As every so many steps of a run on digits.
    async fn measure(&mut self) -> Result<Vec<Figure>> {
        if !self.judged() {
            return Err(Error::bad_command("Digits alone can be measured: other pictures have no judge."));
        }
        if self.referee.is_none() {
            let waits = |_| Error::internal("The judge of the digits is not here.");
            self.referee = Some(referee(&*self.source, &self.device)?.map_err(waits)?);
        }
        let mut evaluation = Evaluation::new(self.gan.generator.valid(), self.gan.step);
        loop {
            if let Some(report) = self.judge(&mut evaluation).await? {
                let mut quality = History::new(&QUALITY);
                quality.push(evaluation.step, &report.quality());
                return Ok(quality_figures(&quality, &report.classes));
            }
        }
    }
}
