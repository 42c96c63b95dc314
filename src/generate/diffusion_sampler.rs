//! Noise becomes data: the samplers of diffusion models, and guidance. None of them needs training of its own.
//!
//! Each step takes the network's prediction, sees which data it stands for, and goes to the sample of the next time that agrees with
//! it. Euler's step is DDIM's without randomness (Song et al. 2020, arXiv 2010.02502), and DDPM's is DDIM's with all of it.

use crate::models::denoiser::{Denoiser, Told, condition};
use crate::nn::upload;
use crate::train::Process;
use burn::tensor::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How to step from noise to data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum SamplerKind {
    Euler,
    /// Of second order: two predictions a step (Karras et al. 2022, arXiv 2206.00364).
    Heun,
    /// With as much new noise as `eta` says.
    Ddim,
    /// The ancestral sampler (Ho et al. 2020, arXiv 2006.11239).
    Ddpm,
}

/// A sampler with its settings.
#[derive(Debug, Clone, Copy)]
pub struct DiffusionSampler {
    pub kind: SamplerKind,
    pub steps: usize,
    /// The share of DDPM's new noise in a step of DDIM.
    pub eta: f64,
    /// Predicted data are kept within this distance of 0, where one is given.
    pub limit: Option<f32>,
}

/// Samples on their way from noise to data.
pub struct Chain<'a> {
    process: &'a Process,
    sampler: DiffusionSampler,
    times: Vec<f64>,
    at: usize,
    /// Changes the data that the network predicts at a time, where something is known of them.
    correct: Option<&'a dyn Fn(Tensor<2>, f64) -> Tensor<2>>,
    /// The samples now, `[B, n]`.
    pub x: Tensor<2>,
    /// The data that were predicted at the last step; the noise before the first one.
    pub data: Tensor<2>,
}

impl<'a> Chain<'a> {
    /// From standard normal numbers `[B, n]`.
    pub fn new(process: &'a Process, sampler: DiffusionSampler, noise: Tensor<2>) -> Self {
        Self::starting_at(process, sampler, 1.0, noise)
    }

    /// From samples `[B, n]` as they are at a time in (0, 1], in as many steps (SDEdit; Meng et al. 2021, arXiv 2108.01073).
    pub fn starting_at(process: &'a Process, sampler: DiffusionSampler, time: f64, x: Tensor<2>) -> Self {
        let times = process.times_from(time, sampler.steps);
        Self { process, sampler, times, at: 0, correct: None, x: x.clone(), data: x }
    }

    /// With a correction of the data that the network predicts at each step.
    pub fn with_correction(mut self, correct: &'a dyn Fn(Tensor<2>, f64) -> Tensor<2>) -> Self {
        self.correct = Some(correct);
        self
    }

    /// The time of the samples; 0 at the end.
    pub fn time(&self) -> f64 {
        self.times[self.at]
    }

    pub fn ended(&self) -> bool {
        self.at == self.sampler.steps
    }

    /// The data that the network predicts from the samples at a time.
    fn predicted(&self, x: &Tensor<2>, time: f64, predict: &dyn Fn(&Tensor<2>, f64) -> Tensor<2>) -> Tensor<2> {
        let [of_sample, of_prediction] = self.process.data(time);
        let data = x.clone() * of_sample + predict(x, time) * of_prediction;
        let data = match self.sampler.limit {
            Some(limit) => data.clamp(-limit, limit),
            None => data,
        };
        match self.correct {
            Some(correct) => correct(data, time),
            None => data,
        }
    }

    /// One step. `predict` is the network, told samples and their time; `noise` draws so many standard normal numbers.
    pub fn step(&mut self, predict: &dyn Fn(&Tensor<2>, f64) -> Tensor<2>, noise: &mut dyn FnMut(usize) -> Vec<f32>) {
        let (time, next) = (self.times[self.at], self.times[self.at + 1]);
        let ([a, b], [a2, b2]) = (self.process.shares(time), self.process.shares(next));
        let (x, data) = (self.x.clone(), self.predicted(&self.x, time, predict));
        let eta = match self.sampler.kind {
            SamplerKind::Euler | SamplerKind::Heun => 0.0,
            SamplerKind::Ddim => self.sampler.eta,
            SamplerKind::Ddpm => 1.0,
        };
        // The standard deviation of what noise DDPM adds, given the data and the sample.
        let sigma = eta * b2 * (1.0 - (a * b2 / (a2 * b)).powi(2)).max(0.0).sqrt();
        let kept = (b2 * b2 - sigma * sigma).max(0.0).sqrt() / b;
        self.x = x.clone() * kept + data.clone() * (a2 - kept * a);
        if sigma > 0.0 {
            let [rows, n] = x.dims();
            self.x = self.x.clone() + upload(noise(rows * n), [rows, n], &x.device()) * sigma;
        }
        if self.sampler.kind == SamplerKind::Heun && next > 0.0 {
            // The mean of both ends' slopes, noise - data, over s = b / (a + b): there every path is a straight mixture.
            let data2 = self.predicted(&self.x, next, predict);
            let half = (b2 / (a2 + b2) - b / (a + b)) / 2.0;
            let y = x * (1.0 / (a + b) + half / b) - data.clone() * (half * (a / b + 1.0));
            let y = y + self.x.clone() * (half / b2) - data2 * (half * (a2 / b2 + 1.0));
            self.x = y * (a2 + b2);
        }
        self.data = data;
        self.at += 1;
    }
}

/// What a network predicts at a time for samples of which it is told this, guided (Ho and Salimans 2022, arXiv 2207.12598):
/// `unconditional + guidance (conditional - unconditional)`. At 1 only the conditional prediction counts.
pub fn guided<M: Denoiser>(
    model: &M,
    x: &Tensor<2>,
    time: f64,
    told: &[Told],
    features: usize,
    guidance: f64,
) -> Tensor<2> {
    let ([n, _], device) = (x.dims(), x.device());
    let conditions = |told: &[Told]| {
        let condition = condition(&vec![time as f32; n], told, features);
        let width = condition.len() / n.max(1);
        upload(condition, [n, width], &device)
    };
    if guidance == 1.0 || told.iter().all(Vec::is_empty) {
        return model.forward(x.clone(), conditions(told));
    }
    let both = Tensor::cat(vec![conditions(told), conditions(&vec![Told::new(); n])], 0);
    let predicted = model.forward(Tensor::cat(vec![x.clone(), x.clone()], 0), both);
    let (conditional, unconditional) = (predicted.clone().narrow(0, 0, n), predicted.narrow(0, n, n));
    unconditional.clone() + (conditional - unconditional) * guidance
}
