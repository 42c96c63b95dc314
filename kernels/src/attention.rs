//! Attention of several heads (Vaswani et al. 2017, arXiv 1706.03762) and its gradients. Queries, keys and values lie as linear
//! layers leave them, `[batch, positions, heads x width]`. Weights are not kept for the backward pass, which finds them anew: they
//! would take more room than all else.

use super::activation::exp;
use super::cross_entropy::largest;
use super::each::{each, each_with, sum_of, sum_of_two};
use super::factor::Factor;
use super::lanes::F32x4;
use super::pool::{Target, each_part, worthwhile};
use super::product::{Left, product};

/// Sizes of an attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attention {
    pub batch: usize,
    pub queries: usize,
    pub keys: usize,
    pub heads: usize,
    /// Numbers of a head.
    pub width: usize,
    /// Whether a query attends to keys up to its own position alone.
    pub causal: bool,
}

/// What one thread computes with.
#[derive(Default)]
struct Room {
    left: Left,
    panels: Vec<f32>,
    /// Weights `[queries, keys]`, and their gradients.
    weights: Vec<f32>,
    slopes: Vec<f32>,
}

impl Attention {
    fn stride(&self) -> usize {
        self.heads * self.width
    }

    /// Keys that a query attends to.
    fn seen(&self, query: usize) -> usize {
        if self.causal { (query + 1).min(self.keys) } else { self.keys }
    }

    /// Calls `head` for each head of each sequence.
    fn each_head(&self, products: usize, head: impl Fn(&mut Room, usize, usize) + Sync) {
        let all = self.batch * self.heads;
        let parts = worthwhile(&[products, all, self.queries, self.keys, self.width]).max(1);
        let size = all.div_ceil(parts).max(1);
        each_part(all.div_ceil(size), Room::default, |room, part| {
            (part * size..all.min((part + 1) * size)).for_each(|i| head(room, i / self.heads, i % self.heads));
        });
    }

    /// A head's rows as a factor.
    fn factor<'a>(&self, values: &'a [f32], rows: usize, sequence: usize, head: usize) -> Factor<'a> {
        let values = &values[sequence * rows * self.stride() + head * self.width..];
        Factor::new(values, [rows, self.width], self.stride())
    }

    /// The weights of a head: a row for each query, which sums to 1.
    fn weights(&self, room: &mut Room, queries: Factor, keys: Factor) {
        room.weights.resize(self.queries * self.keys, 0.0);
        room.left.pack(queries);
        let to = Target::new(&mut room.weights, self.keys);
        product(&room.left, keys.transposed(), to, false, &mut room.panels);
        let scale = F32x4::splat(self.scale());
        for (at, row) in room.weights.chunks_exact_mut(self.keys).enumerate() {
            let (seen, beyond) = row.split_at_mut(self.seen(at));
            beyond.fill(0.0);
            let shift = F32x4::splat(largest(seen));
            each(seen, |score| exp(score.sub(shift).mul(scale)));
            let share = F32x4::splat(1.0 / sum_of(seen, |e| e));
            each(seen, |e| e.mul(share));
        }
    }

    fn scale(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    /// `softmax(q k^T / sqrt(width)) v` of each head, side by side.
    #[inline(never)]
    pub fn forward(&self, q: &[f32], k: &[f32], v: &[f32], out: &mut [f32]) {
        self.check(q, [k, v], out);
        let out = Target::new(out, self.stride());
        self.each_head(2, |room, sequence, head| {
            let [keys, values] = [k, v].map(|values| self.factor(values, self.keys, sequence, head));
            self.weights(room, self.factor(q, self.queries, sequence, head), keys);
            room.left.pack(Factor::new(&room.weights, [self.queries, self.keys], self.keys));
            // SAFETY: each head of a sequence has rows and columns of its own.
            let to = unsafe { out.part(sequence * self.queries, head * self.width) };
            product(&room.left, values, to, false, &mut room.panels);
        });
    }

    /// Gradients of queries, keys and values, from the result's.
    #[inline(never)]
    pub fn backward(&self, [q, k, v]: [&[f32]; 3], gradient: &[f32], [of_q, of_k, of_v]: [&mut [f32]; 3]) {
        self.check(q, [k, v], gradient);
        self.check(of_q, [of_k, of_v], gradient);
        let [of_q, of_k, of_v] = [of_q, of_k, of_v].map(|out| Target::new(out, self.stride()));
        self.each_head(6, |room, sequence, head| {
            let [keys, values] = [k, v].map(|values| self.factor(values, self.keys, sequence, head));
            let [queries, g] = [q, gradient].map(|values| self.factor(values, self.queries, sequence, head));
            self.weights(room, queries, keys);
            let Room { left, panels, weights, slopes } = room;
            let square = [self.queries, self.keys];
            // SAFETY: each head of a sequence has rows and columns of its own, in each of the three.
            let [to_q, to_k, to_v] = unsafe {
                let at = |rows: usize| (sequence * rows, head * self.width);
                let ((q, column), (k, _)) = (at(self.queries), at(self.keys));
                [of_q.part(q, column), of_k.part(k, column), of_v.part(k, column)]
            };
            left.pack(Factor::new(weights, square, self.keys).transposed());
            product(left, g, to_v, false, panels);
            slopes.resize(self.queries * self.keys, 0.0);
            left.pack(g);
            product(left, values.transposed(), Target::new(slopes, self.keys), false, panels);
            let scale = F32x4::splat(self.scale());
            let rows = slopes.chunks_exact_mut(self.keys).zip(weights.chunks_exact(self.keys));
            for (at, (slopes, weights)) in rows.enumerate() {
                let seen = self.seen(at);
                slopes[seen..].fill(0.0);
                let (slopes, weights) = (&mut slopes[..seen], &weights[..seen]);
                let mean = F32x4::splat(sum_of_two(slopes, weights, F32x4::mul));
                each_with(slopes, weights, |s, w| w.mul(s.sub(mean)).mul(scale));
            }
            let slopes = Factor::new(slopes, square, self.keys);
            left.pack(slopes);
            product(left, keys, to_q, false, panels);
            left.pack(slopes.transposed());
            product(left, queries, to_k, false, panels);
        });
    }

    fn check(&self, queries: &[f32], keys: [&[f32]; 2], out: &[f32]) {
        let numbers = |positions: usize| self.batch * positions * self.stride();
        assert!(self.queries > 0 && self.keys > 0, "attention to nothing");
        assert!(!self.causal || self.queries == self.keys, "a causal mask is for as many queries as keys");
        assert!([queries, out].iter().all(|part| part.len() == numbers(self.queries)), "queries of another shape");
        assert!(keys.iter().all(|part| part.len() == numbers(self.keys)), "keys or values of another shape");
    }
}
