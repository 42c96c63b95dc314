//! Fused operations: a bias with an activation, batch norm with an activation, the loss of a GAN, Adam, and averages of weights.

use super::tensor_list::TensorList;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;
use kiln_kernels::Activation;

/// Fused elementwise operations, batch norm and optimizer of a backend. Channels are the second dimension. Nothing is read back.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(feature = "gpu"), Autodiff)]
pub(crate) trait FusedOps: Backend {
    /// `activation(x)`.
    fn act(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;

    /// The gradient of `x`, from that of the result. `y` is the result, or the activation's input (`x`, with its bias where there is
    /// one) where the activation [needs it](Activation::needs_input). The same holds for every `y` of a backward pass.
    fn act_backward(y: FloatTensor<Self>, gradient: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;

    /// `activation(x + bias)`, with one bias a channel.
    fn bias_act(x: FloatTensor<Self>, bias: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;

    /// Gradients of `x` and of the bias, from the result `y` and its gradient.
    fn bias_act_backward(
        y: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Batch norm with the statistics of the batch, then a leaky ReLU: the result, and mean and reciprocal standard deviation `[2, C]`.
    fn batch_norm_act(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f32,
        slope: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradients of `x`, weight and bias.
    fn batch_norm_act_backward(
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

    /// One update by Adam of all weights of a network, each flat: the new state and the new weights. `state` has the first moments of
    /// all weights in their order, then the second ones. `settings` are seven numbers: the learning rate over `1 - beta1^t`, 1 over
    /// `1 - beta2^t`, both betas, epsilon, the factor of weight decay and that of gradient clipping. `decays` says which weights decay.
    fn adam(
        settings: FloatTensor<Self>,
        state: FloatTensor<Self>,
        #[extension_type] weights: TensorList<Self>,
        #[extension_type] gradients: TensorList<Self>,
        decays: Vec<bool>,
    ) -> (FloatTensor<Self>, Vec<FloatTensor<Self>>);

    /// Averages moved toward weights by a `share` `[1]` of the way; all are flat.
    fn ema(
        share: FloatTensor<Self>,
        #[extension_type] averages: TensorList<Self>,
        #[extension_type] weights: TensorList<Self>,
    ) -> Vec<FloatTensor<Self>>;
}

/// `activation(x + bias)`, with a bias `[C]` along the second dimension.
pub fn bias_act<const D: usize>(x: Tensor<D>, bias: Option<Tensor<1>>, activation: Activation) -> Tensor<D> {
    Tensor::from_dispatch(match bias {
        Some(bias) => Dispatch::bias_act(x.into_dispatch(), bias.into_dispatch(), activation),
        None if activation == Activation::Identity => return x,
        None => Dispatch::act(x.into_dispatch(), activation),
    })
}

/// Batch norm with the statistics of the batch, then a leaky ReLU: a slope of 0 is ReLU, 1 applies no activation. `[B, C, H, W]` to the
/// same.
pub fn batch_norm_act(x: Tensor<4>, weight: Tensor<1>, bias: Tensor<1>, epsilon: f32, slope: f32) -> Tensor<4> {
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(Dispatch::batch_norm_act(x, weight, bias, epsilon, slope).0)
}

/// The mean of `ln(1 + exp(sign x))`, `[1]`: the cross entropy of logits, whose class the sign gives.
pub fn softplus_mean(x: Tensor<2>, sign: f32) -> Tensor<1> {
    Tensor::from_dispatch(Dispatch::softplus_mean(x.into_dispatch(), sign))
}

/// One update by Adam of all weights of a network, each flat, in the order in which `state` has their moments: see
/// [`FusedOps::adam`]. None of these tensors is differentiated.
pub fn adam(
    settings: &Tensor<1>,
    state: Tensor<1>,
    weights: Vec<Tensor<1>>,
    gradients: Vec<Tensor<1>>,
    decays: &[bool],
) -> (Tensor<1>, Vec<Tensor<1>>) {
    let [weights, gradients] = [weights, gradients].map(list);
    let settings = settings.clone().into_dispatch();
    let (state, weights) = Dispatch::adam(settings, state.into_dispatch(), weights, gradients, decays.to_vec());
    (Tensor::from_dispatch(state), weights.into_iter().map(Tensor::from_dispatch).collect())
}

/// Averages moved toward weights by a `share` `[1]` of the way; all are flat. None of these tensors is differentiated.
pub fn ema(share: &Tensor<1>, averages: Vec<Tensor<1>>, weights: Vec<Tensor<1>>) -> Vec<Tensor<1>> {
    let [averages, weights] = [averages, weights].map(list);
    Dispatch::ema(share.clone().into_dispatch(), averages, weights).into_iter().map(Tensor::from_dispatch).collect()
}

fn list(tensors: Vec<Tensor<1>>) -> TensorList<Dispatch> {
    TensorList(tensors.into_iter().map(Tensor::into_dispatch).collect())
}
