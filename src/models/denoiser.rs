//! What all networks of diffusion models have in common: what they are told, and what they answer.

use burn::module::Module;
use burn::tensor::Tensor;
use std::f32::consts::FRAC_PI_2;

/// Predicts data, noise or velocity from noisy samples.
pub trait Denoiser: Module + 'static {
    /// # Shapes
    /// `x` flat noisy samples `[B, n]`, `condition` as [`condition`] writes it, `[B, TIME_FEATURES + features]`; returns the
    /// prediction `[B, n]`.
    fn forward(&self, x: Tensor<2>, condition: Tensor<2>) -> Tensor<2>;
}

/// Frequencies by which the time is told, from a quarter of a period over all times on, each twice the one before.
const FREQUENCIES: usize = 6;
/// Numbers of a condition that tell the time: a sine and a cosine of each frequency.
pub const TIME_FEATURES: usize = 2 * FREQUENCIES;

/// What a network is told of a sample beside its time: numbers that are not 0, with their places. Two at one place add up. Nothing where
/// it is empty.
pub type Told = Vec<(usize, f32)>;

/// Classes as a network is told them: a 1 at the place of the class. `None` is no class.
pub fn told_classes(labels: &[Option<u8>]) -> Vec<Told> {
    labels.iter().map(|label| label.iter().map(|class| (usize::from(*class), 1.0)).collect()).collect()
}

/// Times in [0, 1] and what is told beside them as a [`Denoiser`] takes it, `[n, TIME_FEATURES + features]`.
pub fn condition(times: &[f32], told: &[Told], features: usize) -> Vec<f32> {
    // While samples are drawn all of them have one time: its waves are computed once.
    let mut last = (f32::NAN, [0.0; TIME_FEATURES]);
    let mut values = Vec::with_capacity(times.len() * (TIME_FEATURES + features));
    for (&time, told) in times.iter().zip(told) {
        if last.0 != time {
            let angle = |i: usize| time * FRAC_PI_2 * 2f32.powi(i as i32 / 2);
            let wave = |i: usize| if i.is_multiple_of(2) { libm::sinf(angle(i)) } else { libm::cosf(angle(i)) };
            last = (time, std::array::from_fn(wave));
        }
        values.extend(last.1);
        let first = values.len();
        values.resize(first + features, 0.0);
        for &(place, value) in told.iter().filter(|(place, _)| *place < features) {
            values[first + place] += value;
        }
    }
    values
}
