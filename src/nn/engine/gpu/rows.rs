//! Operations on rows of activations.

use super::weights::{WeightLayout, scale, unpack};
use cubecl::prelude::*;

/// The sum of the numbers of all threads of the workgroup.
#[cube]
pub fn workgroup_sum(shared: &mut Shared<[f32]>, value: f32, #[comptime] threads: usize) -> f32 {
    shared[UNIT_POS as usize] = value;
    #[unroll]
    for step in 0..comptime!(threads.ilog2() as usize) {
        sync_cube();
        let half = comptime!(threads >> (step + 1));
        if (UNIT_POS as usize) < half {
            let other = shared[UNIT_POS as usize + half];
            shared[UNIT_POS as usize] += other;
        }
    }
    sync_cube();
    let total = shared[0];
    sync_cube();
    total
}

/// Normalises rows of `width` numbers, one a workgroup: layer norm where `layer`, else RMS norm.
#[cube(launch_unchecked)]
pub fn norm(
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    out: &mut [f32],
    width: usize,
    eps: f32,
    #[comptime] layer: bool,
    #[comptime] threads: usize,
) {
    let mut shared = Shared::<[f32]>::new_slice(threads);
    let first = CUBE_POS_X as usize * width;
    let count = f32::cast_from(width);
    let mut mean = 0.0f32;
    if comptime!(layer) {
        let mut part = 0.0f32;
        for i in range_stepped(UNIT_POS as usize, width, threads) {
            part += x[first + i];
        }
        mean = workgroup_sum(&mut shared, part, threads) / count;
    }
    let mut part = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, width, threads) {
        let v = x[first + i] - mean;
        part += v * v;
    }
    let scale = 1.0f32 / (workgroup_sum(&mut shared, part, threads) / count + eps).sqrt();
    for i in range_stepped(UNIT_POS as usize, width, threads) {
        let mut v = (x[first + i] - mean) * scale * weight[i];
        if comptime!(layer) {
            v += bias[i];
        }
        out[first + i] = v;
    }
}

/// Copies row `id` of a table to row `row` of `out`; a unit a thread.
#[cube(launch_unchecked)]
pub fn embed<N: Size>(
    table: &[Vector<u32, N>],
    out: &mut [Vector<f32, N>],
    id: usize,
    row: usize,
    rows: usize,
    units: usize,
    #[comptime] layout: WeightLayout,
) {
    let unit = ABSOLUTE_POS;
    if unit < units {
        let at = id * units + unit;
        let packed = table[at];
        #[unroll]
        for part in 0..comptime!(layout.parts()) {
            let mut value = unpack(packed, part, layout);
            if comptime!(!layout.is_float()) {
                let d = rows * units;
                value *= Vector::<f32, N>::new(scale(table, d, at / comptime!(layout.shared())));
                if comptime!(layout.low()) {
                    let m = d + (rows * units / comptime!(layout.shared())).div_ceil(4);
                    value += Vector::<f32, N>::new(scale(table, m, at / comptime!(layout.shared())));
                }
            }
            out[(row * units + unit) * comptime!(layout.parts()) + part] = value;
        }
    }
}

#[cube(launch_unchecked)]
pub fn add(a: &[f32], b: &[f32], out: &mut [f32], count: usize) {
    if ABSOLUTE_POS < count {
        out[ABSOLUTE_POS] = a[ABSOLUTE_POS] + b[ABSOLUTE_POS];
    }
}

/// Copies `count` numbers from `from` on.
#[cube(launch_unchecked)]
pub fn copy(x: &[f32], out: &mut [f32], from: usize, count: usize) {
    if ABSOLUTE_POS < count {
        out[ABSOLUTE_POS] = x[from + ABSOLUTE_POS];
    }
}
