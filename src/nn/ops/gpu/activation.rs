//! Activations on WebGPU, with and without a bias.

use crate::nn::engine::gpu::rows::workgroup_sum;
use cubecl::prelude::*;
use kiln_kernels::{Activation, ERF_DENOMINATOR, ERF_NUMERATOR};

/// Threads in a workgroup of elementwise kernels, and of those that reduce a channel.
pub const ELEMENTWISE_THREADS: usize = 256;

/// An activation without its slope, so that one kernel serves all slopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActivationKind {
    Identity,
    Leaky,
    Tanh,
    Sigmoid,
    Silu,
    Gelu,
    GeluTanh,
}

impl ActivationKind {
    /// Returns the slope below zero too, which only the leaky ReLU has.
    pub fn of(activation: Activation) -> (Self, f32) {
        match activation {
            Activation::Identity => (Self::Identity, 1.0),
            Activation::LeakyRelu(slope) => (Self::Leaky, slope),
            Activation::Tanh => (Self::Tanh, 0.0),
            Activation::Sigmoid => (Self::Sigmoid, 0.0),
            Activation::Silu => (Self::Silu, 0.0),
            Activation::Gelu => (Self::Gelu, 0.0),
            Activation::GeluTanh => (Self::GeluTanh, 0.0),
        }
    }
}

/// `e^x` that stays finite.
#[cube]
fn bounded_exp(x: f32) -> f32 {
    select(x > 80.0f32, 80.0f32, x).exp()
}

/// The cumulative normal distribution, as the CPU computes it.
#[allow(clippy::needless_range_loop)] // a kernel has no iterators
#[cube]
fn normal_cdf(x: f32) -> f32 {
    let v = x * comptime!(std::f32::consts::FRAC_1_SQRT_2);
    let square = v * v;
    let mut above = comptime!(ERF_NUMERATOR[0]).runtime();
    #[unroll]
    for i in 1..comptime!(ERF_NUMERATOR.len()) {
        above = above * square + comptime!(ERF_NUMERATOR[i]);
    }
    let mut below = comptime!(ERF_DENOMINATOR[0]).runtime();
    #[unroll]
    for i in 1..comptime!(ERF_DENOMINATOR.len()) {
        below = below * square + comptime!(ERF_DENOMINATOR[i]);
    }
    // Beyond 4 erf is 1 in f32.
    let erf = select(v.abs() < 4.0f32, v * above / below, select(v > 0.0f32, 1.0f32, -1.0f32));
    0.5f32 * (1.0f32 + erf)
}

/// The factor of `x` in GELU's approximation, a sigmoid.
#[cube]
fn gelu_gate(x: f32) -> f32 {
    let u = 0.797_884_6f32 * x * (1.0f32 + 0.044_715f32 * x * x);
    1.0f32 / (1.0f32 + bounded_exp(-2.0f32 * u))
}

/// `y`, or `x` where that is NaN. It is tested by its bits: browsers may assume that comparisons meet no NaN.
#[cube]
fn unless_nan(x: f32, y: f32) -> f32 {
    select(u32::reinterpret(x) & 0x7fff_ffffu32 > 0x7f80_0000u32, x, y)
}

/// The activation of `x`.
#[cube]
pub fn apply(x: f32, slope: f32, #[comptime] activation: ActivationKind) -> f32 {
    let mut y = x;
    if comptime!(activation == ActivationKind::Leaky) {
        y = select(x > 0.0f32, x, slope * x);
    }
    if comptime!(activation == ActivationKind::Tanh) {
        // By exp, because tanh overflows on some drivers.
        y = unless_nan(x, 1.0f32 - 2.0f32 / (1.0f32 + bounded_exp(2.0f32 * x)));
    }
    if comptime!(activation == ActivationKind::Sigmoid) {
        y = unless_nan(x, 1.0f32 / (1.0f32 + bounded_exp(-x)));
    }
    if comptime!(activation == ActivationKind::Silu) {
        y = x / (1.0f32 + bounded_exp(-x));
    }
    if comptime!(activation == ActivationKind::Gelu) {
        y = x * normal_cdf(x);
    }
    if comptime!(activation == ActivationKind::GeluTanh) {
        y = x * gelu_gate(x);
    }
    y
}

/// The derivative of the activation. `y` is its result, or its input where it [needs that](Activation::needs_input).
#[cube]
pub fn derivative(y: f32, slope: f32, #[comptime] activation: ActivationKind) -> f32 {
    let mut d = 1.0f32;
    if comptime!(activation == ActivationKind::Leaky) {
        d = select(y > 0.0f32, 1.0f32, slope);
    }
    if comptime!(activation == ActivationKind::Tanh) {
        d = 1.0f32 - y * y;
    }
    if comptime!(activation == ActivationKind::Sigmoid) {
        d = y * (1.0f32 - y);
    }
    if comptime!(activation == ActivationKind::Silu) {
        let s = 1.0f32 / (1.0f32 + bounded_exp(-y));
        d = s * (1.0f32 + y * (1.0f32 - s));
    }
    // Far from 0 the derivative of the factor is 0, which must not be multiplied by infinity.
    if comptime!(activation == ActivationKind::Gelu) {
        let near = select(y.abs() > 80.0f32, 0.0f32, y);
        d = unless_nan(y, normal_cdf(y) + near * 0.398_942_3f32 * (-0.5f32 * near * near).exp());
    }
    if comptime!(activation == ActivationKind::GeluTanh) {
        let near = select(y.abs() > 80.0f32, 0.0f32, y);
        let s = gelu_gate(y);
        let inner = 2.0f32 * 0.797_884_6f32 * (1.0f32 + 3.0f32 * 0.044_715f32 * near * near);
        d = unless_nan(y, s + near * s * (1.0f32 - s) * inner);
    }
    d
}

/// The activation; one number a thread.
#[cube(launch_unchecked)]
pub fn forward(x: &[f32], out: &mut [f32], count: usize, slope: f32, #[comptime] activation: ActivationKind) {
    if ABSOLUTE_POS < count {
        out[ABSOLUTE_POS] = apply(x[ABSOLUTE_POS], slope, activation);
    }
}

/// `activation(x + bias)`; one number a thread.
#[cube(launch_unchecked)]
pub fn forward_with_bias(
    x: &[f32],
    bias: &[f32],
    out: &mut [f32],
    count: usize,
    channels: usize,
    inner: usize,
    slope: f32,
    #[comptime] activation: ActivationKind,
) {
    if ABSOLUTE_POS < count {
        let value = x[ABSOLUTE_POS] + bias[(ABSOLUTE_POS / inner) % channels];
        out[ABSOLUTE_POS] = apply(value, slope, activation);
    }
}

/// The gradient of the input; one number a thread.
#[cube(launch_unchecked)]
pub fn backward(
    y: &[f32],
    gradient: &[f32],
    out: &mut [f32],
    count: usize,
    slope: f32,
    #[comptime] activation: ActivationKind,
) {
    if ABSOLUTE_POS < count {
        out[ABSOLUTE_POS] = gradient[ABSOLUTE_POS] * derivative(y[ABSOLUTE_POS], slope, activation);
    }
}

/// Gradients of the input and of the bias; one channel a workgroup.
#[cube(launch_unchecked)]
pub fn backward_with_bias(
    y: &[f32],
    gradient: &[f32],
    out: &mut [f32],
    grad_bias: &mut [f32],
    batch: usize,
    inner: usize,
    slope: f32,
    #[comptime] activation: ActivationKind,
) {
    let mut shared = Shared::<[f32]>::new_slice(ELEMENTWISE_THREADS);
    let (channel, channels) = (CUBE_POS_X as usize, CUBE_COUNT_X as usize);
    let mut part = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, batch * inner, ELEMENTWISE_THREADS) {
        let at = ((i / inner) * channels + channel) * inner + i % inner;
        let value = gradient[at] * derivative(y[at], slope, activation);
        out[at] = value;
        part += value;
    }
    let total = workgroup_sum(&mut shared, part, ELEMENTWISE_THREADS);
    if UNIT_POS == 0 {
        grad_bias[channel] = total;
    }
}
