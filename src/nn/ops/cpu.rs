//! On burn's CPU backend: its tensors as slices, for `kernels/`.

use super::{Activation, Kernels, Place, Products};
use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{Bytes, DType, Shape};
use kiln_kernels::{Convolve, Factor, Moments, Window};

/// All numbers in order, at the beginning of their buffer.
pub(super) fn whole(tensor: FlexTensor) -> FlexTensor {
    let n = tensor.shape().num_elements();
    if tensor.is_contiguous() && tensor.layout().start_offset() == 0 && tensor.storage::<f32>().len() == n {
        return tensor;
    }
    // What is in order already is not copied, and may be a part of a longer one.
    let (shape, ordered) = (tensor.shape(), tensor.to_contiguous());
    let start = ordered.layout().start_offset();
    from(ordered.storage::<f32>()[start..start + n].to_vec(), shape)
}

pub(super) fn from(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape), DType::F32)
}

/// Numbers that follow each other in one channel.
fn inner(shape: &Shape) -> usize {
    shape.iter().skip(2).product()
}

impl Products for Flex {
    fn multiply(a: FlexTensor, b: FlexTensor, transposed: [bool; 2]) -> FlexTensor {
        let (a, b) = (whole(a), whole(b));
        let factors = [(&a, transposed[0]), (&b, transposed[1])].map(|(tensor, transposed)| {
            let [rows, cols] = tensor.shape().dims();
            let factor = Factor::new(tensor.storage(), [rows, cols], cols);
            if transposed { factor.transposed() } else { factor }
        });
        let shape = [factors[0].rows(), factors[1].cols()];
        let mut out = vec![0.0; shape[0] * shape[1]];
        kiln_kernels::multiply(factors[0], factors[1], &mut out);
        from(out, Shape::new(shape))
    }

    fn multiply_each(a: FlexTensor, b: FlexTensor, transposed: [bool; 2]) -> FlexTensor {
        let (a, b) = (whole(a), whole(b));
        let ([n, ..], [m, ..]): ([usize; 3], [usize; 3]) = (a.shape().dims(), b.shape().dims());
        assert!(n == m, "as many left factors as right ones");
        let factors = |i: usize| {
            [(&a, transposed[0]), (&b, transposed[1])].map(|(tensor, transposed)| {
                let [_, rows, cols] = tensor.shape().dims();
                let factor = Factor::new(&tensor.storage()[i * rows * cols..], [rows, cols], cols);
                if transposed { factor.transposed() } else { factor }
            })
        };
        let ([_, r, c], [_, k, l]): ([usize; 3], [usize; 3]) = (a.shape().dims(), b.shape().dims());
        let (rows, inner) = if transposed[0] { (c, r) } else { (r, c) };
        let columns = if transposed[1] { k } else { l };
        let (mut out, one) = (vec![0.0; n * rows * columns], rows * columns);
        let size = n.div_ceil(kiln_kernels::worthwhile(&[n, rows, inner, columns])).max(1);
        kiln_kernels::each_chunk(
            &mut out,
            (size * one).max(1),
            || (),
            |(), part, out| {
                for (i, out) in (part * size..).zip(out.chunks_exact_mut(one)) {
                    let [a, b] = factors(i);
                    kiln_kernels::multiply(a, b, out);
                }
            },
        );
        from(out, Shape::new([n, rows, columns]))
    }

    fn convolve(x: FlexTensor, weights: FlexTensor, window: Window) -> FlexTensor {
        let (x, weights) = (whole(x), whole(weights));
        let ([batch, inputs, h, w], [outputs, _, kh, kw]) = (x.shape().dims(), weights.shape().dims());
        let shape = Convolve { batch, inputs, outputs, size: [h, w], kernel: [kh, kw], window };
        let [oh, ow] = shape.out_size();
        let mut y = vec![0.0; shape.batch * shape.outputs * oh * ow];
        shape.forward(x.storage(), weights.storage(), &mut y);
        from(y, Shape::new([shape.batch, shape.outputs, oh, ow]))
    }

    fn convolve_transposed(y: FlexTensor, weights: FlexTensor, size: [usize; 2], window: Window) -> FlexTensor {
        let (y, weights) = (whole(y), whole(weights));
        let ([batch, outputs, ..], [_, inputs, kh, kw]): ([usize; 4], [usize; 4]) =
            (y.shape().dims(), weights.shape().dims());
        let shape = Convolve { batch, inputs, outputs, size, kernel: [kh, kw], window };
        let mut x = vec![0.0; batch * inputs * size[0] * size[1]];
        shape.of_input(y.storage(), weights.storage(), &mut x);
        from(x, Shape::new([batch, inputs, size[0], size[1]]))
    }

    fn convolve_weights(x: FlexTensor, y: FlexTensor, kernel: [usize; 2], window: Window) -> FlexTensor {
        let (x, y) = (whole(x), whole(y));
        let ([batch, inputs, h, w], outputs) = (x.shape().dims(), y.shape()[1]);
        let shape = Convolve { batch, inputs, outputs, size: [h, w], kernel, window };
        let mut weights = vec![0.0; outputs * inputs * kernel[0] * kernel[1]];
        shape.of_weights(x.storage(), y.storage(), &mut weights);
        from(weights, Shape::new([outputs, inputs, kernel[0], kernel[1]]))
    }

    fn linear_act(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, activation: Activation) -> FlexTensor {
        Self::bias_act(Self::multiply(x, weight, [false, true]), bias, activation)
    }

    fn linear_of_input(y: FlexTensor, gradient: FlexTensor, weight: FlexTensor, activation: Activation) -> FlexTensor {
        Self::multiply(Self::act_backward(y, gradient, activation), weight, [false, false])
    }

    fn linear_backward(
        y: FlexTensor,
        gradient: FlexTensor,
        x: FlexTensor,
        weight: FlexTensor,
        activation: Activation,
        of_input: bool,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (gradient, of_bias) = Self::bias_act_backward(y, gradient, activation);
        let of_weight = Self::multiply(gradient.clone(), x, [true, false]);
        let of_x = if of_input { Self::multiply(gradient, weight, [false, false]) } else { gradient };
        (of_x, of_weight, of_bias)
    }
}

impl Kernels for Flex {
    fn act(x: FlexTensor, activation: Activation) -> FlexTensor {
        let mut x = whole(x);
        kiln_kernels::bias_act(x.storage_mut(), &[], 1, activation);
        x
    }

    fn act_backward(y: FlexTensor, gradient: FlexTensor, activation: Activation) -> FlexTensor {
        let (y, mut gradient) = (whole(y), whole(gradient));
        kiln_kernels::bias_act_backward(y.storage(), gradient.storage_mut(), &mut [], 1, activation);
        gradient
    }

    fn bias_act(x: FlexTensor, bias: FlexTensor, activation: Activation) -> FlexTensor {
        let (mut x, bias) = (whole(x), whole(bias));
        let inner = inner(&x.shape());
        kiln_kernels::bias_act(x.storage_mut(), bias.storage(), inner, activation);
        x
    }

    fn bias_act_backward(y: FlexTensor, gradient: FlexTensor, activation: Activation) -> (FlexTensor, FlexTensor) {
        let (y, mut gradient) = (whole(y), whole(gradient));
        let shape = y.shape();
        let mut bias = vec![0.0; shape[1]];
        kiln_kernels::bias_act_backward(y.storage(), gradient.storage_mut(), &mut bias, inner(&shape), activation);
        (gradient, from(bias, Shape::new([shape[1]])))
    }

    fn norm_act(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        epsilon: f32,
        slope: f32,
    ) -> (FlexTensor, FlexTensor) {
        let (x, weight, bias) = (whole(x), whole(weight), whole(bias));
        let shape = x.shape();
        let (y, statistics) =
            kiln_kernels::norm_act(x.storage(), weight.storage(), bias.storage(), inner(&shape), epsilon, slope);
        let channels = shape[1];
        (from(y, shape), from(statistics, Shape::new([2, channels])))
    }

    fn norm_act_backward(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        statistics: FlexTensor,
        gradient: FlexTensor,
        slope: f32,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (x, weight, bias, mut gradient) = (whole(x), whole(weight), whole(bias), whole(gradient));
        let learnt = [weight.storage(), bias.storage(), statistics.storage()];
        let inner = inner(&x.shape());
        let (of_weight, of_bias) =
            kiln_kernels::norm_act_backward(x.storage(), learnt, gradient.storage_mut(), inner, slope);
        (gradient, from(of_weight, weight.shape()), from(of_bias, bias.shape()))
    }

    fn softplus_mean(x: FlexTensor, sign: f32) -> FlexTensor {
        from(vec![kiln_kernels::softplus_mean(whole(x).storage(), sign)], Shape::new([1]))
    }

    fn softplus_mean_backward(x: FlexTensor, gradient: FlexTensor, sign: f32) -> FlexTensor {
        let (x, gradient) = (whole(x), whole(gradient));
        let values = kiln_kernels::softplus_mean_backward(x.storage(), sign, gradient.storage::<f32>()[0]);
        from(values, x.shape())
    }

    fn adam(
        settings: FlexTensor,
        state: FlexTensor,
        weight: FlexTensor,
        gradient: FlexTensor,
        place: Place,
    ) -> (FlexTensor, FlexTensor) {
        let (settings, mut state, weight, mut gradient) =
            (whole(settings), whole(state), whole(weight), whole(gradient));
        let &[rate, root, beta1, beta2, epsilon, keep, scale] = settings.storage::<f32>() else {
            panic!("Adam's settings are seven numbers");
        };
        let (at, keep) = (place.at, if place.decays { keep } else { 1.0 });
        let n = gradient.storage::<f32>().len();
        let values = state.storage_mut::<f32>();
        let (first, second) = values.split_at_mut(values.len() / 2);
        let with = Moments { rate, root, beta1, beta2, epsilon, keep, scale };
        let moments = (&mut first[at..at + n], &mut second[at..at + n]);
        kiln_kernels::adam(weight.storage(), gradient.storage_mut(), moments.0, moments.1, with);
        (state, gradient)
    }

    fn adam_two(
        settings: FlexTensor,
        state: FlexTensor,
        weight: FlexTensor,
        gradient: FlexTensor,
        next_weight: FlexTensor,
        next_gradient: FlexTensor,
        places: [Place; 2],
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (state, weight) = Self::adam(settings.clone(), state, weight, gradient, places[0]);
        let (state, next_weight) = Self::adam(settings, state, next_weight, next_gradient, places[1]);
        (state, weight, next_weight)
    }
}
