//! Activations on WebGPU, alone and with a bias.

use super::Activation;
use crate::nn::engine::gpu::rows::sum;
use cubecl::prelude::*;
use kiln_kernels::{ERF_ABOVE, ERF_BELOW};

/// Threads of a workgroup of everything that is done number by number, or channel by channel.
pub const THREADS: usize = 256;

/// An activation without its slope: one kernel then serves all slopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Curve {
    Identity,
    Leaky,
    Tanh,
    Sigmoid,
    Silu,
    Gelu,
    GeluTanh,
}

impl Curve {
    /// With the slope below zero, which only the leaky one has.
    pub fn of(activation: Activation) -> (Self, f32) {
        match activation {
            Activation::Identity => (Self::Identity, 1.0),
            Activation::Leaky(slope) => (Self::Leaky, slope),
            Activation::Tanh => (Self::Tanh, 0.0),
            Activation::Sigmoid => (Self::Sigmoid, 0.0),
            Activation::Silu => (Self::Silu, 0.0),
            Activation::Gelu => (Self::Gelu, 0.0),
            Activation::GeluTanh => (Self::GeluTanh, 0.0),
        }
    }
}

/// `e` to the power of `x`, which stays finite.
#[cube]
fn bounded_exp(x: f32) -> f32 {
    select(x > 80.0f32, 80.0f32, x).exp()
}

/// The share of the normal distribution that lies below `x`, as the CPU computes it.
#[allow(clippy::needless_range_loop)] // a kernel has no iterators
#[cube]
fn normal_below(x: f32) -> f32 {
    let v = x * comptime!(std::f32::consts::FRAC_1_SQRT_2);
    let square = v * v;
    let mut above = comptime!(ERF_ABOVE[0]).runtime();
    #[unroll]
    for i in 1..comptime!(ERF_ABOVE.len()) {
        above = above * square + comptime!(ERF_ABOVE[i]);
    }
    let mut below = comptime!(ERF_BELOW[0]).runtime();
    #[unroll]
    for i in 1..comptime!(ERF_BELOW.len()) {
        below = below * square + comptime!(ERF_BELOW[i]);
    }
    // Beyond 4 erf is 1 in f32.
    let erf = select(v.abs() < 4.0f32, v * above / below, select(v > 0.0f32, 1.0f32, -1.0f32));
    0.5f32 * (1.0f32 + erf)
}

/// The sigmoid of `x` times a number, by which GELU's approximation multiplies `x`.
#[cube]
fn gelu_gate(x: f32) -> f32 {
    let u = 0.797_884_6f32 * x * (1.0f32 + 0.044_715f32 * x * x);
    1.0f32 / (1.0f32 + bounded_exp(-2.0f32 * u))
}

/// `y`, but `x` where that is no number. Told by its bits: browsers may take it for granted that no comparison meets a NaN.
#[cube]
fn unless_nan(x: f32, y: f32) -> f32 {
    select(u32::reinterpret(x) & 0x7fff_ffffu32 > 0x7f80_0000u32, x, y)
}

/// The activation of `x`.
#[cube]
pub fn apply(x: f32, slope: f32, #[comptime] curve: Curve) -> f32 {
    let mut y = x;
    if comptime!(curve == Curve::Leaky) {
        y = select(x > 0.0f32, x, slope * x);
    }
    if comptime!(curve == Curve::Tanh) {
        // By exp, for some drivers' tanh overflows.
        y = unless_nan(x, 1.0f32 - 2.0f32 / (1.0f32 + bounded_exp(2.0f32 * x)));
    }
    if comptime!(curve == Curve::Sigmoid) {
        y = unless_nan(x, 1.0f32 / (1.0f32 + bounded_exp(-x)));
    }
    if comptime!(curve == Curve::Silu) {
        y = x / (1.0f32 + bounded_exp(-x));
    }
    if comptime!(curve == Curve::Gelu) {
        y = x * normal_below(x);
    }
    if comptime!(curve == Curve::GeluTanh) {
        y = x * gelu_gate(x);
    }
    y
}

/// The activation's slope where its result is `y`, or what went in where it [needs that](Activation::needs_input).
#[cube]
pub fn slope_at(y: f32, slope: f32, #[comptime] curve: Curve) -> f32 {
    let mut d = 1.0f32;
    if comptime!(curve == Curve::Leaky) {
        d = select(y > 0.0f32, 1.0f32, slope);
    }
    if comptime!(curve == Curve::Tanh) {
        d = 1.0f32 - y * y;
    }
    if comptime!(curve == Curve::Sigmoid) {
        d = y * (1.0f32 - y);
    }
    if comptime!(curve == Curve::Silu) {
        let s = 1.0f32 / (1.0f32 + bounded_exp(-y));
        d = s * (1.0f32 + y * (1.0f32 - s));
    }
    // Where x is far from 0 the slope of what it is multiplied by is none, and must not meet an infinity.
    if comptime!(curve == Curve::Gelu) {
        let near = select(y.abs() > 80.0f32, 0.0f32, y);
        d = unless_nan(y, normal_below(y) + near * 0.398_942_3f32 * (-0.5f32 * near * near).exp());
    }
    if comptime!(curve == Curve::GeluTanh) {
        let near = select(y.abs() > 80.0f32, 0.0f32, y);
        let s = gelu_gate(y);
        let inner = 2.0f32 * 0.797_884_6f32 * (1.0f32 + 3.0f32 * 0.044_715f32 * near * near);
        d = unless_nan(y, s + near * s * (1.0f32 - s) * inner);
    }
    d
}

/// The activation, a number a thread.
#[cube(launch_unchecked)]
pub fn forward(x: &[f32], out: &mut [f32], count: usize, slope: f32, #[comptime] curve: Curve) {
    if ABSOLUTE_POS < count {
        out[ABSOLUTE_POS] = apply(x[ABSOLUTE_POS], slope, curve);
    }
}

/// `activation(x + bias)`, a number a thread.
#[cube(launch_unchecked)]
pub fn forward_with_bias(
    x: &[f32],
    bias: &[f32],
    out: &mut [f32],
    count: usize,
    channels: usize,
    inner: usize,
    slope: f32,
    #[comptime] curve: Curve,
) {
    if ABSOLUTE_POS < count {
        let value = x[ABSOLUTE_POS] + bias[(ABSOLUTE_POS / inner) % channels];
        out[ABSOLUTE_POS] = apply(value, slope, curve);
    }
}

/// The gradient of what went in, a number a thread.
#[cube(launch_unchecked)]
pub fn backward(y: &[f32], gradient: &[f32], out: &mut [f32], count: usize, slope: f32, #[comptime] curve: Curve) {
    if ABSOLUTE_POS < count {
        out[ABSOLUTE_POS] = gradient[ABSOLUTE_POS] * slope_at(y[ABSOLUTE_POS], slope, curve);
    }
}

/// The gradient of what went in, and that of the bias: a channel a workgroup.
#[cube(launch_unchecked)]
pub fn backward_with_bias(
    y: &[f32],
    gradient: &[f32],
    out: &mut [f32],
    of_bias: &mut [f32],
    batch: usize,
    inner: usize,
    slope: f32,
    #[comptime] curve: Curve,
) {
    let mut shared = Shared::<[f32]>::new_slice(THREADS);
    let (channel, channels) = (CUBE_POS_X as usize, CUBE_COUNT_X as usize);
    let mut part = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, batch * inner, THREADS) {
        let at = ((i / inner) * channels + channel) * inner + i % inner;
        let value = gradient[at] * slope_at(y[at], slope, curve);
        out[at] = value;
        part += value;
    }
    let total = sum(&mut shared, part, THREADS);
    if UNIT_POS == 0 {
        of_bias[channel] = total;
    }
}
