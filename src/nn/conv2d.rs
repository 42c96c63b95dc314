//! Convolutions of pictures.

use super::init::{uniform, zeros};
use super::ops::{self, Activation, Window, bias_act};
use crate::rng::Stream;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// The configuration of a [`Conv2d`]. By default it has stride 1, no padding, no dilation, PyTorch's initial weights and a bias.
#[derive(Debug, Clone, Copy)]
pub struct Conv2dConfig {
    channels: [usize; 2],
    kernel: [usize; 2],
    window: Window,
    gain: f32,
    bias: bool,
}

impl Conv2dConfig {
    /// Input and output channels, height and width of the kernel.
    pub const fn new(channels: [usize; 2], kernel: [usize; 2]) -> Self {
        Self { channels, kernel, window: Window::square(1, 0), gain: 1.0, bias: true }
    }

    /// Vertical and horizontal stride.
    pub const fn with_stride(mut self, stride: [usize; 2]) -> Self {
        self.window.stride = stride;
        self
    }

    /// Zeros above and below, and to the left and the right; both sides get the same number.
    pub const fn with_padding(mut self, [y, x]: [usize; 2]) -> Self {
        self.window.padding = [[y; 2], [x; 2]];
        self
    }

    /// The distance between two taps of the kernel.
    pub const fn with_dilation(mut self, dilation: [usize; 2]) -> Self {
        self.window.dilation = dilation;
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

    pub fn init(&self, weights: &mut Stream, device: &Device) -> Conv2d {
        let ([inputs, outputs], [h, w]) = (self.channels, self.kernel);
        Conv2d {
            weight: uniform([outputs, inputs, h, w], self.gain, inputs * h * w, weights, device),
            bias: zeros(self.bias, outputs, device),
            window: self.window,
        }
    }
}

/// `torch.nn.Conv2d`: `weight` is `[out, in, h, w]`.
#[derive(Module, Debug)]
pub struct Conv2d {
    pub weight: Param<Tensor<4>>,
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    window: Window,
}

impl Conv2d {
    /// A convolution with these weights; stride and padding are the same in both directions.
    pub fn from_weights(weight: Tensor<4>, bias: Option<Tensor<1>>, stride: usize, padding: usize) -> Self {
        let (weight, bias) = (Param::from_tensor(weight), bias.map(Param::from_tensor));
        Self { weight, bias, window: Window::square(stride, padding) }
    }

    /// # Shapes
    /// `[B, in, H, W]` to `[B, out, H', W']` with H' = (H + 2 padding - dilation (h - 1) - 1) / stride + 1, and W' likewise.
    pub fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        let y = ops::conv2d(x, self.weight.val(), self.window);
        bias_act(y, self.bias.as_ref().map(|b| b.val()), activation)
    }
}
