//! Transposed convolutions.

use super::init::{uniform, zeros};
use super::ops::{self, Activation, Window, bias_act};
use crate::rng::Stream;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// `torch.nn.ConvTranspose2d` with a 4 x 4 kernel and stride 2, which doubles the size of a picture with padding 1. `weight` is
/// `[in, out, 4, 4]`.
#[derive(Module, Debug)]
pub struct ConvTranspose2d {
    pub weight: Param<Tensor<4>>,
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    padding: usize,
}

impl ConvTranspose2d {
    /// Weights uniform in ±sqrt(`gain` / fan-in); each output pixel depends on 2 x 2 taps of the 4 x 4 kernel.
    pub fn doubling(
        inputs: usize,
        outputs: usize,
        gain: f32,
        bias: bool,
        weights: &mut Stream,
        device: &Device,
    ) -> Self {
        Self {
            weight: uniform([inputs, outputs, 4, 4], gain, inputs * 4, weights, device),
            bias: zeros(bias, outputs, device),
            padding: 1,
        }
    }

    /// With another padding: each unit beyond 1 removes a pixel from every side of the result.
    pub fn padded(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    /// # Shapes
    /// `[B, in, H, W]` to `[B, out, 2 H, 2 W]` with padding 1.
    pub fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        let [_, _, h, w] = x.dims();
        let size = [h, w].map(|n| 2 * n + 2 - 2 * self.padding);
        let y = ops::conv_transpose2d(x, self.weight.val(), size, Window::square(2, self.padding));
        bias_act(y, self.bias.as_ref().map(|b| b.val()), activation)
    }
}
