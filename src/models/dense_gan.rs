//! The fully connected GAN of many MNIST tutorials: 100-128-256-512-1024-784 and 784-1024-512-256-1.
//!
//! Goodfellow et al. 2014, arXiv 1406.2661, in the sizes of the usual tutorials: generator 1,510,032 and discriminator
//! 1,460,225 parameters. A conditional pair takes the class with its input (Mirza and Osindero 2014). For other pictures
//! the first and the last size differ.

use super::{Discriminator, Generator};
use crate::nn::{Activation, Linear};
use crate::rng::Stream;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

#[derive(Debug, Clone, Copy)]
pub struct DenseConfig {
    pub latent: usize,
    pub classes: usize,
    /// Numbers in a picture.
    pub pixels: usize,
}

#[derive(Module, Debug)]
pub struct DenseGenerator {
    pub layers: Vec<Linear>,
}

#[derive(Module, Debug)]
pub struct DenseDiscriminator {
    pub layers: Vec<Linear>,
}

impl DenseConfig {
    pub fn generator(&self, weights: &mut Stream, device: &Device) -> DenseGenerator {
        DenseGenerator {
            layers: chain(&[self.latent + self.classes, 128, 256, 512, 1024, self.pixels], weights, device),
        }
    }

    pub fn discriminator(&self, weights: &mut Stream, device: &Device) -> DenseDiscriminator {
        DenseDiscriminator { layers: chain(&[self.pixels + self.classes, 1024, 512, 256, 1], weights, device) }
    }
}

fn chain(sizes: &[usize], weights: &mut Stream, device: &Device) -> Vec<Linear> {
    sizes.windows(2).map(|s| Linear::new(s[0], s[1], 3.0, true, weights, device)).collect()
}

/// All layers, with leaky ReLU between them and `end` after the last.
fn forward(layers: &[Linear], x: Tensor<2>, classes: Option<Tensor<2>>, end: Activation) -> Tensor<2> {
    let x = match classes {
        Some(classes) => Tensor::cat(vec![x, classes], 1),
        None => x,
    };
    let last = layers.len() - 1;
    layers
        .iter()
        .enumerate()
        .fold(x, |h, (i, layer)| layer.forward(h, if i < last { Activation::LeakyRelu(0.2) } else { end }))
}

impl Generator for DenseGenerator {
    fn forward(&self, z: Tensor<2>, classes: Option<Tensor<2>>) -> Tensor<2> {
        forward(&self.layers, z, classes, Activation::Tanh) // (B, pixels)
    }
}

impl Discriminator for DenseDiscriminator {
    fn forward(&self, x: Tensor<2>, classes: Option<Tensor<2>>) -> Tensor<2> {
        forward(&self.layers, x, classes, Activation::Identity) // (B, 1)
    }
}
