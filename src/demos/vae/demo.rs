//! The model, its data, and what the person has chosen and drawn.

use super::cache::Cache;
use super::config::Config;
use crate::data::{Batch, Shape, Source};
use crate::demos::Context;
use crate::demos::pad::Pad;
use crate::device::{Device, flat};
use crate::models::vae::{Vae, VaeConfig};
use crate::nn::upload;
use crate::rng::{Purpose, Stream};
use crate::train::Trainer;
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use std::rc::Rc;

/// Held-out pictures shown at once.
pub const SHOWN: usize = 10;

/// The running demo.
pub struct VaeDemo {
    pub trainer: Trainer<Vae>,
    pub shape: Shape,
    pub latent: usize,
    pub source: Rc<dyn Source>,
    pub device: Device,
    /// The shipped weights that are still to come.
    pub weights: Option<String>,
    pub held_out: Option<Batch>,
    /// The chosen latent.
    pub z: Vec<f32>,
    pub pad: Pad,
    /// Which of A, B and C the next chosen picture becomes.
    pub slot: usize,
    /// Random latents that the person asks for.
    pub wander: Stream,
    /// Latents that a search found for the damaged pictures, `[n, latent]`.
    pub mended: Option<Vec<f32>>,
    pub cache: Cache,
}

impl VaeDemo {
    pub fn new(config: &Config, shape: Shape, context: &Context) -> Self {
        let latent = config.latent as usize;
        let sizes =
            VaeConfig { shape: [shape.channels, shape.height, shape.width], latent, width: config.width as usize };
        let model = sizes.init(&mut config.run.stream(Purpose::Weights), &context.device);
        Self {
            trainer: Trainer::new("vae", model, context.device.clone()),
            shape,
            latent,
            source: context.source.clone(),
            device: context.device.clone().inner(),
            weights: config.weights(),
            held_out: None,
            z: config.z(),
            pad: Pad::default(),
            slot: 0,
            wander: config.run.stream(Purpose::Sampling),
            mended: None,
            cache: Cache::default(),
        }
    }

    /// Pictures in [-1, 1] as the network takes them, `[n, C H W]` in [0, 1].
    pub fn upload(&self, pixels: &[f32]) -> Tensor<2> {
        let n = self.shape.len();
        let values = pixels.iter().map(|v| (v + 1.0) / 2.0).collect();
        upload(values, [pixels.len() / n, n], &self.device)
    }

    pub fn latents(&self, z: Vec<f32>) -> Tensor<2> {
        let n = z.len() / self.latent;
        upload(z, [n, self.latent], &self.device)
    }

    /// Means, log variances `[n, latent]` of pictures, without gradients.
    pub fn encode(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        self.trainer.sampler().encoder.forward(x)
    }

    /// Pictures in [-1, 1] of latents, flat, ready to be read.
    pub fn decode(&self, z: Tensor<2>) -> Tensor<1> {
        flat(sigmoid(self.trainer.sampler().decoder.forward(z))) * 2.0 - 1.0
    }

    /// The held-out pictures that are shown: where fewer are left, the last ones.
    pub fn examples(&self, config: &Config) -> &[f32] {
        let Some(held_out) = &self.held_out else { return &[] };
        let (n, all) = (self.shape.len(), held_out.pixels.len() / self.shape.len());
        let first = (config.from as usize).min(all.saturating_sub(SHOWN));
        &held_out.pixels[first * n..(first + SHOWN).min(all) * n]
    }
}
