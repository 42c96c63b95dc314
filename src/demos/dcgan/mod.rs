//! A GAN that learns to draw handwritten digits from MNIST, watched for mode collapse by a classifier; or other pictures,
//! which no classifier of ours knows.

mod config;
mod views;

use super::gan::{choose_players, player_actions};
use super::pictures;
use super::training::{Run, Task, Training, no_action};
use super::views::{Figure, Panel};
use super::{Context, Demo, Does, Entry, Family, Needs, Samples, Title, Values, WasmModule, defaults, schema};
use crate::data::mnist::CLASSES;
use crate::data::{Batch, Pictures, Shape, Source};
use crate::device::{Device, read};
use crate::error::{Error, Result};
use crate::models::dcgan::DcganConfig;
use crate::models::dense_gan::DenseConfig;
use crate::models::{Discriminator, Generator};
use crate::nn::{one_hot, upload};
use crate::poll::Poll;
use crate::ready;
use crate::rng::{Purpose, Stream};
use crate::train::{CHUNK, CHUNKS, Evaluation, GAN_LOSSES, Gan, Losses, Referee, StepInput};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use burn::tensor::Tensor;
use config::{Config, Model};
use serde_json::Value;
use std::rc::Rc;

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
    earlier_defaults: &[("conditional", "false"), ("batch", "32"), ("noise", "0.1")],
    actions: player_actions,
    build,
    // `time taskset -c 0 kiln train "dcgan" --device cpu --steps 200 --out out`: 13.0 ms of one core a step.
    steps: Some(9_000),
    settle: config::settle,
};

fn build(values: &Values, context: Context) -> Result<Box<dyn Demo>> {
    let c: Config = super::config(values)?;
    let seed = u64::from(c.run.seed);
    let mut weights = Stream::new(seed, Purpose::Weights);
    let (latent, width, device) = (c.latent as usize, c.width as usize, context.device.clone());
    let data = pictures::open(&c.pictures.data, &context, seed)?;
    let (shape, classes) = (data.shape(), if c.conditional { data.classes().len() } else { 0 });
    if c.conditional && classes == 0 {
        return Err(Error::unsupported("A conditional model needs classes, and these pictures have none."));
    }
    Ok(match c.model {
        Model::Conv => {
            let sizes = DcganConfig { latent, width, classes, channels: shape.channels, side: shape.height };
            let (g, d) = (sizes.generator(&mut weights, &device), sizes.discriminator(&mut weights, &device));
            let task = PictureGan::new(&c, Gan::new(g, d, device), shape, &context);
            Box::new(Training::new(task, c, data, &context))
        }
        Model::Dense => {
            let sizes = DenseConfig { latent, classes, pixels: shape.len() };
            let (g, d) = (sizes.generator(&mut weights, &device), sizes.discriminator(&mut weights, &device));
            let task = PictureGan::new(&c, Gan::new(g, d, device), shape, &context);
            Box::new(Training::new(task, c, data, &context))
        }
    })
}

/// Pictures shown on a side of the sample grid.
const SIDE: usize = 8;
const SHOWN: usize = SIDE * SIDE;
/// Steps between two measurements of the gradient norms.
const NORMS_EVERY: u32 = 10;

struct PictureGan<G, D> {
    gan: Gan<G, D>,
    shape: Shape,
    source: Rc<dyn Source>,
    device: Device,
    /// Judges digits; of other pictures there is no judge.
    referee: Option<Referee>,
    /// Digits of each class at the latest evaluation.
    classes: Vec<f32>,
    /// Fixed: latents of the grid, and of the evaluation.
    z_shown: Tensor<2>,
    z_judged: Vec<Tensor<2>>,
    /// The last real batch, for the pictures and the histogram.
    real: Batch,
}

impl<G: Generator, D: Discriminator> PictureGan<G, D> {
    fn new(config: &Config, gan: Gan<G, D>, shape: Shape, context: &Context) -> Self {
        let latent = config.latent as usize;
        let device = context.device.clone().inner();
        let mut sampling = Stream::new(u64::from(config.run.seed), Purpose::Sampling);
        let mut latents = |n: usize| upload(sampling.normal(n * latent), [n, latent], &device);
        let (z_shown, z_judged) = (latents(SHOWN), (0..CHUNKS).map(|_| latents(CHUNK)).collect());
        let (referee, classes, real) = (None, Vec::new(), Batch::default());
        Self { gan, shape, source: context.source.clone(), referee, classes, z_shown, z_judged, real, device }
    }

    /// Classes that both networks are told; 0 for none.
    fn told(run: &Run<Self>) -> usize {
        if run.config.conditional { run.data.classes().len() } else { 0 }
    }

    /// What a conditional model is told of pictures of these classes.
    fn tell(&self, run: &Run<Self>, labels: &[u8]) -> Option<Tensor<2>> {
        let told = Self::told(run);
        (told > 0).then(|| one_hot(labels, told, &self.device))
    }

    /// Classes for `n` drawn pictures: the chosen one, or all in turn.
    fn asked(&self, run: &Run<Self>, n: usize, turn: bool) -> Option<Tensor<2>> {
        let told = Self::told(run);
        let chosen = (run.config.digit as u8).checked_sub(1).filter(|c| !turn && usize::from(*c) < told);
        let label = |i: usize| chosen.unwrap_or((i % told.max(1)) as u8);
        self.tell(run, &(0..n).map(label).collect::<Vec<_>>())
    }

    /// Everything one update needs; `batch` is empty for a generator's update.
    fn input(&self, run: &mut Run<Self>, batch: Option<Batch>) -> StepInput {
        let (n, latent) = (run.config.pictures.batch as usize, run.config.latent as usize);
        let (sigma, pixels, told) = (run.config.gan.noise as f32, self.shape.len(), Self::told(run));
        let instance =
            |stream: &mut Stream| stream.normal(n * pixels).into_iter().map(|v| v * sigma).collect::<Vec<_>>();
        let z = upload(run.noise.normal(n * latent), [n, latent], &self.device);
        let of_generator = batch.is_none();
        let Batch { pixels: mut real, mut labels } =
            batch.unwrap_or_else(|| Batch { pixels: vec![0.0; n * pixels], labels: Vec::new() });
        let noise = (sigma > 0.0).then(|| {
            if !of_generator {
                real.iter_mut().zip(instance(&mut run.noise)).for_each(|(x, e)| *x += e);
            }
            upload(instance(&mut run.noise), [n, pixels], &self.device).autodiff()
        });
        if of_generator && told > 0 {
            labels = (0..n).map(|_| run.noise.below(told) as u8).collect();
        }
        let real = upload(real, [n, pixels], &self.device).autodiff();
        StepInput { real, z: z.autodiff(), noise, classes: self.tell(run, &labels).map(Tensor::autodiff), mix: None }
    }
}

#[async_trait(?Send)]
impl<G: Generator, D: Discriminator> Task for PictureGan<G, D> {
    type Config = Config;
    type Data = Box<dyn Pictures>;
    type Evaluation = Evaluation<G>;

    const LOSSES: &'static [&'static str] = GAN_LOSSES;
    /// What the referee says of 1,024 samples.
    const MEASURES: &'static [&'static str] = &["distance", "entropy", "diversity"];

    /// The referee judges digits alone.
    fn evaluates(&self, run: &Run<Self>) -> bool {
        run.config.pictures.data == "mnist"
    }

    fn prepare_evaluation(&mut self, _run: &mut Run<Self>, _due: bool) -> Result<Poll<()>> {
        if self.referee.is_none() {
            self.referee = Some(ready!(Referee::poll(&*self.source, &self.device)?));
        }
        Ok(Poll::Ready(()))
    }

    fn examples(&self, run: &Run<Self>) -> usize {
        run.config.pictures.batch as usize * run.config.gan.discriminator_updates()
    }

    fn step(&mut self, run: &mut Run<Self>, real: Batch) -> Result<Losses> {
        let n = run.config.pictures.batch as usize;
        let batches: Vec<Batch> = real.split(n, self.shape).collect();
        let inputs = batches.into_iter().map(|batch| self.input(run, Some(batch))).collect();
        let generator = (run.config.gan.generator_updates() > 0).then(|| self.input(run, None));
        if !real.pixels.is_empty() {
            self.real = real;
        }
        let norms = (run.step() + 1).is_multiple_of(NORMS_EVERY);
        self.gan.step(run.config.gan.options(run.config.loss.into(), 0.0, norms), inputs, generator)
    }

    fn evaluation(&self, _run: &Run<Self>) -> Evaluation<G> {
        Evaluation::new(self.gan.generator.sampler())
    }

    async fn evaluate(&mut self, run: &mut Run<Self>, evaluation: &mut Evaluation<G>) -> Result<Option<Vec<f32>>> {
        let Some(referee) = &self.referee else { return Err(Error::internal("The digits' classifier is not here.")) };
        let z = self.z_judged[evaluation.chunks()].clone();
        let drawn = evaluation.generator.forward(z, self.asked(run, CHUNK, true));
        let Some(report) = evaluation.add(referee, drawn, &[]).await? else { return Ok(None) };
        let quality = report.quality().to_vec();
        self.classes = report.classes;
        Ok(Some(quality))
    }

    async fn views(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        self.panels(run).await
    }

    async fn act(&mut self, _run: &mut Run<Self>, name: &str, _args: &Value) -> Result<Values> {
        choose_players(name).ok_or_else(|| no_action(name))
    }

    async fn save(&mut self, file: &mut Checkpoint) -> Result<()> {
        self.gan.save(file).await?;
        file.push("history.classes", &[self.classes.len()], self.classes.clone());
        Ok(())
    }

    fn load(&mut self, _run: &Run<Self>, file: &Checkpoint) -> Result<()> {
        // None before the first evaluation.
        let judged = file.find("history.classes").is_some_and(|entry| !entry.values.is_empty());
        let classes = if judged { file.finite("history.classes", &[CLASSES])?.to_vec() } else { Vec::new() };
        self.gan.load(file)?;
        self.classes = classes;
        Ok(())
    }

    async fn sample(&mut self, run: &mut Run<Self>, n: usize, seed: u64) -> Result<Samples> {
        let (latent, size) = (run.config.latent as usize, self.shape.len());
        let mut stream = Stream::new(seed, Purpose::Sampling);
        let mut values = Vec::new();
        // Batch norm uses the statistics of the batch: always a whole one.
        while values.len() < n * size {
            let z = upload(stream.normal(SHOWN * latent), [SHOWN, latent], &self.device);
            let drawn = self.gan.sample(z, self.asked(run, SHOWN, false));
            values.extend(read(vec![drawn.reshape([SHOWN * size])]).await?.pop().unwrap_or_default());
        }
        values.truncate(n * size);
        let Shape { channels, height, width } = self.shape;
        Ok(Samples { shape: vec![n, channels, height, width], values })
    }

    fn figures(&self, _run: &Run<Self>, measures: &dyn Fn(&str) -> Option<f32>) -> Vec<Figure> {
        self.quality_figures(measures)
    }
}
