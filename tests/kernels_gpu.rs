//! The operations of `nn::ops` on whatever WebGPU this machine has, a software one will do, against the CPU.

use burn::tensor::{Device, Tensor};
use kiln::device::{self, open_cpu};
use kiln::error::Code;
use kiln::nn::ops::{
    Activation, adam, bias_act, convolve, convolve_transposed, linear, multiply, norm_act, softplus_mean,
};
use kiln::nn::upload;
use kiln::rng::{Purpose, Stream};
use std::io::Write;
use std::sync::OnceLock;

/// Both devices; `None` where there is no WebGPU.
fn devices() -> Option<[Device; 2]> {
    static GPU: OnceLock<Option<Device>> = OnceLock::new();
    let gpu = GPU.get_or_init(|| match pollster::block_on(device::open_webgpu(true)) {
        Err(error) if error.code == Code::NoGpu => {
            let _ = writeln!(std::io::stderr(), "skipped: {}", error.message);
            None
        }
        opened => Some(opened.expect("an adapter").device),
    });
    gpu.clone().map(|gpu| [open_cpu().expect("the CPU opens").device, gpu])
}

fn random(shape: &[usize], seed: u64) -> Vec<f32> {
    Stream::new(seed, Purpose::Noise).uniform(shape.iter().product(), 1.0)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("floats")
}

/// The largest difference, as a share of the largest number.
fn distance(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let differs = |m: f32, (a, b): (&f32, &f32)| if a.is_nan() || b.is_nan() { f32::NAN } else { m.max((a - b).abs()) };
    ours.iter().zip(theirs).fold(0.0, differs) / largest.max(1e-30)
}

/// Result and gradients, weighted at random, of an operation of up to three tensors: the same on both devices?
fn agree<const A: usize, const B: usize, const R: usize>(
    what: &str,
    x: [usize; A],
    w: [usize; B],
    bias: usize,
    operation: impl Fn(Tensor<A>, Tensor<B>, Tensor<1>) -> Tensor<R>,
) {
    let Some(devices) = devices() else { return };
    let results = devices.map(|device| {
        let x = (upload(random(&x, 1), x, &device) * 2.0).detach().require_grad();
        let w = upload(random(&w, 2), w, &device).require_grad();
        let bias = upload(random(&[bias], 3), [bias], &device).require_grad();
        let y = operation(x.clone(), w.clone(), bias.clone());
        let weights = upload(random(&y.dims(), 4), y.dims(), &device);
        let gradients = (y.clone() * weights).sum().backward();
        let of_bias = bias.grad(&gradients).map_or_else(Vec::new, values);
        [
            values(y),
            x.grad(&gradients).map_or_else(Vec::new, values),
            w.grad(&gradients).map_or_else(Vec::new, values),
            of_bias,
        ]
    });
    for (name, ours, theirs) in ["result", "of x", "of the weights", "of the bias"]
        .iter()
        .zip(&results[1])
        .zip(&results[0])
        .map(|((name, ours), theirs)| (name, ours, theirs))
    {
        let off = distance(ours, theirs);
        assert!(off < 3e-5, "{what}, {name}: {off:e}");
    }
}

const ACTIVATIONS: [Activation; 5] =
    [Activation::Identity, Activation::RELU, Activation::Leaky(0.2), Activation::Tanh, Activation::Sigmoid];

/// Batch, channels at the large and at the small picture, size of the small one, padding: thin, long, odd, and of many tiles.
const SHAPES: [([usize; 5], usize); 7] = [
    ([1, 1, 1, 1, 1], 1),
    ([2, 3, 5, 7, 7], 1),
    ([9, 1, 4, 14, 14], 1),
    ([17, 4, 3, 4, 5], 1),
    ([3, 2, 6, 16, 16], 3),
    ([2, 8, 8, 2, 3], 2),
    ([16, 12, 70, 14, 14], 1),
];

#[test]
fn strided_convolutions_and_their_gradients_are_the_cpus() {
    for ([b, large, small, h, w], padding) in SHAPES {
        let (height, width) = (2 * h + 2 - 2 * padding, 2 * w + 2 - 2 * padding);
        let what = format!("{b} {large} {small} {h} {w} {padding}");
        agree(&what, [b, large, height, width], [small, large, 4, 4], 1, |x, w, _| convolve(x, w, 2, padding));
        agree(&format!("{what} transposed"), [b, small, h, w], [small, large, 4, 4], 1, |x, w, _| {
            convolve_transposed(x, w, [height, width], 2, padding)
        });
    }
}

#[test]
fn linear_layers_and_their_gradients_are_the_cpus() {
    for [samples, inputs, outputs] in [[1, 1, 1], [256, 2, 24], [50, 24, 40], [256, 24, 1], [5, 600, 1], [70, 40, 700]]
    {
        for activation in ACTIVATIONS {
            let what = format!("{samples} {inputs} {outputs} {activation:?}");
            agree(&what, [samples, inputs], [outputs, inputs], outputs, |x, w, b| linear(x, w, Some(b), activation));
        }
        let what = format!("{samples} {inputs} {outputs} without a bias");
        agree(&what, [samples, inputs], [outputs, inputs], 1, |x, w, _| linear(x, w, None, Activation::Tanh));
    }
}

#[test]
fn products_and_their_gradients_are_the_cpus() {
    for [n, k, m] in [[1, 1, 1], [5, 3, 9], [64, 130, 70]] {
        for transposed in [[false, false], [false, true], [true, false], [true, true]] {
            let turn = |[a, b]: [usize; 2], turned: bool| if turned { [b, a] } else { [a, b] };
            let (a, b) = (turn([n, k], transposed[0]), turn([k, m], transposed[1]));
            agree(&format!("{n} {k} {m} {transposed:?}"), a, b, 1, |a, b, _| multiply(a, b, transposed));
        }
    }
}

#[test]
fn any_convolution_and_its_gradients_are_the_cpus() {
    for [b, c, o, h, w, k, s, p] in [
        [1, 1, 1, 1, 1, 1, 1, 0],
        [2, 3, 4, 5, 7, 3, 1, 1],
        [3, 1, 8, 28, 28, 5, 2, 2],
        [2, 4, 3, 6, 9, 3, 2, 0],
        [1, 2, 2, 3, 3, 3, 1, 2],
    ] {
        let what = format!("{b} {c} {o} {h} {w} {k} {s} {p}");
        agree(&what, [b, c, h, w], [o, c, k, k], 1, |x, w, _| convolve(x, w, s, p));
        let [oh, ow] = [h, w].map(|n| (n + 2 * p - k) / s + 1);
        agree(&format!("{what} transposed"), [b, o, oh, ow], [o, c, k, k], 1, |y, weights, _| {
            convolve_transposed(y, weights, [h, w], s, p)
        });
    }
}

#[test]
fn a_bias_with_its_activation_and_gradients_are_the_cpus() {
    for activation in ACTIVATIONS {
        for shape in [[3, 5, 4, 2], [6, 700, 1, 1], [20, 3, 9, 9]] {
            agree(&format!("{activation:?} {shape:?}"), shape, [1], shape[1], |x: Tensor<4>, _: Tensor<1>, b| {
                bias_act(x, Some(b), activation)
            });
            agree(&format!("{activation:?} alone"), shape, [1], 1, |x: Tensor<4>, _: Tensor<1>, _| {
                bias_act(x, None, activation)
            });
        }
    }
}

#[test]
fn a_batch_norm_with_its_activation_and_gradients_are_the_cpus() {
    for slope in [1.0, 0.2, 0.0] {
        agree(&format!("slope {slope}"), [5, 3, 7, 9], [3], 3, |x, w, b| norm_act(x + 3.0, w, b, 1e-5, slope));
    }
}

#[test]
fn tensors_with_gaps_are_read_in_their_order() {
    agree("convolution", [6, 2, 3, 4], [5, 3, 4, 4], 1, |x: Tensor<4>, w, _| {
        convolve(x.permute([1, 2, 3, 0]), w, 2, 1)
    });
    agree("norm", [4, 2, 3, 5], [3], 3, |x: Tensor<4>, w, b| norm_act(x.permute([1, 2, 0, 3]), w, b, 1e-5, 0.2));
    agree("linear", [7, 9], [4, 7], 4, |x: Tensor<2>, w, b| linear(x.transpose(), w, Some(b), Activation::RELU));
}

#[test]
fn a_mean_of_softplus_and_its_gradient_are_the_cpus() {
    for sign in [1.0, -1.0] {
        agree(&format!("sign {sign}"), [70, 7], [1], 1, |x: Tensor<2>, _: Tensor<1>, _| {
            softplus_mean(x * 30.0, sign) * 3.0
        });
    }
}

#[test]
fn far_numbers_and_no_numbers_pass_the_activations_as_they_should() {
    let Some([_, device]) = devices() else { return };
    let through = |numbers: &[f32], activation| {
        values(bias_act(upload(numbers.to_vec(), [1, numbers.len()], &device), None, activation))
    };
    let far = [-1e30, -200.0, -0.0, 0.0, 200.0, 1e30];
    assert_eq!(through(&far, Activation::Tanh), [-1.0, -1.0, 0.0, 0.0, 1.0, 1.0]);
    let sigmoid = through(&far, Activation::Sigmoid);
    assert!(sigmoid[0] >= 0.0 && sigmoid[1] < 1e-30 && sigmoid[2] == 0.5 && sigmoid[5] == 1.0, "{sigmoid:?}");
    for activation in ACTIVATIONS {
        let y = through(&[f32::NAN], activation);
        assert!(y[0].is_nan(), "{activation:?}: {y:?}");
    }
}

#[test]
fn updates_by_adam_are_the_cpus() {
    let Some(devices) = devices() else { return };
    const SIZES: [usize; 3] = [700, 1, 300];
    let results = devices.map(|device| {
        let device = device.inner();
        let flat = |n: usize, seed| upload(random(&[n], seed), [n], &device);
        let all = |seed: u64| SIZES.iter().zip(seed..).map(|(&n, seed)| flat(n, seed)).collect::<Vec<_>>();
        let (mut weights, mut state) = (all(1), Tensor::zeros([2 * SIZES.iter().sum::<usize>()], &device));
        for step in 0..3u64 {
            let settings = upload(vec![0.01 + step as f32, 1.5, 0.5, 0.99, 1e-8, 0.9, 0.7], [7], &device);
            // A weight that is still held elsewhere must not change there.
            let (held, before) = (weights[0].clone(), values(weights[0].clone()));
            (state, weights) = adam(&settings, state, weights, all(10 * (step + 1)), &[true, false, true]);
            assert_eq!(values(held), before);
        }
        weights.push(state);
        weights.into_iter().flat_map(values).collect::<Vec<_>>()
    });
    let off = distance(&results[1], &results[0]);
    assert!(off < 1e-5, "{off:e}");
}
