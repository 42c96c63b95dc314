//! Softmax and cross entropy on WebGPU; one row a workgroup.

use super::super::cross_entropy::CrossEntropyOps;
use super::attention::{MIN_SCORE, workgroup_max};
use super::buffers::{arg, contiguous, empty};
use crate::nn::engine::gpu::rows::workgroup_sum;
use burn::backend::{Cube, TensorMetadata};
use burn_wgpu::CubeTensor;
use cubecl::prelude::*;

/// Threads in a workgroup.
const ROW_THREADS: usize = 64;

/// The row of this workgroup. Where there are more workgroups than rows, several compute the last one, with the same result.
#[cube]
fn own_row(rows: usize) -> usize {
    (CUBE_POS_Y as usize * CUBE_COUNT_X as usize + CUBE_POS_X as usize).min(rows - 1)
}

/// The largest of the logits from `first` on.
#[cube]
fn largest_logit(shared: &mut Shared<[f32]>, logits: &[f32], first: usize, classes: usize) -> f32 {
    let mut max = MIN_SCORE.runtime();
    for i in range_stepped(UNIT_POS as usize, classes, ROW_THREADS) {
        max = max.max(logits[first + i]);
    }
    workgroup_max(shared, max, ROW_THREADS)
}

/// The sum of `exp(logit - max)`.
#[cube]
fn sum_of_powers(shared: &mut Shared<[f32]>, logits: &[f32], first: usize, classes: usize, max: f32) -> f32 {
    let mut part = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, classes, ROW_THREADS) {
        part += (logits[first + i] - max).exp();
    }
    workgroup_sum(shared, part, ROW_THREADS)
}

#[cube(launch_unchecked)]
fn forward(logits: &[f32], targets: &[i32], out: &mut [f32], rows: usize, classes: usize) {
    let mut shared = Shared::<[f32]>::new_slice(ROW_THREADS);
    let row = own_row(rows);
    let max = largest_logit(&mut shared, logits, row * classes, classes);
    let total = sum_of_powers(&mut shared, logits, row * classes, classes, max);
    if UNIT_POS == 0 {
        out[row] = total.ln() + (max - logits[row * classes + targets[row] as usize]);
    }
}

#[cube(launch_unchecked)]
fn backward(logits: &[f32], targets: &[i32], gradient: &[f32], out: &mut [f32], rows: usize, classes: usize) {
    let mut shared = Shared::<[f32]>::new_slice(ROW_THREADS);
    let row = own_row(rows);
    let first = row * classes;
    let max = largest_logit(&mut shared, logits, first, classes);
    let total = sum_of_powers(&mut shared, logits, first, classes, max);
    let (target, g) = (targets[row] as usize, gradient[row]);
    for i in range_stepped(UNIT_POS as usize, classes, ROW_THREADS) {
        let share = (logits[first + i] - max).exp() / total;
        out[first + i] = g * (share - select(i == target, 1.0f32, 0.0f32));
    }
}

/// At least as many workgroups as rows. WebGPU's largest count along an axis is 65,535.
fn count(rows: usize) -> CubeCount {
    let high = rows.div_ceil(32768).max(1);
    CubeCount::Static(rows.div_ceil(high) as u32, high as u32, 1)
}

impl CrossEntropyOps for Cube {
    fn cross_entropy(logits: CubeTensor, targets: CubeTensor) -> CubeTensor {
        let (logits, targets) = (contiguous(logits), contiguous(targets));
        let [rows, classes] = logits.shape().dims();
        let out = empty(&logits, [rows]);
        // SAFETY: a target and a number of the result for each row.
        unsafe {
            forward::launch_unchecked(
                &logits.client,
                count(rows),
                CubeDim::new_1d(ROW_THREADS as u32),
                arg(&logits),
                arg(&targets),
                arg(&out),
                rows,
                classes,
            );
        }
        out
    }

    fn cross_entropy_backward(logits: CubeTensor, targets: CubeTensor, gradient: CubeTensor) -> CubeTensor {
        let [logits, targets, gradient] = [logits, targets, gradient].map(contiguous);
        let [rows, classes] = logits.shape().dims();
        let out = empty(&logits, logits.shape());
        // SAFETY: a target and a gradient for each row; `out` is as long as the logits.
        unsafe {
            backward::launch_unchecked(
                &logits.client,
                count(rows),
                CubeDim::new_1d(ROW_THREADS as u32),
                arg(&logits),
                arg(&targets),
                arg(&gradient),
                arg(&out),
                rows,
                classes,
            );
        }
        out
    }
}
