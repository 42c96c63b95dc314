//! A bias with what follows it, in one pass, and its gradient.

use super::each::{each, each_with, sum_of};
use super::lanes::F32x4;

/// What follows a layer. Its slope can be told from its result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    Identity,
    /// `x` above zero, `slope * x` below.
    Leaky(f32),
    Tanh,
    Sigmoid,
}

impl Activation {
    pub const RELU: Self = Self::Leaky(0.0);

    fn apply(self, values: &mut [f32]) {
        let (one, two) = (F32x4::splat(1.0), F32x4::splat(2.0));
        match self {
            Self::Identity => {}
            Self::Leaky(slope) => {
                let slope = F32x4::splat(slope);
                each(values, |v| leaky(v, slope));
            }
            Self::Tanh => each(values, |v| one.sub(two.div(one.add(exp(two.mul(v)))))),
            Self::Sigmoid => each(values, |v| one.div(one.add(exp(F32x4::splat(0.0).sub(v))))),
        }
    }

    /// Multiplies `gradient` with the slope where the result is `y`.
    fn differentiate(self, y: &[f32], gradient: &mut [f32]) {
        let one = F32x4::splat(1.0);
        match self {
            Self::Identity => {}
            Self::Leaky(slope) => {
                let slope = F32x4::splat(slope);
                each_with(gradient, y, |g, y| g.mul(one.where_positive(y, slope)));
            }
            Self::Tanh => each_with(gradient, y, |g, y| g.mul(one.sub(y.mul(y)))),
            Self::Sigmoid => each_with(gradient, y, |g, y| g.mul(y.mul(one.sub(y)))),
        }
    }
}

/// `activation(x + bias)` in place: `x` is `[batch, channels, inner]`, `bias` `[channels]` or empty.
#[inline(never)]
pub fn bias_act(x: &mut [f32], bias: &[f32], inner: usize, activation: Activation) {
    match (bias.len(), inner) {
        (0, _) => {}
        (n, 1) => x.chunks_exact_mut(n).for_each(|row| each_with(row, bias, F32x4::add)),
        (n, _) => {
            for (at, run) in x.chunks_exact_mut(inner).enumerate() {
                let bias = F32x4::splat(bias[at % n]);
                each(run, |x| x.add(bias));
            }
        }
    }
    activation.apply(x);
}

/// From the result `y` and its gradient, the gradient of `x` in place of it, and that of the bias added to `bias` (empty where
/// there is none).
#[inline(never)]
pub fn bias_act_backward(y: &[f32], gradient: &mut [f32], bias: &mut [f32], inner: usize, activation: Activation) {
    activation.differentiate(y, gradient);
    match (bias.len(), inner) {
        (0, _) => {}
        (n, 1) => gradient.chunks_exact(n).for_each(|row| each_with(bias, row, F32x4::add)),
        (n, _) => {
            for (at, run) in gradient.chunks_exact(inner).enumerate() {
                bias[at % n] += sum_of(run, |g| g);
            }
        }
    }
}

/// GELU by its usual approximation with tanh (Hendrycks and Gimpel 2016, arXiv 1606.08415), in place.
#[inline(never)]
pub fn gelu_tanh(values: &mut [f32]) {
    // x / 2 (1 + tanh u) = x / (1 + exp(-2 u)), u = sqrt(2 / pi) (x + 0.044715 x^3)
    let [one, cube, twice] = [1.0, 0.044_715, -2.0 * 0.797_884_6].map(F32x4::splat);
    each(values, |x| {
        let u = x.mul(one.add(cube.mul(x.mul(x))));
        x.div(one.add(exp(twice.mul(u))))
    });
}

/// The mean of `ln(1 + exp(sign x))`, without overflow.
#[inline(never)]
pub fn softplus_mean(x: &[f32], sign: f32) -> f32 {
    let terms = x.iter().map(|x| f64::from((sign * x).max(0.0) + (-x.abs()).exp().ln_1p()));
    (terms.sum::<f64>() / x.len() as f64) as f32
}

/// The gradient of [`softplus_mean`] by `x`, times `gradient`.
#[inline(never)]
pub fn softplus_mean_backward(x: &[f32], sign: f32, gradient: f32) -> Vec<f32> {
    let share = gradient * sign / x.len() as f32;
    x.iter().map(|x| share / (1.0 + (-sign * x).exp())).collect()
}

/// What is no number stays none: a run that diverges is to be noticed.
#[inline(always)]
pub(crate) fn leaky(x: F32x4, slope: F32x4) -> F32x4 {
    x.where_positive(x, slope.mul(x))
}

/// e to the power of `x`, to 2e-7 of it: a power of two, and the series of what is left.
#[inline(always)]
pub(crate) fn exp(x: F32x4) -> F32x4 {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let of = F32x4::splat;
    let x = x.clamped();
    let n = x.mul(of(std::f32::consts::LOG2_E)).add(of(0.5)).floor();
    // To |r| <= ln 2 / 2, in two parts: n * ln 2 has more digits than f32.
    let r = x.sub(n.mul(of(LN2_HIGH))).sub(n.mul(of(LN2_LOW)));
    let terms = [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let series = terms.into_iter().fold(of(1.0 / 720.0), |sum, term| sum.mul(r).add(of(term)));
    series.mul(n.power_of_two())
}
