//! Operations that burn lacks or that cost too much as several: one pass over memory on the CPU (arithmetic in `kernels/`), one
//! dispatch on WebGPU. Each has its gradient written out in [`autodiff`].

mod autodiff;
#[cfg(feature = "cpu")]
mod cpu;
#[cfg(feature = "gpu")]
mod gpu;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;
pub use kiln_kernels::{Activation, Moments};

/// What a backend does for [`Tensor`]s. Channels are the second dimension. None of these is called on WebGPU and waits.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(feature = "gpu"), Autodiff)]
pub trait Kernels: Backend {
    /// The product of two matrices, or of their transposes.
    fn multiply(a: FloatTensor<Self>, b: FloatTensor<Self>, transposed: [bool; 2]) -> FloatTensor<Self>;

    /// `activation(x)`.
    fn act(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;

    /// The gradient of `x`, from the result `y` and its gradient.
    fn act_backward(y: FloatTensor<Self>, gradient: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;

    /// `activation(x + bias)`, with a bias for each channel.
    fn bias_act(x: FloatTensor<Self>, bias: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;

    /// Gradients of `x` and of the bias, from the result `y` and its gradient.
    fn bias_act_backward(
        y: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Batch norm with the batch's statistics, then leaky ReLU: the result, and mean and reciprocal deviation `[2, C]`.
    fn norm_act(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f32,
        slope: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradients of `x`, weight and bias.
    fn norm_act_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        statistics: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        slope: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// Convolution without a bias: weights `[O, C, k, k]`, stride and padding the same both ways.
    fn convolve(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self>;

    /// The gradient of its input; `x` for its shape.
    fn convolve_input(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self>;

    /// The gradient of its weights; `weights` for their shape.
    fn convolve_weights(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self>;

    /// Convolution of 4 x 4 with stride 2: weights `[small, large, 4, 4]`, from `large` channels to `small`.
    fn down(large: FloatTensor<Self>, weights: FloatTensor<Self>, padding: usize) -> FloatTensor<Self>;

    /// Its transpose, from `small` channels to `large`, with the same weights.
    fn up(small: FloatTensor<Self>, weights: FloatTensor<Self>, padding: usize) -> FloatTensor<Self>;

    /// The gradient of those weights, from one side and the gradient of the other.
    fn outer(large: FloatTensor<Self>, small: FloatTensor<Self>, padding: usize) -> FloatTensor<Self>;

    /// The mean of `ln(1 + exp(sign x))`, `[1]`.
    fn softplus_mean(x: FloatTensor<Self>, sign: f32) -> FloatTensor<Self>;

    /// The gradient of `x`, from that of the mean, `[1]`.
    fn softplus_mean_backward(x: FloatTensor<Self>, gradient: FloatTensor<Self>, sign: f32) -> FloatTensor<Self>;

    /// One update by Adam: weight, first and second moment, all of the weight's shape.
    fn adam(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        with: Moments,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// The product of two matrices, or of their transposes where it is so said.
pub fn multiply(a: Tensor<2>, b: Tensor<2>, transposed: [bool; 2]) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::multiply(a.into_dispatch(), b.into_dispatch(), transposed))
}

/// `activation(x + bias)`, with a bias `[C]` for the second dimension.
pub fn bias_act<const D: usize>(x: Tensor<D>, bias: Option<Tensor<1>>, activation: Activation) -> Tensor<D> {
    Tensor::from_dispatch(match bias {
        Some(bias) => Dispatch::bias_act(x.into_dispatch(), bias.into_dispatch(), activation),
        None if activation == Activation::Identity => return x,
        None => Dispatch::act(x.into_dispatch(), activation),
    })
}

/// Batch norm with the batch's statistics, then leaky ReLU: 0 is ReLU, 1 leaves the norm alone. `[B, C, H, W]` to the same.
pub fn norm_act(x: Tensor<4>, weight: Tensor<1>, bias: Tensor<1>, epsilon: f32, slope: f32) -> Tensor<4> {
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(Dispatch::norm_act(x, weight, bias, epsilon, slope).0)
}

/// Convolution without a bias. `[B, C, H, W]`, weights `[O, C, k, k]`, to `[B, O, H', W']` with H' = (H + 2 padding - k) / stride + 1.
pub fn convolve(x: Tensor<4>, weights: Tensor<4>, stride: usize, padding: usize) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::convolve(x.into_dispatch(), weights.into_dispatch(), stride, padding))
}

/// Convolution of 4 x 4 with stride 2. `[B, C, H, W]` with H and W even, weights `[O, C, 4, 4]`, to `[B, O, H', W']` with
/// H' = H / 2 - 1 + padding.
pub fn down(x: Tensor<4>, weights: Tensor<4>, padding: usize) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::down(x.into_dispatch(), weights.into_dispatch(), padding))
}

/// Its transpose: `[B, O, H', W']` to `[B, C, H, W]`, weights `[O, C, 4, 4]`.
pub fn up(x: Tensor<4>, weights: Tensor<4>, padding: usize) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::up(x.into_dispatch(), weights.into_dispatch(), padding))
}

/// The mean of `ln(1 + exp(sign x))`, `[1]`: cross entropy of logits, where sign tells the class.
pub fn softplus_mean(x: Tensor<2>, sign: f32) -> Tensor<1> {
    Tensor::from_dispatch(Dispatch::softplus_mean(x.into_dispatch(), sign))
}

/// One update by Adam, of tensors of one shape without gradients: weight, first and second moment.
pub fn adam<const D: usize>(
    [weight, gradient, first, second]: [Tensor<D>; 4],
    with: Moments,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let (weight, gradient) = (weight.into_dispatch(), gradient.into_dispatch());
    let (w, m, v) = Dispatch::adam(weight, gradient, first.into_dispatch(), second.into_dispatch(), with);
    (Tensor::from_dispatch(w), Tensor::from_dispatch(m), Tensor::from_dispatch(v))
}
