//! A step of the game, its evaluation, its checkpoint.

use super::config::Config;
use super::demo::{Gan2d, MEASURED};
use crate::data::points::{PointBatch, Points};
use crate::demos::drawing::draw;
use crate::demos::gan::choose_players;
use crate::demos::training::{Measured, Run, Task};
use crate::demos::{Figure, Panel, Samples, Values, no_action};
use crate::device::read_one;
use crate::error::Result;
use crate::nn::upload;
use crate::rng::{Purpose, Stream};
use crate::train::{GAN_LOSSES, Losses, StepInput, cells, divergence, modes_covered};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use serde_json::Value;

#[async_trait(?Send)]
impl Task for Gan2d {
    type Config = Config;
    type Data = Points;
    type Evaluation = ();

    const LOSSES: &'static [&'static str] = GAN_LOSSES;
    const MEASURES: &'static [&'static str] = &["divergence", "modes"];

    fn examples(&self, run: &Run<Self>) -> usize {
        let gan = &run.config.gan;
        run.config.batch as usize * (gan.discriminator_updates() + gan.generator_updates())
    }

    fn step(&mut self, run: &mut Run<Self>, PointBatch { xy: real, .. }: PointBatch) -> Result<Losses> {
        let inputs = real.chunks(2 * run.config.batch as usize).map(|real| self.input(run, real.to_vec()));
        let mut inputs: Vec<StepInput> = inputs.collect();
        let generator = inputs.split_off(run.config.gan.discriminator_updates()).pop();
        self.gan.step(run.config.gan.options(run.config.loss, 1.0, false), inputs, generator)
    }

    fn evaluation(&self, _run: &Run<Self>) {}

    /// Jensen-Shannon divergence on the grid and modes covered; NaN where the data have no modes.
    async fn evaluate(&mut self, run: &mut Run<Self>, (): &mut ()) -> Result<Option<Vec<f32>>> {
        let drawn = self.gan.sample(self.z_measured.clone(), None).reshape([MEASURED * 2]);
        let drawn = run.curves.flush(vec![drawn]).await?.pop().unwrap_or_default();
        let modes = run.data.modes();
        let covered = if modes.is_empty() { f32::NAN } else { modes_covered(&drawn, &modes) };
        Ok(Some(vec![divergence(&cells(&drawn), &self.real_cells), covered]))
    }

    async fn views(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        self.panels(run).await
    }

    async fn act(&mut self, run: &mut Run<Self>, name: &str, args: &Value) -> Result<Values> {
        match draw(name, args, &run.config.points) {
            Some(drawn) => drawn,
            None => choose_players(name).ok_or_else(|| no_action(name)),
        }
    }

    async fn save(&mut self, file: &mut Checkpoint) -> Result<()> {
        self.gan.save(file).await
    }

    fn load(&mut self, _run: &Run<Self>, file: &Checkpoint) -> Result<()> {
        self.gan.load(file)
    }

    async fn sample(&mut self, run: &mut Run<Self>, n: usize, seed: u64) -> Result<Samples> {
        let latent = run.config.latent as usize;
        let z = upload(Stream::new(seed, Purpose::Sampling).normal(n * latent), [n, latent], &run.device);
        let values = read_one(self.gan.sample(z, None).reshape([n * 2])).await?;
        Ok(Samples { shape: vec![n, 2], values })
    }

    fn figures(&self, run: &Run<Self>, measured: &Measured) -> Vec<Figure> {
        let modes = run.data.modes().len() as f32;
        let divergence = measured.figure("divergence", "Jensen-Shannon divergence", None);
        // NaN where the data have no modes.
        let covered = measured.figure("modes", "Modes covered", Some(modes)).filter(|f| f.value.is_finite());
        divergence.into_iter().chain(covered).collect()
    }
}
