//! The gradients of [`Products`], for burn's autodiff.

use super::{Activation, Products};
use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

type Float<B> = FloatTensor<B>;

impl<B: Products, C: CheckpointStrategy> Products for Autodiff<B, C> {
    fn multiply(a: Float<Self>, b: Float<Self>, transposed: [bool; 2]) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: Products> Backward<B, 2> for Op {
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

    fn convolve(x: Float<Self>, weights: Float<Self>, stride: usize, padding: usize) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: Products> Backward<B, 2> for Op {
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

        impl<B: Products> Backward<B, 2> for Op {
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

        impl<B: Products> Backward<B, 2> for Op {
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

    fn linear_act(x: Float<Self>, weight: Float<Self>, bias: Float<Self>, activation: Activation) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: Products> Backward<B, 3> for Op {
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

    // What belongs to a backward pass is itself not differentiated.

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
}
