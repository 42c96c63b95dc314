//! Causal attention over the cache. Keys lie `[kv_heads, head_dim, context]`, so that neighbouring threads, which take
//! neighbouring positions, read neighbouring numbers; values lie `[kv_heads, context, head_dim]`.

use super::rows::sum;
use cubecl::prelude::*;

/// Threads of a workgroup: positions that are looked at together.
pub const THREADS: usize = 128;

/// What no score is below.
const LOWEST: f32 = -3.0e38;

/// The shape of attention, with how queries and keys are turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    pub head_dim: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub context: usize,
    /// Pairs of numbers that are turned; 0 where none are.
    pub pairs: usize,
    pub interleaved: bool,
}

impl Shape {
    /// Threads that share a number of the result: each adds up every so-many-th position.
    const fn splits(self) -> usize {
        THREADS / self.head_dim
    }
}

/// Number `d` of the head that begins at `from`, turned for `position`. `turns` holds cosine and sine, `[context, pairs, 2]`.
#[cube]
fn turned(x: &[f32], turns: &[f32], from: usize, d: usize, position: usize, #[comptime] shape: Shape) -> f32 {
    let mut value = x[from + d];
    if comptime!(shape.pairs > 0) {
        let pairs = comptime!(shape.pairs);
        if d < 2 * pairs {
            let (pair, first) = if comptime!(shape.interleaved) { (d / 2, d & 1 == 0) } else { (d % pairs, d < pairs) };
            let step = if comptime!(shape.interleaved) { 1usize.runtime() } else { pairs.runtime() };
            let other = x[from + select(first, d + step, d - step)];
            let at = (position * pairs + pair) * 2;
            value = value * turns[at] + select(first, -other, other) * turns[at + 1];
        }
    }
    value
}

/// Writes keys, turned, and values of `n` tokens from position `at` on: a token and a head a workgroup.
#[cube(launch_unchecked)]
pub fn store(
    k: &[f32],
    v: &[f32],
    turns: &[f32],
    keys: &mut [f32],
    values: &mut [f32],
    at: usize,
    #[comptime] shape: Shape,
) {
    let (token, head) = (CUBE_POS_X as usize, CUBE_POS_Y as usize);
    let hd = comptime!(shape.head_dim);
    let from = (token * comptime!(shape.kv_heads) + head) * hd;
    if (UNIT_POS as usize) < hd {
        let d = UNIT_POS as usize;
        keys[(head * hd + d) * comptime!(shape.context) + at + token] = turned(k, turns, from, d, at + token, shape);
        values[(head * comptime!(shape.context) + at + token) * hd + d] = v[from + d];
    }
}

/// The query of this workgroup's head, turned and scaled, in shared memory.
#[cube]
fn query(
    q: &[f32],
    turns: &[f32],
    token: usize,
    head: usize,
    position: usize,
    #[comptime] shape: Shape,
) -> Shared<[f32]> {
    let hd = comptime!(shape.head_dim);
    let mut query = Shared::<[f32]>::new_slice(hd);
    if (UNIT_POS as usize) < hd {
        let from = (token * comptime!(shape.heads) + head) * hd;
        let scale = comptime!(1.0 / (shape.head_dim as f32).sqrt());
        query[UNIT_POS as usize] = turned(q, turns, from, UNIT_POS as usize, position, shape) * scale;
    }
    query
}

#[cube]
fn score(query: &Shared<[f32]>, keys: &[f32], kv_head: usize, position: usize, #[comptime] shape: Shape) -> f32 {
    let mut score = 0.0f32;
    for d in 0..comptime!(shape.head_dim) {
        score += query[d] * keys[(kv_head * comptime!(shape.head_dim) + d) * comptime!(shape.context) + position];
    }
    score
}

/// The largest of all threads' numbers.
#[cube]
fn largest(shared: &mut Shared<[f32]>, value: f32) -> f32 {
    shared[UNIT_POS as usize] = value;
    #[unroll]
    for step in 0..comptime!(THREADS.ilog2() as usize) {
        sync_cube();
        let half = comptime!(THREADS >> (step + 1));
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

/// Attends from the token at position `at + token`: a head and a token a workgroup. The softmax is computed as positions
/// come, block by block (Milakov, Gimelshein 2018, arXiv:1805.02867).
///
/// Where `alone`, there is one token, whose key and value are not in the cache yet: each workgroup turns the key for itself,
/// and one of those that share it writes it down. A launch less.
#[allow(clippy::too_many_arguments)]
#[cube(launch_unchecked)]
pub fn attend(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    turns: &[f32],
    keys: &mut [f32],
    values: &mut [f32],
    out: &mut [f32],
    at: usize,
    #[comptime] shape: Shape,
    #[comptime] alone: bool,
) {
    let (head, token) = (CUBE_POS_X as usize, CUBE_POS_Y as usize);
    let (hd, splits, context) = comptime!((shape.head_dim, shape.splits(), shape.context));
    let share = comptime!(shape.heads / shape.kv_heads);
    let kv_head = head / share;
    let query = query(q, turns, token, head, at + token, shape);
    let mut shared = Shared::<[f32]>::new_slice(THREADS);
    let mut weights = Shared::<[f32]>::new_slice(THREADS);
    // This thread's number of the result, and which of the positions it adds up.
    let (d, split) = (UNIT_POS as usize % hd, UNIT_POS as usize / hd);
    let mut count = at + token + 1;
    let mut most = LOWEST.runtime();
    let mut whole = 0.0f32;
    let mut part = 0.0f32;
    if comptime!(alone) {
        count = at;
        if split == 0 {
            let key = turned(k, turns, kv_head * hd, d, at, shape);
            let value = v[kv_head * hd + d];
            weights[d] = key;
            part = value;
            if head % share == 0 {
                keys[(kv_head * hd + d) * context + at] = key;
                values[(kv_head * context + at) * hd + d] = value;
            }
        }
        sync_cube();
        most = 0.0f32;
        for i in 0..hd {
            most += query[i] * weights[i];
        }
        whole = select(UNIT_POS == 0, 1.0f32, 0.0f32);
    }
    sync_cube();

    for block in 0..count.div_ceil(THREADS) {
        let position = block * THREADS + UNIT_POS as usize;
        let mut own = LOWEST.runtime();
        if position < count {
            own = score(&query, &*keys, kv_head, position, shape);
        }
        let new_most = most.max(largest(&mut shared, own));
        let weight = select(position < count, (own - new_most).exp(), 0.0f32);
        weights[UNIT_POS as usize] = weight;
        let old = (most - new_most).max(-80.0f32).exp();
        most = new_most;
        whole = whole * old + weight;
        part *= old;
        sync_cube();
        if split < splits {
            let end = (count - block * THREADS).min(THREADS);
            for i in range_stepped(split, end, splits) {
                part += weights[i] * values[(kv_head * context + block * THREADS + i) * hd + d];
            }
        }
        sync_cube();
    }
    let scale = 1.0f32 / sum(&mut shared, whole, THREADS);
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

/// What each head of token `token`, at position `at`, attends to, `[heads, at + 1]`: a head a workgroup.
#[cube(launch_unchecked)]
pub fn attention(
    q: &[f32],
    turns: &[f32],
    keys: &[f32],
    out: &mut [f32],
    token: usize,
    at: usize,
    #[comptime] shape: Shape,
) {
    let head = CUBE_POS_X as usize;
    let kv_head = head / comptime!(shape.heads / shape.kv_heads);
    let query = query(q, turns, token, head, at, shape);
    let mut shared = Shared::<[f32]>::new_slice(THREADS);
    sync_cube();

    let first = head * (at + 1);
    let mut most = LOWEST.runtime();
    for position in range_stepped(UNIT_POS as usize, at + 1, THREADS) {
        let own = score(&query, keys, kv_head, position, shape);
        out[first + position] = own;
        most = most.max(own);
    }
    let most = largest(&mut shared, most);
    let mut whole = 0.0f32;
    for position in range_stepped(UNIT_POS as usize, at + 1, THREADS) {
        let weight = (out[first + position] - most).exp();
        out[first + position] = weight;
        whole += weight;
    }
    let scale = 1.0f32 / sum(&mut shared, whole, THREADS);
    for position in range_stepped(UNIT_POS as usize, at + 1, THREADS) {
        out[first + position] *= scale;
    }
}
