//! A step of the game, its evaluation, its checkpoint.

use super::config::Config;
use super::demo::{PictureGan, SHOWN};
use crate::data::mnist::CLASSES;
use crate::data::{Batch, Pictures};
use crate::demos::gan::choose_players;
use crate::demos::training::{Measured, Run, Task};
use crate::demos::{Figure, Panel, Samples, Values, no_action};
use crate::device::read_one;
use crate::error::{Error, Result};
use crate::models::{Discriminator, Generator};
use crate::nn::upload;
use crate::poll::Poll;
use crate::ready;
use crate::rng::{Purpose, Stream};
use crate::train::{CHUNK, Evaluation, GAN_LOSSES, Losses, Referee};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use serde_json::Value;

/// Steps between two measurements of the gradient norms.
const NORMS_EVERY: u32 = 10;

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
            values.extend(read_one(drawn.reshape([SHOWN * size])).await?);
        }
        values.truncate(n * size);
        Ok(Samples::pictures(self.shape, values))
    }

    /// What an evaluation measured, and how many of the ten digits were drawn.
    fn figures(&self, _run: &Run<Self>, measured: &Measured) -> Vec<Figure> {
        let present = self.classes.iter().filter(|c| **c > 0.0).count() as f32;
        let figures = [
            measured.figure("distance", "Fréchet classifier distance", None),
            (!self.classes.is_empty())
                .then(|| Figure::new("classes", "Different digits generated", present, 0, Some(10.0))),
            measured.figure("entropy", "Entropy of the digits (nats)", Some(10f32.ln())),
            measured.figure("diversity", "Diversity relative to real digits", Some(1.0)),
        ];
        figures.into_iter().flatten().collect()
    }
}
