//! Norms over rows: layer, group and RMS norm.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;
pub use kiln_kernels::RowNorm;

type Float<B> = FloatTensor<B>;

/// Row norms on a backend. `weight` has a number for each channel.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(feature = "gpu"), Autodiff)]
pub(crate) trait RowNormOps: Backend {
    /// The result, and mean and reciprocal standard deviation of each row, `[2, rows]`. Where it is not `biased`, `bias` is not read.
    fn row_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        norm: RowNorm,
        biased: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradients of `x`, weight and bias.
    fn row_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        statistics: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        norm: RowNorm,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// Normalises the rows of `x` by their mean and standard deviation, then applies a weight and a bias for each channel. The length of
/// a row follows from `norm` and the number of channels; the result has the shape of `x`.
pub fn row_norm<const D: usize>(x: Tensor<D>, weight: Tensor<1>, bias: Option<Tensor<1>>, norm: RowNorm) -> Tensor<D> {
    let biased = bias.is_some();
    // Detached, so that the weight gets no gradient as a bias.
    let bias = bias.unwrap_or_else(|| weight.clone().detach());
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(Dispatch::row_norm(x, weight, bias, norm, biased).0)
}

impl<B: RowNormOps, C: CheckpointStrategy> RowNormOps for Autodiff<B, C> {
    fn row_norm(
        x: Float<Self>,
        weight: Float<Self>,
        bias: Float<Self>,
        norm: RowNorm,
        biased: bool,
    ) -> (Float<Self>, Float<Self>) {
        #[derive(Debug)]
        struct Op;

        impl<B: RowNormOps> Backward<B, 3> for Op {
            /// `x`, weight, statistics.
            type State = ([Float<B>; 3], RowNorm);

            fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let gradient = gradients.consume::<B>(&ops.node);
                let ([x, weight, statistics], norm) = ops.state;
                let (x, weight, bias) = B::row_norm_backward(x, weight, statistics, gradient, norm);
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
                let (y, statistics) = B::row_norm(x.clone(), weight.clone(), bias, norm, biased);
                (prep.finish(([x, weight, statistics.clone()], norm), y), Float::<Self>::new(statistics))
            }
            OpsKind::UnTracked(prep) => {
                let (y, statistics) = B::row_norm(x, weight, bias, norm, biased);
                (prep.finish(y), Float::<Self>::new(statistics))
            }
        }
    }

    // The backward pass is not differentiated itself.
    fn row_norm_backward(
        x: Float<Self>,
        weight: Float<Self>,
        statistics: Float<Self>,
        gradient: Float<Self>,
        norm: RowNorm,
    ) -> (Float<Self>, Float<Self>, Float<Self>) {
        let [x, weight, statistics, gradient] = [x, weight, statistics, gradient].map(|t| t.into_primitive());
        let (x, weight, bias) = B::row_norm_backward(x, weight, statistics, gradient, norm);
        (Float::<Self>::new(x), Float::<Self>::new(weight), Float::<Self>::new(bias))
    }
}

#[cfg(feature = "cpu")]
mod cpu {
    use super::super::cpu::{contiguous, from};
    use super::{RowNorm, RowNormOps};
    use burn::backend::flex::FlexTensor;
    use burn::backend::{Flex, TensorMetadata};
    use burn::tensor::Shape;

    impl RowNormOps for Flex {
        fn row_norm(
            x: FlexTensor,
            weight: FlexTensor,
            bias: FlexTensor,
            norm: RowNorm,
            biased: bool,
        ) -> (FlexTensor, FlexTensor) {
            let (x, weight, bias) = (contiguous(x), contiguous(weight), contiguous(bias));
            let bias: &[f32] = if biased { bias.storage() } else { &[] };
            let (y, statistics) = norm.forward(x.storage(), weight.storage(), bias);
            let rows = statistics.len() / 2;
            (from(y, x.shape()), from(statistics, Shape::new([2, rows])))
        }

        fn row_norm_backward(
            x: FlexTensor,
            weight: FlexTensor,
            statistics: FlexTensor,
            gradient: FlexTensor,
            norm: RowNorm,
        ) -> (FlexTensor, FlexTensor, FlexTensor) {
            let (x, weight, statistics, mut gradient) =
                (contiguous(x), contiguous(weight), contiguous(statistics), contiguous(gradient));
            let (grad_weight, grad_bias) =
                norm.backward(x.storage(), weight.storage(), statistics.storage(), gradient.storage_mut());
            (gradient, from(grad_weight, weight.shape()), from(grad_bias, weight.shape()))
        }
    }
}
