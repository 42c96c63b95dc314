//! The operations of `nn::ops` on a device, results and gradients, against the CPU's arithmetic in `kernels/`.

use burn::tensor::{Device, Tensor};
use kiln::compare::{relative_error, worst};
use kiln::device::read;
use kiln::nn::ops::{
    Activation, Window, adam, batch_norm_act, bias_act, conv_transpose2d, conv2d, ema, linear, matmul, softplus_mean,
};
use kiln::nn::upload;
use kiln::rng::{Purpose, Stream};
use kiln_kernels::{self as cpu, AdamParams, Conv2d, MatRef};

/// How far from the CPU's a number may be, of the largest of its kind.
const TOLERANCE: f32 = 3e-5;

const ACTIVATIONS: [Activation; 5] =
    [Activation::Identity, Activation::RELU, Activation::LeakyRelu(0.2), Activation::Tanh, Activation::Sigmoid];

/// Batch, channels at the large and at the small picture, size of the small one, padding: thin, odd, and of several tiles.
const SHAPES: [([usize; 5], usize); 5] =
    [([1, 1, 1, 1, 1], 1), ([2, 3, 5, 7, 7], 1), ([17, 4, 3, 4, 5], 1), ([3, 2, 6, 8, 8], 3), ([16, 12, 70, 6, 6], 1)];

/// What goes in: `x`, weights, bias, and the gradient of the result.
struct Given<'a> {
    x: &'a [f32],
    w: &'a [f32],
    bias: &'a [f32],
    gradient: &'a [f32],
}

/// What comes out: the result, and the gradients of `x`, weights and bias; empty where there is none.
type Found = [Vec<f32>; 4];

fn random(shape: &[usize], seed: u64) -> Vec<f32> {
    Stream::new(seed, Purpose::Noise).uniform(shape.iter().product(), 1.0)
}

fn flat<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let n = x.dims().iter().product::<usize>();
    x.reshape([n])
}

/// A device under test.
struct Bench<'a> {
    device: &'a Device,
    errors: Vec<f32>,
}

impl Bench<'_> {
    /// Result and gradients, weighted at random, of an operation of up to three tensors.
    async fn agree<const A: usize, const B: usize, const R: usize>(
        &mut self,
        what: &str,
        (x, w, bias): ([usize; A], [usize; B], usize),
        operation: impl Fn(Tensor<A>, Tensor<B>, Tensor<1>) -> Tensor<R>,
        expected: impl Fn(Given) -> Found,
    ) {
        let numbers = [random(&x, 1).iter().map(|v| 2.0 * v).collect(), random(&w, 2), random(&[bias], 3)];
        let [xs, ws, biases]: &[Vec<f32>; 3] = &numbers;
        let x = upload(xs.clone(), x, self.device).require_grad();
        let w = upload(ws.clone(), w, self.device).require_grad();
        let bias = upload(biases.clone(), [bias], self.device).require_grad();
        let y = operation(x.clone(), w.clone(), bias.clone());
        let gradient = random(&y.dims(), 4);
        let gradients = (y.clone() * upload(gradient.clone(), y.dims(), self.device)).sum().backward();
        let found = [Some(flat(y)), x.grad(&gradients).map(flat), w.grad(&gradients).map(flat), bias.grad(&gradients)];
        let there = found.each_ref().map(Option::is_some);
        let mut values = read(found.into_iter().flatten().collect()).await.expect("the device answers").into_iter();
        let theirs = expected(Given { x: xs, w: ws, bias: biases, gradient: &gradient });
        for ((name, there), theirs) in ["result", "of x", "of the weights", "of the bias"].iter().zip(there).zip(theirs)
        {
            let ours = if there { values.next().expect("it was read") } else { Vec::new() };
            self.close(&format!("{what}, {name}"), &ours, &theirs);
        }
    }

    fn close(&mut self, what: &str, ours: &[f32], theirs: &[f32]) {
        let off = relative_error(ours, theirs);
        assert!(off < TOLERANCE, "{what}: {off:e} ({} numbers of {})", ours.len(), theirs.len());
        self.errors.push(off);
    }
}

/// A convolution's, or of its transpose.
fn convolution(shape: Conv2d, transposed: bool, given: Given) -> Found {
    let Given { x, w, gradient, .. } = given;
    let [oh, ow] = shape.out_size();
    let mut small = vec![0.0; shape.batch * shape.outputs * oh * ow];
    let mut large = vec![0.0; shape.batch * shape.inputs * shape.size[0] * shape.size[1]];
    let mut grad_weight = vec![0.0; w.len()];
    let (from_large, from_small) = if transposed { (gradient, x) } else { (x, gradient) };
    shape.forward(from_large, w, &mut small);
    shape.grad_input(from_small, w, &mut large);
    shape.grad_weight(from_large, from_small, &mut grad_weight);
    let (y, of_x) = if transposed { (large, small) } else { (small, large) };
    [y, of_x, grad_weight, Vec::new()]
}

async fn convolutions(bench: &mut Bench<'_>) {
    for ([batch, inputs, outputs, h, w], padding) in SHAPES {
        let size = [h, w].map(|n| 2 * n + 2 - 2 * padding);
        let shape = Conv2d { batch, inputs, outputs, size, kernel: [4, 4], window: Window::square(2, padding) };
        both(bench, shape).await;
    }
    // Height, width, kernel, stride, padding.
    for [batch, inputs, outputs, h, w, k, stride, padding] in [
        [1, 1, 1, 1, 1, 1, 1, 0],
        [2, 3, 4, 5, 7, 3, 1, 1],
        [3, 1, 8, 14, 14, 5, 2, 2],
        [2, 4, 3, 6, 9, 3, 2, 0],
        [1, 2, 2, 3, 3, 3, 1, 2],
    ] {
        both(
            bench,
            Conv2d { batch, inputs, outputs, size: [h, w], kernel: [k, k], window: Window::square(stride, padding) },
        )
        .await;
    }
}

async fn both(bench: &mut Bench<'_>, shape: Conv2d) {
    let Conv2d { batch, inputs, outputs, size, kernel: [kh, kw], window } = shape;
    let (stride, padding) = (window.stride[0], window.padding[0][0]);
    let ([h, w], [oh, ow]) = (size, shape.out_size());
    let weights = [outputs, inputs, kh, kw];
    let operation = |x, w, _| conv2d(x, w, Window::square(stride, padding));
    let expected = |given: Given| convolution(shape, false, given);
    bench.agree(&format!("{shape:?}"), ([batch, inputs, h, w], weights, 1), operation, expected).await;
    let operation = |x, w, _| conv_transpose2d(x, w, size, Window::square(stride, padding));
    let expected = |given: Given| convolution(shape, true, given);
    bench.agree(&format!("{shape:?} transposed"), ([batch, outputs, oh, ow], weights, 1), operation, expected).await;
}

fn product(a: MatRef, b: MatRef) -> Vec<f32> {
    let mut out = vec![0.0; a.rows() * b.cols()];
    cpu::gemm(a, b, &mut out);
    out
}

fn turn(factor: MatRef<'_>, turned: bool) -> MatRef<'_> {
    if turned { factor.transposed() } else { factor }
}

async fn products(bench: &mut Bench<'_>) {
    for [n, k, m] in [[1, 1, 1], [5, 3, 9], [33, 70, 40]] {
        for [ta, tb] in [[false, false], [false, true], [true, false], [true, true]] {
            let (a, b) = (if ta { [k, n] } else { [n, k] }, if tb { [m, k] } else { [k, m] });
            let expected = |Given { x, w, gradient, .. }: Given| {
                let (left, right) = (turn(MatRef::new(x, a, a[1]), ta), turn(MatRef::new(w, b, b[1]), tb));
                let g = MatRef::new(gradient, [n, m], m);
                let of_a = if ta { product(right, g.transposed()) } else { product(g, right.transposed()) };
                let of_b = if tb { product(g.transposed(), left) } else { product(left.transposed(), g) };
                [product(left, right), of_a, of_b, Vec::new()]
            };
            let what = format!("product {n} {k} {m} {ta} {tb}");
            bench.agree(&what, (a, b, 1), |a, b, _| matmul(a, b, [ta, tb]), expected).await;
        }
    }
}

async fn layers(bench: &mut Bench<'_>) {
    let all = ACTIVATIONS.map(|activation| ([50, 24, 40], activation));
    let some = [([1, 1, 1], ACTIVATIONS[0]), ([5, 600, 1], ACTIVATIONS[2]), ([70, 40, 130], ACTIVATIONS[3])];
    for ([samples, inputs, outputs], activation) in all.into_iter().chain(some) {
        for biased in [true, false] {
            let (sizes, wide) = (([samples, inputs], [outputs, inputs]), if biased { outputs } else { 1 });
            let expected = |Given { x, w, bias, gradient }: Given| {
                let bias = if biased { bias } else { &[] };
                let (rows, weight) = (MatRef::new(x, sizes.0, inputs), MatRef::new(w, sizes.1, inputs));
                let mut y = product(rows, weight.transposed());
                cpu::bias_act(&mut y, bias, 1, activation);
                let (mut g, mut of_bias) = (gradient.to_vec(), vec![0.0; bias.len()]);
                cpu::bias_act_backward(&y, &mut g, &mut of_bias, 1, activation);
                let g = MatRef::new(&g, [samples, outputs], outputs);
                [y, product(g, weight), product(g.transposed(), rows), of_bias]
            };
            let operation = |x, w, b| linear(x, w, biased.then_some(b), activation);
            let what = format!("linear {samples} {inputs} {outputs} {activation:?} {biased}");
            bench.agree(&what, (sizes.0, sizes.1, wide), operation, expected).await;
        }
    }
}

async fn activations(bench: &mut Bench<'_>) {
    let all = ACTIVATIONS.map(|activation| ([3, 5, 4, 2], activation));
    let some = [([6, 300, 1, 1], ACTIVATIONS[2]), ([20, 3, 9, 9], ACTIVATIONS[3])];
    for (shape, activation) in all.into_iter().chain(some) {
        for biased in [true, false] {
            let inner = shape[2] * shape[3];
            let expected = |Given { x, bias, gradient, .. }: Given| {
                let bias = if biased { bias } else { &[] };
                let (mut y, mut of_x, mut of_bias) = (x.to_vec(), gradient.to_vec(), vec![0.0; bias.len()]);
                cpu::bias_act(&mut y, bias, inner, activation);
                cpu::bias_act_backward(&y, &mut of_x, &mut of_bias, inner, activation);
                [y, of_x, Vec::new(), of_bias]
            };
            let operation = |x: Tensor<4>, _: Tensor<1>, b| bias_act(x, biased.then_some(b), activation);
            bench.agree(&format!("{activation:?} {biased}"), (shape, [1], shape[1]), operation, expected).await;
        }
    }
    for sign in [1.0, -1.0] {
        let expected = |Given { x, gradient, .. }: Given| {
            let far: Vec<f32> = x.iter().map(|v| 30.0 * v).collect();
            let of_far = cpu::softplus_mean_backward(&far, sign, 3.0 * gradient[0]);
            let of_x = of_far.iter().map(|v| 30.0 * v).collect();
            [vec![3.0 * cpu::softplus_mean(&far, sign)], of_x, Vec::new(), Vec::new()]
        };
        let operation = |x: Tensor<2>, _: Tensor<1>, _| softplus_mean(x * 30.0, sign) * 3.0;
        bench.agree(&format!("softplus {sign}"), ([70, 7], [1], 1), operation, expected).await;
    }
}

fn normed(Given { x, w, bias, gradient }: Given, inner: usize, slope: f32) -> Found {
    let (y, statistics) = cpu::batch_norm_act(x, w, bias, inner, 1e-5, slope);
    let mut of_x = gradient.to_vec();
    let (of_weight, of_bias) = cpu::batch_norm_act_backward(x, [w, bias, &statistics], &mut of_x, inner, slope);
    [y, of_x, of_weight, of_bias]
}

async fn norms(bench: &mut Bench<'_>) {
    for slope in [1.0, 0.2, 0.0] {
        let expected = |given: Given| {
            let x: Vec<f32> = given.x.iter().map(|v| v + 3.0).collect();
            normed(Given { x: &x, ..given }, 63, slope)
        };
        let operation = |x, w, b| batch_norm_act(x + 3.0, w, b, 1e-5, slope);
        bench.agree(&format!("norm, slope {slope}"), ([5, 3, 7, 9], [3], 3), operation, expected).await;
    }
}

/// Numbers of a tensor in the order of its permuted axes.
fn permuted(values: &[f32], dims: [usize; 4], axes: [usize; 4]) -> Vec<f32> {
    let strides = [dims[1] * dims[2] * dims[3], dims[2] * dims[3], dims[3], 1];
    let [a, b, c, d] = axes.map(|axis| (dims[axis], strides[axis]));
    let mut out = Vec::with_capacity(values.len());
    for i in 0..a.0 {
        for j in 0..b.0 {
            for k in 0..c.0 {
                out.extend((0..d.0).map(|l| values[i * a.1 + j * b.1 + k * c.1 + l * d.1]));
            }
        }
    }
    out
}

/// Tensors with gaps are read in their order.
async fn gaps(bench: &mut Bench<'_>) {
    // The axes, and their way back.
    let (axes, back) = ([1, 2, 3, 0], [3, 0, 1, 2]);
    let shape = Conv2d { batch: 2, inputs: 3, outputs: 5, size: [4, 6], kernel: [4, 4], window: Window::square(2, 1) };
    let expected = |given: Given| {
        let x = permuted(given.x, [6, 2, 3, 4], axes);
        let [y, of_x, of_w, none] = convolution(shape, false, Given { x: &x, ..given });
        [y, permuted(&of_x, [2, 3, 4, 6], back), of_w, none]
    };
    let operation = |x: Tensor<4>, w, _| conv2d(x.permute([1, 2, 3, 0]), w, Window::square(2, 1));
    bench.agree("convolution with gaps", ([6, 2, 3, 4], [5, 3, 4, 4], 1), operation, expected).await;
    let expected = |given: Given| {
        let x = permuted(given.x, [4, 2, 3, 5], [1, 2, 0, 3]);
        let [y, of_x, of_w, of_b] = normed(Given { x: &x, ..given }, 20, 0.2);
        [y, permuted(&of_x, [2, 3, 4, 5], [2, 0, 1, 3]), of_w, of_b]
    };
    let operation = |x: Tensor<4>, w, b| batch_norm_act(x.permute([1, 2, 0, 3]), w, b, 1e-5, 0.2);
    bench.agree("norm with gaps", ([4, 2, 3, 5], [3], 3), operation, expected).await;
}

async fn far_numbers(device: &Device) {
    let far = vec![-1e30, -200.0, -0.0, 0.0, 200.0, 1e30, f32::NAN];
    let through =
        ACTIVATIONS.map(|activation| flat(bias_act(upload(far.clone(), [1, far.len()], device), None, activation)));
    let read = read(through.to_vec()).await.expect("the device answers");
    // A NaN stays NaN, so that a run that diverges is noticed.
    for (values, activation) in read.iter().zip(ACTIVATIONS) {
        assert!(values[6].is_nan(), "{activation:?}: {values:?}");
    }
    assert_eq!(read[3][..6], [-1.0, -1.0, 0.0, 0.0, 1.0, 1.0]);
    let sigmoid = &read[4];
    assert!(sigmoid[0] >= 0.0 && sigmoid[1] < 1e-30 && sigmoid[2] == 0.5 && sigmoid[5] == 1.0, "{sigmoid:?}");
}

async fn updates(bench: &mut Bench<'_>) {
    const SIZES: [usize; 3] = [700, 1, 300];
    const DECAY: [bool; 3] = [true, false, true];
    let device = bench.device.clone().inner();
    let numbers = |seed: u64| SIZES.iter().zip(seed..).map(|(&n, seed)| random(&[n], seed)).collect::<Vec<_>>();
    let put = |values: Vec<Vec<f32>>| {
        values.into_iter().map(|v| upload::<1>(v.clone(), [v.len()], &device)).collect::<Vec<_>>()
    };
    let (mut weights, mut state) = (put(numbers(1)), Tensor::zeros([2 * SIZES.iter().sum::<usize>()], &device));
    let mut expected = numbers(1);
    let mut moments = SIZES.map(|n| [vec![0.0; n], vec![0.0; n]]);
    for step in 0..3u64 {
        let settings = [0.01 + step as f32, 1.5, 0.5, 0.99, 1e-8, 0.9, 0.7];
        let gradients = numbers(10 * (step + 1));
        // A weight that is still held elsewhere must not change there.
        let held = weights[0].clone();
        let before = read(vec![held.clone()]).await.expect("the device answers");
        let on_device = upload(settings.to_vec(), [7], &device);
        (state, weights) = adam(&on_device, state, weights, put(gradients.clone()), &DECAY);
        assert_eq!(read(vec![held]).await.expect("the device answers"), before);
        let [rate, root, beta1, beta2, epsilon, keep, scale] = settings;
        let with = AdamParams { rate, root, beta1, beta2, epsilon, keep, scale };
        let each = expected.iter_mut().zip(gradients).zip(&mut moments).zip(DECAY);
        for (((weight, mut gradient), [first, second]), decays) in each {
            let with = if decays { with } else { AdamParams { keep: 1.0, ..with } };
            cpu::adam(weight, &mut gradient, first, second, with);
            *weight = gradient;
        }
    }
    weights.push(state);
    let found = read(weights).await.expect("the device answers").concat();
    let halves = [0, 1].map(|half| moments.iter().flat_map(|m| m[half].clone()).collect::<Vec<_>>());
    bench.close("Adam", &found, &[expected.concat(), halves.concat()].concat());
}

async fn averages(bench: &mut Bench<'_>) {
    // One after the other in pairs, and one alone.
    const SIZES: [usize; 3] = [700, 1, 300];
    let device = bench.device.clone().inner();
    let numbers = |seed: u64| SIZES.iter().zip(seed..).map(|(&n, seed)| random(&[n], seed)).collect::<Vec<_>>();
    let put = |values: Vec<Vec<f32>>| {
        values.into_iter().map(|v| upload::<1>(v.clone(), [v.len()], &device)).collect::<Vec<_>>()
    };
    let (old, weights) = (put(numbers(1)), put(numbers(10)));
    let new = ema(&upload(vec![0.3], [1], &device), old.clone(), weights);
    let found = read([new, old].concat()).await.expect("the device answers").concat();
    let mut expected = numbers(1);
    let to = numbers(10);
    for (average, weight) in expected.iter_mut().flatten().zip(to.iter().flatten()) {
        *average = 0.7 * *average + 0.3 * weight;
    }
    // What is averaged does not change where it is still held.
    bench.close("EMA", &found, &[expected.concat(), numbers(1).concat()].concat());
}

/// Every operation, on small shapes. Returns the largest difference, of the largest number of its kind.
pub async fn every_operation_and_its_gradients_are_the_cpus(device: &Device) -> f32 {
    let mut bench = Bench { device, errors: Vec::new() };
    convolutions(&mut bench).await;
    products(&mut bench).await;
    layers(&mut bench).await;
    activations(&mut bench).await;
    norms(&mut bench).await;
    gaps(&mut bench).await;
    updates(&mut bench).await;
    averages(&mut bench).await;
    far_numbers(device).await;
    worst(bench.errors)
}
