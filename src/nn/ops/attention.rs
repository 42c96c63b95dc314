//! Multi-head attention. Its weights are never stored as a tensor.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;
pub(crate) use kiln_kernels::Attention;

type Float<B> = FloatTensor<B>;

/// Attention on a backend: queries `[B, T, C]`, keys and values `[B, S, C]`.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(feature = "gpu"), Autodiff)]
pub(crate) trait AttentionOps: Backend {
    /// `softmax(q k^T / sqrt(width)) v` for each head; the results are concatenated.
    fn attention_forward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        sizes: Attention,
    ) -> FloatTensor<Self>;

    /// Gradients of queries, keys and values, from that of the result.
    fn attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        sizes: Attention,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// Attention with `heads` heads (Vaswani et al. 2017, arXiv 1706.03762): `torch.nn.functional.scaled_dot_product_attention` on
/// concatenated heads. With `causal` a query attends only to keys up to its own position, and there must be as many keys as queries.
///
/// # Shapes
/// Queries `[B, T, C]`, keys and values `[B, S, C]`, to `[B, T, C]`; `heads` divides C.
pub fn attention(q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, heads: usize, causal: bool) -> Tensor<3> {
    let ([batch, queries, channels], [_, keys, _]) = (q.dims(), k.dims());
    assert!(heads > 0 && channels.is_multiple_of(heads), "heads that do not divide the channels");
    let sizes = Attention { batch, queries, keys, heads, width: channels / heads, causal };
    let (q, k, v) = (q.into_dispatch(), k.into_dispatch(), v.into_dispatch());
    Tensor::from_dispatch(Dispatch::attention_forward(q, k, v, sizes))
}

impl<B: AttentionOps, C: CheckpointStrategy> AttentionOps for Autodiff<B, C> {
    fn attention_forward(q: Float<Self>, k: Float<Self>, v: Float<Self>, sizes: Attention) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: AttentionOps> Backward<B, 3> for Op {
            type State = ([Float<B>; 3], Attention);

            fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let gradient = gradients.consume::<B>(&ops.node);
                let ([q, k, v], sizes) = ops.state;
                let (q, k, v) = B::attention_backward(q, k, v, gradient, sizes);
                for (parent, gradient) in ops.parents.iter().zip([q, k, v]) {
                    if let Some(parent) = parent {
                        gradients.register::<B>(parent.id, gradient);
                    }
                }
            }
        }

        let ((q, q_node), (k, k_node), (v, v_node)) = (q.into_parts(), k.into_parts(), v.into_parts());
        match Op.prepare::<C>([q_node, k_node, v_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::attention_forward(q.clone(), k.clone(), v.clone(), sizes);
                prep.finish(([q, k, v], sizes), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::attention_forward(q, k, v, sizes)),
        }
    }

    // The backward pass is not differentiated itself.
    fn attention_backward(
        q: Float<Self>,
        k: Float<Self>,
        v: Float<Self>,
        gradient: Float<Self>,
        sizes: Attention,
    ) -> (Float<Self>, Float<Self>, Float<Self>) {
        let [q, k, v, gradient] = [q, k, v, gradient].map(|t| t.into_primitive());
        let (q, k, v) = B::attention_backward(q, k, v, gradient, sizes);
        (Float::<Self>::new(q), Float::<Self>::new(k), Float::<Self>::new(v))
    }
}

#[cfg(feature = "cpu")]
mod cpu {
    use super::super::cpu::{contiguous, from};
    use super::{Attention, AttentionOps};
    use burn::backend::flex::FlexTensor;
    use burn::backend::{Flex, TensorMetadata};

    impl AttentionOps for Flex {
        fn attention_forward(q: FlexTensor, k: FlexTensor, v: FlexTensor, sizes: Attention) -> FlexTensor {
            let [q, k, v] = [q, k, v].map(contiguous);
            let mut out = vec![0.0; q.shape().num_elements()];
            sizes.forward(q.storage(), k.storage(), v.storage(), &mut out);
            from(out, q.shape())
        }

        fn attention_backward(
            q: FlexTensor,
            k: FlexTensor,
            v: FlexTensor,
            gradient: FlexTensor,
            sizes: Attention,
        ) -> (FlexTensor, FlexTensor, FlexTensor) {
            let [q, k, v, gradient] = [q, k, v, gradient].map(contiguous);
            let [mut grad_q, mut grad_k, mut grad_v] = [&q, &k, &v].map(|t| vec![0.0; t.shape().num_elements()]);
            let inputs = [q.storage(), k.storage(), v.storage()];
            sizes.backward(inputs, gradient.storage(), [&mut grad_q, &mut grad_k, &mut grad_v]);
            (from(grad_q, q.shape()), from(grad_k, k.shape()), from(grad_v, v.shape()))
        }
    }
}
