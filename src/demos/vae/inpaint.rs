//! The model mends pictures: by passing them through, and by searching for the latent whose picture agrees with what can still
//! be seen.

use super::config::Config;
use super::demo::VaeDemo;
use crate::demos::damage::Damaged;
use crate::device::{flat, read_one};
use crate::error::Result;
use crate::nn::upload;
use crate::rng::Purpose;
use crate::train::{Prior, Restoration};
use burn::tensor::Tensor;

/// Pictures that are mended at once on the page.
pub const MENDED: usize = 8;
/// Steps of a search.
const STEPS: usize = 60;

impl VaeDemo {
    pub fn damaged(&self, config: &Config) -> Damaged {
        let examples = self.examples(config);
        let shown = &examples[..examples.len().min(MENDED * self.shape.len())];
        Damaged::new(config.damage, config.amount, &mut config.run.stream(Purpose::Damage), self.shape, shown)
    }

    /// Latents found by a search that begins at what the encoder says.
    pub fn search(&self, damaged: &Damaged) -> Tensor<2> {
        let (start, _) = self.encode(self.upload(&damaged.pixels));
        let search = Restoration {
            shape: [self.shape.channels, self.shape.height, self.shape.width],
            factor: damaged.factor,
            sigma: damaged.sigma,
            steps: STEPS,
            lr: 0.1,
        };
        let n = damaged.pixels.len() / self.shape.len();
        let width = damaged.seen.len() / n;
        let seen = damaged.seen.iter().map(|v| (v + 1.0) / 2.0).collect();
        let seen = upload(seen, [n, width], &self.device);
        let weights = upload(damaged.weights.clone(), [n, width], &self.device);
        let prior = Prior { mean: start.zeros_like(), deviation: 1.0 };
        search.run(&self.trainer.model, [seen, weights], prior, start)
    }

    /// Encodes what is on the pad; where a part was erased, by a search for what agrees with the rest.
    pub async fn read_pad(&mut self) -> Result<()> {
        if self.pad.pixels.is_empty() {
            return Ok(());
        }
        let latent = match self.pad.mask.is_empty() {
            true => self.encode(self.upload(&self.pad.pixels)).0,
            false => self.search(&Damaged::erased(&self.pad.pixels, self.pad.hidden())),
        };
        self.pad.latent = read_one(flat(latent)).await?;
        Ok(())
    }
}
