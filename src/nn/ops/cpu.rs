//! The operations on burn's CPU backend: tensors as slices, for the arithmetic in `kernels/`.

use super::fused::FusedOps;
use super::matmul::MatmulOps;
use super::tensor_list::TensorList;
use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{Bytes, DType, Shape};
use kiln_kernels::{Activation, AdamParams, Conv2d, MatRef, Window};

/// A contiguous tensor that begins at the start of its buffer.
pub(super) fn contiguous(tensor: FlexTensor) -> FlexTensor {
    let n = tensor.shape().num_elements();
    if tensor.is_contiguous() && tensor.layout().start_offset() == 0 && tensor.storage::<f32>().len() == n {
        return tensor;
    }
    // `to_contiguous` does not copy what is contiguous already, which may be part of a longer buffer.
    let (shape, ordered) = (tensor.shape(), tensor.to_contiguous());
    let start = ordered.layout().start_offset();
    from(ordered.storage::<f32>()[start..start + n].to_vec(), shape)
}

pub(super) fn from(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape), DType::F32)
}

/// Consecutive numbers of one channel.
fn inner(shape: &Shape) -> usize {
    shape.iter().skip(2).product()
}

impl MatmulOps for Flex {
    fn matmul(a: FlexTensor, b: FlexTensor, transposed: [bool; 2]) -> FlexTensor {
        let (a, b) = (contiguous(a), contiguous(b));
        let factors = [(&a, transposed[0]), (&b, transposed[1])].map(|(tensor, transposed)| {
            let [rows, cols] = tensor.shape().dims();
            let factor = MatRef::new(tensor.storage(), [rows, cols], cols);
            if transposed { factor.transposed() } else { factor }
        });
        let shape = [factors[0].rows(), factors[1].cols()];
        let mut out = vec![0.0; shape[0] * shape[1]];
        kiln_kernels::gemm(factors[0], factors[1], &mut out);
        from(out, Shape::new(shape))
    }

    fn batch_matmul(a: FlexTensor, b: FlexTensor, transposed: [bool; 2]) -> FlexTensor {
        let (a, b) = (contiguous(a), contiguous(b));
        let ([n, ..], [m, ..]): ([usize; 3], [usize; 3]) = (a.shape().dims(), b.shape().dims());
        assert!(n == m, "two batches of different sizes");
        let factors = |i: usize| {
            [(&a, transposed[0]), (&b, transposed[1])].map(|(tensor, transposed)| {
                let [_, rows, cols] = tensor.shape().dims();
                let factor = MatRef::new(&tensor.storage()[i * rows * cols..], [rows, cols], cols);
                if transposed { factor.transposed() } else { factor }
            })
        };
        let ([_, r, c], [_, k, l]): ([usize; 3], [usize; 3]) = (a.shape().dims(), b.shape().dims());
        let (rows, inner) = if transposed[0] { (c, r) } else { (r, c) };
        let columns = if transposed[1] { k } else { l };
        let (mut out, one) = (vec![0.0; n * rows * columns], rows * columns);
        let size = n.div_ceil(kiln_kernels::part_count(&[n, rows, inner, columns])).max(1);
        kiln_kernels::each_chunk(
            &mut out,
            (size * one).max(1),
            || (),
            |(), part, out| {
                for (i, out) in (part * size..).zip(out.chunks_exact_mut(one)) {
                    let [a, b] = factors(i);
                    kiln_kernels::gemm(a, b, out);
                }
            },
        );
        from(out, Shape::new([n, rows, columns]))
    }

    fn conv2d_forward(x: FlexTensor, weights: FlexTensor, window: Window) -> FlexTensor {
        let (x, weights) = (contiguous(x), contiguous(weights));
        let ([batch, inputs, h, w], [outputs, _, kh, kw]) = (x.shape().dims(), weights.shape().dims());
        let shape = Conv2d { batch, inputs, outputs, size: [h, w], kernel: [kh, kw], window };
        let [oh, ow] = shape.out_size();
        let mut y = vec![0.0; shape.batch * shape.outputs * oh * ow];
        shape.forward(x.storage(), weights.storage(), &mut y);
        from(y, Shape::new([shape.batch, shape.outputs, oh, ow]))
    }

    fn conv_transpose2d_forward(y: FlexTensor, weights: FlexTensor, size: [usize; 2], window: Window) -> FlexTensor {
        let (y, weights) = (contiguous(y), contiguous(weights));
        let ([batch, outputs, ..], [_, inputs, kh, kw]): ([usize; 4], [usize; 4]) =
            (y.shape().dims(), weights.shape().dims());
        let shape = Conv2d { batch, inputs, outputs, size, kernel: [kh, kw], window };
        let mut x = vec![0.0; batch * inputs * size[0] * size[1]];
        shape.grad_input(y.storage(), weights.storage(), &mut x);
        from(x, Shape::new([batch, inputs, size[0], size[1]]))
    }

    fn conv2d_grad_weight(x: FlexTensor, y: FlexTensor, kernel: [usize; 2], window: Window) -> FlexTensor {
        let (x, y) = (contiguous(x), contiguous(y));
        let ([batch, inputs, h, w], outputs) = (x.shape().dims(), y.shape()[1]);
        let shape = Conv2d { batch, inputs, outputs, size: [h, w], kernel, window };
        let mut weights = vec![0.0; outputs * inputs * kernel[0] * kernel[1]];
        shape.grad_weight(x.storage(), y.storage(), &mut weights);
        from(weights, Shape::new([outputs, inputs, kernel[0], kernel[1]]))
    }

    fn linear_act(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, activation: Activation) -> FlexTensor {
        Self::bias_act(Self::matmul(x, weight, [false, true]), bias, activation)
    }

    fn linear_grad_input(
        y: FlexTensor,
        gradient: FlexTensor,
        weight: FlexTensor,
        activation: Activation,
    ) -> FlexTensor {
        Self::matmul(Self::act_backward(y, gradient, activation), weight, [false, false])
    }

    fn linear_backward(
        y: FlexTensor,
        gradient: FlexTensor,
        x: FlexTensor,
        weight: FlexTensor,
        activation: Activation,
        grad_input: bool,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (gradient, grad_bias) = Self::bias_act_backward(y, gradient, activation);
        let grad_weight = Self::matmul(gradient.clone(), x, [true, false]);
        let grad_x = if grad_input { Self::matmul(gradient, weight, [false, false]) } else { gradient };
        (grad_x, grad_weight, grad_bias)
    }
}

impl FusedOps for Flex {
    fn act(x: FlexTensor, activation: Activation) -> FlexTensor {
        let mut x = contiguous(x);
        kiln_kernels::bias_act(x.storage_mut(), &[], 1, activation);
        x
    }

    fn act_backward(y: FlexTensor, gradient: FlexTensor, activation: Activation) -> FlexTensor {
        let (y, mut gradient) = (contiguous(y), contiguous(gradient));
        kiln_kernels::bias_act_backward(y.storage(), gradient.storage_mut(), &mut [], 1, activation);
        gradient
    }

    fn bias_act(x: FlexTensor, bias: FlexTensor, activation: Activation) -> FlexTensor {
        let (mut x, bias) = (contiguous(x), contiguous(bias));
        let inner = inner(&x.shape());
        kiln_kernels::bias_act(x.storage_mut(), bias.storage(), inner, activation);
        x
    }

    fn bias_act_backward(y: FlexTensor, gradient: FlexTensor, activation: Activation) -> (FlexTensor, FlexTensor) {
        let (y, mut gradient) = (contiguous(y), contiguous(gradient));
        let shape = y.shape();
        let mut bias = vec![0.0; shape[1]];
        kiln_kernels::bias_act_backward(y.storage(), gradient.storage_mut(), &mut bias, inner(&shape), activation);
        (gradient, from(bias, Shape::new([shape[1]])))
    }

    fn batch_norm_act(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        epsilon: f32,
        slope: f32,
    ) -> (FlexTensor, FlexTensor) {
        let (x, weight, bias) = (contiguous(x), contiguous(weight), contiguous(bias));
        let shape = x.shape();
        let (y, statistics) =
            kiln_kernels::batch_norm_act(x.storage(), weight.storage(), bias.storage(), inner(&shape), epsilon, slope);
        let channels = shape[1];
        (from(y, shape), from(statistics, Shape::new([2, channels])))
    }

    fn batch_norm_act_backward(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        statistics: FlexTensor,
        gradient: FlexTensor,
        slope: f32,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (x, weight, bias, mut gradient) =
            (contiguous(x), contiguous(weight), contiguous(bias), contiguous(gradient));
        let learnt = [weight.storage(), bias.storage(), statistics.storage()];
        let inner = inner(&x.shape());
        let (grad_weight, grad_bias) =
            kiln_kernels::batch_norm_act_backward(x.storage(), learnt, gradient.storage_mut(), inner, slope);
        (gradient, from(grad_weight, weight.shape()), from(grad_bias, bias.shape()))
    }

    fn softplus_mean(x: FlexTensor, sign: f32) -> FlexTensor {
        from(vec![kiln_kernels::softplus_mean(contiguous(x).storage(), sign)], Shape::new([1]))
    }

    fn softplus_mean_backward(x: FlexTensor, gradient: FlexTensor, sign: f32) -> FlexTensor {
        let (x, gradient) = (contiguous(x), contiguous(gradient));
        let values = kiln_kernels::softplus_mean_backward(x.storage(), sign, gradient.storage::<f32>()[0]);
        from(values, x.shape())
    }

    fn adam(
        settings: FlexTensor,
        state: FlexTensor,
        weights: TensorList<Self>,
        gradients: TensorList<Self>,
        decays: Vec<bool>,
    ) -> (FlexTensor, Vec<FlexTensor>) {
        let (settings, mut state) = (contiguous(settings), contiguous(state));
        let &[rate, root, beta1, beta2, epsilon, keep, scale] = settings.storage::<f32>() else {
            panic!("Adam's settings are seven numbers");
        };
        let (moments, mut at) = (state.storage_mut::<f32>(), 0);
        let (first, second) = moments.split_at_mut(moments.len() / 2);
        let mut new = Vec::with_capacity(weights.0.len());
        for ((weight, gradient), decays) in weights.0.into_iter().zip(gradients.0).zip(decays) {
            let (weight, mut gradient) = (contiguous(weight), contiguous(gradient));
            let n = gradient.storage::<f32>().len();
            let keep = if decays { keep } else { 1.0 };
            let params = AdamParams { rate, root, beta1, beta2, epsilon, keep, scale };
            let (first, second) = (&mut first[at..at + n], &mut second[at..at + n]);
            kiln_kernels::adam(weight.storage(), gradient.storage_mut(), first, second, params);
            at += n;
            new.push(gradient);
        }
        (state, new)
    }

    fn ema(share: FlexTensor, averages: TensorList<Self>, weights: TensorList<Self>) -> Vec<FlexTensor> {
        let share = contiguous(share).storage::<f32>()[0];
        let both = averages.0.into_iter().zip(weights.0);
        both.map(|(average, weight)| {
            let mut average = contiguous(average);
            kiln_kernels::ema(average.storage_mut(), contiguous(weight).storage(), share);
            average
        })
        .collect()
    }
}
