//! Times of the layers' arithmetic on one thread, medians in microseconds:
//!
//!     cargo run --profile fast --package kiln-kernels --example layers

use kiln_kernels::{Activation, Attention, Convolve, RowNorm, Window, bias_act, cross_entropy, cross_entropy_backward};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 21;

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i * 7919 % 1000) as f32 / 500.0 - 1.0).collect()
}

fn time(mut work: impl FnMut()) -> f64 {
    work();
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn main() {
    println!("convolution: batch, channels, size, kernel | forward, of input, of weights | GFLOP/s forward");
    for (batch, inputs, outputs, side, k) in [
        (16, 32, 32, 28, 1),
        (16, 12, 12, 14, 3),
        (16, 32, 32, 14, 3),
        (16, 64, 64, 7, 3),
        (16, 32, 32, 28, 3),
        (1, 128, 128, 32, 3),
        (16, 3, 32, 28, 3),
        (16, 32, 3, 28, 3),
        (16, 4, 4, 28, 3),
        (16, 8, 8, 28, 3),
    ] {
        let window = Window::square(1, k / 2);
        let shape = Convolve { batch, inputs, outputs, size: [side; 2], kernel: [k; 2], window };
        let (x, weights) = (numbers(batch * inputs * side * side), numbers(outputs * inputs * k * k));
        let mut y = vec![0.0; batch * outputs * side * side];
        let forward = time(|| shape.forward(&x, &weights, black_box(&mut y)));
        let (mut back, mut outer) = (vec![0.0; x.len()], vec![0.0; weights.len()]);
        let of_input = time(|| shape.of_input(&y, &weights, black_box(&mut back)));
        let of_weights = time(|| shape.of_weights(&x, &y, black_box(&mut outer)));
        let rate = 2.0 * (weights.len() * batch * side * side) as f64 / forward / 1e3;
        println!("{batch} {inputs}>{outputs} {side} {k} | {forward:.0} {of_input:.0} {of_weights:.0} | {rate:.1}");
    }
    println!("attention: batch, positions, heads, width | forward, backward");
    for (batch, positions, heads, width) in [(12, 64, 4, 32), (4, 256, 6, 64), (32, 32, 2, 24)] {
        let sizes = Attention { batch, queries: positions, keys: positions, heads, width, causal: true };
        let q = numbers(batch * positions * heads * width);
        let [mut y, mut a, mut b, mut c] = [(); 4].map(|()| vec![0.0; q.len()]);
        let forward = time(|| sizes.forward(&q, &q, &q, black_box(&mut y)));
        let backward = time(|| sizes.backward([&q, &q, &q], &y, black_box([&mut a, &mut b, &mut c])));
        println!("{batch} {positions} {heads} {width} | {forward:.0} {backward:.0}");
    }
    println!("by the million numbers: forward, backward");
    let x = numbers(1 << 20);
    for (name, norm, channels) in [
        ("layer norm of 128", RowNorm { groups: 1, inner: 1, centred: true, epsilon: 1e-5 }, 128),
        ("group norm of 32 x 14 x 14 in 8", RowNorm { groups: 8, inner: 196, centred: true, epsilon: 1e-5 }, 32),
    ] {
        let (weight, n) = (numbers(channels), channels * norm.inner);
        let x = &x[..x.len() / n * n];
        let mut g = x.to_vec();
        let (_, statistics) = norm.forward(x, &weight, &weight);
        let forward = time(|| drop(black_box(norm.forward(x, &weight, &weight))));
        let backward = time(|| drop(black_box(norm.backward(x, &weight, &statistics, &mut g))));
        println!("{name} | {forward:.0} {backward:.0}");
    }
    let targets: Vec<usize> = (0..x.len() / 64).map(|i| i % 64).collect();
    let g = numbers(targets.len());
    let forward = time(|| drop(black_box(cross_entropy(&x, &targets))));
    let backward = time(|| drop(black_box(cross_entropy_backward(&x, &targets, &g))));
    println!("cross entropy of 64 | {forward:.0} {backward:.0}");
    for activation in [Activation::Sigmoid, Activation::Silu, Activation::Gelu, Activation::GeluTanh] {
        let mut values = x.clone();
        let forward = time(|| bias_act(black_box(&mut values), &[], 1, activation));
        println!("{activation:?} | {forward:.0}");
    }
}
