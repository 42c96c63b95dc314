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
const FREQUENCIES: i32 = 6;
/// Numbers of a condition that tell the time: a sine and a cosine of each frequency.
pub const TIME_FEATURES: usize = 2 * FREQUENCIES as usize;

/// Times in [0, 1] and classes as a [`Denoiser`] is told them, `[n, TIME_FEATURES + classes]`. `None` is no class: all zeros.
pub fn condition(times: &[f32], labels: &[Option<u8>], classes: usize) -> Vec<f32> {
    let row = |(&time, &label): (&f32, &Option<u8>)| {
        let angle = move |k| time * FRAC_PI_2 * 2f32.powi(k);
        let waves = (0..FREQUENCIES).flat_map(move |k| [libm::sinf(angle(k)), libm::cosf(angle(k))]);
        waves.chain((0..classes).map(move |class| f32::from(u8::from(label.is_some_and(|l| usize::from(l) == class)))))
    };
    times.iter().zip(labels).flat_map(row).collect()
}
