//! A training step of a diffusion model, W6 (pixels), W7 (latents) and W8 (a U-Net): the very step that the page's demo takes.

use crate::with;
use burn::tensor::Tensor;
use kiln::device::{Device, read};
use kiln::models::denoiser::{Denoiser, TIME_FEATURES, told_classes};
use kiln::models::denoiser_mlp::DenoiserMlpConfig;
use kiln::models::denoiser_unet::DenoiserUnetConfig;
use kiln::nn::{AdamOptions, AdamWOptions, upload};
use kiln::rng::{Purpose, Stream};
use kiln::train::{
    DiffusionOptions, Losses, NoiseBatch, NoiseSchedule, Objective, Predict, Process, TimeDistribution, Trainer,
    diffusion_step, scalars,
};
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

const CLASSES: usize = 10;

#[wasm_bindgen]
pub struct DiffusionStep {
    trainer: Box<dyn Learner>,
    process: Process,
    device: Device,
    /// Of the last step.
    losses: Losses,
}

#[wasm_bindgen]
impl DiffusionStep {
    /// `workload` `w6`, `w7` or `w8`, on samples of `size` numbers; the parameters in the order in which the layers stand, in PyTorch's
    /// layouts.
    pub async fn open(
        workload: String,
        size: usize,
        width: usize,
        embedding: usize,
        parameters: Vec<f32>,
    ) -> Result<DiffusionStep, JsError> {
        let device = crate::device().await?.device;
        let (condition, mut blank) = (TIME_FEATURES + CLASSES, Stream::new(0, Purpose::Weights));
        let trainer = if workload == "w8" {
            let config = DenoiserUnetConfig { shape: [1, 28, 28], condition, width, embedding };
            learner(config.init(&mut blank, &device)?, parameters, &device)
        } else {
            let config = DenoiserMlpConfig { inputs: size, condition, width, depth: 3, embedding };
            learner(config.init(&mut blank, &device), parameters, &device)
        };
        let process = Process::new(Objective::Flow, NoiseSchedule::Cosine, Predict::Data);
        Ok(Self { trainer, process, device, losses: Losses::new() })
    }

    /// One update on data and noise `[batch, size]`; a label of 10 is a class that is not told.
    pub fn step(&mut self, data: Vec<f32>, noise: Vec<f32>, times: Vec<f32>, labels: Vec<u8>) {
        let (batch, device) = (times.len(), self.device.clone().inner());
        let up = |values: Vec<f32>| {
            let size = values.len() / batch;
            upload(values, [batch, size], &device)
        };
        let times: Vec<f64> = times.into_iter().map(f64::from).collect();
        let told = |label: u8| (usize::from(label) < CLASSES).then_some(label);
        let labels: Vec<Option<u8>> = labels.into_iter().map(told).collect();
        let noise = NoiseBatch::of(&self.process, &times, up(noise), &told_classes(&labels), CLASSES);
        let adam = AdamOptions { lr: 1e-3, beta1: 0.9, beta2: 0.99 };
        let options = DiffusionOptions {
            times: TimeDistribution::Logitnormal,
            features: CLASSES,
            drop: 0.1,
            adam: AdamWOptions { adam, decay: 0.0, clip: Some(1.0) },
        };
        self.losses = self.trainer.step(options, &up(data), &noise);
    }

    /// The loss of the last step.
    pub async fn loss(&mut self) -> Result<f32, JsError> {
        Ok(read(scalars(&self.losses)).await?.into_iter().flatten().next().unwrap_or(f32::NAN))
    }
}

/// A network with the parameters given, and what its training needs.
fn learner<M: Denoiser>(network: M, parameters: Vec<f32>, device: &Device) -> Box<dyn Learner> {
    Box::new(Trainer::new("denoiser", with(network, parameters, device), device.clone()).with_ema(0.995))
}

/// Any of the networks.
trait Learner {
    fn step(&mut self, options: DiffusionOptions, data: &Tensor<2>, noise: &NoiseBatch) -> Losses;
}

impl<M: Denoiser> Learner for Trainer<M> {
    fn step(&mut self, options: DiffusionOptions, data: &Tensor<2>, noise: &NoiseBatch) -> Losses {
        diffusion_step(self, options, data, noise).0
    }
}
