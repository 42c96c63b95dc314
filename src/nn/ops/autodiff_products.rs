//! The gradients of [`Products`], for burn's autodiff.

use super::autodiff::kept_with_result;
use super::{Activation, Kernels, Products};
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, TensorMetadata};
use kiln_kernels::Window;

type Float<B> = FloatTensor<B>;

/// The gradients of a convolution and of its transpose: each is the other's.
#[derive(Debug)]
struct Convolution;

impl<B: Products> Backward<B, 2> for Convolution {
    /// What went in, weights, how the kernel moves, whether it was the transpose.
    type State = (Float<B>, Float<B>, Window, bool);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let g = gradients.consume::<B>(&ops.node);
        let (input, weights, window, transposed) = ops.state;
        let [of_input, of_weights] = ops.parents;
        let ends = |tensor: &Float<B>| [tensor.shape()[2], tensor.shape()[3]];
        let (size, kernel) = (ends(&input), ends(&weights));
        if let Some(node) = of_input {
            let of_input = match transposed {
                true => B::convolve(g.clone(), weights, window),
                false => B::convolve_transposed(g.clone(), weights, size, window),
            };
            gradients.register::<B>(node.id, of_input);
        }
        if let Some(node) = of_weights {
            let (x, y) = if transposed { (g, input) } else { (input, g) };
            gradients.register::<B>(node.id, B::convolve_weights(x, y, kernel, window));
        }
    }
}

/// The gradients of a product of two matrices, or of many.
#[derive(Debug)]
struct Product;

/// One product, or as many as there are matrices.
fn multiply<B: Products>(a: Float<B>, b: Float<B>, transposed: [bool; 2], each: bool) -> Float<B> {
    if each { B::multiply_each(a, b, transposed) } else { B::multiply(a, b, transposed) }
}

impl<B: Products> Backward<B, 2> for Product {
    /// Both factors, which of them were transposed, whether they were many.
    type State = (Float<B>, Float<B>, [bool; 2], bool);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let (a, b, [ta, tb], each) = ops.state;
        let multiply = |a, b, transposed| multiply::<B>(a, b, transposed, each);
        let [of_a, of_b] = ops.parents;
        if let Some(node) = of_a {
            let (g, b) = (gradient.clone(), b);
            let of_a = if ta { multiply(b, g, [tb, true]) } else { multiply(g, b, [false, !tb]) };
            gradients.register::<B>(node.id, of_a);
        }
        if let Some(node) = of_b {
            let g = gradient;
            let of_b = if tb { multiply(g, a, [true, ta]) } else { multiply(a, g, [!ta, false]) };
            gradients.register::<B>(node.id, of_b);
        }
    }
}

/// A product that can be differentiated.
fn tracked<B: Products, C: CheckpointStrategy>(
    a: Float<Autodiff<B, C>>,
    b: Float<Autodiff<B, C>>,
    transposed: [bool; 2],
    each: bool,
) -> Float<Autodiff<B, C>> {
    let ((a, a_node), (b, b_node)) = (a.into_parts(), b.into_parts());
    match Product.prepare::<C>([a_node, b_node]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let product = multiply::<B>(a.clone(), b.clone(), transposed, each);
            prep.finish((a, b, transposed, each), product)
        }
        OpsKind::UnTracked(prep) => prep.finish(multiply::<B>(a, b, transposed, each)),
    }
}

impl<B: Products + Kernels, C: CheckpointStrategy> Products for Autodiff<B, C> {
    fn multiply(a: Float<Self>, b: Float<Self>, transposed: [bool; 2]) -> Float<Self> {
        tracked::<B, C>(a, b, transposed, false)
    }

    fn multiply_each(a: Float<Self>, b: Float<Self>, transposed: [bool; 2]) -> Float<Self> {
        tracked::<B, C>(a, b, transposed, true)
    }

    fn convolve(x: Float<Self>, weights: Float<Self>, window: Window) -> Float<Self> {
        let ((x, x_node), (weights, weights_node)) = (x.into_parts(), weights.into_parts());
        match Convolution.prepare::<C>([x_node, weights_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::convolve(x.clone(), weights.clone(), window);
                prep.finish((x, weights, window, false), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::convolve(x, weights, window)),
        }
    }

    fn convolve_transposed(y: Float<Self>, weights: Float<Self>, size: [usize; 2], window: Window) -> Float<Self> {
        let ((y, y_node), (weights, weights_node)) = (y.into_parts(), weights.into_parts());
        match Convolution.prepare::<C>([y_node, weights_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let x = B::convolve_transposed(y.clone(), weights.clone(), size, window);
                prep.finish((y, weights, window, true), x)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::convolve_transposed(y, weights, size, window)),
        }
    }

    fn linear_act(x: Float<Self>, weight: Float<Self>, bias: Float<Self>, activation: Activation) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: Products> Backward<B, 3> for Op {
            /// What is kept of the activation, `x`, weight.
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
                let linear = |activation| B::linear_act(x.clone(), weight.clone(), bias, activation);
                let (kept, y) = kept_with_result::<B>(activation, linear);
                prep.finish(([kept, x, weight], activation), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::linear_act(x, weight, bias, activation)),
        }
    }

    // What belongs to a backward pass is itself not differentiated.

    fn convolve_weights(x: Float<Self>, y: Float<Self>, kernel: [usize; 2], window: Window) -> Float<Self> {
        Float::<Self>::new(B::convolve_weights(x.into_primitive(), y.into_primitive(), kernel, window))
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
