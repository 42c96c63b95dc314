//! Linear, convolution, transposed convolution and batch norm, initialised from our own random stream.

use super::ops::{self, Activation, bias_act};
use crate::rng::Stream;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

/// Puts numbers on a device, in row-major order.
pub fn upload<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn uniform<const D: usize>(shape: [usize; D], bound: f32, weights: &mut Stream, device: &Device) -> Param<Tensor<D>> {
    Param::from_tensor(upload(weights.uniform(shape.iter().product(), bound), shape, device))
}

fn constant(value: f32, n: usize, device: &Device) -> Param<Tensor<1>> {
    Param::from_tensor(upload(vec![value; n], [n], device))
}

/// `torch.nn.Linear`: `weight` is `[out, in]`.
#[derive(Module, Debug)]
pub struct Linear {
    pub weight: Param<Tensor<2>>,
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// Uniform in ±sqrt(`gain` / fan-in): gain 1 is PyTorch's default, 6 is He's for ReLU, 3 keeps the variance.
    pub fn new(inputs: usize, outputs: usize, gain: f32, bias: bool, weights: &mut Stream, device: &Device) -> Self {
        let bound = (gain / inputs as f32).sqrt();
        Self {
            weight: uniform([outputs, inputs], bound, weights, device),
            bias: bias.then(|| constant(0.0, outputs, device)),
        }
    }

    /// # Shapes
    /// `[B, in]` to `[B, out]`.
    pub fn forward(&self, x: Tensor<2>, activation: Activation) -> Tensor<2> {
        ops::linear(x, self.weight.val(), self.bias.as_ref().map(|b| b.val()), activation)
    }
}

/// `torch.nn.Conv2d`: `weight` is `[out, in, k, k]`, stride and padding as given.
#[derive(Module, Debug)]
pub struct Conv2d {
    pub weight: Param<Tensor<4>>,
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    stride: usize,
    #[module(skip)]
    padding: usize,
}

impl Conv2d {
    /// With these weights.
    pub fn of(weight: Tensor<4>, bias: Option<Tensor<1>>, stride: usize, padding: usize) -> Self {
        Self { weight: Param::from_tensor(weight), bias: bias.map(Param::from_tensor), stride, padding }
    }

    /// A kernel of `k` x `k` that halves the picture (stride 2), uniform in ±sqrt(`gain` / fan-in).
    pub fn halving(
        [inputs, outputs, k]: [usize; 3],
        padding: usize,
        gain: f32,
        bias: bool,
        weights: &mut Stream,
        device: &Device,
    ) -> Self {
        let bound = (gain / (inputs * k * k) as f32).sqrt();
        Self {
            weight: uniform([outputs, inputs, k, k], bound, weights, device),
            bias: bias.then(|| constant(0.0, outputs, device)),
            stride: 2,
            padding,
        }
    }

    /// # Shapes
    /// `[B, in, H, W]` to `[B, out, H', W']` with H' = (H + 2 padding - k) / stride + 1.
    pub fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        let y = ops::convolve(x, self.weight.val(), self.stride, self.padding);
        bias_act(y, self.bias.as_ref().map(|b| b.val()), activation)
    }
}

/// `torch.nn.ConvTranspose2d` with a 4 x 4 kernel and stride 2, which doubles the picture with padding 1: `weight` is
/// `[in, out, 4, 4]`.
#[derive(Module, Debug)]
pub struct ConvTranspose2d {
    pub weight: Param<Tensor<4>>,
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    padding: usize,
}

impl ConvTranspose2d {
    /// Uniform in ±sqrt(`gain` / fan-in); each output pixel sees 2 x 2 of the 4 x 4 kernel.
    pub fn doubling(
        inputs: usize,
        outputs: usize,
        gain: f32,
        bias: bool,
        weights: &mut Stream,
        device: &Device,
    ) -> Self {
        let bound = (gain / (inputs * 4) as f32).sqrt();
        Self {
            weight: uniform([inputs, outputs, 4, 4], bound, weights, device),
            bias: bias.then(|| constant(0.0, outputs, device)),
            padding: 1,
        }
    }

    /// With another padding: each one more than 1 takes a pixel from every side of the result.
    pub fn padded(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    /// # Shapes
    /// `[B, in, H, W]` to `[B, out, 2 H, 2 W]` with padding 1.
    pub fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        let [_, _, h, w] = x.dims();
        let size = [h, w].map(|n| 2 * n + 2 - 2 * self.padding);
        let y = ops::convolve_transposed(x, self.weight.val(), size, 2, self.padding);
        bias_act(y, self.bias.as_ref().map(|b| b.val()), activation)
    }
}

/// `torch.nn.BatchNorm2d(track_running_stats=False)`: always the statistics of the batch (Ioffe and Szegedy 2015,
/// arXiv 1502.03167), so that a generator draws as it was trained. Draw in batches of 16 or more.
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
    /// `[B, C, H, W]` to the same, through a leaky ReLU with this slope (0 is ReLU).
    pub fn forward(&self, x: Tensor<4>, slope: f32) -> Tensor<4> {
        ops::norm_act(x, self.weight.val(), self.bias.val(), 1e-5, slope)
    }
}
