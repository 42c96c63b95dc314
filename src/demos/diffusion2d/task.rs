//! What a step trains, what an evaluation measures, what the person does.

use super::config::Config;
use super::demo::Diffusion2d;
use crate::data::points::{PointBatch, Points};
use crate::demos::denoising::chosen_time;
use crate::demos::drawing::draw;
use crate::demos::training::{Measured, Run, Task};
use crate::demos::{Figure, Panel, Samples, Values, no_action};
use crate::device::read_one;
use crate::error::Result;
use crate::models::denoiser::told_classes;
use crate::nn::{AdamOptions, upload};
use crate::rng::{Purpose, Stream};
use crate::train::{LossByTime, Losses, NoiseBatch, diffusion_step, modes_covered};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use serde_json::Value;

#[async_trait(?Send)]
impl Task for Diffusion2d {
    type Config = Config;
    type Data = Points;
    type Evaluation = ();

    const LOSSES: &'static [&'static str] = &["loss"];
    const MEASURES: &'static [&'static str] = &["energy", "modes"];

    fn examples(&self, run: &Run<Self>) -> usize {
        run.config.batch as usize
    }

    fn step(&mut self, run: &mut Run<Self>, PointBatch { xy, labels }: PointBatch) -> Result<Losses> {
        let adam = AdamOptions { lr: run.config.optimizer.lr, beta1: 0.9, beta2: 0.999 };
        let options = run.config.diffusion.options(self.classes, adam);
        let (size, device) = ([labels.len(), 2], &run.device);
        let told = told_classes(&labels.into_iter().map(Some).collect::<Vec<_>>());
        let batch = NoiseBatch::new(&self.process, size, &told, options, &mut run.noise, device);
        let (losses, each) = diffusion_step(&mut self.trainer, options, &upload(xy, size, device), &batch);
        self.last = Some((batch.times, each));
        Ok(losses)
    }

    fn evaluation(&self, _run: &Run<Self>) {}

    /// Energy distance of drawn points from real ones, and modes covered; NaN where the data have no modes.
    async fn evaluate(&mut self, run: &mut Run<Self>, (): &mut ()) -> Result<Option<Vec<f32>>> {
        let drawn = run.curves.flush(vec![self.measured()]).await?.pop().unwrap_or_default();
        let modes = run.data.modes();
        let covered = if modes.is_empty() { f32::NAN } else { modes_covered(&drawn, &modes) };
        Ok(Some(vec![self.energy.of(&drawn), covered]))
    }

    async fn views(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        self.panels(run).await
    }

    async fn act(&mut self, run: &mut Run<Self>, name: &str, args: &Value) -> Result<Values> {
        match name {
            "time" => chosen_time(args),
            _ => draw(name, args, &run.config.points).ok_or_else(|| no_action(name))?,
        }
    }

    async fn save(&mut self, file: &mut Checkpoint) -> Result<()> {
        self.trainer.save(file).await
    }

    fn load(&mut self, _run: &Run<Self>, file: &Checkpoint) -> Result<()> {
        self.trainer = self.trainer.loaded(file)?;
        (self.last, self.loss_by_time) = (None, LossByTime::default());
        Ok(())
    }

    async fn sample(&mut self, run: &mut Run<Self>, n: usize, seed: u64) -> Result<Samples> {
        let noise = upload(Stream::new(seed, Purpose::Sampling).normal(n * 2), [n, 2], &run.device);
        let values = read_one(self.draw(noise, run.config.class)).await?;
        Ok(Samples { shape: vec![n, 2], values })
    }

    fn figures(&self, run: &Run<Self>, measured: &Measured) -> Vec<Figure> {
        let modes = run.data.modes().len() as f32;
        let energy = measured.figure("energy", "Energy distance", None).map(|f| Figure { digits: 4, ..f });
        let floor = Figure::new("energy_floor", "Energy distance of two draws of the data", self.floor, 4, None);
        // NaN where the data have no modes.
        let covered = measured.figure("modes", "Modes covered", Some(modes)).filter(|f| f.value.is_finite());
        energy.into_iter().chain([floor]).chain(covered).collect()
    }
}
