//! Batch norm.

use super::init::constant;
use super::ops;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// `torch.nn.BatchNorm2d(track_running_stats=False)`: it always uses the statistics of the batch (Ioffe and Szegedy 2015,
/// arXiv 1502.03167), also when a generator is sampled. Sample in batches of 16 or more.
#[derive(Module, Debug)]
pub struct BatchNorm2d {
    pub weight: Param<Tensor<1>>,
    pub bias: Param<Tensor<1>>,
}

impl BatchNorm2d {
    pub fn new(channels: usize, device: &Device) -> Self {
        Self { weight: constant(1.0, channels, device), bias: constant(0.0, channels, device) }
    }

    /// # Shapes
    /// `[B, C, H, W]` to the same. A leaky ReLU of this slope follows; a slope of 0 is ReLU.
    pub fn forward(&self, x: Tensor<4>, slope: f32) -> Tensor<4> {
        ops::batch_norm_act(x, self.weight.val(), self.bias.val(), 1e-5, slope)
    }
}
