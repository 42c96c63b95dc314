//! What a trained model does without more training: it repairs pictures, turns a drawing into a picture, and goes from one sample to
//! another.

use super::config::Config;
use super::demo::Diffusion;
use super::network::Network;
use crate::demos::damage::Damaged;
use crate::demos::settings::Damage;
use crate::error::Result;
use crate::generate::{Chain, Observation};
use crate::models::denoiser::Told;
use crate::nn::upload;
use crate::rng::Purpose;
use crate::train::{Prior, Restoration};
use burn::tensor::Tensor;
use std::f64::consts::FRAC_PI_2;

/// Pictures that are repaired at once.
pub const REPAIRED: usize = 8;
/// Times from which a drawing is taken back to a picture: the later, the less is left of it.
pub const STRENGTHS: [f64; 6] = [0.3, 0.4, 0.5, 0.6, 0.7, 0.85];
/// How often a repaired picture is made to agree with what is known of it.
const AGREEING: usize = 10;
/// The search for latents that agree with what is known, at each prediction of a chain.
const SEARCH_STEPS: usize = 16;
const SEARCH_LR: f64 = 0.2;
/// Pictures between two samples, with both ends.
pub const BETWEEN: usize = 10;

impl Diffusion {
    /// The first held-out pictures, damaged.
    pub fn damaged(&self, config: &Config, originals: &[f32]) -> Damaged {
        let mut noise = config.run.stream(Purpose::Damage);
        Damaged::new(config.damage, config.amount, &mut noise, self.shape, originals)
    }

    /// Damaged pictures repaired, `[n, C H W]`. The network is told nothing of them.
    pub fn repaired(&self, model: &Network, config: &Config, damaged: &Damaged) -> Result<Tensor<2>> {
        let (n, size, device) = (damaged.pixels.len() / self.shape.len(), self.shape.len(), &self.device);
        let told = vec![Told::new(); n];
        let noise = self.start.clone().narrow(0, 0, n);
        let shape = [self.shape.channels, self.shape.height, self.shape.width];
        let seen = upload(damaged.seen.clone(), [n, damaged.seen.len() / n], device);
        let weights = upload(damaged.weights.clone(), [n, damaged.weights.len() / n], device);
        let known = Observation { shape, factor: damaged.factor, seen: seen.clone(), weights: weights.clone() };
        let noisy = config.damage == Damage::Noise;
        let repaired = if let Some(vae) = &self.vae {
            let search =
                Restoration { shape, factor: damaged.factor, sigma: damaged.sigma, steps: SEARCH_STEPS, lr: SEARCH_LR };
            let correct = |data: Tensor<2>, time: f64| {
                let [a, b] = self.process.shares(time);
                // Between what is predicted and what is known, as DiffPIR has it (Zhu et al. 2023, arXiv 2305.08995): the later the time, the
                // farther data may be from the prediction.
                let prior = Prior { mean: data.clone(), deviation: b / a.hypot(b) };
                // Without its VAE there are no views.
                vae.restore(&search, [seen.clone(), weights.clone()], prior).unwrap_or(data)
            };
            let chain = Chain::new(&self.process, self.sampler(config), noise).with_correction(&correct);
            self.follow(chain, model, &told, 1.0, |_| {})
        } else if noisy {
            // The time at which samples are as noisy as these pictures: noise over data is twice the amount, since pixels go from -1 to 1.
            let time = self.time_of(2.0 * config.amount);
            let [a, _] = self.process.shares(time);
            let start = upload(damaged.pixels.clone(), [n, size], device) * a;
            let chain = Chain::starting_at(&self.process, self.sampler(config), time, start);
            self.follow(chain, model, &told, 1.0, |_| {})
        } else {
            let correct = |data: Tensor<2>, _| known.agree(data);
            let chain = Chain::new(&self.process, self.sampler(config), noise).with_correction(&correct);
            self.follow(chain, model, &told, 1.0, |_| {})
        };
        let picture = self.decode(repaired)?;
        if noisy {
            return Ok(picture);
        }
        // What is known is shown as it is. A picture has no colour beyond black and white, which agreeing may ask for: a few times in turn.
        Ok((0..AGREEING).fold(picture, |picture, _| known.agree(picture).clamp(-1.0, 1.0)))
    }

    /// The earliest time at which the noise of a sample is this many times its data.
    fn time_of(&self, ratio: f64) -> f64 {
        let noisier = |time: &f64| {
            let [a, b] = self.process.shares(*time);
            b >= ratio * a
        };
        (1..=1000).map(|k| f64::from(k) / 1000.0).find(noisier).unwrap_or(1.0)
    }

    /// A drawing with noise of each of the [`STRENGTHS`], taken back to pictures (SDEdit; Meng et al. 2021, arXiv 2108.01073).
    pub fn sdedit(&self, model: &Network, config: &Config, told: &Told) -> Result<Tensor<2>> {
        let drawing = upload(self.pad.pixels.clone(), [1, self.shape.len()], &self.device);
        let (data, noise) = (self.encode(drawing)?, self.start.clone().narrow(0, 0, 1));
        let picture = |&time: &f64| {
            let [a, b] = self.process.shares(time);
            let x = data.clone() * a + noise.clone() * b;
            let chain = Chain::starting_at(&self.process, self.sampler(config), time, x);
            self.follow(chain, model, std::slice::from_ref(told), config.sampling.guidance, |_| {})
        };
        self.decode(Tensor::cat(STRENGTHS.iter().map(picture).collect(), 0))
    }

    /// Pictures from the first sample to the second. Noise is mixed on a circle, since a mean of two noises is too small.
    pub fn between(&self, model: &Network, config: &Config, told: [Told; 2]) -> Result<Tensor<2>> {
        let [from, to] = [0, 1].map(|i| self.start.clone().narrow(0, i, 1));
        let part = |k: usize| k as f64 / (BETWEEN - 1) as f64;
        let mixed = |k: usize| {
            let angle = part(k) * FRAC_PI_2;
            from.clone() * libm::cos(angle) + to.clone() * libm::sin(angle)
        };
        let weighed = |told: &Told, share: f64| told.iter().map(|&(at, w)| (at, w * share as f32)).collect::<Told>();
        let mix = |k: usize| [weighed(&told[0], 1.0 - part(k)), weighed(&told[1], part(k))].concat();
        let noise = Tensor::cat((0..BETWEEN).map(mixed).collect(), 0);
        let told: Vec<Told> = (0..BETWEEN).map(mix).collect();
        let samples = self.run(model, self.sampler(config), noise, &told, config.sampling.guidance, |_| {});
        self.decode(samples)
    }
}
