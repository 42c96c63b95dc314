//! Batch norm with a leaky ReLU on WebGPU. A workgroup has one channel, whose numbers it reads several times.

use super::activation::ELEMENTWISE_THREADS;
use crate::nn::engine::gpu::rows::workgroup_sum;
use cubecl::prelude::*;

/// The place of number `i` of this workgroup's channel in `[batch, channels, inner]`.
#[cube]
fn place(i: usize, inner: usize) -> usize {
    ((i / inner) * CUBE_COUNT_X as usize + CUBE_POS_X as usize) * inner + i % inner
}

/// `leaky(weight (x - mean) / deviation + bias)`; mean and reciprocal standard deviation of each channel go to `statistics` `[2, channels]`.
#[cube(launch_unchecked)]
pub fn forward(
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    out: &mut [f32],
    statistics: &mut [f32],
    batch: usize,
    inner: usize,
    epsilon: f32,
    slope: f32,
) {
    let mut shared = Shared::<[f32]>::new_slice(ELEMENTWISE_THREADS);
    let (channel, channels) = (CUBE_POS_X as usize, CUBE_COUNT_X as usize);
    let many = batch * inner;
    let mut part = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, many, ELEMENTWISE_THREADS) {
        part += x[place(i, inner)];
    }
    let mean = workgroup_sum(&mut shared, part, ELEMENTWISE_THREADS) / f32::cast_from(many);
    // From the centred numbers: E[x^2] - E[x]^2 loses precision where the mean is large.
    let mut part = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, many, ELEMENTWISE_THREADS) {
        let v = x[place(i, inner)] - mean;
        part += v * v;
    }
    let scale =
        1.0f32 / (workgroup_sum(&mut shared, part, ELEMENTWISE_THREADS) / f32::cast_from(many) + epsilon).sqrt();
    if UNIT_POS == 0 {
        statistics[channel] = mean;
        statistics[channels + channel] = scale;
    }
    let (factor, offset) = (scale * weight[channel], bias[channel]);
    for i in range_stepped(UNIT_POS as usize, many, ELEMENTWISE_THREADS) {
        let at = place(i, inner);
        let v = (x[at] - mean) * factor + offset;
        out[at] = select(v > 0.0f32, v, slope * v);
    }
}

/// Gradients of weight and bias; that of `x` replaces `gradient`, that of the result. It takes seven buffers: WebGPU promises eight,
/// and one is for the sizes.
#[cube(launch_unchecked)]
pub fn backward(
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    statistics: &[f32],
    gradient: &mut [f32],
    grad_weight: &mut [f32],
    grad_bias: &mut [f32],
    batch: usize,
    inner: usize,
    slope: f32,
) {
    let mut shared = Shared::<[f32]>::new_slice(ELEMENTWISE_THREADS);
    let (channel, channels) = (CUBE_POS_X as usize, CUBE_COUNT_X as usize);
    let (mean, scale) = (statistics[channel], statistics[channels + channel]);
    let (factor, offset) = (scale * weight[channel], bias[channel]);
    let many = batch * inner;
    let mut part = 0.0f32;
    let mut weighted = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, many, ELEMENTWISE_THREADS) {
        let at = place(i, inner);
        let v = x[at] - mean;
        let g = gradient[at] * select(v * factor + offset > 0.0f32, 1.0f32, slope);
        part += g;
        weighted += g * v;
    }
    let grad_bias_here = workgroup_sum(&mut shared, part, ELEMENTWISE_THREADS);
    let grad_weight_here = workgroup_sum(&mut shared, weighted, ELEMENTWISE_THREADS) * scale;
    if UNIT_POS == 0 {
        grad_bias[channel] = grad_bias_here;
        grad_weight[channel] = grad_weight_here;
    }
    let by_bias = grad_bias_here / f32::cast_from(many);
    let by_weight = grad_weight_here / f32::cast_from(many) * scale;
    for i in range_stepped(UNIT_POS as usize, many, ELEMENTWISE_THREADS) {
        let at = place(i, inner);
        let v = x[at] - mean;
        let g = gradient[at] * select(v * factor + offset > 0.0f32, 1.0f32, slope);
        gradient[at] = factor * (g - by_bias - v * by_weight);
    }
}
