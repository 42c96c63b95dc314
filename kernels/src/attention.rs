//! Multi-head attention (Vaswani et al. 2017, arXiv 1706.03762) and its gradients. Queries, keys and values are laid out as linear
//! layers produce them, `[batch, positions, heads x width]`. The attention weights are not stored for the backward pass, which
//! computes them again: they would take more memory than everything else.

use super::activation::exp;
use super::cross_entropy::largest;
use super::elementwise::{map, sum_map, sum_zip_map, zip_map};
use super::gemm::{PackedLhs, gemm_packed};
use super::mat_ref::MatRef;
use super::pool::{MatMut, each_part, part_count};
use super::simd::F32x4;

/// The sizes of an attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attention {
    pub batch: usize,
    pub queries: usize,
    pub keys: usize,
    pub heads: usize,
    /// Channels of a head.
    pub width: usize,
    /// Whether a query attends only to keys up to its own position.
    pub causal: bool,
}

/// Scratch space of one thread.
#[derive(Default)]
struct Scratch {
    left: PackedLhs,
    panels: Vec<f32>,
    /// Attention weights `[queries, keys]`, and the gradients of the scores.
    weights: Vec<f32>,
    grad_scores: Vec<f32>,
}

impl Attention {
    fn stride(&self) -> usize {
        self.heads * self.width
    }

    /// Keys that a query attends to.
    fn visible(&self, query: usize) -> usize {
        if self.causal { (query + 1).min(self.keys) } else { self.keys }
    }

    /// Calls `head` for each head of each sequence.
    fn each_head(&self, products: usize, head: impl Fn(&mut Scratch, usize, usize) + Sync) {
        let all = self.batch * self.heads;
        let parts = part_count(&[products, all, self.queries, self.keys, self.width]).max(1);
        let size = all.div_ceil(parts).max(1);
        each_part(all.div_ceil(size), Scratch::default, |scratch, part| {
            (part * size..all.min((part + 1) * size)).for_each(|i| head(scratch, i / self.heads, i % self.heads));
        });
    }

    /// The rows of a head as a matrix.
    fn head<'a>(&self, values: &'a [f32], rows: usize, sequence: usize, head: usize) -> MatRef<'a> {
        let values = &values[sequence * rows * self.stride() + head * self.width..];
        MatRef::new(values, [rows, self.width], self.stride())
    }

    /// The attention weights of a head: a row for each query, which sums to 1.
    fn weights(&self, scratch: &mut Scratch, queries: MatRef, keys: MatRef) {
        scratch.weights.resize(self.queries * self.keys, 0.0);
        scratch.left.pack(queries);
        let to = MatMut::new(&mut scratch.weights, self.keys);
        gemm_packed(&scratch.left, keys.transposed(), to, false, &mut scratch.panels);
        let scale = F32x4::splat(self.scale());
        for (at, row) in scratch.weights.chunks_exact_mut(self.keys).enumerate() {
            let (visible, beyond) = row.split_at_mut(self.visible(at));
            beyond.fill(0.0);
            let shift = F32x4::splat(largest(visible));
            map(visible, |score| exp(score.sub(shift).mul(scale)));
            let share = F32x4::splat(1.0 / sum_map(visible, |e| e));
            map(visible, |e| e.mul(share));
        }
    }

    fn scale(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    /// `softmax(q k^T / sqrt(width)) v` for each head; the results of the heads are concatenated.
    #[inline(never)]
    pub fn forward(&self, q: &[f32], k: &[f32], v: &[f32], out: &mut [f32]) {
        self.check(q, [k, v], out);
        let out = MatMut::new(out, self.stride());
        self.each_head(2, |scratch, sequence, head| {
            let [keys, values] = [k, v].map(|values| self.head(values, self.keys, sequence, head));
            self.weights(scratch, self.head(q, self.queries, sequence, head), keys);
            scratch.left.pack(MatRef::new(&scratch.weights, [self.queries, self.keys], self.keys));
            // SAFETY: each head of each sequence writes its own rows and columns.
            let to = unsafe { out.part(sequence * self.queries, head * self.width) };
            gemm_packed(&scratch.left, values, to, false, &mut scratch.panels);
        });
    }

    /// Gradients of queries, keys and values, from that of the result.
    #[inline(never)]
    pub fn backward(&self, [q, k, v]: [&[f32]; 3], gradient: &[f32], [grad_q, grad_k, grad_v]: [&mut [f32]; 3]) {
        self.check(q, [k, v], gradient);
        self.check(grad_q, [grad_k, grad_v], gradient);
        let [grad_q, grad_k, grad_v] = [grad_q, grad_k, grad_v].map(|out| MatMut::new(out, self.stride()));
        self.each_head(6, |scratch, sequence, head| {
            let [keys, values] = [k, v].map(|values| self.head(values, self.keys, sequence, head));
            let [queries, g] = [q, gradient].map(|values| self.head(values, self.queries, sequence, head));
            self.weights(scratch, queries, keys);
            let Scratch { left, panels, weights, grad_scores } = scratch;
            let square = [self.queries, self.keys];
            // SAFETY: each head of each sequence writes its own rows and columns in each of the three.
            let [to_q, to_k, to_v] = unsafe {
                let at = |rows: usize| (sequence * rows, head * self.width);
                let ((q, column), (k, _)) = (at(self.queries), at(self.keys));
                [grad_q.part(q, column), grad_k.part(k, column), grad_v.part(k, column)]
            };
            left.pack(MatRef::new(weights, square, self.keys).transposed());
            gemm_packed(left, g, to_v, false, panels);
            grad_scores.resize(self.queries * self.keys, 0.0);
            left.pack(g);
            gemm_packed(left, values.transposed(), MatMut::new(grad_scores, self.keys), false, panels);
            let scale = F32x4::splat(self.scale());
            let rows = grad_scores.chunks_exact_mut(self.keys).zip(weights.chunks_exact(self.keys));
            for (at, (grad_scores, weights)) in rows.enumerate() {
                let visible = self.visible(at);
                grad_scores[visible..].fill(0.0);
                let (grad_scores, weights) = (&mut grad_scores[..visible], &weights[..visible]);
                let mean = F32x4::splat(sum_zip_map(grad_scores, weights, F32x4::mul));
                zip_map(grad_scores, weights, |s, w| w.mul(s.sub(mean)).mul(scale));
            }
            let grad_scores = MatRef::new(grad_scores, square, self.keys);
            left.pack(grad_scores);
            gemm_packed(left, keys, to_q, false, panels);
            left.pack(grad_scores.transposed());
            gemm_packed(left, queries, to_k, false, panels);
        });
    }

    fn check(&self, queries: &[f32], keys: [&[f32]; 2], out: &[f32]) {
        let numbers = |positions: usize| self.batch * positions * self.stride();
        assert!(self.queries > 0 && self.keys > 0, "attention to nothing");
        assert!(!self.causal || self.queries == self.keys, "a causal mask needs as many queries as keys");
        assert!([queries, out].iter().all(|part| part.len() == numbers(self.queries)), "queries of another shape");
        assert!(keys.iter().all(|part| part.len() == numbers(self.keys)), "keys or values of another shape");
    }
}
