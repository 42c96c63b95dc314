//! The network, what it is measured against, and the way from noise to data that is shown.

use super::config::{Config, Field};
use crate::data::Dataset;
use crate::data::points::{EXTENT, PointBatch, Points, lattice};
use crate::demos::Context;
use crate::device::Device;
use crate::error::Result;
use crate::generate::{Chain, DiffusionSampler, SamplerKind, guided};
use crate::models::denoiser::TIME_FEATURES;
use crate::models::denoiser_mlp::{DenoiserMlp, DenoiserMlpConfig};
use crate::nn::ops::matmul;
use crate::nn::upload;
use crate::rng::{Purpose, Stream};
use crate::train::{LossByTime, Process, Trainer, energy_distance};
use burn::tensor::Tensor;
use burn::tensor::activation::softmax;

/// Points shown, and points measured.
pub const SHOWN: usize = 500;
pub const MEASURED: usize = 2000;
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
    pub lattice: Tensor<2>,
    /// Real points to be shown, measured against, and gone by in the exact field.
    pub real_shown: Vec<f32>,
    pub real: Vec<f32>,
    exact: PointBatch,
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
        };
        let model = sizes.init(&mut config.run.stream(Purpose::Weights), &context.device);
        let mut sampling = config.run.stream(Purpose::Sampling);
        let mut start = sampling.normal(2 * SHOWN);
        start.extend(lattice(MESH, 2.0));
        let held_out = data.held_out()?.ready().unwrap_or_default();
        let part = |from: usize, n: usize| held_out.xy[2 * from..2 * (from + n)].to_vec();
        let (real, other) = (part(SHOWN, MEASURED), part(SHOWN + MEASURED, MEASURED));
        let last = SHOWN + 2 * MEASURED;
        Ok(Self {
            trainer: Trainer::new("denoiser", model, context.device.clone()).with_ema(DECAY),
            process: config.diffusion.process(),
            classes,
            start: upload(start, [SHOWN + MESH * MESH, 2], &plain),
            measured: upload(sampling.normal(2 * MEASURED), [MEASURED, 2], &plain),
            lattice: upload(lattice(ARROWS, EXTENT), [ARROWS * ARROWS, 2], &plain),
            real_shown: part(0, SHOWN),
            floor: energy_distance(&real, &other),
            real,
            exact: PointBatch { xy: part(last, EXACT), labels: held_out.labels[last..last + EXACT].to_vec() },
            device: plain,
            loss_by_time: LossByTime::default(),
            last: None,
        })
    }

    /// The class that each of `n` points is asked for: the chosen one, or all in turn.
    pub fn asked(&self, class: u32, n: usize) -> Vec<Option<u8>> {
        let chosen = (class as usize).checked_sub(1).filter(|c| *c < self.classes);
        let label = |i: usize| (self.classes > 0).then(|| chosen.unwrap_or(i % self.classes.max(1)) as u8);
        (0..n).map(label).collect()
    }

    /// What is predicted for points at a time: by the network, or exactly while it has learnt nothing.
    pub fn predict(&self, config: &Config, trained: bool, x: &Tensor<2>, time: f64) -> Tensor<2> {
        let labels = self.asked(config.class, x.dims()[0]);
        match config.field {
            Field::Network if trained => {
                guided(&self.trainer.sampler(), x, time, &labels, self.classes, config.sampling.guidance)
            }
            _ => self.exact(config.class, x, time),
        }
    }

    /// The exact prediction for some points of the data: their mean, weighted by how likely each led to `x`.
    fn exact(&self, class: u32, x: &Tensor<2>, time: f64) -> Tensor<2> {
        let chosen = (class as usize).checked_sub(1).filter(|c| *c < self.classes);
        let of_class = |label: u8| chosen.is_none_or(|class| class == usize::from(label));
        let rows = self.exact.xy.chunks_exact(2).zip(&self.exact.labels).filter(|(_, label)| of_class(**label));
        let points: Vec<f32> = rows.flat_map(|(point, _)| point.to_vec()).collect();
        let n = points.len() / 2;
        let points = upload(points, [n, 2], &self.device);
        let ([a, b], [c, d]) = (self.process.shares(time), self.process.target(time));
        let squares = points.clone().square().sum_dim(1).transpose(); // (1, n)
        let cross = matmul(x.clone(), points.clone(), [false, true]); // (B, n)
        // |x - a data|^2 without |x|^2, which is the same for all.
        let weights = softmax((cross * (2.0 * a) - squares * (a * a)) / (2.0 * b * b), 1);
        let data = matmul(weights, points, [false, false]);
        let noise = (x.clone() - data.clone() * a) / b;
        data * c + noise * d
    }

    /// The way of the shown points and of the grid from noise to data.
    pub fn trajectory(&self, config: &Config, trained: bool) -> Trajectory {
        let mut noise = config.run.stream(Purpose::Damage);
        let mut chain = Chain::new(&self.process, config.sampling.sampler(LIMIT), self.start.clone());
        let n = self.start.dims()[0] * 2;
        let mut way = Trajectory { times: vec![chain.time()], x: vec![chain.x.clone().reshape([n])], data: Vec::new() };
        while !chain.ended() {
            chain.step(&|x, time| self.predict(config, trained, x, time), &mut |n| noise.normal(n));
            way.times.push(chain.time());
            way.x.push(chain.x.clone().reshape([n]));
            way.data.push(chain.data.clone().reshape([n]));
        }
        way
    }

    /// Points drawn to be measured, flat: always in the same way, all classes in turn, without guidance.
    pub fn draw(&self, noise: Tensor<2>) -> Tensor<1> {
        let sampler =
            DiffusionSampler { kind: SamplerKind::Euler, steps: MEASURED_STEPS, eta: 0.0, limit: Some(LIMIT) };
        let (mut chain, mut stream) = (Chain::new(&self.process, sampler, noise), Stream::new(0, Purpose::Damage));
        let (model, n) = (self.trainer.sampler(), chain.x.dims()[0]);
        let labels = self.asked(0, n);
        while !chain.ended() {
            chain.step(&|x, time| guided(&model, x, time, &labels, self.classes, 1.0), &mut |n| stream.normal(n));
        }
        chain.x.reshape([2 * n])
    }

    pub fn measured(&self) -> Tensor<1> {
        self.draw(self.measured.clone())
    }
}

/// Predicted points are kept within this distance of 0 on each axis.
const LIMIT: f32 = EXTENT;
