//! The gradients of [`Kernels`], for burn's autodiff.

use super::{Activation, Kernels, Place};
use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

type Float<B> = FloatTensor<B>;

/// What a backward pass keeps of an activation, and the result. `operation` computes what goes in where it is given the identity.
pub(super) fn kept_with_result<B: Kernels>(
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

impl<B: Kernels, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn act(x: Float<Self>, activation: Activation) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: Kernels> Backward<B, 1> for Op {
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
                let (kept, y) = kept_with_result::<B>(activation, |activation| match activation {
                    Activation::Identity => x,
                    activation => B::act(x, activation),
                });
                prep.finish((kept, activation), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::act(x, activation)),
        }
    }

    fn bias_act(x: Float<Self>, bias: Float<Self>, activation: Activation) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: Kernels> Backward<B, 2> for Op {
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
                let (kept, y) = kept_with_result::<B>(activation, |activation| B::bias_act(x, bias, activation));
                prep.finish((kept, activation), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::bias_act(x, bias, activation)),
        }
    }

    fn norm_act(
        x: Float<Self>,
        weight: Float<Self>,
        bias: Float<Self>,
        epsilon: f32,
        slope: f32,
    ) -> (Float<Self>, Float<Self>) {
        #[derive(Debug)]
        struct Op;

        impl<B: Kernels> Backward<B, 3> for Op {
            /// `x`, weight, bias, statistics; the slope.
            type State = ([Float<B>; 4], f32);

            fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let gradient = gradients.consume::<B>(&ops.node);
                let ([x, weight, bias, statistics], slope) = ops.state;
                let (x, weight, bias) = B::norm_act_backward(x, weight, bias, statistics, gradient, slope);
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
                let (y, statistics) = B::norm_act(x.clone(), weight.clone(), bias.clone(), epsilon, slope);
                (prep.finish(([x, weight, bias, statistics.clone()], slope), y), Float::<Self>::new(statistics))
            }
            OpsKind::UnTracked(prep) => {
                let (y, statistics) = B::norm_act(x, weight, bias, epsilon, slope);
                (prep.finish(y), Float::<Self>::new(statistics))
            }
        }
    }

    fn softplus_mean(x: Float<Self>, sign: f32) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: Kernels> Backward<B, 1> for Op {
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

    // What belongs to a backward pass, or updates weights, is itself not differentiated.

    fn act_backward(y: Float<Self>, gradient: Float<Self>, activation: Activation) -> Float<Self> {
        Float::<Self>::new(B::act_backward(y.into_primitive(), gradient.into_primitive(), activation))
    }

    fn bias_act_backward(y: Float<Self>, gradient: Float<Self>, activation: Activation) -> (Float<Self>, Float<Self>) {
        let (x, bias) = B::bias_act_backward(y.into_primitive(), gradient.into_primitive(), activation);
        (Float::<Self>::new(x), Float::<Self>::new(bias))
    }

    fn norm_act_backward(
        x: Float<Self>,
        weight: Float<Self>,
        bias: Float<Self>,
        statistics: Float<Self>,
        gradient: Float<Self>,
        slope: f32,
    ) -> (Float<Self>, Float<Self>, Float<Self>) {
        let [x, weight, bias, statistics, gradient] =
            [x, weight, bias, statistics, gradient].map(|t| t.into_primitive());
        let (x, weight, bias) = B::norm_act_backward(x, weight, bias, statistics, gradient, slope);
        (Float::<Self>::new(x), Float::<Self>::new(weight), Float::<Self>::new(bias))
    }

    fn softplus_mean_backward(x: Float<Self>, gradient: Float<Self>, sign: f32) -> Float<Self> {
        Float::<Self>::new(B::softplus_mean_backward(x.into_primitive(), gradient.into_primitive(), sign))
    }

    fn adam(
        settings: Float<Self>,
        state: Float<Self>,
        weight: Float<Self>,
        gradient: Float<Self>,
        place: Place,
    ) -> (Float<Self>, Float<Self>) {
        let [settings, state, weight, gradient] = [settings, state, weight, gradient].map(|t| t.into_primitive());
        let (state, weight) = B::adam(settings, state, weight, gradient, place);
        (Float::<Self>::new(state), Float::<Self>::new(weight))
    }

    fn adam_two(
        settings: Float<Self>,
        state: Float<Self>,
        weight: Float<Self>,
        gradient: Float<Self>,
        next_weight: Float<Self>,
        next_gradient: Float<Self>,
        places: [Place; 2],
    ) -> (Float<Self>, Float<Self>, Float<Self>) {
        let (settings, state) = (settings.into_primitive(), state.into_primitive());
        let [a, b, c, d] = [weight, gradient, next_weight, next_gradient].map(|t| t.into_primitive());
        let (state, weight, next) = B::adam_two(settings, state, a, b, c, d, places);
        (Float::<Self>::new(state), Float::<Self>::new(weight), Float::<Self>::new(next))
    }
}
