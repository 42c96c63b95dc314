//! Softmax and cross entropy in one.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::{Int, IntDType, Tensor};

type Float<B> = FloatTensor<B>;

/// Targets are classes below the number of logits, i32.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(feature = "gpu"), Autodiff)]
pub(crate) trait CrossEntropyOps: Backend {
    /// The negative log-likelihood of the target of each row of logits `[N, C]`, `[N]`.
    fn cross_entropy(logits: FloatTensor<Self>, targets: IntTensor<Self>) -> FloatTensor<Self>;

    /// The gradient of the logits, from that of the result.
    fn cross_entropy_backward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// The negative log-likelihood of each row's target, in nats: `torch.nn.functional.cross_entropy(reduction="none")`. Its mean is
/// the usual loss; rows that do not count are multiplied by 0 first. Targets must be below C: the CPU panics otherwise, WebGPU does not
/// notice.
///
/// # Shapes
/// `[N, C]` and `[N]` to `[N]`.
pub fn cross_entropy(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    let targets = targets.cast(IntDType::I32);
    Tensor::from_dispatch(Dispatch::cross_entropy(logits.into_dispatch(), targets.into_dispatch()))
}

impl<B: CrossEntropyOps, C: CheckpointStrategy> CrossEntropyOps for Autodiff<B, C> {
    fn cross_entropy(logits: Float<Self>, targets: IntTensor<Self>) -> Float<Self> {
        #[derive(Debug)]
        struct Op;

        impl<B: CrossEntropyOps> Backward<B, 1> for Op {
            type State = (Float<B>, IntTensor<B>);

            fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let gradient = gradients.consume::<B>(&ops.node);
                let (logits, targets) = ops.state;
                if let [Some(node)] = &ops.parents {
                    gradients.register::<B>(node.id, B::cross_entropy_backward(logits, targets, gradient));
                }
            }
        }

        let (logits, node) = logits.into_parts();
        match Op.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let losses = B::cross_entropy(logits.clone(), targets.clone());
                prep.finish((logits, targets), losses)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::cross_entropy(logits, targets)),
        }
    }

    // The backward pass is not differentiated itself.
    fn cross_entropy_backward(logits: Float<Self>, targets: IntTensor<Self>, gradient: Float<Self>) -> Float<Self> {
        let [logits, gradient] = [logits, gradient].map(|t| t.into_primitive());
        Float::<Self>::new(B::cross_entropy_backward(logits, targets, gradient))
    }
}

#[cfg(feature = "cpu")]
mod cpu {
    use super::super::cpu::{contiguous, from};
    use super::CrossEntropyOps;
    use burn::backend::flex::FlexTensor;
    use burn::backend::{Flex, TensorMetadata};
    use burn::tensor::Shape;

    /// Classes, in order.
    fn classes(targets: &FlexTensor) -> Vec<usize> {
        let targets = targets.to_contiguous();
        let (start, n) = (targets.layout().start_offset(), targets.shape().num_elements());
        targets.storage::<i32>()[start..start + n].iter().map(|&t| t as usize).collect()
    }

    impl CrossEntropyOps for Flex {
        fn cross_entropy(logits: FlexTensor, targets: FlexTensor) -> FlexTensor {
            let losses = kiln_kernels::cross_entropy(contiguous(logits).storage(), &classes(&targets));
            let n = losses.len();
            from(losses, Shape::new([n]))
        }

        fn cross_entropy_backward(logits: FlexTensor, targets: FlexTensor, gradient: FlexTensor) -> FlexTensor {
            let (logits, gradient) = (contiguous(logits), contiguous(gradient));
            let values = kiln_kernels::cross_entropy_backward(logits.storage(), &classes(&targets), gradient.storage());
            from(values, logits.shape())
        }
    }
}
