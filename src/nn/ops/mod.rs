//! Operations that burn lacks or that cost too much as several: one pass over memory on the CPU (arithmetic in `kernels/`), one
//! dispatch on WebGPU. Each has its gradient written out in [`autodiff`].

mod attention;
mod autodiff;
mod autodiff_products;
#[cfg(feature = "cpu")]
mod cpu;
mod cross_entropy;
#[cfg(feature = "gpu")]
mod gpu;
mod products;
mod row_norm;

pub use attention::attention;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;
pub use cross_entropy::cross_entropy;
pub use kiln_kernels::{Activation, Window};
use products::Products;
pub use products::{convolve, convolve_by, convolve_transposed, linear, multiply, multiply_each};
pub use row_norm::{RowNorm, row_norm};

/// A weight among those of its network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Where its numbers begin.
    at: usize,
    /// Whether weight decay is for it.
    decays: bool,
}

/// What a backend does for [`Tensor`]s beside [`Products`]. Channels are the second dimension. Nothing is read back.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(feature = "gpu"), Autodiff)]
pub(crate) trait Kernels: Backend {
    /// `activation(x)`.
    fn act(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;

    /// The gradient of `x`, from the result's and from `y`: the result, or `x` where the activation [needs
    /// that](Activation::needs_input). So in every `y` of a backward pass, where what went in is `x` with its bias.
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

    /// The mean of `ln(1 + exp(sign x))`, `[1]`.
    fn softplus_mean(x: FloatTensor<Self>, sign: f32) -> FloatTensor<Self>;

    /// The gradient of `x`, from that of the mean, `[1]`.
    fn softplus_mean_backward(x: FloatTensor<Self>, gradient: FloatTensor<Self>, sign: f32) -> FloatTensor<Self>;

    /// One update by Adam of a weight: the state and the new weight.
    /// `state` has the first moments of all of them, then the second ones; `settings` are the learning rate over `1 - beta1^t`, 1
    /// over `1 - beta2^t`, both betas, epsilon, what a weight that decays is multiplied by first, and what all gradients are.
    fn adam(
        settings: FloatTensor<Self>,
        state: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        place: Place,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// The same for two weights.
    fn adam_two(
        settings: FloatTensor<Self>,
        state: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        next_weight: FloatTensor<Self>,
        next_gradient: FloatTensor<Self>,
        places: [Place; 2],
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
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

/// The mean of `ln(1 + exp(sign x))`, `[1]`: cross entropy of logits, where sign tells the class.
pub fn softplus_mean(x: Tensor<2>, sign: f32) -> Tensor<1> {
    Tensor::from_dispatch(Dispatch::softplus_mean(x.into_dispatch(), sign))
}

/// One update by Adam of all weights of a network, flat, in the order in which `state` has their moments. `settings` are seven
/// numbers, as for [`Kernels::adam`]; `decay` says which weights decay. None of these has a gradient of its own.
pub fn adam(
    settings: &Tensor<1>,
    state: Tensor<1>,
    weights: Vec<Tensor<1>>,
    gradients: Vec<Tensor<1>>,
    decay: &[bool],
) -> (Tensor<1>, Vec<Tensor<1>>) {
    let (mut state, mut new, mut at) = (state.into_dispatch(), Vec::with_capacity(weights.len()), 0);
    let mut pairs = weights.into_iter().zip(gradients).zip(decay.iter().copied());
    while let Some(((weight, gradient), decays)) = pairs.next() {
        let (settings, place) = (settings.clone().into_dispatch(), Place { at, decays });
        at += weight.dims()[0];
        let (weight, gradient) = (weight.into_dispatch(), gradient.into_dispatch());
        if let Some(((next, next_gradient), next_decays)) = pairs.next() {
            let places = [place, Place { at, decays: next_decays }];
            at += next.dims()[0];
            let (next, next_gradient) = (next.into_dispatch(), next_gradient.into_dispatch());
            let (after, a, b) = Dispatch::adam_two(settings, state, weight, gradient, next, next_gradient, places);
            state = after;
            new.extend([a, b]);
        } else {
            let (after, a) = Dispatch::adam(settings, state, weight, gradient, place);
            state = after;
            new.push(a);
        }
    }
    (Tensor::from_dispatch(state), new.into_iter().map(Tensor::from_dispatch).collect())
}
