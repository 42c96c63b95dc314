//! How good the model is on held-out pictures: on some of them while it trains, on all of them for `kiln measure`.

use super::config::Config;
use super::demo::VaeDemo;
use crate::data::{Batch, Dataset};
use crate::demos::damage::Damaged;
use crate::demos::settings::Damage;
use crate::demos::training::{Run, Task};
use crate::demos::views::Figure;
use crate::device::{flat, read, read_one};
use crate::error::{Error, Result};
use crate::rng::Purpose;
use crate::train::Terms;

/// Held-out pictures that a test takes in while training goes on.
pub const TESTED: usize = 500;
/// Held-out pictures whose holes are mended, how many at once, and training pictures whose mean they are held against.
const HOLES: usize = 1_000;
const CHUNK: usize = 100;
const MEAN_OF: usize = 10_000;

impl VaeDemo {
    /// The ELBO and its terms in nats, over the first `n` held-out pictures.
    pub async fn test(&self, config: &Config, n: usize) -> Result<[f32; 3]> {
        let held_out = self.held_out.as_ref().ok_or_else(|| Error::internal("The held-out pictures are not here."))?;
        let len = self.shape.len();
        let mut noise = config.run.stream(Purpose::Sampling);
        let (model, options) = (self.trainer.sampler(), config.options(u32::MAX));
        let (mut sums, mut count) = ([0.0f64; 2], 0);
        let all = &held_out.pixels[..held_out.pixels.len().min(n * len)];
        for chunk in all.chunks(TESTED * len) {
            let x = self.upload(chunk);
            let b = chunk.len() / len;
            let terms = Terms::new(&model, options, x, self.latents(noise.normal(b * self.latent)));
            for (sum, value) in sums.iter_mut().zip(read(vec![flat(terms.reconstruction), flat(terms.kl)]).await?) {
                *sum += value.iter().map(|v| f64::from(*v)).sum::<f64>();
            }
            count += b;
        }
        let [reconstruction, kl] = sums.map(|sum| (sum / count.max(1) as f64) as f32);
        Ok([-(reconstruction + kl), reconstruction, kl])
    }

    /// The held-out pictures, and the weights, where all of them can be had at once: in a terminal.
    pub fn arrived(&mut self, run: &mut Run<Self>) -> Result<&Batch> {
        let missing = || Error::internal("The pictures have not been loaded.");
        self.prepare(run)?.ready().ok_or_else(missing)?;
        self.held_out.as_ref().ok_or_else(missing)
    }

    /// ELBO and reconstruction over everything held out; the mending of a hole of half the side over 1,000 pictures,
    /// against the mean training picture.
    pub async fn figures_of_all(&mut self, run: &mut Run<Self>) -> Result<Vec<Figure>> {
        let held_out = self.arrived(run)?.clone();
        let n = self.shape.len();
        let [elbo, reconstruction, kl] = self.test(&run.config, usize::MAX / n).await?;
        let mut squares = 0.0;
        for chunk in held_out.pixels.chunks(TESTED * n) {
            let drawn = read_one(self.decode(self.encode(self.upload(chunk)).0)).await?;
            squares += chunk.iter().zip(&drawn).map(|(a, b)| f64::from(a - b).powi(2) / 4.0).sum::<f64>();
        }
        let all = held_out.pixels.len() / n;
        let mse = (squares / held_out.pixels.len() as f64) as f32;

        let batch = run.data.batch(MEAN_OF)?.ready();
        let batch = batch.ok_or_else(|| Error::internal("The pictures have not been loaded."))?;
        let mut mean = vec![0.0f64; n];
        for picture in batch.pixels.chunks_exact(n) {
            mean.iter_mut().zip(picture).for_each(|(m, p)| *m += f64::from(*p) / MEAN_OF as f64);
        }
        let mean: Vec<f32> = mean.iter().map(|m| *m as f32).collect();
        let (mut errors, mut count) = ([0.0f32; 3], 0.0);
        for chunk in held_out.pixels[..held_out.pixels.len().min(HOLES * n)].chunks(CHUNK * n) {
            let damaged =
                Damaged::new(Damage::Hole, 0.5, &mut run.config.run.stream(Purpose::Damage), self.shape, chunk);
            let encoded = self.decode(self.encode(self.upload(&damaged.pixels)).0);
            let searched = self.decode(self.search(&damaged));
            let mended = read(vec![encoded, searched]).await?;
            let copied: Vec<f32> = mean.iter().copied().cycle().take(chunk.len()).collect();
            let found = [&mended[0], &mended[1], &copied].map(|m| damaged.error(chunk, m));
            let pictures = (chunk.len() / n) as f32;
            errors.iter_mut().zip(found).for_each(|(sum, e)| *sum += e * pictures);
            count += pictures;
        }
        let [encoded, searched, copied] = errors.map(|e| e / count);
        Ok(vec![
            Figure::new("elbo", &format!("ELBO on all {all} held-out pictures (nats)"), elbo, 2, None),
            Figure::new("reconstruction", "Reconstruction (nats)", reconstruction, 2, None),
            Figure::new("kl", "KL (nats)", kl, 2, None),
            Figure::new("mse", "Mean squared error of reconstructions", mse, 5, None),
            Figure::new("hole_encoded", "Error in the hole, by encoding", encoded, 5, None),
            Figure::new("hole_searched", "Error in the hole, by search", searched, 5, None),
            Figure::new("hole_mean", "Error in the hole, by copying the mean picture", copied, 5, None),
        ])
    }
}
