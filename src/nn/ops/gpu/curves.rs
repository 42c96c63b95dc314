//! Activations on WebGPU, alone and with a bias.

use super::Activation;
use crate::nn::engine::gpu::rows::sum;
use cubecl::prelude::*;

/// Threads of a workgroup of everything that is done number by number, or channel by channel.
pub const THREADS: usize = 256;

/// An activation without its slope: one kernel then serves all slopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Curve {
    Identity,
    Leaky,
    Tanh,
    Sigmoid,
}

impl Curve {
    /// With the slope below zero, which only the leaky one has.
    pub fn of(activation: Activation) -> (Self, f32) {
        match activation {
            Activation::Identity => (Self::Identity, 1.0),
            Activation::Leaky(slope) => (Self::Leaky, slope),
            Activation::Tanh => (Self::Tanh, 0.0),
            Activation::Sigmoid => (Self::Sigmoid, 0.0),
        }
    }
}

/// `e` to the power of `x`, which stays finite.
#[cube]
fn bounded_exp(x: f32) -> f32 {
    select(x > 80.0f32, 80.0f32, x).exp()
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
    y
}

/// The activation's slope where its result is `y`.
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
