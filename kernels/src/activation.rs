//! A bias with what follows it, in one pass, and its gradient.

use super::each::{each, each_with, sum_of};
use super::lanes::F32x4;

/// What follows a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    Identity,
    /// `x` above zero, `slope * x` below.
    Leaky(f32),
    Tanh,
    Sigmoid,
    /// `x sigmoid(x)` (Elfwing, Uchibe and Doya 2017, arXiv 1702.03118).
    Silu,
    /// `x` times the normal distribution's share below `x` (Hendrycks and Gimpel 2016, arXiv 1606.08415).
    Gelu,
    /// GELU by its usual approximation with tanh.
    GeluTanh,
}

impl Activation {
    pub const RELU: Self = Self::Leaky(0.0);

    /// Whether its slope is found from what goes in. That of the others can be told from the result.
    pub const fn needs_input(self) -> bool {
        matches!(self, Self::Silu | Self::Gelu | Self::GeluTanh)
    }

    fn apply(self, values: &mut [f32]) {
        let (one, two) = (F32x4::splat(1.0), F32x4::splat(2.0));
        match self {
            Self::Identity => {}
            Self::Leaky(slope) => {
                let slope = F32x4::splat(slope);
                each(values, |v| leaky(v, slope));
            }
            Self::Tanh => each(values, |v| one.sub(two.div(one.add(exp(two.mul(v)))))),
            Self::Sigmoid => each(values, sigmoid),
            Self::Silu => each(values, |v| v.div(one.add(exp(F32x4::splat(0.0).sub(v))))),
            Self::Gelu => each(values, |v| v.mul(normal_below(v))),
            Self::GeluTanh => gelu_tanh(values),
        }
    }

    /// Multiplies `gradient` with the slope where the result is `y`, or what went in where it [needs that](Self::needs_input).
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
            Self::Silu => each_with(gradient, y, |g, x| {
                let s = sigmoid(x);
                g.mul(s.mul(one.add(x.mul(one.sub(s)))))
            }),
            Self::Gelu => each_with(gradient, y, |g, x| {
                let [half, density] = [-0.5, 0.398_942_3].map(F32x4::splat);
                let near = x.clamped();
                g.mul(normal_below(x).add(near.mul(density).mul(exp(half.mul(near).mul(near)))))
            }),
            Self::GeluTanh => each_with(gradient, y, |g, x| {
                // y = x s(2 u), with s the sigmoid; beyond what `clamped` leaves, s is 0 or 1 and its slope none.
                let [cube, twice] = [3.0 * GELU_CUBE, 2.0 * GELU_SCALE].map(F32x4::splat);
                let (s, near) = (one.div(one.add(exp(gelu_exponent(x)))), x.clamped());
                let inner = twice.mul(one.add(cube.mul(near).mul(near)));
                g.mul(s.add(near.mul(inner).mul(s.mul(one.sub(s)))))
            }),
        }
    }
}

/// Of GELU's approximation: `u = GELU_SCALE (x + GELU_CUBE x^3)`, with sqrt(2 / pi).
const GELU_SCALE: f32 = 0.797_884_6;
const GELU_CUBE: f32 = 0.044_715;

/// `-2 u`.
#[inline(always)]
fn gelu_exponent(x: F32x4) -> F32x4 {
    let [one, cube, twice] = [1.0, GELU_CUBE, -2.0 * GELU_SCALE].map(F32x4::splat);
    let u = x.mul(one.add(cube.mul(x.mul(x))));
    twice.mul(u)
}

#[inline(always)]
fn sigmoid(x: F32x4) -> F32x4 {
    let one = F32x4::splat(1.0);
    one.div(one.add(exp(F32x4::splat(0.0).sub(x))))
}

/// The share of the normal distribution that lies below `x`: `(1 + erf(x / sqrt 2)) / 2`, to 4e-7. Of what is no number, 0.
#[inline(always)]
fn normal_below(x: F32x4) -> F32x4 {
    let of = F32x4::splat;
    let v = x.mul(of(std::f32::consts::FRAC_1_SQRT_2));
    // Beyond 4 erf is 1 in f32.
    let from_end = of(4.0).sub(v.where_positive(v, of(0.0).sub(v)));
    let sign = of(1.0).where_positive(v, of(-1.0));
    let square = v.mul(v);
    let series = |terms: &[f32]| terms[1..].iter().fold(of(terms[0]), |sum, &term| sum.mul(square).add(of(term)));
    let near = v.mul(series(&ERF_ABOVE)).div(series(&ERF_BELOW));
    let erf = near.where_positive(from_end, sign);
    of(0.5).mul(of(1.0).add(erf))
}

/// erf as `v` times one polynomial of `v^2` over another, for |v| < 4: the minimax fit that XLA uses.
pub const ERF_ABOVE: [f32; 7] =
    [-2.726_142_4e-10, 2.770_681_4e-8, -2.101_024e-6, -5.692_506_4e-5, -7.349_906e-4, -2.954_6e-3, -1.609_603_3e-2];
pub const ERF_BELOW: [f32; 5] = [-1.456_607_2e-5, -2.133_740_5e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2];

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

/// From the result `y` (or `x + bias` where the activation [needs that](Activation::needs_input)) and the result's gradient: the
/// gradient of `x` in place of it, and that of the bias added to `bias` (empty where there is none).
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
    // x / 2 (1 + tanh u) = x / (1 + exp(-2 u))
    let one = F32x4::splat(1.0);
    each(values, |x| x.div(one.add(exp(gelu_exponent(x)))));
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
