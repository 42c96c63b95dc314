//! Products of activations with a weight matrix, quantised or not.
//!
//! A workgroup computes a few rows of the result for a few tokens. Several of its threads, the lanes, share a row: each takes every
//! `lanes`-th unit of weights, and their sums are added in shared memory.

use super::super::Activation;
use super::weights::{Weight, WeightLayout, scale, unpack};
use crate::nn::ops::gpu::activation::{ActivationKind, apply};
use cubecl::prelude::*;

/// Threads in a workgroup.
pub const GEMV_THREADS: usize = 64;

/// How a workgroup divides its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Threads that share a row.
    lanes: usize,
    /// Rows that a thread computes together, because they read the same activations.
    rows: usize,
    /// Tokens that a thread computes together, because they read the same weights.
    tokens: usize,
}

impl Tile {
    pub fn new(weight: &Weight, n: usize) -> Self {
        // About four units a thread.
        let lanes = (weight.units().next_power_of_two() / 4).clamp(4, 32);
        Self { lanes, rows: 2, tokens: if n == 1 { 1 } else { 4 } }
    }

    /// Rows in a workgroup.
    const fn height(self) -> usize {
        GEMV_THREADS / self.lanes * self.rows
    }

    /// Numbers that a workgroup computes.
    const fn results(self) -> usize {
        self.height() * self.tokens
    }

    pub fn count(self, rows: usize, n: usize) -> CubeCount {
        let blocks = rows.div_ceil(self.height());
        // WebGPU's largest count along an axis is 65,535.
        let y = blocks.div_ceil(32768);
        CubeCount::Static(blocks.div_ceil(y) as u32, y as u32, n.div_ceil(self.tokens) as u32)
    }
}

/// What is applied to a product before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epilogue {
    pub bias: bool,
    pub residual: bool,
    activation: ActivationKind,
    /// The bits of the activation's slope: part of a kernel's key is compared, which floats are not.
    slope: u32,
}

impl Epilogue {
    pub fn new(bias: bool, activation: Activation, residual: bool) -> Self {
        let (activation, slope) = ActivationKind::of(activation);
        Self { bias, residual, activation, slope: slope.to_bits() }
    }
}

/// `activation(x W^T + b) + residual`; `x` is `[n, cols]`, `out` `[n, rows]`.
#[allow(clippy::too_many_arguments)]
#[cube(launch_unchecked)]
pub fn linear<N: Size>(
    x: &[Vector<f32, N>],
    w: &[Vector<u32, N>],
    bias: &[f32],
    residual: &[f32],
    out: &mut [f32],
    tokens: usize,
    rows: usize,
    units: usize,
    #[comptime] layout: WeightLayout,
    #[comptime] tile: Tile,
    #[comptime] epilogue: Epilogue,
) {
    let sums = sums(x, w, tokens, rows, units, layout, tile);
    sync_cube();
    for i in range_stepped(UNIT_POS as usize, comptime!(tile.results()), comptime!(GEMV_THREADS)) {
        let (row, token) = place(i, tile);
        if row < rows && token < tokens {
            let mut value = total(&sums, i, tile);
            if comptime!(epilogue.bias) {
                value += bias[row];
            }
            value = apply(value, comptime!(f32::from_bits(epilogue.slope)), epilogue.activation);
            if comptime!(epilogue.residual) {
                value += residual[token * rows + row];
            }
            out[token * rows + row] = value;
        }
    }
}

/// `silu(x G^T + a) * (x U^T + b)`.
#[allow(clippy::too_many_arguments)]
#[cube(launch_unchecked)]
pub fn swiglu<N: Size>(
    x: &[Vector<f32, N>],
    gate: &[Vector<u32, N>],
    up: &[Vector<u32, N>],
    gate_bias: &[f32],
    up_bias: &[f32],
    out: &mut [f32],
    tokens: usize,
    rows: usize,
    gate_units: usize,
    up_units: usize,
    #[comptime] gate_layout: WeightLayout,
    #[comptime] up_layout: WeightLayout,
    #[comptime] tile: Tile,
    #[comptime] biases: [bool; 2],
) {
    let gates = sums(x, gate, tokens, rows, gate_units, gate_layout, tile);
    let ups = sums(x, up, tokens, rows, up_units, up_layout, tile);
    sync_cube();
    for i in range_stepped(UNIT_POS as usize, comptime!(tile.results()), comptime!(GEMV_THREADS)) {
        let (row, token) = place(i, tile);
        if row < rows && token < tokens {
            let mut g = total(&gates, i, tile);
            let mut u = total(&ups, i, tile);
            if comptime!(biases[0]) {
                g += gate_bias[row];
            }
            if comptime!(biases[1]) {
                u += up_bias[row];
            }
            out[token * rows + row] = g * sigmoid(g) * u;
        }
    }
}

/// The first row of this workgroup.
#[cube]
fn top(#[comptime] tile: Tile) -> usize {
    (CUBE_POS_Y as usize * CUBE_COUNT_X as usize + CUBE_POS_X as usize) * comptime!(tile.height())
}

/// Row and token of result `i` of this workgroup.
#[cube]
fn place(i: usize, #[comptime] tile: Tile) -> (usize, usize) {
    let tokens = comptime!(tile.tokens);
    (top(tile) + i / tokens, CUBE_POS_Z as usize * tokens + i % tokens)
}

/// The sum of all lanes for result `i`.
#[cube]
fn total(sums: &Shared<[f32]>, i: usize, #[comptime] tile: Tile) -> f32 {
    let mut total = 0.0f32;
    #[unroll]
    for lane in 0..comptime!(tile.lanes) {
        total += sums[lane * comptime!(tile.results()) + i];
    }
    total
}

/// The sum of each lane for each result, `[lanes, height, tokens]`.
#[cube]
fn sums<N: Size>(
    x: &[Vector<f32, N>],
    w: &[Vector<u32, N>],
    tokens: usize,
    rows: usize,
    units: usize,
    #[comptime] layout: WeightLayout,
    #[comptime] tile: Tile,
) -> Shared<[f32]> {
    let (lanes, tall, wide) = comptime!((tile.lanes, tile.rows, tile.tokens));
    let parts = comptime!(layout.parts());
    let lane = UNIT_POS as usize % lanes;
    let slot = UNIT_POS as usize / lanes;
    let first = top(tile) + slot * tall;
    let token = CUBE_POS_Z as usize * wide;
    let d = rows * units;
    let m = d + (rows * units / comptime!(layout.shared())).div_ceil(4);

    let mut sums = Array::<f32>::new(comptime!(tall * wide));
    #[unroll]
    for i in 0..comptime!(tall * wide) {
        sums[i] = 0.0f32;
    }
    for unit in range_stepped(lane, units, lanes) {
        let mut packed = Array::<Vector<u32, N>>::new(tall);
        let mut dots = Array::<Vector<f32, N>>::new(comptime!(tall * wide));
        let mut lows = Array::<Vector<f32, N>>::new(wide);
        #[unroll]
        for r in 0..tall {
            // Rows beyond the last one repeat it, and are not written.
            packed[r] = w[(first + r).min(rows - 1) * units + unit];
        }
        #[unroll]
        for part in 0..parts {
            #[unroll]
            for t in 0..wide {
                let value = x[((token + t).min(tokens - 1) * units + unit) * parts + part];
                #[unroll]
                for r in 0..tall {
                    let product = unpack(packed[r], part, layout) * value;
                    if comptime!(part == 0) {
                        dots[comptime!(r * wide + t)] = product;
                    } else {
                        dots[comptime!(r * wide + t)] += product;
                    }
                }
                if comptime!(layout.low()) {
                    if comptime!(part == 0) {
                        lows[t] = value;
                    } else {
                        lows[t] += value;
                    }
                }
            }
        }
        #[unroll]
        for r in 0..tall {
            let group = ((first + r).min(rows - 1) * units + unit) / comptime!(layout.shared());
            #[unroll]
            for t in 0..wide {
                let i = comptime!(r * wide + t);
                let dot = dots[i].vector_sum();
                if comptime!(layout.is_float()) {
                    sums[i] += dot;
                } else {
                    sums[i] += scale(w, d, group) * dot;
                    if comptime!(layout.low()) {
                        sums[i] += scale(w, m, group) * lows[t].vector_sum();
                    }
                }
            }
        }
    }
    let mut all = Shared::<[f32]>::new_slice(comptime!(tile.lanes * tile.results()));
    #[unroll]
    for r in 0..tall {
        #[unroll]
        for t in 0..wide {
            let i = comptime!(r * wide + t);
            all[lane * comptime!(tile.results()) + (slot * tall + r) * wide + t] = sums[i];
        }
    }
    all
}

#[cube]
fn sigmoid(x: f32) -> f32 {
    // Clamped, because WGSL does not guarantee infinities.
    1.0f32 / (1.0f32 + (-x).min(80.0f32).exp())
}
