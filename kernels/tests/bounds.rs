//! Every small shape, up to the last number of every slice.

use kiln_kernels::{Activation, Conv2d, MatRef, Window, bias_act, dot, gelu_tanh, gemm};

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i * 7919 % 1000) as f32 / 500.0 - 1.0).collect()
}

fn inner(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-4 * a.abs().max(1.0)
}

#[test]
fn a_strided_convolution_is_the_transpose_of_its_transpose() {
    for (batch, large, small) in [(1, 1, 1), (1, 2, 3), (3, 2, 8), (9, 5, 1)] {
        for (h, w) in (1..9).flat_map(|h| (1..20).map(move |w| (h, w))) {
            for padding in 0..(h.min(w) + 1).min(4) {
                let size = [h, w].map(|n| 2 * n + 2 - 2 * padding);
                let shape = Conv2d {
                    batch,
                    inputs: large,
                    outputs: small,
                    size,
                    kernel: [4, 4],
                    window: Window::square(2, padding),
                };
                assert_eq!(shape.out_size(), [h, w]);
                let (x, weights) = (numbers(batch * large * size[0] * size[1]), numbers(small * large * 16));
                let (mut y, mut back) = (vec![0.0; batch * small * h * w], vec![0.0; x.len()]);
                let mut outer = vec![0.0; weights.len()];
                shape.forward(&x, &weights, &mut y);
                shape.grad_input(&y, &weights, &mut back);
                shape.grad_weight(&x, &y, &mut outer);
                let energy = inner(&y, &y);
                assert!(close(energy, inner(&x, &back)), "{shape:?}");
                assert!(close(energy, inner(&weights, &outer)), "{shape:?}");
            }
        }
    }
}

#[test]
fn a_wide_convolution_of_3_x_3_is_the_transpose_of_its_gradients_for_every_small_shape() {
    for (h, w) in (1..7).flat_map(|h| (1..18).map(move |w| (h, w))) {
        for padding in (0..3).filter(|p| h.min(w) + 2 * p >= 3) {
            let window = Window::square(1, padding);
            let shape = Conv2d { batch: 2, inputs: 13, outputs: 12, size: [h, w], kernel: [3, 3], window };
            let [oh, ow] = shape.out_size();
            let (x, weights) = (numbers(26 * h * w), numbers(12 * 13 * 9));
            let mut y = vec![0.0; 24 * oh * ow];
            let (mut back, mut outer) = (vec![0.0; x.len()], vec![0.0; weights.len()]);
            shape.forward(&x, &weights, &mut y);
            shape.grad_input(&y, &weights, &mut back);
            shape.grad_weight(&x, &y, &mut outer);
            let energy = inner(&y, &y);
            assert!(close(energy, inner(&x, &back)) && close(energy, inner(&weights, &outer)), "{shape:?}");
        }
    }
}

#[test]
fn a_convolution_is_the_transpose_of_its_gradients() {
    for (size, k, stride, padding) in [
        ([5, 7], 3, 1, 1),
        ([28, 28], 5, 2, 2),
        ([6, 9], 3, 2, 0),
        ([3, 3], 3, 1, 2),
        ([1, 1], 1, 1, 0),
        ([9, 4], 4, 3, 1),
    ] {
        let shape =
            Conv2d { batch: 2, inputs: 3, outputs: 5, size, kernel: [k, k], window: Window::square(stride, padding) };
        let [oh, ow] = shape.out_size();
        let (x, weights) = (numbers(6 * size[0] * size[1]), numbers(15 * k * k));
        let mut y = vec![0.0; 10 * oh * ow];
        let (mut back, mut outer) = (vec![0.0; x.len()], vec![0.0; weights.len()]);
        shape.forward(&x, &weights, &mut y);
        shape.grad_input(&y, &weights, &mut back);
        shape.grad_weight(&x, &y, &mut outer);
        let energy = inner(&y, &y);
        assert!(close(energy, inner(&x, &back)) && close(energy, inner(&weights, &outer)), "{shape:?}");
    }
}

#[test]
fn products_and_loops_of_every_length_stay_in_their_slices() {
    // Thin in any direction, and not; as they lie, and transposed.
    for n in [1, 2, 3, 4, 5, 9, 33, 70] {
        for (k, m) in (0..6).chain([16, 300]).flat_map(|k| [1, 2, 3, 4, 7, 8, 9, 33, 600].map(|m| (k, m))) {
            let (a, b) = (numbers(n * k), numbers(k * m));
            for [ta, tb] in [[false, false], [false, true], [true, false], [true, true]] {
                let left = if ta { MatRef::new(&a, [k, n], n).transposed() } else { MatRef::new(&a, [n, k], k) };
                let right = if tb { MatRef::new(&b, [m, k], k).transposed() } else { MatRef::new(&b, [k, m], m) };
                let mut out = vec![1.0; n * m];
                gemm(left, right, &mut out);
                for (at, sum) in out.iter().enumerate() {
                    let (i, j) = (at / m, at % m);
                    let of_a = |l: usize| a[if ta { l * n + i } else { i * k + l }];
                    let of_b = |l: usize| b[if tb { j * k + l } else { l * m + j }];
                    let expected: f32 = (0..k).map(|l| of_a(l) * of_b(l)).sum();
                    assert!((sum - expected).abs() < 1e-3, "{n} {k} {m}, {ta} {tb}: {i} {j}");
                }
            }
        }
    }
    for n in 0..40 {
        let mut values = numbers(n);
        let sum: f32 = values.iter().map(|v| v * v).sum();
        assert!((dot(&values, &values) - sum).abs() < 1e-4);
        bias_act(&mut values, &[], 1, Activation::Tanh);
        gelu_tanh(&mut values);
    }
}

#[test]
fn factors_that_do_not_fit_are_refused() {
    let (a, b) = (numbers(100), numbers(100));
    for ([n, k], [l, m]) in [([8, 6], [5, 2]), ([8, 3], [5, 9]), ([2, 6], [5, 9]), ([8, 6], [5, 9])] {
        let product = || gemm(MatRef::new(&a, [n, k], k), MatRef::new(&b, [l, m], m), &mut vec![0.0; n * m]);
        assert!(std::panic::catch_unwind(product).is_err(), "{n} {k} by {l} {m}");
    }
}
