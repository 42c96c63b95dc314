//! The density of what the model draws. The way from data to noise that Euler's and Heun's methods follow is a map with an inverse, so that
//! the change of variables gives it: the density of the noise where a point comes to, times how much its surroundings have grown
//! (Chen et al. 2018, arXiv 1806.07366). That growth is measured by two neighbours, carried along. Where predicted data are cut off at
//! their limit the way has no inverse, and what is drawn there is not in this density.

use super::config::Config;
use super::demo::Diffusion2d;
use crate::data::points::{EXTENT, lattice};
use crate::models::denoiser_mlp::DenoiserMlp;
use crate::nn::upload;
use burn::tensor::Tensor;

/// Cells on a side of the plane.
pub const CELLS: usize = 40;
/// Steps from data to noise; shorter near the data, where the paths bend most.
const STEPS: usize = 10;
/// The earliest time: without any noise a way back is not defined.
const EARLIEST: f64 = 0.01;
/// The distance of the neighbours.
const APART: f32 = 0.005;

impl Diffusion2d {
    /// The density of the points at a time, `[CELLS CELLS]`, row by row upwards.
    pub fn density(&self, config: &Config, network: Option<&DenoiserMlp>, time: f64) -> Tensor<1> {
        let (n, cells) = (CELLS * CELLS, lattice(CELLS, EXTENT));
        let moved = |[x, y]: [f32; 2]| cells.chunks_exact(2).flat_map(move |p| [p[0] + x, p[1] + y]);
        let points = [[0.0, 0.0], [APART, 0.0], [0.0, APART]].into_iter().flat_map(moved).collect();
        let mut x: Tensor<2> = upload(points, [3 * n, 2], &self.device);
        let labels = self.labels(config.class, 0, 3 * n);
        let carry = |x: &Tensor<2>, from, to| {
            let predicted = self.predict(network, config.sampling.guidance, x, from, &labels);
            self.carried(x, predicted, from, to)
        };
        let first = time.clamp(EARLIEST, 1.0);
        let at = |step: usize| first + (1.0 - first) * (step as f64 / STEPS as f64).powi(2);
        for step in 0..STEPS {
            let (from, to) = (at(step), at(step + 1));
            let ahead = carry(&x, from, to);
            // Where there is nothing but noise, a model that predicts the noise does not know the way back.
            x = if to < 1.0 { (ahead.clone() - carry(&ahead, to, from) + x + ahead) / 2.0 } else { ahead };
        }
        let [noise, right, up] = [0, 1, 2].map(|k| x.clone().narrow(0, k * n, n));
        let [right, up] = [right, up].map(|side| (side - noise.clone()) / APART); // (n, 2)
        let part = |side: &Tensor<2>, k: usize| side.clone().narrow(1, k, 1);
        let growth = part(&right, 0) * part(&up, 1) - part(&right, 1) * part(&up, 0);
        let normal = (noise.square().sum_dim(1) * -0.5).exp() / std::f64::consts::TAU;
        (growth.abs() * normal).reshape([n])
    }
}
