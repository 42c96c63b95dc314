//! Attention on WebGPU. A workgroup has one query, and for the gradients of keys and values one key. The attention weights are never
//! stored: scores are computed again whenever they are needed (Dao et al. 2022, arXiv 2205.14135).

use crate::nn::engine::gpu::rows::workgroup_sum;
use cubecl::prelude::*;

/// Threads in a workgroup: keys or queries that are processed together, and channels of a head that are summed together.
pub const ATTENTION_THREADS: usize = 64;

/// Lower than any score.
pub const MIN_SCORE: f32 = -3.0e38;

/// The constants of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttentionPlan {
    pub heads: usize,
    pub width: usize,
    pub causal: bool,
}

impl AttentionPlan {
    const fn stride(self) -> usize {
        self.heads * self.width
    }

    fn scale(self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    /// Rounds in which the threads sum all channels of a head.
    const fn rounds(self) -> usize {
        self.width.div_ceil(ATTENTION_THREADS)
    }
}

/// The largest number of all threads of the workgroup.
#[cube]
pub fn workgroup_max(shared: &mut Shared<[f32]>, value: f32, #[comptime] threads: usize) -> f32 {
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
    let max = shared[0];
    sync_cube();
    max
}

/// Where the head of this workgroup begins at a position; a sequence has `positions`.
#[cube]
fn place(position: usize, positions: usize, #[comptime] plan: AttentionPlan) -> usize {
    (CUBE_POS_Z as usize * positions + position) * comptime!(plan.stride())
        + CUBE_POS_Y as usize * comptime!(plan.width)
}

/// The head of one position, in shared memory.
#[cube]
fn load_head(values: &[f32], from: usize, #[comptime] plan: AttentionPlan) -> Shared<[f32]> {
    let mut head = Shared::<[f32]>::new_slice(comptime!(plan.width));
    for d in range_stepped(UNIT_POS as usize, comptime!(plan.width), ATTENTION_THREADS) {
        head[d] = values[from + d];
    }
    sync_cube();
    head
}

#[cube]
fn dot(head: &Shared<[f32]>, values: &[f32], from: usize, #[comptime] plan: AttentionPlan) -> f32 {
    let mut total = 0.0f32;
    for d in 0..comptime!(plan.width) {
        total += head[d] * values[from + d];
    }
    total
}

/// The number of keys that a query attends to.
#[cube]
fn keys_seen(query: usize, keys: usize, #[comptime] plan: AttentionPlan) -> usize {
    let mut seen = keys;
    if comptime!(plan.causal) {
        seen = query + 1;
    }
    seen
}

/// Online log-sum-exp of the scores of a query (Milakov and Gimelshein 2018, arXiv 1805.02867).
#[cube]
fn log_sum_exp(
    shared: &mut Shared<[f32]>,
    query: &Shared<[f32]>,
    k: &[f32],
    seen: usize,
    keys: usize,
    #[comptime] plan: AttentionPlan,
) -> f32 {
    let mut max = MIN_SCORE.runtime();
    let mut total = 0.0f32;
    for j in range_stepped(UNIT_POS as usize, seen, ATTENTION_THREADS) {
        let score = dot(query, k, place(j, keys, plan), plan) * comptime!(plan.scale());
        let above = score.max(max);
        total = total * (max - above).max(-80.0f32).exp() + (score - above).exp();
        max = above;
    }
    let all = workgroup_max(shared, max, ATTENTION_THREADS);
    let total = workgroup_sum(shared, total * (max - all).max(-80.0f32).exp(), ATTENTION_THREADS);
    all + total.ln()
}

/// Channel `d` of the weighted sum of `values` over the positions of this block.
#[cube]
fn weighted(
    weights: &Shared<[f32]>,
    values: &[f32],
    first: usize,
    end: usize,
    positions: usize,
    d: usize,
    #[comptime] plan: AttentionPlan,
) -> f32 {
    let mut total = 0.0f32;
    let many = (end - first).min(ATTENTION_THREADS);
    for i in 0..many {
        total += weights[i] * values[place(first + i, positions, plan) + d];
    }
    total
}

#[cube(launch_unchecked)]
pub fn forward(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    out: &mut [f32],
    queries: usize,
    keys: usize,
    #[comptime] plan: AttentionPlan,
) {
    let mut shared = Shared::<[f32]>::new_slice(ATTENTION_THREADS);
    let (position, unit) = (CUBE_POS_X as usize, UNIT_POS as usize);
    let from = place(position, queries, plan);
    let query = load_head(q, from, plan);
    let seen = keys_seen(position, keys, plan);
    let log_sum = log_sum_exp(&mut shared, &query, k, seen, keys, plan);
    let mut sums = Array::<f32>::new(comptime!(plan.rounds()));
    #[unroll]
    for round in 0..comptime!(plan.rounds()) {
        sums[round] = 0.0f32;
    }
    for block in 0..seen.div_ceil(ATTENTION_THREADS) {
        let first = block * ATTENTION_THREADS;
        let mut weight = 0.0f32;
        if first + unit < seen {
            let score = dot(&query, k, place(first + unit, keys, plan), plan) * comptime!(plan.scale());
            weight = (score - log_sum).exp();
        }
        shared[unit] = weight;
        sync_cube();
        #[unroll]
        for round in 0..comptime!(plan.rounds()) {
            let d = unit + comptime!(round * ATTENTION_THREADS);
            if d < comptime!(plan.width) {
                sums[round] += weighted(&shared, v, first, seen, keys, d, plan);
            }
        }
        sync_cube();
    }
    #[unroll]
    for round in 0..comptime!(plan.rounds()) {
        let d = unit + comptime!(round * ATTENTION_THREADS);
        if d < comptime!(plan.width) {
            out[from + d] = sums[round];
        }
    }
}

/// The gradient of the queries. The log-sum-exp of each query and the mean gradient of its weights are written to `statistics`,
/// `[batch, heads, queries, 2]`.
#[cube(launch_unchecked)]
pub fn grad_queries(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    gradient: &[f32],
    out: &mut [f32],
    statistics: &mut [f32],
    queries: usize,
    keys: usize,
    #[comptime] plan: AttentionPlan,
) {
    let mut shared = Shared::<[f32]>::new_slice(ATTENTION_THREADS);
    let (position, unit) = (CUBE_POS_X as usize, UNIT_POS as usize);
    let from = place(position, queries, plan);
    let query = load_head(q, from, plan);
    let g = load_head(gradient, from, plan);
    let seen = keys_seen(position, keys, plan);
    let log_sum = log_sum_exp(&mut shared, &query, k, seen, keys, plan);
    let mut part = 0.0f32;
    for j in range_stepped(unit, seen, ATTENTION_THREADS) {
        let at = place(j, keys, plan);
        let score = dot(&query, k, at, plan) * comptime!(plan.scale());
        part += (score - log_sum).exp() * dot(&g, v, at, plan);
    }
    let mean = workgroup_sum(&mut shared, part, ATTENTION_THREADS);
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
    for block in 0..seen.div_ceil(ATTENTION_THREADS) {
        let first = block * ATTENTION_THREADS;
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
            let d = unit + comptime!(round * ATTENTION_THREADS);
            if d < comptime!(plan.width) {
                sums[round] += weighted(&shared, k, first, seen, keys, d, plan);
            }
        }
        sync_cube();
    }
    #[unroll]
    for round in 0..comptime!(plan.rounds()) {
        let d = unit + comptime!(round * ATTENTION_THREADS);
        if d < comptime!(plan.width) {
            out[from + d] = sums[round];
        }
    }
}

/// Gradients of keys and values. It takes seven buffers: WebGPU promises eight, and one is for the sizes.
#[cube(launch_unchecked)]
pub fn grad_keys_values(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    gradient: &[f32],
    statistics: &[f32],
    grad_k: &mut [f32],
    grad_v: &mut [f32],
    queries: usize,
    keys: usize,
    #[comptime] plan: AttentionPlan,
) {
    let mut weights = Shared::<[f32]>::new_slice(ATTENTION_THREADS);
    let mut slopes = Shared::<[f32]>::new_slice(ATTENTION_THREADS);
    let (position, unit) = (CUBE_POS_X as usize, UNIT_POS as usize);
    let from = place(position, keys, plan);
    let key = load_head(k, from, plan);
    let value = load_head(v, from, plan);
    // Queries that attend to this key.
    let mut begin = 0usize.runtime();
    if comptime!(plan.causal) {
        begin = position;
    }
    let mut sums = Array::<f32>::new(comptime!(2 * plan.rounds()));
    #[unroll]
    for round in 0..comptime!(2 * plan.rounds()) {
        sums[round] = 0.0f32;
    }
    for block in 0..(queries - begin).div_ceil(ATTENTION_THREADS) {
        let first = begin + block * ATTENTION_THREADS;
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
            let d = unit + comptime!(round * ATTENTION_THREADS);
            if d < comptime!(plan.width) {
                sums[comptime!(2 * round)] += weighted(&slopes, q, first, queries, queries, d, plan);
                sums[comptime!(2 * round + 1)] += weighted(&weights, gradient, first, queries, queries, d, plan);
            }
        }
        sync_cube();
    }
    #[unroll]
    for round in 0..comptime!(plan.rounds()) {
        let d = unit + comptime!(round * ATTENTION_THREADS);
        if d < comptime!(plan.width) {
            grad_k[from + d] = sums[comptime!(2 * round)];
            grad_v[from + d] = sums[comptime!(2 * round + 1)];
        }
    }
}
