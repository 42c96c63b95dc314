//! Row norms on WebGPU. A workgroup has one row, and for the gradients of weight and bias one channel.

use super::super::row_norm::{RowNorm, RowNormOps};
use super::activation::ELEMENTWISE_THREADS;
use super::buffers::{arg, contiguous, empty, len};
use crate::nn::engine::gpu::rows::workgroup_sum;
use burn::backend::{Cube, TensorMetadata};
use burn_wgpu::CubeTensor;
use cubecl::prelude::*;

/// The row of this workgroup. Where there are more workgroups than rows, several compute the last one, with the same result.
#[cube]
fn own_row(rows: usize) -> usize {
    (CUBE_POS_Y as usize * CUBE_COUNT_X as usize + CUBE_POS_X as usize).min(rows - 1)
}

/// The channel of number `i` of a row of `n`.
#[cube]
fn channel(row: usize, i: usize, n: usize, groups: usize, inner: usize) -> usize {
    row % groups * (n / inner) + i / inner
}

/// Mean and reciprocal standard deviation of each row go to `statistics` `[2, rows]`.
#[cube(launch_unchecked)]
fn forward(
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    out: &mut [f32],
    statistics: &mut [f32],
    rows: usize,
    n: usize,
    groups: usize,
    inner: usize,
    epsilon: f32,
    #[comptime] centred: bool,
    #[comptime] biased: bool,
    #[comptime] threads: usize,
) {
    let mut shared = Shared::<[f32]>::new_slice(threads);
    let row = own_row(rows);
    let (first, count) = (row * n, f32::cast_from(n));
    let mut mean = 0.0f32;
    if comptime!(centred) {
        let mut part = 0.0f32;
        for i in range_stepped(UNIT_POS as usize, n, threads) {
            part += x[first + i];
        }
        mean = workgroup_sum(&mut shared, part, threads) / count;
    }
    // From the centred numbers: E[x^2] - E[x]^2 loses precision where the mean is large.
    let mut part = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, n, threads) {
        let v = x[first + i] - mean;
        part += v * v;
    }
    let scale = 1.0f32 / (workgroup_sum(&mut shared, part, threads) / count + epsilon).sqrt();
    if UNIT_POS == 0 {
        statistics[row] = mean;
        statistics[rows + row] = scale;
    }
    for i in range_stepped(UNIT_POS as usize, n, threads) {
        let c = channel(row, i, n, groups, inner);
        let mut v = (x[first + i] - mean) * scale * weight[c];
        if comptime!(biased) {
            v += bias[c];
        }
        out[first + i] = v;
    }
}

/// Gradients of weight and bias; one channel a workgroup.
#[cube(launch_unchecked)]
fn grad_channels(
    x: &[f32],
    statistics: &[f32],
    gradient: &[f32],
    grad_weight: &mut [f32],
    grad_bias: &mut [f32],
    rows: usize,
    n: usize,
    groups: usize,
    inner: usize,
) {
    let mut shared = Shared::<[f32]>::new_slice(ELEMENTWISE_THREADS);
    let (c, channels) = (CUBE_POS_X as usize, n / inner);
    let mut part = 0.0f32;
    let mut weighted = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, rows / groups * inner, ELEMENTWISE_THREADS) {
        let row = i / inner * groups + c / channels;
        let at = row * n + c % channels * inner + i % inner;
        let g = gradient[at];
        part += g;
        weighted += g * (x[at] - statistics[row]) * statistics[rows + row];
    }
    let grad_bias_here = workgroup_sum(&mut shared, part, ELEMENTWISE_THREADS);
    let grad_weight_here = workgroup_sum(&mut shared, weighted, ELEMENTWISE_THREADS);
    if UNIT_POS == 0 {
        grad_bias[c] = grad_bias_here;
        grad_weight[c] = grad_weight_here;
    }
}

/// The gradient of `x`.
#[cube(launch_unchecked)]
fn grad_input(
    x: &[f32],
    weight: &[f32],
    statistics: &[f32],
    gradient: &[f32],
    out: &mut [f32],
    rows: usize,
    n: usize,
    groups: usize,
    inner: usize,
    #[comptime] centred: bool,
    #[comptime] threads: usize,
) {
    let mut shared = Shared::<[f32]>::new_slice(threads);
    let row = own_row(rows);
    let (first, mean, scale) = (row * n, statistics[row], statistics[rows + row]);
    let mut part = 0.0f32;
    let mut along = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, n, threads) {
        let g = gradient[first + i] * weight[channel(row, i, n, groups, inner)];
        part += g;
        along += g * (x[first + i] - mean) * scale;
    }
    let count = f32::cast_from(n);
    let mut off = 0.0f32;
    if comptime!(centred) {
        off = workgroup_sum(&mut shared, part, threads) / count;
    }
    let along = workgroup_sum(&mut shared, along, threads) / count;
    for i in range_stepped(UNIT_POS as usize, n, threads) {
        let g = gradient[first + i] * weight[channel(row, i, n, groups, inner)];
        let v = (x[first + i] - mean) * scale;
        out[first + i] = (g - off - v * along) * scale;
    }
}

/// Rows, numbers in a row, workgroups, and threads in a workgroup: fewer for short rows.
fn sizes(x: &CubeTensor, weight: &CubeTensor, norm: RowNorm) -> (usize, usize, CubeCount, usize) {
    let n = len(weight) / norm.groups * norm.inner;
    let rows = len(x) / n;
    // WebGPU's largest count along an axis is 65,535.
    let high = rows.div_ceil(32768);
    let count = CubeCount::Static(rows.div_ceil(high) as u32, high as u32, 1);
    (rows, n, count, if n <= 512 { 64 } else { ELEMENTWISE_THREADS })
}

impl RowNormOps for Cube {
    fn row_norm(
        x: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        norm: RowNorm,
        biased: bool,
    ) -> (CubeTensor, CubeTensor) {
        let [x, weight, bias] = [x, weight, bias].map(contiguous);
        let (rows, n, count, threads) = sizes(&x, &weight, norm);
        let (out, statistics) = (empty(&x, x.shape()), empty(&x, [2, rows]));
        // SAFETY: `out` is as long as `x`, weight and bias have a number for each channel, the statistics two for each row.
        unsafe {
            forward::launch_unchecked(
                &x.client,
                count,
                CubeDim::new_1d(threads as u32),
                arg(&x),
                arg(&weight),
                arg(&bias),
                arg(&out),
                arg(&statistics),
                rows,
                n,
                norm.groups,
                norm.inner,
                norm.epsilon,
                norm.centred,
                biased,
                threads,
            );
        }
        (out, statistics)
    }

    fn row_norm_backward(
        x: CubeTensor,
        weight: CubeTensor,
        statistics: CubeTensor,
        gradient: CubeTensor,
        norm: RowNorm,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let [x, weight, statistics, gradient] = [x, weight, statistics, gradient].map(contiguous);
        let (rows, n, count, threads) = sizes(&x, &weight, norm);
        let channels = len(&weight);
        let [grad_weight, grad_bias] = [(); 2].map(|()| empty(&x, [channels]));
        let out = empty(&x, x.shape());
        // SAFETY: as in `row_norm`; each gradient is as long as its tensor.
        unsafe {
            grad_channels::launch_unchecked(
                &x.client,
                CubeCount::Static(channels as u32, 1, 1),
                CubeDim::new_1d(ELEMENTWISE_THREADS as u32),
                arg(&x),
                arg(&statistics),
                arg(&gradient),
                arg(&grad_weight),
                arg(&grad_bias),
                rows,
                n,
                norm.groups,
                norm.inner,
            );
            grad_input::launch_unchecked(
                &x.client,
                count,
                CubeDim::new_1d(threads as u32),
                arg(&x),
                arg(&weight),
                arg(&statistics),
                arg(&gradient),
                arg(&out),
                rows,
                n,
                norm.groups,
                norm.inner,
                norm.centred,
                threads,
            );
        }
        (out, grad_weight, grad_bias)
    }
}
