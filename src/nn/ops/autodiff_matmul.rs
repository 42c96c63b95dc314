//! The gradients of [`MatmulOps`], for burn's autodiff.

use super::autodiff::saved_and_result;
use super::fused::FusedOps;
use super::matmul::MatmulOps;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, TensorMetadata};
use kiln_kernels::{Activation, Window};

type Float<B> = FloatTensor<B>;

/// The backward pass of a convolution and of its transpose: each is the gradient of the other.
#[derive(Debug)]
struct Convolution;

impl<B: MatmulOps> Backward<B, 2> for Convolution {
    /// Input, weights, window, and whether it was the transpose.
    type State = (Float<B>, Float<B>, Window, bool);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let g = gradients.consume::<B>(&ops.node);
        let (input, weights, window, transposed) = ops.state;
        let [grad_input, grad_weight] = ops.parents;
        let ends = |tensor: &Float<B>| [tensor.shape()[2], tensor.shape()[3]];
        let (size, kernel) = (ends(&input), ends(&weights));
        if let Some(node) = grad_input {
            let grad_input = match transposed {
                true => B::conv2d_forward(g.clone(), weights, window),
                false => B::conv_transpose2d_forward(g.clone(), weights, size, window),
            };
            gradients.register::<B>(node.id, grad_input);
        }
        if let Some(node) = grad_weight {
            let (x, y) = if transposed { (g, input) } else { (input, g) };
            gradients.register::<B>(node.id, B::conv2d_grad_weight(x, y, kernel, window));
        }
    }
}

/// The backward pass of one matrix product, or of a batch of them.
#[derive(Debug)]
struct Product;

/// One product, or a batch of them.
fn matmul<B: MatmulOps>(a: Float<B>, b: Float<B>, transposed: [bool; 2], each: bool) -> Float<B> {
    if each { B::batch_matmul(a, b, transposed) } else { B::matmul(a, b, transposed) }
}

impl<B: MatmulOps> Backward<B, 2> for Product {
    /// Both factors, which of them were transposed, and whether they were a batch.
    type State = (Float<B>, Float<B>, [bool; 2], bool);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let (a, b, [ta, tb], each) = ops.state;
        let matmul = |a, b, transposed| matmul::<B>(a, b, transposed, each);
        let [grad_a, grad_b] = ops.parents;
        if let Some(node) = grad_a {
            let (g, b) = (gradient.clone(), b);
            let grad_a = if ta { matmul(b, g, [tb, true]) } else { matmul(g, b, [false, !tb]) };
            gradients.register::<B>(node.id, grad_a);
        }
        if let Some(node) = grad_b {
            let g = gradient;
            let grad_b = if tb { matmul(g, a, [true, ta]) } else { matmul(a, g, [!ta, false]) };
            gradients.register::<B>(node.id, grad_b);
        }
    }
}

/// A product that is differentiated.
fn tracked<B: MatmulOps, C: CheckpointStrategy>(
    a: Float<Autodiff<B, C>>,
    b: Float<Autodiff<B, C>>,
    transposed: [bool; 2],
    each: bool,
) -> Float<Autodiff<B, C>> {
    let ((a, a_node), (b, b_node)) = (a.into_parts(), b.into_parts());
    match Product.prepare::<C>([a_node, b_node]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let product = matmul::<B>(a.clone(), b.clone(), transposed, each);
            prep.finish((a, b, transposed, each), product)
        }
        OpsKind::UnTracked(prep) => prep.finish(matmul::<B>(a, b, transposed, each)),
    }
}

impl<B: MatmulOps + FusedOps, C: CheckpointStrategy> MatmulOps for Autodiff<B, C> {
    fn matmul(a: Float<Self>, b: Float<Self>, transposed: [bool; 2]) -> Float<Self> {
        tracked::<B, C>(a, b, transposed, false)
    }

    fn batch_matmul(a: Float<Self>, b: Float<Self>, transposed: [bool; 2]) -> Float<Self> {
        tracked::<B, C>(a, b, transposed, true)
    }

    fn conv2d_forward(x: Float<Self>, weights: Float<Self>, window: Window) -> Float<Self> {
        let ((x, x_node), (weights, weights_node)) = (x.into_parts(), weights.into_parts());
        match Convolution.prepare::<C>([x_node, weights_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::conv2d_forward(x.clone(), weights.clone(), window);
                prep.finish((x, weights, window, false), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::conv2d_forward(x, weights, window)),
        }
    }

    fn conv_transpose2d_forward(y: Float<Self>, weights: Float<Self>, size: [usize; 2], window: Window) -> Float<Self> {
        let ((y, y_node), (weights, weights_node)) = (y.into_parts(), weights.into_parts());
        match Convolution.prepare::<C>([y_node, weights_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let x = B::conv_transpose2d_forward(y.clone(), weights.clone(), size, window);
                prep.finish((y, weights, window, true), x)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::conv_transpose2d_forward(y, weights, size, window)),
        }
    }

    fn linear_act(x: Float<Self>, weight: Float<Self>, bias: Float<Self>, activation: Activation) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: MatmulOps> Backward<B, 3> for Op {
            /// What the activation needs, `x`, weight.
            type State = ([Float<B>; 3], Activation);

            fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let gradient = gradients.consume::<B>(&ops.node);
                let ([y, x, weight], activation) = ops.state;
                if let [Some(node), None, None] = &ops.parents {
                    gradients.register::<B>(node.id, B::linear_grad_input(y, gradient, weight, activation));
                    return;
                }
                let grad_input = ops.parents[0].is_some();
                let (x, weight, bias) = B::linear_backward(y, gradient, x, weight, activation, grad_input);
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
                let (saved, y) = saved_and_result::<B>(activation, linear);
                prep.finish(([saved, x, weight], activation), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::linear_act(x, weight, bias, activation)),
        }
    }

    // The backward pass is not differentiated itself.

    fn conv2d_grad_weight(x: Float<Self>, y: Float<Self>, kernel: [usize; 2], window: Window) -> Float<Self> {
        Float::<Self>::new(B::conv2d_grad_weight(x.into_primitive(), y.into_primitive(), kernel, window))
    }

    fn linear_grad_input(
        y: Float<Self>,
        gradient: Float<Self>,
        weight: Float<Self>,
        activation: Activation,
    ) -> Float<Self> {
        let [y, gradient, weight] = [y, gradient, weight].map(|t| t.into_primitive());
        Float::<Self>::new(B::linear_grad_input(y, gradient, weight, activation))
    }

    fn linear_backward(
        y: Float<Self>,
        gradient: Float<Self>,
        x: Float<Self>,
        weight: Float<Self>,
        activation: Activation,
        grad_input: bool,
    ) -> (Float<Self>, Float<Self>, Float<Self>) {
        let [y, gradient, x, weight] = [y, gradient, x, weight].map(|t| t.into_primitive());
        let (x, weight, bias) = B::linear_backward(y, gradient, x, weight, activation, grad_input);
        (Float::<Self>::new(x), Float::<Self>::new(weight), Float::<Self>::new(bias))
    }
}
