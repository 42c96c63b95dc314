//! On burn's CPU backend: its tensors as slices, for `kernels/`.

use super::{Activation, Kernels, Products};
use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{Bytes, DType, Shape};
use kiln_kernels::{Convolve, Factor, Moments, Strided};

/// All numbers in order, at the beginning of their buffer.
fn whole(tensor: FlexTensor) -> FlexTensor {
    let n = tensor.shape().num_elements();
    match tensor.is_contiguous() && tensor.layout().start_offset() == 0 && tensor.storage::<f32>().len() == n {
        true => tensor,
        // The copy of a part is as long as the part.
        false => {
            from(tensor.to_contiguous().as_slice::<f32>().map_or_else(Vec::new, |v| v[..n].to_vec()), tensor.shape())
        }
    }
}

fn from(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape), DType::F32)
}

/// Numbers that follow each other in one channel.
fn inner(shape: &Shape) -> usize {
    shape.iter().skip(2).product()
}

fn convolution(x: &FlexTensor, weights: &FlexTensor, stride: usize, padding: usize) -> Convolve {
    let ([batch, inputs, h, w], [outputs, _, kh, kw]) = (x.shape().dims(), weights.shape().dims());
    Convolve { batch, inputs, outputs, size: [h, w], kernel: [kh, kw], stride, padding }
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

    fn convolve(x: FlexTensor, weights: FlexTensor, stride: usize, padding: usize) -> FlexTensor {
        let (x, weights) = (whole(x), whole(weights));
        let shape = convolution(&x, &weights, stride, padding);
        let [oh, ow] = shape.out_size();
        let mut y = vec![0.0; shape.batch * shape.outputs * oh * ow];
        shape.forward(x.storage(), weights.storage(), &mut y);
        from(y, Shape::new([shape.batch, shape.outputs, oh, ow]))
    }

    fn convolve_input(x: FlexTensor, weights: FlexTensor, g: FlexTensor, stride: usize, padding: usize) -> FlexTensor {
        let (weights, g) = (whole(weights), whole(g));
        let mut of_input = vec![0.0; x.shape().num_elements()];
        convolution(&x, &weights, stride, padding).of_input(g.storage(), weights.storage(), &mut of_input);
        from(of_input, x.shape())
    }

    fn convolve_weights(
        x: FlexTensor,
        weights: FlexTensor,
        g: FlexTensor,
        stride: usize,
        padding: usize,
    ) -> FlexTensor {
        let (x, g) = (whole(x), whole(g));
        let mut of_weights = vec![0.0; weights.shape().num_elements()];
        convolution(&x, &weights, stride, padding).of_weights(x.storage(), g.storage(), &mut of_weights);
        from(of_weights, weights.shape())
    }

    fn down(large: FlexTensor, weights: FlexTensor, padding: usize) -> FlexTensor {
        let (large, weights) = (whole(large), whole(weights));
        let [b, c, h, w] = large.shape().dims();
        let size = [h, w].map(|n| (n + 2 * padding) / 2 - 1);
        let outputs = weights.shape()[0];
        let mut small = vec![0.0; b * outputs * size[0] * size[1]];
        Strided { batch: b, large: c, small: outputs, size, padding }.down(
            large.storage(),
            weights.storage(),
            &mut small,
        );
        from(small, Shape::new([b, outputs, size[0], size[1]]))
    }

    fn up(small: FlexTensor, weights: FlexTensor, padding: usize) -> FlexTensor {
        let (small, weights) = (whole(small), whole(weights));
        let [b, o, h, w] = small.shape().dims();
        let shape = Strided { batch: b, large: weights.shape()[1], small: o, size: [h, w], padding };
        let [h, w] = shape.large_size();
        let mut large = vec![0.0; b * shape.large * h * w];
        shape.up(small.storage(), weights.storage(), &mut large);
        from(large, Shape::new([b, shape.large, h, w]))
    }

    fn outer(large: FlexTensor, small: FlexTensor, padding: usize) -> FlexTensor {
        let (large, small) = (whole(large), whole(small));
        let [b, o, h, w] = small.shape().dims();
        let shape = Strided { batch: b, large: large.shape()[1], small: o, size: [h, w], padding };
        let mut weights = vec![0.0; o * shape.large * 16];
        shape.outer(large.storage(), small.storage(), &mut weights);
        from(weights, Shape::new([o, shape.large, 4, 4]))
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
        at: usize,
    ) -> (FlexTensor, FlexTensor) {
        let (settings, mut state, mut weight, gradient) =
            (whole(settings), whole(state), whole(weight), whole(gradient));
        let &[rate, root, beta1, beta2, epsilon] = settings.storage::<f32>() else {
            panic!("Adam's settings are five numbers");
        };
        let n = gradient.storage::<f32>().len();
        let values = state.storage_mut::<f32>();
        let (first, second) = values.split_at_mut(values.len() / 2);
        let with = Moments { rate, root, beta1, beta2, epsilon };
        let moments = (&mut first[at..at + n], &mut second[at..at + n]);
        kiln_kernels::adam(weight.storage_mut(), gradient.storage(), moments.0, moments.1, with);
        (state, weight)
    }

    fn adam_two(
        settings: FlexTensor,
        state: FlexTensor,
        weight: FlexTensor,
        gradient: FlexTensor,
        next_weight: FlexTensor,
        next_gradient: FlexTensor,
        at: usize,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let next = at + weight.shape().num_elements();
        let (state, weight) = Self::adam(settings.clone(), state, weight, gradient, at);
        let (state, next_weight) = Self::adam(settings, state, next_weight, next_gradient, next);
        (state, weight, next_weight)
    }
}
