//! The gradients of [`Kernels`], for burn's autodiff.

use super::{Activation, Kernels, Moments};
use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

type Float<B> = FloatTensor<B>;

impl<B: Kernels, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn multiply(a: Float<Self>, b: Float<Self>, transposed: [bool; 2]) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: Kernels> Backward<B, 2> for Op {
            type State = (Float<B>, Float<B>, [bool; 2]);

            fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let gradient = gradients.consume::<B>(&ops.node);
                let (a, b, [ta, tb]) = ops.state;
                let [of_a, of_b] = ops.parents;
                if let Some(node) = of_a {
                    let (g, b) = (gradient.clone(), b);
                    let of_a = if ta { B::multiply(b, g, [tb, true]) } else { B::multiply(g, b, [false, !tb]) };
                    gradients.register::<B>(node.id, of_a);
                }
                if let Some(node) = of_b {
                    let g = gradient;
                    let of_b = if tb { B::multiply(g, a, [true, ta]) } else { B::multiply(a, g, [!ta, false]) };
                    gradients.register::<B>(node.id, of_b);
                }
            }
        }

        let ((a, a_node), (b, b_node)) = (a.into_parts(), b.into_parts());
        match Op.prepare::<C>([a_node, b_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let product = B::multiply(a.clone(), b.clone(), transposed);
                prep.finish((a, b, transposed), product)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::multiply(a, b, transposed)),
        }
    }

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
                    [x, bias] => {
                        let (of_x, of_bias) = B::bias_act_backward(y, gradient, activation);
                        if let Some(x) = x {
                            gradients.register::<B>(x.id, of_x);
                        }
                        if let Some(bias) = bias {
                            gradients.register::<B>(bias.id, of_bias);
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

        let ((x, x_node), (weight, weight_node), (bias, bias_node)) = (x.into_parts(), weight.into_parts(), bias.into_parts());
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

    fn convolve(x: Float<Self>, weights: Float<Self>, stride: usize, padding: usize) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: Kernels> Backward<B, 2> for Op {
            type State = (Float<B>, Float<B>, usize, usize);

            fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let g = gradients.consume::<B>(&ops.node);
                let (x, weights, stride, padding) = ops.state;
                let [of_x, of_weights] = ops.parents;
                if let Some(node) = of_x {
                    let of_x = B::convolve_input(x.clone(), weights.clone(), g.clone(), stride, padding);
                    gradients.register::<B>(node.id, of_x);
                }
                if let Some(node) = of_weights {
                    gradients.register::<B>(node.id, B::convolve_weights(x, weights, g, stride, padding));
                }
            }
        }

        let ((x, x_node), (weights, weights_node)) = (x.into_parts(), weights.into_parts());
        match Op.prepare::<C>([x_node, weights_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::convolve(x.clone(), weights.clone(), stride, padding);
                prep.finish((x, weights, stride, padding), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::convolve(x, weights, stride, padding)),
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
        let [x, weight, bias, statistics, gradient] = [x, weight, bias, statistics, gradient].map(|t| t.into_primitive());
        let (x, weight, bias) = B::norm_act_backward(x, weight, bias, statistics, gradient, slope);
        (Float::<Self>::new(x), Float::<Self>::new(weight), Float::<Self>::new(bias))
    }

    fn convolve_input(x: Float<Self>, w: Float<Self>, g: Float<Self>, stride: usize, padding: usize) -> Float<Self> {
        let [x, w, g] = [x, w, g].map(|t| t.into_primitive());
        Float::<Self>::new(B::convolve_input(x, w, g, stride, padding))
    }

    fn convolve_weights(x: Float<Self>, w: Float<Self>, g: Float<Self>, stride: usize, padding: usize) -> Float<Self> {
        let [x, w, g] = [x, w, g].map(|t| t.into_primitive());
        Float::<Self>::new(B::convolve_weights(x, w, g, stride, padding))
    }

    fn outer(large: Float<Self>, small: Float<Self>, padding: usize) -> Float<Self> {
        Float::<Self>::new(B::outer(large.into_primitive(), small.into_primitive(), padding))
    }

    fn softplus_mean_backward(x: Float<Self>, gradient: Float<Self>, sign: f32) -> Float<Self> {
        Float::<Self>::new(B::softplus_mean_backward(x.into_primitive(), gradient.into_primitive(), sign))
    }

    fn adam(w: Float<Self>, g: Float<Self>, m: Float<Self>, v: Float<Self>, with: Moments) -> (Float<Self>, Float<Self>, Float<Self>) {
        let [w, g, m, v] = [w, g, m, v].map(|t| t.into_primitive());
        let (w, m, v) = B::adam(w, g, m, v, with);
        (Float::<Self>::new(w), Float::<Self>::new(m), Float::<Self>::new(v))
    }
}
