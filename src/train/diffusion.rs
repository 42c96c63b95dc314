//! Diffusion models: a network learns to undo noise, one level of it at a time.
//!
//! Time runs from 0 (data) to 1 (noise), and a sample at time t is `a(t) data + b(t) noise`: along straight lines with flow matching
//! (Lipman et al. 2022, arXiv 2210.02747; Liu et al. 2022, arXiv 2209.03003), on a circle, `a^2 + b^2 = 1`, with DDPM (Ho et al. 2020,
//! arXiv 2006.11239). Training is regression: [`NoiseBatch`] makes the pairs. What the network predicts is a choice of its own, since each
//! of data, noise and velocity follows from any other and the noisy sample.

use super::curves::Losses;
use super::trainer::Trainer;
use crate::models::denoiser::{Denoiser, Told, condition};
use crate::nn::{AdamWOptions, upload};
use crate::rng::Stream;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::FRAC_PI_2;

/// The path from data to noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// `x = (1 - t) data + t noise`.
    Flow,
    /// `x = sqrt(alpha_bar) data + sqrt(1 - alpha_bar) noise`, in 1,000 steps.
    Ddpm,
}

/// How fast DDPM adds noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum NoiseSchedule {
    /// Betas from 1e-4 to 0.02 (Ho et al. 2020).
    Linear,
    /// `alpha_bar` as a squared cosine (Nichol and Dhariwal 2021, arXiv 2102.09672).
    Cosine,
}

/// What the network predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Predict {
    /// `noise - data` with flow matching, `a noise - b data` with DDPM (Salimans and Ho 2022, arXiv 2202.00512).
    Velocity,
    Noise,
    Data,
}

/// How often each time is trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum TimeDistribution {
    Uniform,
    /// The sigmoid of a standard normal number: times in the middle more often (Esser et al. 2024, arXiv 2403.03206).
    Logitnormal,
}

/// Steps of DDPM's path.
pub const DDPM_STEPS: usize = 1000;

/// A path, and what is predicted along it.
#[derive(Debug, Clone)]
pub struct Process {
    objective: Objective,
    predict: Predict,
    /// DDPM's `alpha_bar` after each of its steps.
    alpha_bar: Vec<f64>,
}

impl Process {
    pub fn new(objective: Objective, schedule: NoiseSchedule, predict: Predict) -> Self {
        let alpha_bar = if objective == Objective::Ddpm { alpha_bar(schedule) } else { Vec::new() };
        Self { objective, predict, alpha_bar }
    }

    /// The shares of data and noise, `[a, b]`, in a sample at a time.
    pub fn shares(&self, time: f64) -> [f64; 2] {
        match self.objective {
            Objective::Flow => [1.0 - time, time],
            Objective::Ddpm => {
                let step = (time * DDPM_STEPS as f64).round() as usize;
                let alpha_bar = if step == 0 { 1.0 } else { self.alpha_bar[step.min(DDPM_STEPS) - 1] };
                [alpha_bar.sqrt(), (1.0 - alpha_bar).sqrt()]
            }
        }
    }

    /// `steps + 1` times from 1 to 0. DDPM's lie on its own steps.
    pub fn times(&self, steps: usize) -> Vec<f64> {
        self.times_from(1.0, steps)
    }

    /// `steps + 1` times from `first` to 0.
    pub fn times_from(&self, first: f64, steps: usize) -> Vec<f64> {
        let inner = (0..steps).map(|k| self.nearest(first * (steps - k) as f64 / steps as f64));
        inner.chain([0.0]).collect()
    }

    /// The time at which this path really has samples.
    fn nearest(&self, time: f64) -> f64 {
        match self.objective {
            Objective::Flow => time,
            Objective::Ddpm => (time * DDPM_STEPS as f64).round().max(1.0) / DDPM_STEPS as f64,
        }
    }

    /// The time to train on for a number in (0, 1]: each of DDPM's steps as often as any other.
    fn drawn(&self, part: f64) -> f64 {
        match self.objective {
            Objective::Flow => part,
            Objective::Ddpm => (part * DDPM_STEPS as f64).ceil().max(1.0) / DDPM_STEPS as f64,
        }
    }

    /// What the network is to predict, as shares of data and noise.
    pub fn target(&self, time: f64) -> [f64; 2] {
        match (self.predict, self.objective) {
            (Predict::Data, _) => [1.0, 0.0],
            (Predict::Noise, _) => [0.0, 1.0],
            (Predict::Velocity, Objective::Flow) => [-1.0, 1.0],
            (Predict::Velocity, Objective::Ddpm) => {
                let [a, b] = self.shares(time);
                [-b, a]
            }
        }
    }

    /// The data that a prediction stands for, as shares of the sample and the prediction: from `x = a data + b noise` and
    /// `prediction = c data + d noise`.
    pub fn data(&self, time: f64) -> [f64; 2] {
        let ([a, b], [c, d]) = (self.shares(time), self.target(time));
        // The prediction of noise says nothing of the data where there is nothing but noise: there the mean is taken, 0.
        let determinant = a * d - b * c;
        if determinant.abs() < 1e-9 { [0.0, 0.0] } else { [d / determinant, -b / determinant] }
    }
}

fn alpha_bar(schedule: NoiseSchedule) -> Vec<f64> {
    let n = DDPM_STEPS as f64;
    let cosine = |part: f64| libm::cos((part + 0.008) / 1.008 * FRAC_PI_2).powi(2);
    let beta = |k: usize| match schedule {
        NoiseSchedule::Linear => 1e-4 + (0.02 - 1e-4) * k as f64 / (n - 1.0),
        NoiseSchedule::Cosine => (1.0 - cosine((k + 1) as f64 / n) / cosine(k as f64 / n)).min(0.999),
    };
    let product = |product: &mut f64, k| {
        *product *= 1.0 - beta(k);
        Some(*product)
    };
    (0..DDPM_STEPS).scan(1.0, product).collect()
}

/// What may change from step to step.
#[derive(Debug, Clone, Copy)]
pub struct DiffusionOptions {
    pub times: TimeDistribution,
    /// Numbers that the network is told beside the time, see [`Told`]; 0 for none.
    pub features: usize,
    /// How often it is not told, so that it learns both and can be guided (Ho and Salimans 2022, arXiv 2207.12598).
    pub drop: f64,
    pub adam: AdamWOptions,
}

/// The random part of a step: a time for each of `n` samples, their noise, and what the network is told.
pub struct NoiseBatch {
    pub times: Vec<f32>,
    noise: Tensor<2>,
    /// Shares of data and noise in the noisy sample and in what is to be predicted, `[4, n, 1]`.
    shares: Tensor<3>,
    condition: Tensor<2>,
}

impl NoiseBatch {
    /// Draws for samples of `size` numbers, on a device without autodiff. `told` is ignored where there are no features.
    pub fn new(
        process: &Process,
        [n, size]: [usize; 2],
        told: &[Told],
        options: DiffusionOptions,
        stream: &mut Stream,
        device: &Device,
    ) -> Self {
        let noise = upload(stream.normal(n * size), [n, size], device);
        let normal = match options.times {
            TimeDistribution::Logitnormal => stream.normal(n),
            TimeDistribution::Uniform => Vec::new(),
        };
        let part = |i: usize, stream: &mut Stream| match normal.get(i) {
            Some(normal) => 1.0 / (1.0 + libm::exp(-f64::from(*normal))),
            None => 1.0 - stream.unit(),
        };
        let times: Vec<f64> = (0..n).map(|i| process.drawn(part(i, stream))).collect();
        let told = |i: usize, stream: &mut Stream| {
            let told = told.get(i).filter(|_| options.features > 0 && stream.unit() >= options.drop);
            told.cloned().unwrap_or_default()
        };
        let told: Vec<Told> = (0..n).map(|i| told(i, stream)).collect();
        Self::of(process, &times, noise, &told, options.features)
    }

    /// Of these times, noise `[n, size]`, and what is told.
    pub fn of(process: &Process, times: &[f64], noise: Tensor<2>, told: &[Told], features: usize) -> Self {
        let (n, device) = (times.len(), noise.device());
        let shares = |time: &f64| {
            let ([a, b], [c, d]) = (process.shares(*time), process.target(*time));
            [a, b, c, d].map(|v| v as f32)
        };
        let rows: Vec<[f32; 4]> = times.iter().map(shares).collect();
        let columns = (0..4).flat_map(|k| rows.iter().map(move |row| row[k])).collect();
        let shares = upload(columns, [4, n, 1], &device);
        let times: Vec<f32> = times.iter().map(|t| *t as f32).collect();
        let condition = condition(&times, told, features);
        let width = condition.len() / n.max(1);
        Self { noise, shares, condition: upload(condition, [n, width], &device), times }
    }

    /// One of the shares, `[n, 1]`.
    fn share(&self, k: usize) -> Tensor<2> {
        self.shares.clone().narrow(0, k, 1).squeeze_dim(0)
    }

    /// Noisy samples of these data, and what is to be predicted from them, `[n, size]` each.
    pub fn mix(&self, data: &Tensor<2>) -> [Tensor<2>; 2] {
        [0, 2].map(|k| data.clone() * self.share(k) + self.noise.clone() * self.share(k + 1))
    }
}

/// One update on data `[n, size]` without autodiff. Returns the loss, and the loss of each sample, `[n]`. Nothing is read back.
pub fn diffusion_step<M: Denoiser>(
    trainer: &mut Trainer<M>,
    options: DiffusionOptions,
    data: &Tensor<2>,
    batch: &NoiseBatch,
) -> (Losses, Tensor<1>) {
    let [n, _] = data.dims();
    let [x, target] = batch.mix(data).map(Tensor::autodiff);
    trainer.prepare(1, options.adam);
    let error = trainer.model.forward(x, batch.condition.clone().autodiff()) - target;
    let error = error.square().mean_dim(1); // (n, 1)
    let loss = error.clone().mean();
    trainer.update(&loss, options.adam, false);
    (vec![("loss", loss.inner().into())], error.inner().reshape([n]))
}

/// The loss at each part of the time, from 0 on: an average over the steps at which somebody looked.
#[derive(Debug, Clone)]
pub struct LossByTime([[f32; 2]; PARTS]);

/// Parts of the time whose losses are told apart.
const PARTS: usize = 20;
/// How much of the earlier losses a look leaves.
const DECAY: f32 = 0.9;

impl Default for LossByTime {
    fn default() -> Self {
        Self([[0.0; 2]; PARTS])
    }
}

impl LossByTime {
    /// Takes in the losses of some samples at their times.
    pub fn push(&mut self, times: &[f32], losses: &[f32]) {
        self.0.iter_mut().flatten().for_each(|v| *v *= DECAY);
        for (time, loss) in times.iter().zip(losses) {
            let part = &mut self.0[((time * PARTS as f32) as usize).min(PARTS - 1)];
            *part = [part[0] + loss, part[1] + 1.0];
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|[_, weight]| *weight == 0.0)
    }

    /// The mean loss of each part; of one at which nothing was trained yet, that of its neighbour.
    pub fn means(&self) -> Vec<f32> {
        let mean = |[sum, weight]: &[f32; 2]| (*weight > 0.0).then(|| sum / weight);
        let mut last = self.0.iter().find_map(mean).unwrap_or(0.0);
        let filled = self.0.iter().map(|part| {
            last = mean(part).unwrap_or(last);
            last
        });
        filled.collect()
    }
}
