//! The operations of `nn::ops` against the same written with burn's own, results and gradients.

#[path = "common/kernels.rs"]
mod arithmetic;

use burn::tensor::activation::{gelu, leaky_relu, log_sigmoid, sigmoid, silu, tanh};
use burn::tensor::module::{batch_norm_train, conv_transpose2d, conv2d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use burn::tensor::{Device, Tensor};
use kiln::compare::{relative_error, worst};
use kiln::device::open_cpu;
use kiln::nn::ops::{self, Activation, Window, batch_norm_act, bias_act, matmul, softplus_mean};
use kiln::nn::upload;
use kiln::rng::{Purpose, Stream};

fn device() -> Device {
    open_cpu().expect("the CPU opens").device
}

fn random<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let values = Stream::new(seed, Purpose::Noise).uniform(shape.iter().product(), 1.0);
    upload(values, shape, &device()).require_grad()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("floats")
}

/// The largest difference, as a share of the largest number.
fn distance<const D: usize>(ours: Tensor<D>, theirs: Tensor<D>) -> f32 {
    assert_eq!(ours.dims(), theirs.dims());
    relative_error(&values(ours), &values(theirs))
}

/// Result and gradients of two ways to compute the same from the same inputs, weighted at random so that no gradient is uniform.
fn agree<const D: usize, const E: usize>(
    x: Tensor<D>,
    w: Tensor<E>,
    ours: impl Fn(Tensor<D>, Tensor<E>) -> Tensor<4>,
    theirs: impl Fn(Tensor<D>, Tensor<E>) -> Tensor<4>,
) -> f32 {
    let (a, b) = (ours(x.clone(), w.clone()), theirs(x.clone(), w.clone()));
    let weights = random(b.dims(), 99).detach();
    let (ga, gb) = ((a.clone() * weights.clone()).sum().backward(), (b.clone() * weights).sum().backward());
    let gradient = |t: Option<Tensor<D>>| t.expect("x has a gradient");
    let of_weights = |t: Option<Tensor<E>>| t.expect("w has a gradient");
    worst([
        distance(a, b),
        distance(gradient(x.grad(&ga)), gradient(x.grad(&gb))),
        distance(of_weights(w.grad(&ga)), of_weights(w.grad(&gb))),
    ])
}

/// Batch, channels at the large and at the small picture, size of the small one, padding.
const SHAPES: [([usize; 5], usize); 6] = [
    ([1, 1, 1, 1, 1], 1),
    ([2, 3, 5, 7, 7], 1),
    ([9, 1, 4, 14, 14], 1),
    ([17, 4, 3, 4, 5], 1),
    ([3, 2, 6, 16, 16], 3),
    ([2, 8, 8, 2, 3], 2),
];

#[test]
fn a_product_and_its_gradients_are_burns() {
    // Rows, depth, columns: within one tile and over its edges, deeper and wider than what is packed at once; and thin ones.
    let thick = [[5, 5, 9], [64, 300, 130], [33, 7, 1030], [9, 513, 17]];
    let thin = [[1, 1, 1], [4, 4, 8], [5, 3, 9], [3, 513, 17], [70, 200, 2], [2, 130, 70], [65, 4, 33], [70, 1, 20]];
    for [n, k, m] in thick.into_iter().chain(thin) {
        for transposed in [[false, false], [false, true], [true, false], [true, true]] {
            let a = random(if transposed[0] { [k, n] } else { [n, k] }, 11);
            let b = random(if transposed[1] { [m, k] } else { [k, m] }, 12);
            let turn = |t: Tensor<2>, turned: bool| if turned { t.transpose() } else { t };
            let four = |t: Tensor<2>| t.reshape([n, m, 1, 1]);
            let theirs = |a, b| four(turn(a, transposed[0]).matmul(turn(b, transposed[1])));
            let off = agree(a, b, |a, b| four(matmul(a, b, transposed)), theirs);
            assert!(off < 2e-6, "{n} {k} {m} {transposed:?}: {off:e}");
        }
    }
}

#[test]
fn a_strided_convolution_and_its_gradients_are_burns() {
    for ([b, large, small, h, w], padding) in SHAPES {
        let x = random([b, large, 2 * h + 2 - 2 * padding, 2 * w + 2 - 2 * padding], 1);
        let weights = random([small, large, 4, 4], 2);
        let theirs = |x, w| conv2d(x, w, None, ConvOptions::new([2, 2], [padding, padding], [1, 1], 1));
        let off = agree(x, weights, |x, w| ops::conv2d(x, w, Window::square(2, padding)), theirs);
        assert!(off < 2e-6, "{b} {large} {small} {h} {w} {padding}: {off:e}");
    }
}

#[test]
fn a_transposed_convolution_and_its_gradients_are_burns() {
    for ([b, large, small, h, w], padding) in SHAPES {
        let (x, size) = (random([b, small, h, w], 3), [h, w].map(|n| 2 * n + 2 - 2 * padding));
        let weights = random([small, large, 4, 4], 4);
        let options = || ConvTransposeOptions::new([2, 2], [padding, padding], [0, 0], [1, 1], 1);
        let theirs = |x, w| conv_transpose2d(x, w, None, options());
        let off = agree(x, weights, |x, w| ops::conv_transpose2d(x, w, size, Window::square(2, padding)), theirs);
        assert!(off < 2e-6, "{b} {large} {small} {h} {w} {padding}: {off:e}");
    }
}

#[test]
fn any_convolution_and_its_gradients_are_burns() {
    // Batch, inputs, outputs, height, width, kernel, stride, padding; some take several bands.
    for [b, c, o, h, w, k, s, p] in [
        [1, 1, 1, 1, 1, 1, 1, 0],
        [2, 3, 4, 5, 7, 3, 1, 1],
        [3, 1, 8, 28, 28, 5, 2, 2],
        [2, 4, 3, 6, 9, 3, 2, 0],
        [1, 2, 2, 3, 3, 3, 1, 2],
        [1, 24, 5, 40, 50, 3, 1, 1],
        // By Winograd: odd sizes, no padding, more padding, several bands.
        [3, 13, 14, 7, 9, 3, 1, 1],
        [1, 12, 12, 5, 4, 3, 1, 0],
        [2, 12, 16, 6, 1, 3, 1, 2],
        [1, 24, 32, 40, 50, 3, 1, 1],
    ] {
        let theirs = |x, w| conv2d(x, w, None, ConvOptions::new([s, s], [p, p], [1, 1], 1));
        let off = agree(
            random([b, c, h, w], 13),
            random([o, c, k, k], 14),
            |x, w| ops::conv2d(x, w, Window::square(s, p)),
            theirs,
        );
        assert!(off < 2e-6, "{b} {c} {o} {h} {w} {k} {s} {p}: {off:e}");
        let small = [h, w].map(|n| (n + 2 * p - k) / s + 1);
        let more = [0, 1].map(|i| [h, w][i] + 2 * p - k - (small[i] - 1) * s);
        let options = || ConvTransposeOptions::new([s, s], [p, p], more, [1, 1], 1);
        let theirs = |y, w| conv_transpose2d(y, w, None, options());
        let (y, weights) = (random([b, o, small[0], small[1]], 15), random([o, c, k, k], 16));
        let off =
            agree(y, weights, |y, weights| ops::conv_transpose2d(y, weights, [h, w], Window::square(s, p)), theirs);
        assert!(off < 2e-6, "{b} {c} {o} {h} {w} {k} {s} {p}, transposed: {off:e}");
    }
}

#[test]
fn a_batch_norm_with_its_activation_and_gradients_are_burns() {
    for slope in [1.0, 0.2, 0.0] {
        let (x, weight) = (random([5, 3, 7, 9], 5) * 3.0 + 2.0, random([3], 6));
        let x = x.detach().require_grad();
        let bias = random([3], 7);
        let theirs = |x, w| {
            let y = batch_norm_train(x, w, bias.clone(), 1e-5).output;
            leaky_relu(y, f64::from(slope))
        };
        let off = agree(x.clone(), weight.clone(), |x, w| batch_norm_act(x, w, bias.clone(), 1e-5, slope), theirs);
        assert!(off < 5e-6, "slope {slope}: {off:e}");
        // The bias's gradient, with the weight in its place.
        let theirs = |x, b| leaky_relu(batch_norm_train(x, weight.clone(), b, 1e-5).output, f64::from(slope));
        let off = agree(x, bias.clone(), |x, b| batch_norm_act(x, weight.clone(), b, 1e-5, slope), theirs);
        assert!(off < 5e-6, "slope {slope}, bias: {off:e}");
    }
}

#[test]
fn a_bias_with_its_activation_and_gradients_are_burns() {
    for (name, activation) in [
        ("identity", Activation::Identity),
        ("relu", Activation::RELU),
        ("leaky", Activation::LeakyRelu(0.2)),
        ("tanh", Activation::Tanh),
        ("sigmoid", Activation::Sigmoid),
        ("silu", Activation::Silu),
        ("gelu", Activation::Gelu),
        ("gelu by tanh", Activation::GeluTanh),
    ] {
        let after = |y: Tensor<4>| match activation {
            Activation::Identity => y,
            Activation::LeakyRelu(slope) => leaky_relu(y, f64::from(slope)),
            Activation::Tanh => tanh(y),
            Activation::Sigmoid => sigmoid(y),
            Activation::Silu => silu(y),
            Activation::Gelu => gelu(y),
            Activation::GeluTanh => {
                let u = (y.clone() + y.clone().powi_scalar(3) * 0.044715) * (2.0 / std::f64::consts::PI).sqrt();
                (tanh(u) + 1.0) * y * 0.5
            }
        };
        for shape in [[3, 5, 4, 2], [6, 7, 1, 1]] {
            let (x, bias) = ((random(shape, 8) * 4.0).detach().require_grad(), random([shape[1]], 9));
            let theirs = |x: Tensor<4>, b: Tensor<1>| after(x + b.reshape([1, shape[1], 1, 1]));
            let off = agree(x.clone(), bias, |x, b| bias_act(x, Some(b), activation), theirs);
            assert!(off < 2e-6, "{name} {shape:?}: {off:e}");
            let unbiased = bias_act(x.clone(), None, activation);
            assert!(distance(unbiased, after(x)) < 2e-6, "{name} without a bias");
        }
    }
}

#[test]
fn far_numbers_pass_the_activations_without_overflow() {
    let far = vec![-1e30, -200.0, -0.0, 0.0, 200.0, 1e30];
    let through = |activation| values(bias_act(upload(far.clone(), [1, 6], &device()), None, activation));
    assert_eq!(through(Activation::Tanh), [-1.0, -1.0, 0.0, 0.0, 1.0, 1.0]);
    let sigmoid = through(Activation::Sigmoid);
    assert!(sigmoid[0] >= 0.0 && sigmoid[1] < 1e-30 && sigmoid[2] == 0.5 && sigmoid[5] == 1.0, "{sigmoid:?}");
}

#[test]
fn what_is_no_number_stays_none() {
    // A run that diverges is to be noticed.
    for activation in
        [Activation::Identity, Activation::RELU, Activation::LeakyRelu(0.2), Activation::Tanh, Activation::Sigmoid]
    {
        let y = values(bias_act(upload(vec![f32::NAN], [1, 1], &device()), None, activation));
        assert!(y[0].is_nan(), "{activation:?}: {y:?}");
    }
}

#[test]
fn a_mean_of_softplus_and_its_gradient_are_burns() {
    for sign in [1.0, -1.0] {
        let x = (random([7, 3], 10) * 30.0).detach().require_grad();
        let (ours, theirs) = (softplus_mean(x.clone(), sign), -log_sigmoid(-(x.clone() * f64::from(sign))).mean());
        let (ga, gb) = ((ours.clone() * 3.0).backward(), (theirs.clone() * 3.0).backward());
        assert!(distance(ours, theirs) < 1e-6);
        let gradient = |g| x.grad(g).expect("x has a gradient");
        assert!(distance(gradient(&ga), gradient(&gb)) < 1e-6);
    }
}

/// What the browser's tests expect of WebGPU, and that they can tell.
#[test]
fn the_cpu_backend_gives_the_arithmetic_that_webgpu_is_held_against() {
    let worst = pollster::block_on(arithmetic::every_operation_and_its_gradients_are_the_cpus(&device()));
    assert!(worst < 3e-5, "{worst:e}");
}
