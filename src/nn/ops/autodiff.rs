//! The gradients of [`FusedOps`], for burn's autodiff.

use super::fused::FusedOps;
use super::tensor_list::TensorList;
use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use kiln_kernels::Activation;

type Float<B> = FloatTensor<B>;

/// What the backward pass of an activation needs, and the result. With the identity, `operation` computes the activation's input.
pub(super) fn saved_and_result<B: FusedOps>(
    activation: Activation,
    operation: impl FnOnce(Activation) -> Float<B>,
) -> (Float<B>, Float<B>) {
    if activation.needs_input() {
        let x = operation(Activation::Identity);
        return (x.clone(), B::act(x, activation));
    }
    let y = operation(activation);
    (y.clone(), y)
}

impl<B: FusedOps, C: CheckpointStrategy> FusedOps for Autodiff<B, C> {
    fn act(x: Float<Self>, activation: Activation) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: FusedOps> Backward<B, 1> for Op {
            type State = (Float<B>, Activation);

            fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let gradient = gradients.consume::<B>(&ops.node);
                let (y, activation) = ops.state;
                if let [Some(node)] = &ops.parents {
                    gradients.register::<B>(node.id, B::act_backward(y, gradient, activation));
                }
            }
        }

        let (x, node) = x.into_parts();
        match Op.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (saved, y) = saved_and_result::<B>(activation, |activation| match activation {
                    Activation::Identity => x,
                    activation => B::act(x, activation),
                });
                prep.finish((saved, activation), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::act(x, activation)),
        }
    }

    fn bias_act(x: Float<Self>, bias: Float<Self>, activation: Activation) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: FusedOps> Backward<B, 2> for Op {
            type State = (Float<B>, Activation);

            fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let gradient = gradients.consume::<B>(&ops.node);
                let (y, activation) = ops.state;
                match ops.parents {
                    [Some(x), None] => gradients.register::<B>(x.id, B::act_backward(y, gradient, activation)),
                    parents => {
                        let (x, bias) = B::bias_act_backward(y, gradient, activation);
                        for (parent, gradient) in parents.iter().zip([x, bias]) {
                            if let Some(parent) = parent {
                                gradients.register::<B>(parent.id, gradient);
                            }
                        }
                    }
                }
            }
        }

        let ((x, x_node), (bias, bias_node)) = (x.into_parts(), bias.into_parts());
        match Op.prepare::<C>([x_node, bias_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (saved, y) = saved_and_result::<B>(activation, |activation| B::bias_act(x, bias, activation));
                prep.finish((saved, activation), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::bias_act(x, bias, activation)),
        }
    }

    fn batch_norm_act(
        x: Float<Self>,
        weight: Float<Self>,
        bias: Float<Self>,
        epsilon: f32,
        slope: f32,
    ) -> (Float<Self>, Float<Self>) {
        #[derive(Debug)]
        struct Op;

        impl<B: FusedOps> Backward<B, 3> for Op {
            /// `x`, weight, bias, statistics; the slope.
            type State = ([Float<B>; 4], f32);

            fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let gradient = gradients.consume::<B>(&ops.node);
                let ([x, weight, bias, statistics], slope) = ops.state;
                let (x, weight, bias) = B::batch_norm_act_backward(x, weight, bias, statistics, gradient, slope);
                for (parent, gradient) in ops.parents.iter().zip([x, weight, bias]) {
                    if let Some(parent) = parent {
                        gradients.register::<B>(parent.id, gradient);
                    }
                }
            }
        }

        let ((x, x_node), (weight, weight_node), (bias, bias_node)) =
            (x.into_parts(), weight.into_parts(), bias.into_parts());
        match Op.prepare::<C>([x_node, weight_node, bias_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (y, statistics) = B::batch_norm_act(x.clone(), weight.clone(), bias.clone(), epsilon, slope);
                (prep.finish(([x, weight, bias, statistics.clone()], slope), y), Float::<Self>::new(statistics))
            }
            OpsKind::UnTracked(prep) => {
                let (y, statistics) = B::batch_norm_act(x, weight, bias, epsilon, slope);
                (prep.finish(y), Float::<Self>::new(statistics))
            }
        }
    }

    fn softplus_mean(x: Float<Self>, sign: f32) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: FusedOps> Backward<B, 1> for Op {
            type State = (Float<B>, f32);

            fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let gradient = gradients.consume::<B>(&ops.node);
                let (x, sign) = ops.state;
                if let [Some(node)] = &ops.parents {
                    gradients.register::<B>(node.id, B::softplus_mean_backward(x, gradient, sign));
                }
            }
        }

        let (x, node) = x.into_parts();
        match Op.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x.clone(), sign), B::softplus_mean(x, sign)),
            OpsKind::UnTracked(prep) => prep.finish(B::softplus_mean(x, sign)),
        }
    }

    // Backward passes and weight updates are not differentiated themselves.

    fn act_backward(y: Float<Self>, gradient: Float<Self>, activation: Activation) -> Float<Self> {
        Float::<Self>::new(B::act_backward(y.into_primitive(), gradient.into_primitive(), activation))
    }

    fn bias_act_backward(y: Float<Self>, gradient: Float<Self>, activation: Activation) -> (Float<Self>, Float<Self>) {
        let (x, bias) = B::bias_act_backward(y.into_primitive(), gradient.into_primitive(), activation);
        (Float::<Self>::new(x), Float::<Self>::new(bias))
    }

    fn batch_norm_act_backward(
        x: Float<Self>,
        weight: Float<Self>,
        bias: Float<Self>,
        statistics: Float<Self>,
        gradient: Float<Self>,
        slope: f32,
    ) -> (Float<Self>, Float<Self>, Float<Self>) {
        let [x, weight, bias, statistics, gradient] =
            [x, weight, bias, statistics, gradient].map(|t| t.into_primitive());
        let (x, weight, bias) = B::batch_norm_act_backward(x, weight, bias, statistics, gradient, slope);
        (Float::<Self>::new(x), Float::<Self>::new(weight), Float::<Self>::new(bias))
    }

    fn softplus_mean_backward(x: Float<Self>, gradient: Float<Self>, sign: f32) -> Float<Self> {
        Float::<Self>::new(B::softplus_mean_backward(x.into_primitive(), gradient.into_primitive(), sign))
    }

    fn adam(
        settings: Float<Self>,
        state: Float<Self>,
        weights: TensorList<Self>,
        gradients: TensorList<Self>,
        decays: Vec<bool>,
    ) -> (Float<Self>, Vec<Float<Self>>) {
        let [weights, gradients] = [weights, gradients].map(inner);
        let (state, weights) = B::adam(settings.into_primitive(), state.into_primitive(), weights, gradients, decays);
        (Float::<Self>::new(state), weights.into_iter().map(Float::<Self>::new).collect())
    }

    fn ema(share: Float<Self>, averages: TensorList<Self>, weights: TensorList<Self>) -> Vec<Float<Self>> {
        let [averages, weights] = [averages, weights].map(inner);
        B::ema(share.into_primitive(), averages, weights).into_iter().map(Float::<Self>::new).collect()
    }
}

fn inner<B: FusedOps, C: CheckpointStrategy>(list: TensorList<Autodiff<B, C>>) -> TensorList<B> {
    TensorList(list.0.into_iter().map(|tensor| tensor.into_primitive()).collect())
}
