//! Matrix products, linear layers and convolutions.

use super::fused::bias_act;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;
use kiln_kernels::{Activation, Window};

/// Matrix products, linear layers and convolutions of a backend, with their gradients. Nothing is read back.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(feature = "gpu"), Autodiff)]
pub(crate) trait MatmulOps: Backend {
    /// The product of two matrices, or of their transposes.
    fn matmul(a: FloatTensor<Self>, b: FloatTensor<Self>, transposed: [bool; 2]) -> FloatTensor<Self>;

    /// A batch of products of matrices, or of their transposes: `[N, rows, inner]` by `[N, inner, columns]`.
    fn batch_matmul(a: FloatTensor<Self>, b: FloatTensor<Self>, transposed: [bool; 2]) -> FloatTensor<Self>;

    /// Convolution without a bias: weights `[O, C, h, w]`.
    fn conv2d_forward(x: FloatTensor<Self>, weights: FloatTensor<Self>, window: Window) -> FloatTensor<Self>;

    /// The transpose, from `O` channels to `C` and to pictures of this height and width, with the same weights: transposed convolution,
    /// and the gradient of the input of a convolution.
    fn conv_transpose2d_forward(
        y: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        size: [usize; 2],
        window: Window,
    ) -> FloatTensor<Self>;

    /// The gradient of the weights, whose height and width are `kernel`, from one side and the gradient of the other.
    fn conv2d_grad_weight(
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
    fn linear_grad_input(
        y: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;

    /// Gradients of `x` (undefined unless `grad_input`), of the weights and of the bias in `linear_act`.
    fn linear_backward(
        y: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        activation: Activation,
        grad_input: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// The product of two matrices, each of which may be transposed.
pub fn matmul(a: Tensor<2>, b: Tensor<2>, transposed: [bool; 2]) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::matmul(a.into_dispatch(), b.into_dispatch(), transposed))
}

/// A batch of matrix products, each factor of which may be transposed: `torch.bmm`.
///
/// # Shapes
/// `[N, rows, inner]` and `[N, inner, columns]` to `[N, rows, columns]`; the last two dimensions of a transposed factor are swapped.
pub fn batch_matmul(a: Tensor<3>, b: Tensor<3>, transposed: [bool; 2]) -> Tensor<3> {
    Tensor::from_dispatch(Dispatch::batch_matmul(a.into_dispatch(), b.into_dispatch(), transposed))
}

/// Convolution without a bias.
///
/// # Shapes
/// `[B, C, H, W]`, weights `[O, C, h, w]`, to `[B, O, H', W']` with the size of [`Window::out_size`].
pub fn conv2d(x: Tensor<4>, weights: Tensor<4>, window: Window) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::conv2d_forward(x.into_dispatch(), weights.into_dispatch(), window))
}

/// The transpose of [`conv2d`]. Several sizes `[H, W]` of its input have the same output size: `size` is the one that is wanted.
///
/// # Shapes
/// `[B, O, H', W']`, weights `[O, C, h, w]`, to `[B, C, H, W]`.
pub fn conv_transpose2d(y: Tensor<4>, weights: Tensor<4>, size: [usize; 2], window: Window) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::conv_transpose2d_forward(y.into_dispatch(), weights.into_dispatch(), size, window))
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
        None => bias_act(matmul(x, weight, [false, true]), None, activation),
    };
    shape[D - 1] = outputs;
    if D == 2 { Tensor::from_dispatch(y.into_dispatch()) } else { y.reshape(shape) }
}
