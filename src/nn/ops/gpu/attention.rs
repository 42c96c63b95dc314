//! Kernels of attention on WebGPU: a query a workgroup, and for the gradients of keys and values a key a workgroup. Nothing as large as all
//! weights is kept: scores are computed as often as they are needed (Dao et al. 2022, arXiv 2205.14135).

use crate::nn::engine::gpu::rows::sum;
use cubecl::prelude::*;

/// Threads of a workgroup: keys or queries that are looked at together, and numbers of a head that are added up together.
pub const THREADS: usize = 64;

/// What no score is below.
pub const LOWEST: f32 = -3.0e38;

/// What a kernel is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Plan {
    pub heads: usize,
    pub width: usize,
    pub causal: bool,
}

impl Plan {
    const fn stride(self) -> usize {
        self.heads * self.width
    }

    fn scale(self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    /// Rounds in which the threads add up all numbers of a head.
    const fn rounds(self) -> usize {
        self.width.div_ceil(THREADS)
    }
}

/// The largest of all threads' numbers.
#[cube]
pub fn largest(shared: &mut Shared<[f32]>, value: f32, #[comptime] threads: usize) -> f32 {
    shared[UNIT_POS as usize] = value;
    #[unroll]
    for step in 0..comptime!(threads.ilog2() as usize) {
        sync_cube();
        let half = comptime!(threads >> (step + 1));
        if (UNIT_POS as usize) < half {
            let other = shared[UNIT_POS as usize + half];
            shared[UNIT_POS as usize] = shared[UNIT_POS as usize].max(other);
        }
    }
    sync_cube();
    let most = shared[0];
    sync_cube();
    most
}

/// Where this workgroup's head of a position begins; there are `positions` in a sequence.
#[cube]
fn place(position: usize, positions: usize, #[comptime] plan: Plan) -> usize {
    (CUBE_POS_Z as usize * positions + position) * comptime!(plan.stride())
        + CUBE_POS_Y as usize * comptime!(plan.width)
}

/// A head of one position in shared memory.
#[cube]
fn held(values: &[f32], from: usize, #[comptime] plan: Plan) -> Shared<[f32]> {
    let mut head = Shared::<[f32]>::new_slice(comptime!(plan.width));
    for d in range_stepped(UNIT_POS as usize, comptime!(plan.width), THREADS) {
        head[d] = values[from + d];
    }
    sync_cube();
    head
}

#[cube]
fn dot(head: &Shared<[f32]>, values: &[f32], from: usize, #[comptime] plan: Plan) -> f32 {
    let mut total = 0.0f32;
    for d in 0..comptime!(plan.width) {
        total += head[d] * values[from + d];
    }
    total
}

/// Keys that a query sees.
#[cube]
fn keys_seen(query: usize, keys: usize, #[comptime] plan: Plan) -> usize {
    let mut seen = keys;
    if comptime!(plan.causal) {
        seen = query + 1;
    }
    seen
}

/// The logarithm of the sum of e to the power of a query's scores, as they come (Milakov and Gimelshein 2018, arXiv 1805.02867).
#[cube]
fn log_sum_exp(
    shared: &mut Shared<[f32]>,
    query: &Shared<[f32]>,
    k: &[f32],
    seen: usize,
    keys: usize,
    #[comptime] plan: Plan,
) -> f32 {
    let mut most = LOWEST.runtime();
    let mut total = 0.0f32;
    for j in range_stepped(UNIT_POS as usize, seen, THREADS) {
        let score = dot(query, k, place(j, keys, plan), plan) * comptime!(plan.scale());
        let above = score.max(most);
        total = total * (most - above).max(-80.0f32).exp() + (score - above).exp();
        most = above;
    }
    let all = largest(shared, most, THREADS);
    let total = sum(shared, total * (most - all).max(-80.0f32).exp(), THREADS);
    all + total.ln()
}

/// Number `d` of the sum over this block's positions of `weights` times their heads in `values`.
#[cube]
fn weighted(
    weights: &Shared<[f32]>,
    values: &[f32],
    first: usize,
    end: usize,
    positions: usize,
    d: usize,
    #[comptime] plan: Plan,
) -> f32 {
    let mut total = 0.0f32;
    let many = (end - first).min(THREADS);
    for i in 0..many {
        total += weights[i] * values[place(first + i, positions, plan) + d];
    }
    total
}

#[cube(launch_unchecked)]
pub fn forward(q: &[f32], k: &[f32], v: &[f32], out: &mut [f32], queries: usize, keys: usize, #[comptime] plan: Plan) {
    let mut shared = Shared::<[f32]>::new_slice(THREADS);
    let (position, unit) = (CUBE_POS_X as usize, UNIT_POS as usize);
    let from = place(position, queries, plan);
    let query = held(q, from, plan);
    let seen = keys_seen(position, keys, plan);
    let log_sum = log_sum_exp(&mut shared, &query, k, seen, keys, plan);
    let mut sums = Array::<f32>::new(comptime!(plan.rounds()));
    #[unroll]
    for round in 0..comptime!(plan.rounds()) {
        sums[round] = 0.0f32;
    }
    for block in 0..seen.div_ceil(THREADS) {
        let first = block * THREADS;
        let mut weight = 0.0f32;
        if first + unit < seen {
            let score = dot(&query, k, place(first + unit, keys, plan), plan) * comptime!(plan.scale());
            weight = (score - log_sum).exp();
        }
        shared[unit] = weight;
        sync_cube();
        #[unroll]
        for round in 0..comptime!(plan.rounds()) {
            let d = unit + comptime!(round * THREADS);
            if d < comptime!(plan.width) {
                sums[round] += weighted(&shared, v, first, seen, keys, d, plan);
            }
        }
        sync_cube();
    }
    #[unroll]
    for round in 0..comptime!(plan.rounds()) {
        let d = unit + comptime!(round * THREADS);
        if d < comptime!(plan.width) {
            out[from + d] = sums[round];
        }
    }
}

/// The gradient of the queries. For each query the logarithm of its sum and the mean of its weights' gradients go into `statistics`,
/// `[batch, heads, queries, 2]`.
#[cube(launch_unchecked)]
pub fn of_queries(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    gradient: &[f32],
    out: &mut [f32],
    statistics: &mut [f32],
    queries: usize,
    keys: usize,
    #[comptime] plan: Plan,
) {
    let mut shared = Shared::<[f32]>::new_slice(THREADS);
    let (position, unit) = (CUBE_POS_X as usize, UNIT_POS as usize);
    let from = place(position, queries, plan);
    let query = held(q, from, plan);
    let g = held(gradient, from, plan);
    let seen = keys_seen(position, keys, plan);
    let log_sum = log_sum_exp(&mut shared, &query, k, seen, keys, plan);
    let mut part = 0.0f32;
    for j in range_stepped(unit, seen, THREADS) {
        let at = place(j, keys, plan);
        let score = dot(&query, k, at, plan) * comptime!(plan.scale());
        part += (score - log_sum).exp() * dot(&g, v, at, plan);
    }
    let mean = sum(&mut shared, part, THREADS);
    if unit == 0 {
        let row = ((CUBE_POS_Z * CUBE_COUNT_Y + CUBE_POS_Y) as usize * queries + position) * 2;
        statistics[row] = log_sum;
        statistics[row + 1] = mean;
    }
    let mut sums = Array::<f32>::new(comptime!(plan.rounds()));
    #[unroll]
    for round in 0..comptime!(plan.rounds()) {
        sums[round] = 0.0f32;
    }
    for block in 0..seen.div_ceil(THREADS) {
        let first = block * THREADS;
        let mut slope = 0.0f32;
        if first + unit < seen {
            let at = place(first + unit, keys, plan);
            let score = dot(&query, k, at, plan) * comptime!(plan.scale());
            slope = (score - log_sum).exp() * (dot(&g, v, at, plan) - mean) * comptime!(plan.scale());
        }
        shared[unit] = slope;
        sync_cube();
        #[unroll]
        for round in 0..comptime!(plan.rounds()) {
            let d = unit + comptime!(round * THREADS);
            if d < comptime!(plan.width) {
                sums[round] += weighted(&shared, k, first, seen, keys, d, plan);
            }
        }
        sync_cube();
    }
    #[unroll]
    for round in 0..comptime!(plan.rounds()) {
        let d = unit + comptime!(round * THREADS);
        if d < comptime!(plan.width) {
            out[from + d] = sums[round];
        }
    }
}

/// Gradients of keys and values. Seven buffers, for WebGPU promises eight and one is for the sizes.
#[cube(launch_unchecked)]
pub fn of_keys(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    gradient: &[f32],
    statistics: &[f32],
    of_k: &mut [f32],
    of_v: &mut [f32],
    queries: usize,
    keys: usize,
    #[comptime] plan: Plan,
) {
    let mut weights = Shared::<[f32]>::new_slice(THREADS);
    let mut slopes = Shared::<[f32]>::new_slice(THREADS);
    let (position, unit) = (CUBE_POS_X as usize, UNIT_POS as usize);
    let from = place(position, keys, plan);
    let key = held(k, from, plan);
    let value = held(v, from, plan);
    // Queries that see this key.
    let mut begin = 0usize.runtime();
    if comptime!(plan.causal) {
        begin = position;
    }
    let mut sums = Array::<f32>::new(comptime!(2 * plan.rounds()));
    #[unroll]
    for round in 0..comptime!(2 * plan.rounds()) {
        sums[round] = 0.0f32;
    }
    for block in 0..(queries - begin).div_ceil(THREADS) {
        let first = begin + block * THREADS;
        let mut weight = 0.0f32;
        let mut slope = 0.0f32;
        if first + unit < queries {
            let at = place(first + unit, queries, plan);
            let row = ((CUBE_POS_Z * CUBE_COUNT_Y + CUBE_POS_Y) as usize * queries + first + unit) * 2;
            weight = (dot(&key, q, at, plan) * comptime!(plan.scale()) - statistics[row]).exp();
            slope = weight * (dot(&value, gradient, at, plan) - statistics[row + 1]) * comptime!(plan.scale());
        }
        weights[unit] = weight;
        slopes[unit] = slope;
        sync_cube();
        #[unroll]
        for round in 0..comptime!(plan.rounds()) {
            let d = unit + comptime!(round * THREADS);
            if d < comptime!(plan.width) {
                sums[comptime!(2 * round)] += weighted(&slopes, q, first, queries, queries, d, plan);
                sums[comptime!(2 * round + 1)] += weighted(&weights, gradient, first, queries, queries, d, plan);
            }
        }
        sync_cube();
    }
    #[unroll]
    for round in 0..comptime!(plan.rounds()) {
        let d = unit + comptime!(round * THREADS);
        if d < comptime!(plan.width) {
            of_k[from + d] = sums[comptime!(2 * round)];
            of_v[from + d] = sums[comptime!(2 * round + 1)];
        }
    }
}
