//! Matrix products, and what is one at heart: linear layers and convolutions.

use super::{Activation, bias_act};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;
use kiln_kernels::Window;

/// Products of a backend, and their gradients. Nothing is read back.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(feature = "gpu"), Autodiff)]
pub(crate) trait Products: Backend {
    /// The product of two matrices, or of their transposes.
    fn multiply(a: FloatTensor<Self>, b: FloatTensor<Self>, transposed: [bool; 2]) -> FloatTensor<Self>;

    /// The products of as many matrices, or of their transposes: `[N, rows, inner]` by `[N, inner, columns]`.
    fn multiply_each(a: FloatTensor<Self>, b: FloatTensor<Self>, transposed: [bool; 2]) -> FloatTensor<Self>;

    /// Convolution without a bias: weights `[O, C, h, w]`.
    fn convolve(x: FloatTensor<Self>, weights: FloatTensor<Self>, window: Window) -> FloatTensor<Self>;

    /// Its transpose, from `O` channels to `C` and to pictures of this height and width, by the same weights: transposed
    /// convolution, and the gradient of a convolution's input.
    fn convolve_transposed(
        y: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        size: [usize; 2],
        window: Window,
    ) -> FloatTensor<Self>;

    /// The gradient of the weights, whose height and width are `kernel`, from one side and the gradient of the other.
    fn convolve_weights(
        x: FloatTensor<Self>,
        y: FloatTensor<Self>,
        kernel: [usize; 2],
        window: Window,
    ) -> FloatTensor<Self>;

    /// `activation(x W^T + b)`: `[B, in]` by weights `[out, in]`.
    fn linear_act(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;

    /// The gradient of `x` in `linear_act`, from the result `y` and its gradient.
    fn linear_of_input(
        y: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;

    /// Gradients of `x` (anything where it is not `of_input`), of the weights and of the bias in `linear_act`.
    fn linear_backward(
        y: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        activation: Activation,
        of_input: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// The product of two matrices, or of their transposes where it is so said.
pub fn multiply(a: Tensor<2>, b: Tensor<2>, transposed: [bool; 2]) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::multiply(a.into_dispatch(), b.into_dispatch(), transposed))
}

/// The products of as many matrices as the first dimension says, or of their transposes: `torch.bmm`.
///
/// # Shapes
/// `[N, rows, inner]` and `[N, inner, columns]` to `[N, rows, columns]`; of a transposed factor the last two the other way.
pub fn multiply_each(a: Tensor<3>, b: Tensor<3>, transposed: [bool; 2]) -> Tensor<3> {
    Tensor::from_dispatch(Dispatch::multiply_each(a.into_dispatch(), b.into_dispatch(), transposed))
}

/// Convolution without a bias, whose kernel moves the same way in both directions. `[B, C, H, W]`, weights `[O, C, k, k]`, to
/// `[B, O, H', W']` with H' = (H + 2 padding - k) / stride + 1.
pub fn convolve(x: Tensor<4>, weights: Tensor<4>, stride: usize, padding: usize) -> Tensor<4> {
    convolve_by(x, weights, Window::square(stride, padding))
}

/// Convolution without a bias. `[B, C, H, W]`, weights `[O, C, h, w]`, to `[B, O, H', W']` as [`Window::out_size`] has it.
pub fn convolve_by(x: Tensor<4>, weights: Tensor<4>, window: Window) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::convolve(x.into_dispatch(), weights.into_dispatch(), window))
}

/// The transpose of [`convolve`]. `[B, O, H', W']`, weights `[O, C, k, k]`, to `[B, C, H, W]`, where `size` is `[H, W]`: of
/// several that have the same H' it is the caller's choice.
pub fn convolve_transposed(
    y: Tensor<4>,
    weights: Tensor<4>,
    size: [usize; 2],
    stride: usize,
    padding: usize,
) -> Tensor<4> {
    let (y, weights) = (y.into_dispatch(), weights.into_dispatch());
    Tensor::from_dispatch(Dispatch::convolve_transposed(y, weights, size, Window::square(stride, padding)))
}

/// `activation(x W^T + b)`: `[.., in]` to `[.., out]`, weights `[out, in]`.
pub fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    activation: Activation,
) -> Tensor<D> {
    let (mut shape, [outputs, inputs]) = (x.dims(), weight.dims());
    let rows = shape[..D - 1].iter().product();
    let x: Tensor<2> = if D == 2 { Tensor::from_dispatch(x.into_dispatch()) } else { x.reshape([rows, inputs]) };
    let y = match bias {
        Some(bias) => {
            let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
            Tensor::from_dispatch(Dispatch::linear_act(x, weight, bias, activation))
        }
        None => bias_act(multiply(x, weight, [false, true]), None, activation),
    };
    shape[D - 1] = outputs;
    if D == 2 { Tensor::from_dispatch(y.into_dispatch()) } else { y.reshape(shape) }
}
