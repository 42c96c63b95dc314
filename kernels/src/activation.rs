//! A bias with what follows it, in one pass, and its gradient.

/// What follows a layer. Its slope can be told from its result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    Identity,
    /// `max(x, 0) + slope * min(x, 0)`; ReLU with slope 0.
    Leaky(f32),
    Tanh,
    Sigmoid,
}

impl Activation {
    pub const RELU: Self = Self::Leaky(0.0);

    fn apply(self, values: &mut [f32]) {
        match self {
            Self::Identity => {}
            Self::Leaky(slope) => values.iter_mut().for_each(|v| *v = leaky(*v, slope)),
            Self::Tanh => values.iter_mut().for_each(|v| *v = 1.0 - 2.0 / (1.0 + exp(2.0 * *v))),
            Self::Sigmoid => values.iter_mut().for_each(|v| *v = 1.0 / (1.0 + exp(-*v))),
        }
    }

    /// Multiplies `gradient` with the slope where the result is `y`.
    fn differentiate(self, y: &[f32], gradient: &mut [f32]) {
        let pairs = gradient.iter_mut().zip(y);
        match self {
            Self::Identity => {}
            Self::Leaky(slope) => pairs.for_each(|(g, &y)| *g *= if y > 0.0 { 1.0 } else { slope }),
            Self::Tanh => pairs.for_each(|(g, &y)| *g *= 1.0 - y * y),
            Self::Sigmoid => pairs.for_each(|(g, &y)| *g *= y * (1.0 - y)),
        }
    }
}

/// `activation(x + bias)` in place: `x` is `[batch, channels, inner]`, `bias` `[channels]` or empty.
pub fn bias_act(x: &mut [f32], bias: &[f32], inner: usize, activation: Activation) {
    match (bias.len(), inner) {
        (0, _) => {}
        (n, 1) => x.chunks_exact_mut(n).for_each(|row| row.iter_mut().zip(bias).for_each(|(x, b)| *x += b)),
        (n, _) => {
            for (at, run) in x.chunks_exact_mut(inner).enumerate() {
                let bias = bias[at % n];
                run.iter_mut().for_each(|x| *x += bias);
            }
        }
    }
    activation.apply(x);
}

/// What is no number stays none: a run that diverges is to be noticed.
#[inline(always)]
pub(crate) fn leaky(x: f32, slope: f32) -> f32 {
    if x > 0.0 { x } else { slope * x }
}

/// From the result `y` and its gradient, the gradient of `x` in place of it, and that of the bias into `bias` (empty where
/// there is none).
pub fn bias_act_backward(y: &[f32], gradient: &mut [f32], bias: &mut [f32], inner: usize, activation: Activation) {
    activation.differentiate(y, gradient);
    match (bias.len(), inner) {
        (0, _) => {}
        (n, 1) => {
            for row in gradient.chunks_exact(n) {
                bias.iter_mut().zip(row).for_each(|(b, g)| *b += g);
            }
        }
        (n, _) => {
            for (at, run) in gradient.chunks_exact(inner).enumerate() {
                bias[at % n] += sum(run);
            }
        }
    }
}

/// The mean of `ln(1 + exp(sign x))`, without overflow.
pub fn softplus_mean(x: &[f32], sign: f32) -> f32 {
    let terms = x.iter().map(|x| f64::from((sign * x).max(0.0) + (-x.abs()).exp().ln_1p()));
    (terms.sum::<f64>() / x.len() as f64) as f32
}

/// The gradient of [`softplus_mean`] by `x`, times `gradient`.
pub fn softplus_mean_backward(x: &[f32], sign: f32, gradient: f32) -> Vec<f32> {
    let share = gradient * sign / x.len() as f32;
    x.iter().map(|x| share / (1.0 + (-sign * x).exp())).collect()
}

/// Sum of many numbers, eight at a time.
pub(crate) fn sum(values: &[f32]) -> f32 {
    let eights = values.chunks_exact(8);
    let rest: f32 = eights.remainder().iter().sum();
    let mut sums = [0.0; 8];
    for eight in eights {
        for (sum, value) in sums.iter_mut().zip(eight) {
            *sum += value;
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// e to the power of `x`, to 2e-7 of it, in operations that a vector unit has: a power of two, and the series of what is left.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let n = (x * std::f32::consts::LOG2_E + 0.5).floor();
    // To |r| <= ln 2 / 2, in two parts: n * ln 2 has more digits than f32.
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    let series =
        1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0))))));
    series * f32::from_bits(((n as i32 + 127) as u32) << 23)
}
