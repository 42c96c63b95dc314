//! Convolutions of sequences, such as the dilated causal ones of WaveNet (van den Oord et al. 2016, arXiv 1609.03499).

use super::init::{uniform, zeros};
use super::ops::{self, Activation, Window, bias_act};
use crate::rng::Stream;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// The configuration of a [`Conv1d`]. By default it has stride 1, no padding, no dilation, PyTorch's initial weights and a bias.
#[derive(Debug, Clone, Copy)]
pub struct Conv1dConfig {
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
    dilation: usize,
    /// Zeros before and after.
    padding: [usize; 2],
    gain: f32,
    bias: bool,
}

impl Conv1dConfig {
    /// Input and output channels, and the width of the kernel.
    pub const fn new(channels: [usize; 2], kernel: usize) -> Self {
        Self { channels, kernel, stride: 1, dilation: 1, padding: [0; 2], gain: 1.0, bias: true }
    }

    pub const fn with_stride(mut self, stride: usize) -> Self {
        self.stride = stride;
        self
    }

    /// The distance between two taps of the kernel.
    pub const fn with_dilation(mut self, dilation: usize) -> Self {
        self.dilation = dilation;
        self
    }

    /// The same number of zeros before and after.
    pub const fn with_padding(mut self, padding: usize) -> Self {
        self.padding = [padding; 2];
        self
    }

    /// Pads before only, so that an output depends on its own place and those before it. Set the dilation first.
    pub const fn causal(mut self) -> Self {
        self.padding = [self.dilation * (self.kernel - 1), 0];
        self
    }

    /// Weights uniform in ±sqrt(`gain` / fan-in): 1 is PyTorch's default, 6 is He's for ReLU, 3 keeps the variance.
    pub const fn with_gain(mut self, gain: f32) -> Self {
        self.gain = gain;
        self
    }

    pub const fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    pub fn init(&self, weights: &mut Stream, device: &Device) -> Conv1d {
        let ([inputs, outputs], taps) = (self.channels, self.kernel);
        let (stride, dilation, padding) = ([1, self.stride], [1, self.dilation], [[0; 2], self.padding]);
        Conv1d {
            weight: uniform([outputs, inputs, taps], self.gain, inputs * taps, weights, device),
            bias: zeros(self.bias, outputs, device),
            window: Window { stride, dilation, padding },
        }
    }
}

/// `torch.nn.Conv1d`: `weight` is `[out, in, k]`.
#[derive(Module, Debug)]
pub struct Conv1d {
    pub weight: Param<Tensor<3>>,
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    window: Window,
}

impl Conv1d {
    /// # Shapes
    /// `[B, in, L]` to `[B, out, L']` with L' = (L + both paddings - dilation (k - 1) - 1) / stride + 1; causal with stride 1, L.
    pub fn forward(&self, x: Tensor<3>, activation: Activation) -> Tensor<3> {
        let ([b, inputs, length], weight) = (x.dims(), self.weight.val());
        let [outputs, _, taps] = weight.dims();
        // As a picture of one row.
        let y = ops::conv2d(x.reshape([b, inputs, 1, length]), weight.reshape([outputs, inputs, 1, taps]), self.window);
        let [_, _, _, length] = y.dims();
        bias_act(y, self.bias.as_ref().map(|b| b.val()), activation).reshape([b, outputs, length])
    }
}
