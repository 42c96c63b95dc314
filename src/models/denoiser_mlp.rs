//! A fully connected residual network that is told a noisy sample, how noisy it is and its class, and says which way the data lie.
//! Time and class act as a scale and a shift of every block's input (FiLM; Perez et al. 2017, arXiv 1709.07871).
//!
//! With n numbers in a sample, k in the condition, e units in its embedding and width w: (n + 1) w + e (k + 1) + depth (w^2 + (2 e + 3) w)
//! + (w + 1) n parameters.

use super::denoiser::Denoiser;
use crate::nn::ops::bias_act;
use crate::nn::{Activation, Linear};
use crate::rng::Stream;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

#[derive(Debug, Clone, Copy)]
pub struct DenoiserMlpConfig {
    /// Numbers in a sample.
    pub inputs: usize,
    /// Numbers in the condition, see [`super::denoiser::condition`].
    pub condition: usize,
    pub width: usize,
    /// Residual blocks.
    pub depth: usize,
    /// Units between the condition and the scales and shifts.
    pub embedding: usize,
}

#[derive(Module, Debug)]
pub struct DenoiserMlp {
    pub input: Linear,
    pub condition: Linear,
    pub blocks: Vec<Block>,
    pub output: Linear,
}

/// `x + W silu(x (1 + scale) + shift)`, with scale and shift from the condition.
#[derive(Module, Debug)]
pub struct Block {
    pub modulation: Linear,
    pub linear: Linear,
}

impl DenoiserMlpConfig {
    pub fn init(&self, weights: &mut Stream, device: &Device) -> DenoiserMlp {
        let Self { inputs, condition, width, depth, embedding } = *self;
        let mut linear = |from, to, gain| Linear::new(from, to, gain, true, weights, device);
        DenoiserMlp {
            input: linear(inputs, width, 3.0),
            condition: linear(condition, embedding, 3.0),
            blocks: (0..depth)
                .map(|_| Block { modulation: linear(embedding, 2 * width, 1.0), linear: linear(width, width, 1.0) })
                .collect(),
            // Small, so that the first predictions are near zero.
            output: linear(width, inputs, 0.03),
        }
    }
}

impl Denoiser for DenoiserMlp {
    fn forward(&self, x: Tensor<2>, condition: Tensor<2>) -> Tensor<2> {
        let condition = self.condition.forward(condition, Activation::Silu); // (B, embedding)
        let h = self.input.forward(x, Activation::Identity); // (B, width)
        let h = self.blocks.iter().fold(h, |h, block| {
            let modulation = block.modulation.forward(condition.clone(), Activation::Identity); // (B, 2 width)
            let width = h.dims()[1];
            let (scale, shift) = (modulation.clone().narrow(1, 0, width), modulation.narrow(1, width, width));
            let u = bias_act(h.clone() * (scale + 1.0) + shift, None, Activation::Silu);
            h + block.linear.forward(u, Activation::Identity)
        });
        self.output.forward(bias_act(h, None, Activation::Silu), Activation::Identity) // (B, inputs)
    }
}
