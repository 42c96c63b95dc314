//! A step of training, its evaluation, its checkpoint.

use super::config::Config;
use super::demo::VaeDemo;
use super::measure::TESTED;
use crate::data::{Batch, Dataset, Pictures};
use crate::demos::training::{Measured, Run, Task};
use crate::demos::{Figure, Panel, Samples, Values};
use crate::device::read_one;
use crate::error::Result;
use crate::poll::Poll;
use crate::ready;
use crate::rng::{Purpose, Stream};
use crate::train::{Losses, VAE_LOSSES, vae_step};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use serde_json::Value;

#[async_trait(?Send)]
impl Task for VaeDemo {
    type Config = Config;
    type Data = Box<dyn Pictures>;
    type Evaluation = ();

    const LOSSES: &'static [&'static str] = VAE_LOSSES;
    const MEASURES: &'static [&'static str] = &["elbo", "reconstruction", "kl"];

    /// Trained weights are there to be looked at first.
    fn begins(&self) -> bool {
        self.weights.is_none()
    }

    /// The held-out pictures and the shipped weights.
    fn prepare(&mut self, run: &mut Run<Self>) -> Result<Poll<()>> {
        if self.held_out.is_none() {
            self.held_out = Some(ready!(run.data.held_out()?));
        }
        if let Some(path) = &self.weights {
            let file = Checkpoint::from_bytes(&ready!(self.source.poll(path)?))?;
            self.trainer.load_weights(&file)?;
            (self.weights, self.mended) = (None, None);
        }
        Ok(Poll::Ready(()))
    }

    fn examples(&self, run: &Run<Self>) -> usize {
        run.config.pictures.batch as usize
    }

    fn step(&mut self, run: &mut Run<Self>, batch: Batch) -> Result<Losses> {
        let noise = run.noise.normal(run.config.pictures.batch as usize * self.latent);
        let (noise, x) = (self.latents(noise).autodiff(), self.upload(&batch.pixels).autodiff());
        self.mended = None;
        Ok(vae_step(&mut self.trainer, run.config.options(run.step() + 1), x, noise))
    }

    fn evaluation(&self, _run: &Run<Self>) {}

    async fn evaluate(&mut self, run: &mut Run<Self>, (): &mut ()) -> Result<Option<Vec<f32>>> {
        Ok(Some(self.test(&run.config, TESTED).await?.to_vec()))
    }

    async fn views(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        match self.held_out.is_some() && self.weights.is_none() {
            true => self.panels(run).await,
            false => Ok(Vec::new()),
        }
    }

    fn changed(&mut self, run: &Run<Self>, old: &Config) {
        let config = &run.config;
        if (config.damage, config.amount, config.from) != (old.damage, old.amount, old.from) {
            self.mended = None;
        }
        self.z = config.z();
    }

    async fn act(&mut self, run: &mut Run<Self>, name: &str, args: &Value) -> Result<Values> {
        self.action(&run.config, name, args).await
    }

    async fn save(&mut self, file: &mut Checkpoint) -> Result<()> {
        self.trainer.save(file).await?;
        self.pad.save(file);
        if self.weights.is_none() {
            file.set_text("started", true);
        }
        Ok(())
    }

    fn load(&mut self, _run: &Run<Self>, file: &Checkpoint) -> Result<()> {
        let pad = self.pad.loaded(file, self.shape)?;
        (self.trainer, self.pad) = (self.trainer.loaded(file)?, pad);
        // A run that was saved before its weights came still waits for them.
        if file.texts.contains_key("started") {
            self.weights = None;
        }
        Ok(())
    }

    async fn sample(&mut self, run: &mut Run<Self>, n: usize, seed: u64) -> Result<Samples> {
        self.arrived(run)?;
        let z = Stream::new(seed, Purpose::Sampling).normal(n * self.latent);
        Ok(Samples::pictures(self.shape, read_one(self.decode(self.latents(z))).await?))
    }

    fn figures(&self, _run: &Run<Self>, measured: &Measured) -> Vec<Figure> {
        measured.figure("elbo", "ELBO on unseen pictures (nats)", None).into_iter().collect()
    }

    async fn measure(&mut self, run: &mut Run<Self>) -> Result<Vec<Figure>> {
        self.figures_of_all(run).await
    }
}
