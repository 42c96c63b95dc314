//! Softmax and cross entropy on WebGPU: a row a workgroup.

use super::super::cross_entropy::CrossEntropy;
use super::attention::{LOWEST, largest};
use super::launch::{arg, empty, whole};
use crate::nn::engine::gpu::rows::sum;
use burn::backend::{Cube, TensorMetadata};
use burn_wgpu::CubeTensor;
use cubecl::prelude::*;

const THREADS: usize = 64;

/// Which row this workgroup has. There may be more workgroups than rows: the last is then done twice, with one result.
#[cube]
fn own_row(rows: usize) -> usize {
    (CUBE_POS_Y as usize * CUBE_COUNT_X as usize + CUBE_POS_X as usize).min(rows - 1)
}

/// The largest of the logits from `first` on.
#[cube]
fn largest_logit(shared: &mut Shared<[f32]>, logits: &[f32], first: usize, classes: usize) -> f32 {
    let mut most = LOWEST.runtime();
    for i in range_stepped(UNIT_POS as usize, classes, THREADS) {
        most = most.max(logits[first + i]);
    }
    largest(shared, most, THREADS)
}

/// The sum of e to the power of how much each of them is below it.
#[cube]
fn sum_of_powers(shared: &mut Shared<[f32]>, logits: &[f32], first: usize, classes: usize, most: f32) -> f32 {
    let mut part = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, classes, THREADS) {
        part += (logits[first + i] - most).exp();
    }
    sum(shared, part, THREADS)
}

#[cube(launch_unchecked)]
fn forward(logits: &[f32], targets: &[i32], out: &mut [f32], rows: usize, classes: usize) {
    let mut shared = Shared::<[f32]>::new_slice(THREADS);
    let row = own_row(rows);
    let most = largest_logit(&mut shared, logits, row * classes, classes);
    let total = sum_of_powers(&mut shared, logits, row * classes, classes, most);
    if UNIT_POS == 0 {
        out[row] = total.ln() + (most - logits[row * classes + targets[row] as usize]);
    }
}

#[cube(launch_unchecked)]
fn backward(logits: &[f32], targets: &[i32], gradient: &[f32], out: &mut [f32], rows: usize, classes: usize) {
    let mut shared = Shared::<[f32]>::new_slice(THREADS);
    let row = own_row(rows);
    let first = row * classes;
    let most = largest_logit(&mut shared, logits, first, classes);
    let total = sum_of_powers(&mut shared, logits, first, classes, most);
    let (target, g) = (targets[row] as usize, gradient[row]);
    for i in range_stepped(UNIT_POS as usize, classes, THREADS) {
        let share = (logits[first + i] - most).exp() / total;
        out[first + i] = g * (share - select(i == target, 1.0f32, 0.0f32));
    }
}

/// As many workgroups as rows, or a few more. WebGPU's largest count along an axis is 65,535.
fn count(rows: usize) -> CubeCount {
    let high = rows.div_ceil(32768).max(1);
    CubeCount::Static(rows.div_ceil(high) as u32, high as u32, 1)
}

impl CrossEntropy for Cube {
    fn cross_entropy(logits: CubeTensor, targets: CubeTensor) -> CubeTensor {
        let (logits, targets) = (whole(logits), whole(targets));
        let [rows, classes] = logits.shape().dims();
        let out = empty(&logits, [rows]);
        // SAFETY: a target and a number of the result for each row.
        unsafe {
            forward::launch_unchecked(
                &logits.client,
                count(rows),
                CubeDim::new_1d(THREADS as u32),
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
        let [logits, targets, gradient] = [logits, targets, gradient].map(whole);
        let [rows, classes] = logits.shape().dims();
        let out = empty(&logits, logits.shape());
        // SAFETY: a target and a gradient for each row; `out` is as long as the logits.
        unsafe {
            backward::launch_unchecked(
                &logits.client,
                count(rows),
                CubeDim::new_1d(THREADS as u32),
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
