//! A bias and an activation in one pass, and their gradients.

use super::elementwise::{map, sum_map, zip_map};
use super::simd::F32x4;

/// The activation after a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    Identity,
    /// `x` above zero, `slope * x` below.
    LeakyRelu(f32),
    Tanh,
    Sigmoid,
    /// `x sigmoid(x)` (Elfwing, Uchibe and Doya 2017, arXiv 1702.03118).
    Silu,
    /// `x` times the cumulative normal distribution at `x` (Hendrycks and Gimpel 2016, arXiv 1606.08415).
    Gelu,
    /// GELU in its usual approximation by tanh.
    GeluTanh,
}

impl Activation {
    pub const RELU: Self = Self::LeakyRelu(0.0);

    /// Whether its derivative is computed from the input. For all others it follows from the result.
    pub const fn needs_input(self) -> bool {
        matches!(self, Self::Silu | Self::Gelu | Self::GeluTanh)
    }

    fn apply(self, values: &mut [f32]) {
        let (one, two) = (F32x4::splat(1.0), F32x4::splat(2.0));
        match self {
            Self::Identity => {}
            Self::LeakyRelu(slope) => {
                let slope = F32x4::splat(slope);
                map(values, |v| leaky_relu(v, slope));
            }
            Self::Tanh => map(values, |v| one.sub(two.div(one.add(exp(two.mul(v)))))),
            Self::Sigmoid => map(values, sigmoid),
            Self::Silu => map(values, |v| v.div(one.add(exp(F32x4::splat(0.0).sub(v))))),
            Self::Gelu => map(values, |v| v.mul(normal_cdf(v))),
            Self::GeluTanh => gelu_tanh(values),
        }
    }

    /// Multiplies `gradient` by the derivative. `y` is the result, or the input where the activation [needs it](Self::needs_input).
    fn differentiate(self, y: &[f32], gradient: &mut [f32]) {
        let one = F32x4::splat(1.0);
        match self {
            Self::Identity => {}
            Self::LeakyRelu(slope) => {
                let slope = F32x4::splat(slope);
                zip_map(gradient, y, |g, y| g.mul(one.where_positive(y, slope)));
            }
            Self::Tanh => zip_map(gradient, y, |g, y| g.mul(one.sub(y.mul(y)))),
            Self::Sigmoid => zip_map(gradient, y, |g, y| g.mul(y.mul(one.sub(y)))),
            Self::Silu => zip_map(gradient, y, |g, x| {
                let s = sigmoid(x);
                g.mul(s.mul(one.add(x.mul(one.sub(s)))))
            }),
            Self::Gelu => zip_map(gradient, y, |g, x| {
                let [half, density] = [-0.5, 0.398_942_3].map(F32x4::splat);
                let near = x.clamped();
                g.mul(normal_cdf(x).add(near.mul(density).mul(exp(half.mul(near).mul(near)))))
            }),
            Self::GeluTanh => zip_map(gradient, y, |g, x| {
                // y = x s(2 u), where s is the sigmoid. Outside the range of `clamped` s is 0 or 1, and its derivative 0.
                let [cube, twice] = [3.0 * GELU_CUBE, 2.0 * GELU_SCALE].map(F32x4::splat);
                let (s, near) = (one.div(one.add(exp(gelu_exponent(x)))), x.clamped());
                let inner = twice.mul(one.add(cube.mul(near).mul(near)));
                g.mul(s.add(near.mul(inner).mul(s.mul(one.sub(s)))))
            }),
        }
    }
}

/// The constants of GELU's approximation: `u = GELU_SCALE (x + GELU_CUBE x^3)`, where GELU_SCALE is sqrt(2 / pi).
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

/// The cumulative normal distribution `(1 + erf(x / sqrt 2)) / 2`, to 4e-7; 0 for a NaN.
#[inline(always)]
fn normal_cdf(x: F32x4) -> F32x4 {
    let of = F32x4::splat;
    let v = x.mul(of(std::f32::consts::FRAC_1_SQRT_2));
    // Beyond 4 erf is 1 in f32.
    let from_end = of(4.0).sub(v.where_positive(v, of(0.0).sub(v)));
    let sign = of(1.0).where_positive(v, of(-1.0));
    let square = v.mul(v);
    let series = |terms: &[f32]| terms[1..].iter().fold(of(terms[0]), |sum, &term| sum.mul(square).add(of(term)));
    let near = v.mul(series(&ERF_NUMERATOR)).div(series(&ERF_DENOMINATOR));
    let erf = near.where_positive(from_end, sign);
    of(0.5).mul(of(1.0).add(erf))
}

/// erf for |v| < 4 as `v` times a quotient of two polynomials in `v^2`: the minimax fit that XLA uses.
pub const ERF_NUMERATOR: [f32; 7] =
    [-2.726_142_4e-10, 2.770_681_4e-8, -2.101_024e-6, -5.692_506_4e-5, -7.349_906e-4, -2.954_6e-3, -1.609_603_3e-2];
pub const ERF_DENOMINATOR: [f32; 5] = [-1.456_607_2e-5, -2.133_740_5e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2];

/// `activation(x + bias)` in place: `x` is `[batch, channels, inner]`, `bias` `[channels]` or empty.
#[inline(never)]
pub fn bias_act(x: &mut [f32], bias: &[f32], inner: usize, activation: Activation) {
    match (bias.len(), inner) {
        (0, _) => {}
        (n, 1) => x.chunks_exact_mut(n).for_each(|row| zip_map(row, bias, F32x4::add)),
        (n, _) => {
            for (at, run) in x.chunks_exact_mut(inner).enumerate() {
                let bias = F32x4::splat(bias[at % n]);
                map(run, |x| x.add(bias));
            }
        }
    }
    activation.apply(x);
}

/// Replaces the gradient of the result by that of `x`, and adds that of the bias to `bias` (empty where there is none). `y` is the
/// result, or `x + bias` where the activation [needs its input](Activation::needs_input).
#[inline(never)]
pub fn bias_act_backward(y: &[f32], gradient: &mut [f32], bias: &mut [f32], inner: usize, activation: Activation) {
    activation.differentiate(y, gradient);
    match (bias.len(), inner) {
        (0, _) => {}
        (n, 1) => gradient.chunks_exact(n).for_each(|row| zip_map(bias, row, F32x4::add)),
        (n, _) => {
            for (at, run) in gradient.chunks_exact(inner).enumerate() {
                bias[at % n] += sum_map(run, |g| g);
            }
        }
    }
}

/// GELU in its approximation by tanh (Hendrycks and Gimpel 2016, arXiv 1606.08415), in place.
#[inline(never)]
pub fn gelu_tanh(values: &mut [f32]) {
    // x / 2 (1 + tanh u) = x / (1 + exp(-2 u))
    let one = F32x4::splat(1.0);
    map(values, |x| x.div(one.add(exp(gelu_exponent(x)))));
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

/// A NaN stays NaN, so that a run that diverges is noticed.
#[inline(always)]
pub(crate) fn leaky_relu(x: F32x4, slope: F32x4) -> F32x4 {
    x.where_positive(x, slope.mul(x))
}

/// e^x with a relative error of 2e-7: a power of two times a Taylor series for the remainder.
#[inline(always)]
pub(crate) fn exp(x: F32x4) -> F32x4 {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let of = F32x4::splat;
    let x = x.clamped();
    let n = x.mul(of(std::f32::consts::LOG2_E)).add(of(0.5)).floor();
    // |r| <= ln 2 / 2. ln 2 is split in two, because n * ln 2 has more digits than an f32.
    let r = x.sub(n.mul(of(LN2_HIGH))).sub(n.mul(of(LN2_LOW)));
    let terms = [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let series = terms.into_iter().fold(of(1.0 / 720.0), |sum, term| sum.mul(r).add(of(term)));
    series.mul(n.power_of_two())
}
