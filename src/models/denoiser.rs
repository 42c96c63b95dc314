//! What all networks of diffusion models have in common: what they are told, and what they answer.

use burn::module::Module;
use burn::tensor::Tensor;
use std::f32::consts::FRAC_PI_2;

/// Predicts data, noise or velocity from noisy samples.
pub trait Denoiser: Module + 'static {
    /// # Shapes
    /// `x` flat noisy samples `[B, n]`, `condition` as [`condition`] writes it, `[B, TIME_FEATURES + classes]`; returns the
    /// prediction `[B, n]`.
    fn forward(&self, x: Tensor<2>, condition: Tensor<2>) -> Tensor<2>;
}

/// Frequencies by which the time is told, from a quarter of a period over all times on, each twice the one before.
const FREQUENCIES: usize = 6;
/// Numbers of a condition that tell the time: a sine and a cosine of each frequency.
pub const TIME_FEATURES: usize = 2 * FREQUENCIES;

/// Times in [0, 1] and classes as a [`Denoiser`] is told them, `[n, TIME_FEATURES + classes]`. `None` is no class: all zeros.
pub fn condition(times: &[f32], labels: &[Option<u8>], classes: usize) -> Vec<f32> {
    // While samples are drawn all of them have one time: its waves are computed once.
    let mut last = (f32::NAN, [0.0; TIME_FEATURES]);
    let row = |(&time, &label): (&f32, &Option<u8>)| {
        if last.0 != time {
            let angle = |i: usize| time * FRAC_PI_2 * 2f32.powi(i as i32 / 2);
            let wave = |i: usize| if i.is_multiple_of(2) { libm::sinf(angle(i)) } else { libm::cosf(angle(i)) };
            last = (time, std::array::from_fn(wave));
        }
        last.1
            .into_iter()
            .chain((0..classes).map(move |class| f32::from(u8::from(label.is_some_and(|l| usize::from(l) == class)))))
    };
    times.iter().zip(labels).flat_map(row).collect()
}
