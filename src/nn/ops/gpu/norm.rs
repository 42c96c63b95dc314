//! Batch norm with a leaky ReLU on WebGPU: a channel a workgroup, which reads its numbers as often as it has to.

use super::curves::THREADS;
use crate::nn::engine::gpu::rows::sum;
use cubecl::prelude::*;

/// Where number `i` of this workgroup's channel lies in `[batch, channels, inner]`.
#[cube]
fn place(i: usize, inner: usize) -> usize {
    ((i / inner) * CUBE_COUNT_X as usize + CUBE_POS_X as usize) * inner + i % inner
}

/// `leaky(weight (x - mean) / deviation + bias)`; mean and reciprocal deviation of each channel into `statistics` `[2, channels]`.
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
    let mut shared = Shared::<[f32]>::new_slice(THREADS);
    let (channel, channels) = (CUBE_POS_X as usize, CUBE_COUNT_X as usize);
    let many = batch * inner;
    let mut part = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, many, THREADS) {
        part += x[place(i, inner)];
    }
    let mean = sum(&mut shared, part, THREADS) / f32::cast_from(many);
    // Of the centred numbers: E[x^2] - E[x]^2 loses its digits where the mean is large.
    let mut part = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, many, THREADS) {
        let v = x[place(i, inner)] - mean;
        part += v * v;
    }
    let scale = 1.0f32 / (sum(&mut shared, part, THREADS) / f32::cast_from(many) + epsilon).sqrt();
    if UNIT_POS == 0 {
        statistics[channel] = mean;
        statistics[channels + channel] = scale;
    }
    let (factor, offset) = (scale * weight[channel], bias[channel]);
    for i in range_stepped(UNIT_POS as usize, many, THREADS) {
        let at = place(i, inner);
        let v = (x[at] - mean) * factor + offset;
        out[at] = select(v > 0.0f32, v, slope * v);
    }
}

/// Gradients of `x`, in place of the result's in `gradient`, of the weight and of the bias. Seven buffers, for WebGPU promises
/// eight and one is for the sizes.
#[cube(launch_unchecked)]
pub fn backward(
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    statistics: &[f32],
    gradient: &mut [f32],
    of_weight: &mut [f32],
    of_bias: &mut [f32],
    batch: usize,
    inner: usize,
    slope: f32,
) {
    let mut shared = Shared::<[f32]>::new_slice(THREADS);
    let (channel, channels) = (CUBE_POS_X as usize, CUBE_COUNT_X as usize);
    let (mean, scale) = (statistics[channel], statistics[channels + channel]);
    let (factor, offset) = (scale * weight[channel], bias[channel]);
    let many = batch * inner;
    let mut part = 0.0f32;
    let mut weighted = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, many, THREADS) {
        let at = place(i, inner);
        let v = x[at] - mean;
        let g = gradient[at] * select(v * factor + offset > 0.0f32, 1.0f32, slope);
        part += g;
        weighted += g * v;
    }
    let of_bias_here = sum(&mut shared, part, THREADS);
    let of_weight_here = sum(&mut shared, weighted, THREADS) * scale;
    if UNIT_POS == 0 {
        of_bias[channel] = of_bias_here;
        of_weight[channel] = of_weight_here;
    }
    let by_bias = of_bias_here / f32::cast_from(many);
    let by_weight = of_weight_here / f32::cast_from(many) * scale;
    for i in range_stepped(UNIT_POS as usize, many, THREADS) {
        let at = place(i, inner);
        let v = x[at] - mean;
        let g = gradient[at] * select(v * factor + offset > 0.0f32, 1.0f32, slope);
        gradient[at] = factor * (g - by_bias - v * by_weight);
    }
}
