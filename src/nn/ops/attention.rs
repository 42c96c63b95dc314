//! Attention of several heads, without its weights ever being a tensor.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;
pub(crate) use kiln_kernels::Attention;

type Float<B> = FloatTensor<B>;

/// Attention of a backend: queries `[B, T, C]`, keys and values `[B, S, C]`.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(feature = "gpu"), Autodiff)]
pub(crate) trait Attend: Backend {
    /// `softmax(q k^T / sqrt(width)) v` of each head, side by side.
    fn attend(q: FloatTensor<Self>, k: FloatTensor<Self>, v: FloatTensor<Self>, sizes: Attention) -> FloatTensor<Self>;

    /// Gradients of queries, keys and values, from the result's.
    fn attend_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        sizes: Attention,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// Attention of `heads` heads (Vaswani et al. 2017, arXiv 1706.03762): `torch.nn.functional.scaled_dot_product_attention` on heads
/// that lie side by side. `causal` lets a query see keys up to its own position; there are then as many keys as queries.
///
/// # Shapes
/// Queries `[B, T, C]`, keys and values `[B, S, C]`, to `[B, T, C]`; `heads` divides C.
pub fn attention(q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, heads: usize, causal: bool) -> Tensor<3> {
    let ([batch, queries, channels], [_, keys, _]) = (q.dims(), k.dims());
    assert!(heads > 0 && channels.is_multiple_of(heads), "heads that do not divide the channels");
    let sizes = Attention { batch, queries, keys, heads, width: channels / heads, causal };
    let (q, k, v) = (q.into_dispatch(), k.into_dispatch(), v.into_dispatch());
    Tensor::from_dispatch(Dispatch::attend(q, k, v, sizes))
}

impl<B: Attend, C: CheckpointStrategy> Attend for Autodiff<B, C> {
    fn attend(q: Float<Self>, k: Float<Self>, v: Float<Self>, sizes: Attention) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: Attend> Backward<B, 3> for Op {
            type State = ([Float<B>; 3], Attention);

            fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let gradient = gradients.consume::<B>(&ops.node);
                let ([q, k, v], sizes) = ops.state;
                let (q, k, v) = B::attend_backward(q, k, v, gradient, sizes);
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
                let y = B::attend(q.clone(), k.clone(), v.clone(), sizes);
                prep.finish(([q, k, v], sizes), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::attend(q, k, v, sizes)),
        }
    }

    // What belongs to a backward pass is itself not differentiated.
    fn attend_backward(
        q: Float<Self>,
        k: Float<Self>,
        v: Float<Self>,
        gradient: Float<Self>,
        sizes: Attention,
    ) -> (Float<Self>, Float<Self>, Float<Self>) {
        let [q, k, v, gradient] = [q, k, v, gradient].map(|t| t.into_primitive());
        let (q, k, v) = B::attend_backward(q, k, v, gradient, sizes);
        (Float::<Self>::new(q), Float::<Self>::new(k), Float::<Self>::new(v))
    }
}

#[cfg(feature = "cpu")]
mod cpu {
    use super::super::cpu::{from, whole};
    use super::{Attend, Attention};
    use burn::backend::flex::FlexTensor;
    use burn::backend::{Flex, TensorMetadata};

    impl Attend for Flex {
        fn attend(q: FlexTensor, k: FlexTensor, v: FlexTensor, sizes: Attention) -> FlexTensor {
            let [q, k, v] = [q, k, v].map(whole);
            let mut out = vec![0.0; q.shape().num_elements()];
            sizes.forward(q.storage(), k.storage(), v.storage(), &mut out);
            from(out, q.shape())
        }

        fn attend_backward(
            q: FlexTensor,
            k: FlexTensor,
            v: FlexTensor,
            gradient: FlexTensor,
            sizes: Attention,
        ) -> (FlexTensor, FlexTensor, FlexTensor) {
            let [q, k, v, gradient] = [q, k, v, gradient].map(whole);
            let [mut of_q, mut of_k, mut of_v] = [&q, &k, &v].map(|t| vec![0.0; t.shape().num_elements()]);
            let inputs = [q.storage(), k.storage(), v.storage()];
            sizes.backward(inputs, gradient.storage(), [&mut of_q, &mut of_k, &mut of_v]);
            (from(of_q, q.shape()), from(of_k, k.shape()), from(of_v, v.shape()))
        }
    }
}
