//! Times of layers, forward and backward, on one thread of the CPU: ours, and the same written with burn's own operations. Medians
//! in milliseconds:
//!
//!     cargo run --profile fast --example layers

use burn::tensor::activation::{gelu, log_softmax, silu, softmax};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Bool, Device, Tensor};
use kiln::device::open_cpu;
use kiln::nn::ops::{self, Activation, RowNorm, Window, bias_act};
use kiln::nn::{upload, upload_ids};
use kiln::rng::{Purpose, Stream};
use std::io::Write;
use std::time::Instant;

const ROUNDS: usize = 15;

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    let n = shape.iter().product();
    upload(Stream::new(n as u64, Purpose::Noise).uniform(n, 1.0), shape, device).require_grad()
}

/// Both ways in turn, so that a machine which slows down slows both.
fn compare<const D: usize>(what: &str, ours: impl Fn() -> Tensor<D>, theirs: impl Fn() -> Tensor<D>) {
    let step = |f: &dyn Fn() -> Tensor<D>| {
        let begun = Instant::now();
        let y = f();
        let forward = begun.elapsed().as_secs_f64() * 1e3;
        let gradients = y.sum().backward();
        let both = begun.elapsed().as_secs_f64() * 1e3;
        drop(gradients);
        [forward, both - forward]
    };
    let mut times = [const { Vec::new() }; 4];
    for round in 0..=ROUNDS {
        let now = [step(&ours), step(&theirs)].concat();
        if round > 0 {
            times.iter_mut().zip(now).for_each(|(times, now)| times.push(now));
        }
    }
    let [a, b, c, d] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    });
    let line = format!("{what}: ours {a:.2} and {b:.2}, burn's {c:.2} and {d:.2}");
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn norms(device: &Device) {
    let (x, w, b) = (random([768, 128], device), random([128], device), random([128], device));
    let norm = RowNorm { groups: 1, inner: 1, centred: true, epsilon: 1e-5 };
    compare(
        "layer norm of 768 x 128",
        || ops::row_norm(x.clone(), w.clone(), Some(b.clone()), norm),
        || {
            let x = x.clone() - x.clone().mean_dim(1);
            let scale = (x.clone().square().mean_dim(1) + 1e-5).sqrt().recip();
            x * scale * w.clone().unsqueeze() + b.clone().unsqueeze()
        },
    );
    let (x, w, b) = (random([16, 32, 14, 14], device), random([32], device), random([32], device));
    let norm = RowNorm { groups: 8, inner: 196, centred: true, epsilon: 1e-5 };
    compare(
        "group norm of 16 x 32 x 14 x 14 in 8",
        || ops::row_norm(x.clone(), w.clone(), Some(b.clone()), norm),
        || {
            let x: Tensor<3> = x.clone().reshape([16, 8, 784]);
            let x = x.clone() - x.mean_dim(2);
            let scale = (x.clone().square().mean_dim(2) + 1e-5).sqrt().recip();
            let x = (x * scale).reshape([16, 32, 14, 14]);
            x * w.clone().reshape([1, 32, 1, 1]) + b.clone().reshape([1, 32, 1, 1])
        },
    );
}

fn convolutions(device: &Device) {
    for (batch, inputs, outputs, side, k, dilation) in [
        (16, 12, 12, 14, 3, 1),
        (16, 32, 32, 14, 3, 1),
        (16, 64, 64, 7, 3, 1),
        (16, 32, 32, 28, 3, 1),
        (16, 8, 8, 28, 3, 1),
        (16, 32, 32, 28, 1, 1),
        (16, 16, 16, 28, 5, 1),
        (16, 16, 16, 28, 3, 2),
    ] {
        let (x, w) = (random([batch, inputs, side, side], device), random([outputs, inputs, k, k], device));
        let padding = dilation * (k / 2);
        let window = Window { dilation: [dilation; 2], ..Window::square(1, padding) };
        compare(
            &format!("convolution {batch} x {inputs} x {side} x {side} to {outputs} by {k} x {k}, dilation {dilation}"),
            || ops::conv2d(x.clone(), w.clone(), window),
            || {
                let options = ConvOptions::new([1, 1], [padding; 2], [dilation; 2], 1);
                conv2d(x.clone(), w.clone(), None, options)
            },
        );
    }
}

fn attention(device: &Device) {
    for (batch, t, heads, width) in [(12, 64, 4, 32), (32, 32, 2, 24), (2, 256, 6, 64)] {
        let [q, k, v] = [(); 3].map(|()| random([batch, t, heads * width], device));
        let mask: Tensor<2, Bool> = Tensor::tril_mask([t, t], 0, device);
        let split = |x: &Tensor<3>| x.clone().reshape([batch, t, heads, width]).swap_dims(1, 2);
        compare(
            &format!("causal attention of {batch} x {t}, {heads} heads of {width}"),
            || ops::attention(q.clone(), k.clone(), v.clone(), heads, true),
            || {
                let scores = split(&q).matmul(split(&k).transpose()) / (width as f64).sqrt();
                let scores = scores.mask_fill(mask.clone().unsqueeze(), f32::NEG_INFINITY);
                softmax(scores, 3).matmul(split(&v)).swap_dims(1, 2).reshape([batch, t, heads * width])
            },
        );
    }
}

fn main() {
    let device = open_cpu().expect("the CPU opens").device;
    norms(&device);
    let x = random([768, 512], &device);
    compare("SiLU of 768 x 512", || bias_act(x.clone(), None, Activation::Silu), || silu(x.clone()));
    compare("GELU of 768 x 512", || bias_act(x.clone(), None, Activation::Gelu), || gelu(x.clone()));
    let (x, ids) = (random([768, 65], &device), upload_ids((0..768).map(|i| i % 65).collect(), [768], &device));
    let targets = ids.clone().reshape([768, 1]);
    compare(
        "cross entropy of 768 x 65",
        || ops::cross_entropy(x.clone(), ids.clone()),
        || -log_softmax(x.clone(), 1).gather(1, targets.clone()).reshape([768]),
    );
    let (a, b) = (random([48, 64, 32], &device), random([48, 32, 64], &device));
    compare(
        "48 products of 64 x 32 by 32 x 64",
        || ops::batch_matmul(a.clone(), b.clone(), [false, false]),
        || a.clone().matmul(b.clone()),
    );
    attention(&device);
    convolutions(&device);
}
