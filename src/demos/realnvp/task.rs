//! What a step trains, what an evaluation measures, what the person does.

use super::config::Config;
use super::demo::{MEASURED, RealNvpDemo};
use crate::data::points::{EXTENT, PointBatch, Points};
use crate::demos::drawing::draw;
use crate::demos::training::{Measured, Run, Task};
use crate::demos::{Figure, Panel, Samples, Values, no_action, values};
use crate::device::read_one;
use crate::error::{Error, Result};
use crate::nn::upload;
use crate::rng::{Purpose, Stream};
use crate::train::{FLOW_LOSSES, Losses, flow_step, modes_covered};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use serde_json::{Value, json};

#[async_trait(?Send)]
impl Task for RealNvpDemo {
    type Config = Config;
    type Data = Points;
    type Evaluation = ();

    const NOISE: bool = false;
    const LOSSES: &'static [&'static str] = FLOW_LOSSES;
    const MEASURES: &'static [&'static str] = &["nll_held_out", "modes"];

    fn examples(&self, run: &Run<Self>) -> usize {
        run.config.batch as usize
    }

    fn step(&mut self, run: &mut Run<Self>, PointBatch { xy, labels }: PointBatch) -> Result<Losses> {
        let points = upload(xy, [labels.len(), 2], &run.device);
        Ok(flow_step(&mut self.trainer, run.config.adam(), points))
    }

    fn evaluation(&self, _run: &Run<Self>) {}

    /// Nats of held-out points, and modes covered; NaN where the data have no modes.
    async fn evaluate(&mut self, run: &mut Run<Self>, (): &mut ()) -> Result<Option<Vec<f32>>> {
        let log_density = self.trainer.sampler().log_density(self.real.clone()).reshape([MEASURED]);
        let drawn = self.draw(self.measured.clone(), run.config.couplings as usize);
        let mut read = run.curves.flush(vec![log_density, drawn]).await?;
        let drawn = read.pop().unwrap_or_default();
        let nats = read.pop().unwrap_or_default().iter().map(|v| f64::from(-v)).sum::<f64>() / MEASURED as f64;
        let modes = run.data.modes();
        let covered = if modes.is_empty() { f32::NAN } else { modes_covered(&drawn, &modes) };
        Ok(Some(vec![nats as f32, covered]))
    }

    async fn views(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        self.panels(run).await
    }

    async fn act(&mut self, run: &mut Run<Self>, name: &str, args: &Value) -> Result<Values> {
        let number = |key: &str| args.get(key).and_then(Value::as_f64).filter(|v| v.is_finite());
        match name {
            "pass" => {
                let passed = number("value").ok_or_else(|| Error::bad_command("The couplings passed are a number."))?;
                let passed = passed.round().clamp(0.0, f64::from(run.config.couplings)) as u32;
                // All of them stay all of them when their number changes.
                let all = Config::default().passed;
                Ok(values(json!({ "passed": if passed == run.config.couplings { all } else { passed } })))
            }
            "choose" => {
                let place = number("x").zip(number("y"));
                let (x, y) = place.ok_or_else(|| Error::bad_command("A point has the numbers x and y."))?;
                let [x, y] = [x, y].map(|v| v.clamp(-f64::from(EXTENT), f64::from(EXTENT)));
                Ok(values(json!({ "point": format!("{x:.2},{y:.2}") })))
            }
            _ => draw(name, args, &run.config.points).ok_or_else(|| no_action(name))?,
        }
    }

    async fn save(&mut self, file: &mut Checkpoint) -> Result<()> {
        self.trainer.save(file).await
    }

    fn load(&mut self, _run: &Run<Self>, file: &Checkpoint) -> Result<()> {
        self.trainer = self.trainer.loaded(file)?;
        Ok(())
    }

    async fn sample(&mut self, run: &mut Run<Self>, n: usize, seed: u64) -> Result<Samples> {
        let noise = upload(Stream::new(seed, Purpose::Sampling).normal(n * 2), [n, 2], &run.device);
        let values = read_one(self.draw(noise, run.config.couplings as usize)).await?;
        Ok(Samples { shape: vec![n, 2], values })
    }

    fn figures(&self, run: &Run<Self>, measured: &Measured) -> Vec<Figure> {
        let modes = run.data.modes().len() as f32;
        let nats = measured.figure("nll_held_out", "Negative log-likelihood of unseen points (nats)", None);
        let entropy = Figure::new("entropy", "Entropy of the data (nats)", self.entropy, 3, None);
        // NaN where the data have no modes.
        let covered = measured.figure("modes", "Modes covered", Some(modes)).filter(|f| f.value.is_finite());
        nats.into_iter().chain([entropy]).chain(covered).collect()
    }
}
