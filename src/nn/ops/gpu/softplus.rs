//! The mean of a softplus on WebGPU, which is the loss of a GAN, and its gradient.

use super::activation::ELEMENTWISE_THREADS;
use crate::nn::engine::gpu::rows::workgroup_sum;
use cubecl::prelude::*;

/// The mean of `ln(1 + exp(sign x))`, in one workgroup.
#[cube(launch_unchecked)]
pub fn softplus_mean(x: &[f32], out: &mut [f32], count: usize, sign: f32) {
    let mut shared = Shared::<[f32]>::new_slice(ELEMENTWISE_THREADS);
    let mut part = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, count, ELEMENTWISE_THREADS) {
        let v = sign * x[i];
        part += select(v > 0.0f32, v, 0.0f32) + (1.0f32 + (-v.abs()).exp()).ln();
    }
    let total = workgroup_sum(&mut shared, part, ELEMENTWISE_THREADS);
    if UNIT_POS == 0 {
        out[0] = total / f32::cast_from(count);
    }
}

/// The gradient of `x`, times `gradient[0]`.
#[cube(launch_unchecked)]
pub fn softplus_mean_backward(x: &[f32], gradient: &[f32], out: &mut [f32], count: usize, sign: f32) {
    if ABSOLUTE_POS < count {
        let v = -sign * x[ABSOLUTE_POS];
        let share = gradient[0] * sign / f32::cast_from(count);
        out[ABSOLUTE_POS] = share / (1.0f32 + select(v > 80.0f32, 80.0f32, v).exp());
    }
}
