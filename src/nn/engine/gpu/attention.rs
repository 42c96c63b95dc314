//! Causal attention over the key-value cache. Keys are `[kv_heads, head_dim, context]`, so that neighbouring threads, which have
//! neighbouring positions, read neighbouring numbers; values are `[kv_heads, context, head_dim]`.

use super::rows::workgroup_sum;
use cubecl::prelude::*;

/// Threads in a workgroup: positions that are processed together.
pub const DECODE_THREADS: usize = 128;

/// Lower than any score.
const MIN_SCORE: f32 = -3.0e38;

/// The sizes of attention, and how queries and keys are rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttentionShape {
    pub head_dim: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub context: usize,
    /// Pairs of channels that are rotated; 0 without rotary positions.
    pub pairs: usize,
    pub interleaved: bool,
}

impl AttentionShape {
    /// Threads that share a number of the result: each sums every `splits`-th position.
    const fn splits(self) -> usize {
        DECODE_THREADS / self.head_dim
    }
}

/// Channel `d` of the head that begins at `from`, rotated for `position`. `turns` holds cosine and sine, `[context, pairs, 2]`.
#[cube]
fn rotated(
    x: &[f32],
    rope_table: &[f32],
    from: usize,
    d: usize,
    position: usize,
    #[comptime] shape: AttentionShape,
) -> f32 {
    let mut value = x[from + d];
    if comptime!(shape.pairs > 0) {
        let pairs = comptime!(shape.pairs);
        if d < 2 * pairs {
            let (pair, first) = if comptime!(shape.interleaved) { (d / 2, d & 1 == 0) } else { (d % pairs, d < pairs) };
            let step = if comptime!(shape.interleaved) { 1usize.runtime() } else { pairs.runtime() };
            let other = x[from + select(first, d + step, d - step)];
            let at = (position * pairs + pair) * 2;
            value = value * rope_table[at] + select(first, -other, other) * rope_table[at + 1];
        }
    }
    value
}

/// Writes rotated keys, and values, of `n` tokens from position `at` on; a token and a head a workgroup.
#[cube(launch_unchecked)]
pub fn store(
    k: &[f32],
    v: &[f32],
    rope_table: &[f32],
    keys: &mut [f32],
    values: &mut [f32],
    at: usize,
    #[comptime] shape: AttentionShape,
) {
    let (token, head) = (CUBE_POS_X as usize, CUBE_POS_Y as usize);
    let hd = comptime!(shape.head_dim);
    let from = (token * comptime!(shape.kv_heads) + head) * hd;
    if (UNIT_POS as usize) < hd {
        let d = UNIT_POS as usize;
        keys[(head * hd + d) * comptime!(shape.context) + at + token] =
            rotated(k, rope_table, from, d, at + token, shape);
        values[(head * comptime!(shape.context) + at + token) * hd + d] = v[from + d];
    }
}

/// The query of this workgroup's head, rotated and scaled, in shared memory.
#[cube]
fn query(
    q: &[f32],
    rope_table: &[f32],
    token: usize,
    head: usize,
    position: usize,
    #[comptime] shape: AttentionShape,
) -> Shared<[f32]> {
    let hd = comptime!(shape.head_dim);
    let mut query = Shared::<[f32]>::new_slice(hd);
    if (UNIT_POS as usize) < hd {
        let from = (token * comptime!(shape.heads) + head) * hd;
        let scale = comptime!(1.0 / (shape.head_dim as f32).sqrt());
        query[UNIT_POS as usize] = rotated(q, rope_table, from, UNIT_POS as usize, position, shape) * scale;
    }
    query
}

#[cube]
fn score(
    query: &Shared<[f32]>,
    keys: &[f32],
    kv_head: usize,
    position: usize,
    #[comptime] shape: AttentionShape,
) -> f32 {
    let mut score = 0.0f32;
    for d in 0..comptime!(shape.head_dim) {
        score += query[d] * keys[(kv_head * comptime!(shape.head_dim) + d) * comptime!(shape.context) + position];
    }
    score
}

/// The largest number of all threads of the workgroup.
#[cube]
fn workgroup_max(shared: &mut Shared<[f32]>, value: f32) -> f32 {
    shared[UNIT_POS as usize] = value;
    #[unroll]
    for step in 0..comptime!(DECODE_THREADS.ilog2() as usize) {
        sync_cube();
        let half = comptime!(DECODE_THREADS >> (step + 1));
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

/// Attention of the token at position `at + token`; a head and a token a workgroup. The softmax is computed online, block by block
/// (Milakov, Gimelshein 2018, arXiv:1805.02867).
///
/// With `alone` there is one token, whose key and value are not in the cache yet: each workgroup rotates the key for itself, and one
/// of those that share it writes it to the cache. This saves a dispatch.
#[allow(clippy::too_many_arguments)]
#[cube(launch_unchecked)]
pub fn attend(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    rope_table: &[f32],
    keys: &mut [f32],
    values: &mut [f32],
    out: &mut [f32],
    at: usize,
    #[comptime] shape: AttentionShape,
    #[comptime] alone: bool,
) {
    let (head, token) = (CUBE_POS_X as usize, CUBE_POS_Y as usize);
    let (hd, splits, context) = comptime!((shape.head_dim, shape.splits(), shape.context));
    let share = comptime!(shape.heads / shape.kv_heads);
    let kv_head = head / share;
    let query = query(q, rope_table, token, head, at + token, shape);
    let mut shared = Shared::<[f32]>::new_slice(DECODE_THREADS);
    let mut weights = Shared::<[f32]>::new_slice(DECODE_THREADS);
    // The channel of the result of this thread, and which positions it sums.
    let (d, split) = (UNIT_POS as usize % hd, UNIT_POS as usize / hd);
    let mut count = at + token + 1;
    let mut max = MIN_SCORE.runtime();
    let mut whole = 0.0f32;
    let mut part = 0.0f32;
    if comptime!(alone) {
        count = at;
        if split == 0 {
            let key = rotated(k, rope_table, kv_head * hd, d, at, shape);
            let value = v[kv_head * hd + d];
            weights[d] = key;
            part = value;
            if head % share == 0 {
                keys[(kv_head * hd + d) * context + at] = key;
                values[(kv_head * context + at) * hd + d] = value;
            }
        }
        sync_cube();
        max = 0.0f32;
        for i in 0..hd {
            max += query[i] * weights[i];
        }
        whole = select(UNIT_POS == 0, 1.0f32, 0.0f32);
    }
    sync_cube();

    for block in 0..count.div_ceil(DECODE_THREADS) {
        let position = block * DECODE_THREADS + UNIT_POS as usize;
        let mut own = MIN_SCORE.runtime();
        if position < count {
            own = score(&query, &*keys, kv_head, position, shape);
        }
        let new_max = max.max(workgroup_max(&mut shared, own));
        let weight = select(position < count, (own - new_max).exp(), 0.0f32);
        weights[UNIT_POS as usize] = weight;
        let old = (max - new_max).max(-80.0f32).exp();
        max = new_max;
        whole = whole * old + weight;
        part *= old;
        sync_cube();
        if split < splits {
            let end = (count - block * DECODE_THREADS).min(DECODE_THREADS);
            for i in range_stepped(split, end, splits) {
                part += weights[i] * values[(kv_head * context + block * DECODE_THREADS + i) * hd + d];
            }
        }
        sync_cube();
    }
    let scale = 1.0f32 / workgroup_sum(&mut shared, whole, DECODE_THREADS);
    weights[UNIT_POS as usize] = part;
    sync_cube();
    if (UNIT_POS as usize) < hd {
        let mut total = 0.0f32;
        #[unroll]
        for s in 0..splits {
            total += weights[s * hd + UNIT_POS as usize];
        }
        out[(token * comptime!(shape.heads) + head) * hd + UNIT_POS as usize] = total * scale;
    }
}

/// The attention weights of token `token`, at position `at`, `[heads, at + 1]`; a head a workgroup.
#[cube(launch_unchecked)]
pub fn attention(
    q: &[f32],
    rope_table: &[f32],
    keys: &[f32],
    out: &mut [f32],
    token: usize,
    at: usize,
    #[comptime] shape: AttentionShape,
) {
    let head = CUBE_POS_X as usize;
    let kv_head = head / comptime!(shape.heads / shape.kv_heads);
    let query = query(q, rope_table, token, head, at, shape);
    let mut shared = Shared::<[f32]>::new_slice(DECODE_THREADS);
    sync_cube();

    let first = head * (at + 1);
    let mut max = MIN_SCORE.runtime();
    for position in range_stepped(UNIT_POS as usize, at + 1, DECODE_THREADS) {
        let own = score(&query, keys, kv_head, position, shape);
        out[first + position] = own;
        max = max.max(own);
    }
    let max = workgroup_max(&mut shared, max);
    let mut whole = 0.0f32;
    for position in range_stepped(UNIT_POS as usize, at + 1, DECODE_THREADS) {
        let weight = (out[first + position] - max).exp();
        out[first + position] = weight;
        whole += weight;
    }
    let scale = 1.0f32 / workgroup_sum(&mut shared, whole, DECODE_THREADS);
    for position in range_stepped(UNIT_POS as usize, at + 1, DECODE_THREADS) {
        out[first + position] *= scale;
    }
}
