//! The flow, and the points at which it is looked at.

use super::config::Config;
use crate::data::Dataset;
use crate::data::points::{EXTENT, Points, lattice};
use crate::demos::Context;
use crate::device::Device;
use crate::error::Result;
use crate::models::realnvp::RealNvp;
use crate::nn::upload;
use crate::rng::Purpose;
use crate::train::Trainer;
use burn::tensor::Tensor;

/// Points shown, and points measured.
pub const SHOWN: usize = 500;
pub const MEASURED: usize = 2000;
/// Corners on a side of the grid of noise, and cells on a side of the density.
pub const MESH: usize = 15;
pub const CELLS: usize = 48;

pub struct RealNvpDemo {
    pub trainer: Trainer<RealNvp>,
    pub device: Device,
    /// Fixed: standard normal points that are shown and, after them, a grid of noise; and those that are measured.
    pub start: Tensor<2>,
    pub measured: Tensor<2>,
    /// Centres of the density's cells.
    pub cells: Tensor<2>,
    /// Real points to be shown, and held-out ones to be measured.
    pub real_shown: Vec<f32>,
    pub real: Tensor<2>,
    /// Of the data, in nats: the mean of minus the logarithm of their exact density over the points that are measured, so that a flow that
    /// has learnt that density has the same negative log-likelihood.
    pub entropy: f32,
}

impl RealNvpDemo {
    pub fn new(config: &Config, data: &mut Points, context: &Context) -> Result<Self> {
        let device = context.device.clone().inner();
        let mut sampling = config.run.stream(Purpose::Sampling);
        let mut start = sampling.normal(2 * SHOWN);
        start.extend(lattice(MESH, 2.5));
        let held_out = data.held_out()?.ready().unwrap_or_default().xy;
        let real = held_out[2 * SHOWN..2 * (SHOWN + MEASURED)].to_vec();
        Ok(Self {
            trainer: config.trainer(2, context),
            start: upload(start, [SHOWN + MESH * MESH, 2], &device),
            measured: upload(sampling.normal(2 * MEASURED), [MEASURED, 2], &device),
            cells: upload(lattice(CELLS, EXTENT), [CELLS * CELLS, 2], &device),
            real_shown: held_out[..2 * SHOWN].to_vec(),
            entropy: (-data.log_density(&real).iter().sum::<f64>() / MEASURED as f64) as f32,
            real: upload(real, [MEASURED, 2], &device),
            device,
        })
    }

    /// Points of noise, flat, after some couplings.
    pub fn draw(&self, noise: Tensor<2>, couplings: usize) -> Tensor<1> {
        let n = noise.dims()[0];
        self.trainer.sampler().inverse(noise, couplings).reshape([2 * n])
    }
}
