//! The classifier, and what a person draws for it.

use super::config::Config;
use crate::data::Batch;
use crate::data::mnist::{PIXELS, SHAPE};
use crate::demos::pad::Pad;
use crate::demos::settings::Settings;
use crate::demos::{Context, Values, no_action};
use crate::device::Device;
use crate::error::Result;
use crate::models::classifier::Classifier;
use crate::nn::upload;
use crate::rng::Purpose;
use crate::train::{Gaussian, Trainer};
use burn::tensor::Tensor;
use serde_json::Value;

pub struct ClassifierDemo {
    pub trainer: Trainer<Classifier>,
    pub held_out: Option<Batch>,
    /// Of the held-out digits' features.
    pub features: Option<Gaussian>,
    /// Digits of the last step.
    pub real: Batch,
    /// A digit that the person drew.
    pub pad: Pad,
}

impl ClassifierDemo {
    pub fn new(config: &Config, context: &Context) -> Self {
        let model = Classifier::new(&mut config.run().stream(Purpose::Weights), &context.device);
        let trainer = Trainer::new("classifier", model, context.device.clone());
        Self { trainer, held_out: None, features: None, real: Batch::default(), pad: Pad::default() }
    }

    /// A logit for each of the ten digits, of some pictures: `[n, 10]`.
    pub fn logits(&self, pixels: &[f32], device: &Device) -> Tensor<2> {
        self.trainer.sampler().forward(upload(pixels.to_vec(), [pixels.len() / PIXELS, PIXELS], device)).1
    }

    /// Carries out one of its actions.
    pub fn action(&mut self, name: &str, args: &Value) -> Result<Values> {
        match name {
            "draw" => self.pad.draw(args, SHAPE).map(|()| Values::new()),
            _ => Err(no_action(name)),
        }
    }
}
