//! Linear layers.

use super::init::{normal, uniform, zeros};
use super::ops::{self, Activation};
use crate::rng::Stream;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// `torch.nn.Linear`: `weight` is `[out, in]`.
#[derive(Module, Debug)]
pub struct Linear {
    pub weight: Param<Tensor<2>>,
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// Uniform in ±sqrt(`gain` / fan-in): gain 1 is PyTorch's default, 6 is He's for ReLU, 3 keeps the variance.
    pub fn new(inputs: usize, outputs: usize, gain: f32, bias: bool, weights: &mut Stream, device: &Device) -> Self {
        Self { weight: uniform([outputs, inputs], gain, inputs, weights, device), bias: zeros(bias, outputs, device) }
    }

    /// Weights from the normal distribution with this standard deviation, as in GPT-2.
    pub fn normal(
        inputs: usize,
        outputs: usize,
        deviation: f32,
        bias: bool,
        weights: &mut Stream,
        device: &Device,
    ) -> Self {
        Self { weight: normal([outputs, inputs], deviation, weights, device), bias: zeros(bias, outputs, device) }
    }

    /// # Shapes
    /// `[.., in]` to `[.., out]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>, activation: Activation) -> Tensor<D> {
        ops::linear(x, self.weight.val(), self.bias.as_ref().map(|b| b.val()), activation)
    }
}
