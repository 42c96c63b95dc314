//! The gradients of [`Kernels`], for burn's autodiff.

use super::{Activation, Kernels};
use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

type Float<B> = FloatTensor<B>;

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
        let y = B::act(x, activation);
        match Op.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((y.clone(), activation), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
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
        let y = B::bias_act(x, bias, activation);
        match Op.prepare::<C>([x_node, bias_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((y.clone(), activation), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
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

    fn down(large: Float<Self>, weights: Float<Self>, padding: usize) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: Kernels> Backward<B, 2> for Op {
            type State = (Float<B>, Float<B>, usize);

            fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let gradient = gradients.consume::<B>(&ops.node);
                let (large, weights, padding) = ops.state;
                let [of_large, of_weights] = ops.parents;
                if let Some(node) = of_large {
                    gradients.register::<B>(node.id, B::up(gradient.clone(), weights, padding));
                }
                if let Some(node) = of_weights {
                    gradients.register::<B>(node.id, B::outer(large, gradient, padding));
                }
            }
        }

        let ((large, large_node), (weights, weights_node)) = (large.into_parts(), weights.into_parts());
        match Op.prepare::<C>([large_node, weights_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let small = B::down(large.clone(), weights.clone(), padding);
                prep.finish((large, weights, padding), small)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::down(large, weights, padding)),
        }
    }

    fn up(small: Float<Self>, weights: Float<Self>, padding: usize) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: Kernels> Backward<B, 2> for Op {
            type State = (Float<B>, Float<B>, usize);

            fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let gradient = gradients.consume::<B>(&ops.node);
                let (small, weights, padding) = ops.state;
                let [of_small, of_weights] = ops.parents;
                if let Some(node) = of_small {
                    gradients.register::<B>(node.id, B::down(gradient.clone(), weights, padding));
                }
                if let Some(node) = of_weights {
                    gradients.register::<B>(node.id, B::outer(gradient, small, padding));
                }
            }
        }

        let ((small, small_node), (weights, weights_node)) = (small.into_parts(), weights.into_parts());
        match Op.prepare::<C>([small_node, weights_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let large = B::up(small.clone(), weights.clone(), padding);
                prep.finish((small, weights, padding), large)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::up(small, weights, padding)),
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

    fn linear_act(x: Float<Self>, weight: Float<Self>, bias: Float<Self>, activation: Activation) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: Kernels> Backward<B, 3> for Op {
            /// `y`, `x`, weight.
            type State = ([Float<B>; 3], Activation);

            fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let gradient = gradients.consume::<B>(&ops.node);
                let ([y, x, weight], activation) = ops.state;
                if let [Some(node), None, None] = &ops.parents {
                    gradients.register::<B>(node.id, B::linear_of_input(y, gradient, weight, activation));
                    return;
                }
                let of_input = ops.parents[0].is_some();
                let (x, weight, bias) = B::linear_backward(y, gradient, x, weight, activation, of_input);
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
                let y = B::linear_act(x.clone(), weight.clone(), bias, activation);
                prep.finish(([y.clone(), x, weight], activation), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::linear_act(x, weight, bias, activation)),
        }
    }

    fn product(x: Float<Self>, weight: Float<Self>) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: Kernels> Backward<B, 2> for Op {
            /// `x`, weight.
            type State = [Float<B>; 2];

            fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let gradient = gradients.consume::<B>(&ops.node);
                let [x, weight] = ops.state;
                // Of no activation the slope does not depend on the result: anything stands for it.
                let (y, identity) = (gradient.clone(), Activation::Identity);
                if let [Some(node), None] = &ops.parents {
                    gradients.register::<B>(node.id, B::linear_of_input(y, gradient, weight, identity));
                    return;
                }
                let of_input = ops.parents[0].is_some();
                let (x, weight, _) = B::linear_backward(y, gradient, x, weight, identity, of_input);
                for (parent, gradient) in ops.parents.iter().zip([x, weight]) {
                    if let Some(parent) = parent {
                        gradients.register::<B>(parent.id, gradient);
                    }
                }
            }
        }

        let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
        match Op.prepare::<C>([x_node, weight_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::product(x.clone(), weight.clone());
                prep.finish([x, weight], y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::product(x, weight)),
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

    fn outer(large: Float<Self>, small: Float<Self>, padding: usize) -> Float<Self> {
        Float::<Self>::new(B::outer(large.into_primitive(), small.into_primitive(), padding))
    }

    fn softplus_mean_backward(x: Float<Self>, gradient: Float<Self>, sign: f32) -> Float<Self> {
        Float::<Self>::new(B::softplus_mean_backward(x.into_primitive(), gradient.into_primitive(), sign))
    }

    fn linear_of_input(
        y: Float<Self>,
        gradient: Float<Self>,
        weight: Float<Self>,
        activation: Activation,
    ) -> Float<Self> {
        let [y, gradient, weight] = [y, gradient, weight].map(|t| t.into_primitive());
        Float::<Self>::new(B::linear_of_input(y, gradient, weight, activation))
    }

    fn linear_backward(
        y: Float<Self>,
        gradient: Float<Self>,
        x: Float<Self>,
        weight: Float<Self>,
        activation: Activation,
        of_input: bool,
    ) -> (Float<Self>, Float<Self>, Float<Self>) {
        let [y, gradient, x, weight] = [y, gradient, x, weight].map(|t| t.into_primitive());
        let (x, weight, bias) = B::linear_backward(y, gradient, x, weight, activation, of_input);
        (Float::<Self>::new(x), Float::<Self>::new(weight), Float::<Self>::new(bias))
    }

    fn adam(
        settings: Float<Self>,
        state: Float<Self>,
        weight: Float<Self>,
        gradient: Float<Self>,
        at: usize,
    ) -> (Float<Self>, Float<Self>) {
        let [settings, state, weight, gradient] = [settings, state, weight, gradient].map(|t| t.into_primitive());
        let (state, weight) = B::adam(settings, state, weight, gradient, at);
        (Float::<Self>::new(state), Float::<Self>::new(weight))
    }

    fn adam_two(
        settings: Float<Self>,
        state: Float<Self>,
        weight: Float<Self>,
        gradient: Float<Self>,
        next_weight: Float<Self>,
        next_gradient: Float<Self>,
        at: usize,
    ) -> (Float<Self>, Float<Self>, Float<Self>) {
        let (settings, state) = (settings.into_primitive(), state.into_primitive());
        let [a, b, c, d] = [weight, gradient, next_weight, next_gradient].map(|t| t.into_primitive());
        let (state, weight, next) = B::adam_two(settings, state, a, b, c, d, at);
        (Float::<Self>::new(state), Float::<Self>::new(weight), Float::<Self>::new(next))
    }
}
