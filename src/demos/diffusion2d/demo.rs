//! The network, what it is measured against, and the way from noise to data that is shown.

use super::config::{Config, Field};
use crate::data::Dataset;
use crate::data::points::{EXTENT, Points, lattice};
use crate::demos::Context;
use crate::demos::denoising::{asked, chosen_class};
use crate::device::Device;
use crate::error::Result;
use crate::generate::{Chain, DiffusionSampler, SamplerKind, guided};
use crate::models::denoiser::{TIME_FEATURES, told_classes};
use crate::models::denoiser_mlp::{DenoiserMlp, DenoiserMlpConfig};
use crate::nn::ops::matmul;
use crate::nn::{one_hot, upload};
use crate::rng::Purpose;
use crate::train::{EnergyDistance, LossByTime, Process, Trainer};
use burn::tensor::Tensor;
use burn::tensor::activation::softmax;

/// Points shown, and points measured.
pub const SHOWN: usize = 500;
const MEASURED: usize = 2000;
/// Points of the data that the exact field goes by.
const EXACT: usize = 500;
/// Corners on a side of the grid of noise, and arrows on a side of the plane.
pub const MESH: usize = 13;
pub const ARROWS: usize = 18;
/// The decay of the average of weights that is drawn from.
const DECAY: f64 = 0.998;
/// Steps of the sampler that measures, whatever the one that shows has.
const MEASURED_STEPS: usize = 50;

pub struct Diffusion2d {
    pub trainer: Trainer<DenoiserMlp>,
    pub process: Process,
    /// Classes that the network is told; 0 for none.
    pub classes: usize,
    pub device: Device,
    /// Fixed: standard normal points that are shown and, after them, a grid of noise; and those that are measured.
    start: Tensor<2>,
    measured: Tensor<2>,
    /// Centres of the arrows.
    lattice: Tensor<2>,
    /// Real points to be shown, and measured against.
    pub real_shown: Vec<f32>,
    pub energy: EnergyDistance,
    /// Real points that the exact field goes by, `[EXACT, 2]`, and their classes, one-hot.
    exact: Tensor<2>,
    exact_classes: Tensor<2>,
    /// The energy distance of two draws of the data.
    pub floor: f32,
    pub loss_by_time: LossByTime,
    /// Times of the last step's points, and their losses on the device.
    pub last: Option<(Vec<f32>, Tensor<1>)>,
}

/// Points on their way: at each of `times` where they are, x and y alternating, and where the model then expected them to end.
pub struct Trajectory {
    pub times: Vec<f64>,
    pub x: Vec<Tensor<1>>,
    pub data: Vec<Tensor<1>>,
}

impl Diffusion2d {
    pub fn new(config: &Config, data: &mut Points, context: &Context) -> Result<Self> {
        let plain = context.device.clone().inner();
        let classes = if config.conditional && data.classes() > 1 { data.classes() } else { 0 };
        let sizes = DenoiserMlpConfig {
            inputs: 2,
            condition: TIME_FEATURES + classes,
            width: config.width as usize,
            depth: config.depth as usize,
            embedding: 64,
        };
        let model = sizes.init(&mut config.run.stream(Purpose::Weights), &context.device);
        let mut sampling = config.run.stream(Purpose::Sampling);
        let mut start = sampling.normal(2 * SHOWN);
        start.extend(lattice(MESH, 2.0));
        let held_out = data.held_out()?.ready().unwrap_or_default();
        let part = |from: usize, n: usize| held_out.xy[2 * from..2 * (from + n)].to_vec();
        let energy = EnergyDistance::new(part(SHOWN, MEASURED));
        let last = SHOWN + 2 * MEASURED;
        Ok(Self {
            trainer: Trainer::new("denoiser", model, context.device.clone()).with_ema(DECAY),
            process: config.diffusion.process(),
            classes,
            start: upload(start, [SHOWN + MESH * MESH, 2], &plain),
            measured: upload(sampling.normal(2 * MEASURED), [MEASURED, 2], &plain),
            lattice: upload(lattice(ARROWS, EXTENT), [ARROWS * ARROWS, 2], &plain),
            real_shown: part(0, SHOWN),
            floor: energy.of(&part(SHOWN + MEASURED, MEASURED)),
            energy,
            exact: upload(part(last, EXACT), [EXACT, 2], &plain),
            exact_classes: one_hot(&held_out.labels[last..last + EXACT], data.classes(), &plain),
            device: plain,
            loss_by_time: LossByTime::default(),
            last: None,
        })
    }

    /// The classes of `n` points, of which the first [`SHOWN`] are shown, and the others follow no class unless one is chosen.
    pub fn labels(&self, class: u32, shown: usize, n: usize) -> Vec<Option<u8>> {
        let mut labels = asked(class, self.classes, shown);
        labels.resize(n, chosen_class(class, self.classes));
        labels
    }

    /// The network whose field is shown; `None` for the exact field, which is also shown while the network has learnt nothing.
    pub fn shown_network(&self, config: &Config, trained: bool) -> Option<DenoiserMlp> {
        (trained && config.field == Field::Network).then(|| self.trainer.sampler())
    }

    /// What a network predicts for points at a time, or what is exact.
    pub fn predict(
        &self,
        network: Option<&DenoiserMlp>,
        guidance: f64,
        x: &Tensor<2>,
        time: f64,
        labels: &[Option<u8>],
    ) -> Tensor<2> {
        match network {
            Some(network) => guided(network, x, time, &told_classes(labels), self.classes, guidance),
            None => self.exact(x, time, labels),
        }
    }

    /// The exact prediction for some points of the data: their mean, weighted by how likely each led to `x`.
    fn exact(&self, x: &Tensor<2>, time: f64, labels: &[Option<u8>]) -> Tensor<2> {
        let (points, classes) = (&self.exact, self.classes);
        let ([a, b], [c, d]) = (self.process.shares(time), self.process.target(time));
        let squares = points.clone().square().sum_dim(1).transpose(); // (1, n)
        let cross = matmul(x.clone(), points.clone(), [false, true]); // (B, n)
        // |x - a data|^2 without |x|^2, which is the same for all.
        let mut logits = (cross * (2.0 * a) - squares * (a * a)) / (2.0 * b * b);
        if classes > 0 {
            // Only points of the class that is asked for count.
            let wanted = labels.iter().flat_map(|&label| {
                let counts = move |class: usize| label.is_none_or(|l| usize::from(l) == class);
                (0..classes).map(move |class| f32::from(u8::from(counts(class))))
            });
            let wanted = upload(wanted.collect(), [labels.len(), classes], &self.device);
            let matches = matmul(wanted, self.exact_classes.clone(), [false, true]); // (B, n)
            logits = logits + (matches - 1.0) * 1e9;
        }
        let data = matmul(softmax(logits, 1), points.clone(), [false, false]);
        let noise = (x.clone() - data.clone() * a) / b;
        data * c + noise * d
    }

    /// Where the points of the lattice go until an earlier time, by the field at `time`.
    pub fn arrows(&self, config: &Config, network: Option<&DenoiserMlp>, time: f64, until: f64) -> Tensor<2> {
        let labels = self.labels(config.class, 0, ARROWS * ARROWS);
        let predicted = self.predict(network, config.sampling.guidance, &self.lattice, time, &labels);
        self.carried(&self.lattice, predicted, time, until) - self.lattice.clone()
    }

    /// Points where they are at another time, by what was predicted for them at this one.
    pub fn carried(&self, x: &Tensor<2>, predicted: Tensor<2>, time: f64, until: f64) -> Tensor<2> {
        let [of_sample, of_prediction] = self.process.data(time);
        let data = (x.clone() * of_sample + predicted * of_prediction).clamp(-LIMIT, LIMIT);
        let ([a, b], [a2, b2]) = (self.process.shares(time), self.process.shares(until));
        let noise = (x.clone() - data.clone() * a) / b;
        data * a2 + noise * b2
    }

    /// The way of the shown points and of the grid from noise to data.
    pub fn trajectory(&self, config: &Config, network: Option<&DenoiserMlp>) -> Trajectory {
        let mut noise = config.run.stream(Purpose::Sampler);
        let labels = self.labels(config.class, SHOWN, self.start.dims()[0]);
        let mut chain = Chain::new(&self.process, config.sampling.sampler(LIMIT), self.start.clone());
        let n = self.start.dims()[0] * 2;
        let mut way = Trajectory { times: vec![chain.time()], x: vec![chain.x.clone().reshape([n])], data: Vec::new() };
        while !chain.ended() {
            let predict = |x: &Tensor<2>, time| self.predict(network, config.sampling.guidance, x, time, &labels);
            chain.step(&predict, &mut |n| noise.normal(n));
            way.times.push(chain.time());
            way.x.push(chain.x.clone().reshape([n]));
            way.data.push(chain.data.clone().reshape([n]));
        }
        way
    }

    /// Points drawn to be measured or saved, flat: always in the same way, without guidance.
    pub fn draw(&self, noise: Tensor<2>, class: u32) -> Tensor<1> {
        let sampler =
            DiffusionSampler { kind: SamplerKind::Euler, steps: MEASURED_STEPS, eta: 0.0, limit: Some(LIMIT) };
        let mut chain = Chain::new(&self.process, sampler, noise);
        let (model, n) = (self.trainer.sampler(), chain.x.dims()[0]);
        let told = told_classes(&asked(class, self.classes, n));
        while !chain.ended() {
            // Euler's method draws no noise.
            chain.step(&|x, time| guided(&model, x, time, &told, self.classes, 1.0), &mut |_| Vec::new());
        }
        chain.x.reshape([2 * n])
    }

    pub fn measured(&self) -> Tensor<1> {
        self.draw(self.measured.clone(), 0)
    }
}

/// Predicted points are kept within this distance of 0 on each axis.
const LIMIT: f32 = EXTENT;
