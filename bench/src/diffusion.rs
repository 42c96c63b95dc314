//! A training step of a diffusion model, W6 (pixels), W7 (latents) and W8 (a U-Net), and samples of the same models, W6d to W8d: by the
//! very code of the page's demo.

use crate::with;
use burn::tensor::Tensor;
use kiln::device::{Device, flat, read, read_one};
use kiln::generate::{Chain, DiffusionSampler, SamplerKind, guided};
use kiln::models::denoiser::{Denoiser, TIME_FEATURES, Told, told_classes};
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
        let mut blank = Stream::new(0, Purpose::Weights);
        let trainer = if workload == "w8" {
            learner(unet(width, embedding).init(&mut blank, &device)?, parameters, &device)
        } else {
            learner(mlp(size, width, embedding).init(&mut blank, &device), parameters, &device)
        };
        Ok(Self { trainer, process: process(), device, losses: Losses::new() })
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

/// Predicts from samples, their time, and what is told of each.
type Prediction = Box<dyn Fn(&Tensor<2>, f64, &[Told]) -> Tensor<2>>;

#[wasm_bindgen]
pub struct DiffusionSampling {
    predict: Prediction,
    process: Process,
    device: Device,
}

#[wasm_bindgen]
impl DiffusionSampling {
    /// As [`DiffusionStep::open`], of `w6d`, `w7d` or `w8d`.
    pub async fn open(
        workload: String,
        size: usize,
        width: usize,
        embedding: usize,
        parameters: Vec<f32>,
    ) -> Result<DiffusionSampling, JsError> {
        let device = crate::device().await?.device.inner();
        let mut blank = Stream::new(0, Purpose::Weights);
        let predict = if workload == "w8d" {
            prediction(unet(width, embedding).init(&mut blank, &device)?, parameters, &device)
        } else {
            prediction(mlp(size, width, embedding).init(&mut blank, &device), parameters, &device)
        };
        Ok(Self { predict, process: process(), device })
    }

    /// Samples of the classes `labels` from noise `[batch, size]`, by so many of Euler's steps.
    pub async fn draw(&self, noise: Vec<f32>, steps: usize, labels: Vec<u8>) -> Result<Vec<f32>, JsError> {
        let told = told_classes(&labels.iter().map(|label| Some(*label)).collect::<Vec<_>>());
        let size = noise.len() / labels.len();
        let noise = upload(noise, [labels.len(), size], &self.device);
        let sampler = DiffusionSampler { kind: SamplerKind::Euler, steps, eta: 0.0, limit: None };
        let mut chain = Chain::new(&self.process, sampler, noise);
        while !chain.ended() {
            chain.step(&|x, time| (self.predict)(x, time, &told), &mut |_| Vec::new());
        }
        Ok(read_one(flat(chain.x)).await?)
    }
}

fn process() -> Process {
    Process::new(Objective::Flow, NoiseSchedule::Cosine, Predict::Data)
}

fn unet(width: usize, embedding: usize) -> DenoiserUnetConfig {
    DenoiserUnetConfig { shape: [1, 28, 28], condition: TIME_FEATURES + CLASSES, width, embedding }
}

fn mlp(inputs: usize, width: usize, embedding: usize) -> DenoiserMlpConfig {
    DenoiserMlpConfig { inputs, condition: TIME_FEATURES + CLASSES, width, depth: 3, embedding }
}

fn prediction<M: Denoiser>(network: M, parameters: Vec<f32>, device: &Device) -> Prediction {
    let network = with(network, parameters, device);
    Box::new(move |x, time, told| guided(&network, x, time, told, CLASSES, 1.0))
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
