//! Fully connected generator and discriminator for points in the plane (Goodfellow et al. 2014, arXiv 1406.2661).
//!
//! Reference: W2 of the bench, 2-128-128-2 and 2-128-128-1. With width w and `depth` hidden layers of each network:
//! (latent + 1) w + (depth - 1) (w + 1) w + 2 (w + 1) parameters in the generator.

use super::{Discriminator, Generator};
use crate::nn::ops::matmul;
use crate::nn::{Activation, Linear};
use crate::rng::Stream;
use burn::module::Module;
use burn::tensor::activation::leaky_relu;
use burn::tensor::{Device, Tensor};

/// Sizes of both networks.
#[derive(Debug, Clone, Copy)]
pub struct MlpConfig {
    pub latent: usize,
    pub width: usize,
    /// Hidden layers of each network.
    pub depth: usize,
}

const SLOPE: f64 = 0.2;

#[derive(Module, Debug)]
pub struct MlpGenerator {
    pub layers: Vec<Linear>,
}

#[derive(Module, Debug)]
pub struct MlpDiscriminator {
    pub layers: Vec<Linear>,
}

impl MlpConfig {
    pub fn generator(&self, weights: &mut Stream, device: &Device) -> MlpGenerator {
        MlpGenerator { layers: self.layers(self.latent, 2, weights, device) }
    }

    pub fn discriminator(&self, weights: &mut Stream, device: &Device) -> MlpDiscriminator {
        MlpDiscriminator { layers: self.layers(2, 1, weights, device) }
    }

    fn layers(&self, inputs: usize, outputs: usize, weights: &mut Stream, device: &Device) -> Vec<Linear> {
        let mut sizes = vec![inputs];
        sizes.extend(std::iter::repeat_n(self.width, self.depth));
        sizes.push(outputs);
        sizes.windows(2).map(|s| Linear::new(s[0], s[1], 3.0, true, weights, device)).collect()
    }
}

impl Generator for MlpGenerator {
    fn forward(&self, z: Tensor<2>, _classes: Option<Tensor<2>>) -> Tensor<2> {
        let last = self.layers.len() - 1;
        self.layers.iter().enumerate().fold(z, |h, (i, layer)| {
            layer.forward(h, if i < last { Activation::RELU } else { Activation::Identity }) // (B, width), at last (B, 2)
        })
    }
}

impl Discriminator for MlpDiscriminator {
    fn forward(&self, x: Tensor<2>, _classes: Option<Tensor<2>>) -> Tensor<2> {
        let last = self.layers.len() - 1;
        self.layers.iter().enumerate().fold(x, |h, (i, layer)| {
            let activation = if i < last { Activation::LeakyRelu(SLOPE as f32) } else { Activation::Identity };
            layer.forward(h, activation) // (B, width), at last (B, 1)
        })
    }

    /// Exact: the network is piecewise linear, so the gradient is the product of its weights and the slopes of its units, and the slopes
    /// are constant almost everywhere.
    fn input_gradient(&self, x: Tensor<2>) -> Option<Tensor<2>> {
        let (last, hidden) = self.layers.split_last()?;
        let mut h = x;
        let mut slopes = Vec::new();
        for layer in hidden {
            let a = layer.forward(h, Activation::Identity);
            let slope = a.clone().inner().greater_elem(0.0).float() * (1.0 - SLOPE) + SLOPE; // (B, width)
            slopes.push(Tensor::from_inner(slope));
            h = leaky_relu(a, SLOPE);
        }
        let mut gradient = last.weight.val(); // (1, width), then (B, width)
        for (layer, slope) in hidden.iter().zip(slopes).rev() {
            gradient = matmul(gradient * slope, layer.weight.val(), [false, false]);
        }
        Some(gradient) // (B, 2)
    }
}
