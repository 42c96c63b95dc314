//! `x W^T` for pretrained weights: quantised, 16-bit or f32.
//!
//! Quantised weights are multiplied as integers. Activations are divided into the same groups as the weights, and rounded to 16 bits
//! with the group's largest as the scale. wasm has no vector instruction that multiplies bytes, so 16 bits cost no more than the 8 of
//! llama.cpp, and the error is at most 1/65,000 of the group's largest. The sum over a group fits 32 bits: 128 * 32767 * 32 < 2^31.

use super::matrix::{Data, GROUP, Matrix, bf16};
use super::pool::{MatMut, each_part, part_count};
use super::simd::{F32x4, I16x8, dot, load_each, store_each};

/// Rows in a part, in whole tiles. Loading a weight takes as long as a few multiplications, hence the 3.
fn rows_per_part(rows: usize, cols: usize, n: usize) -> usize {
    rows.div_ceil(part_count(&[rows, cols, n + 3])).next_multiple_of(ROWS).max(ROWS)
}

/// `x W^T` into `out`: `x` is `[n, cols]`, `out` `[n, rows]`.
pub fn matmul(w: &Matrix, x: &[f32], out: &mut [f32]) {
    let (rows, cols) = (w.rows, w.cols);
    let n = x.len() / cols;
    assert!(x.len() == n * cols && out.len() == n * rows, "activations of another shape");
    match &w.data {
        Data::F32(values) => {
            assert!(values.len() == rows * cols, "a matrix of another shape");
            dense(values, x, cols, rows, out);
        }
        Data::F16(bits) => half_precision(bits, half, x, cols, rows, out),
        Data::Bf16(bits) => half_precision(bits, bf16, x, cols, rows, out),
        Data::Q4 { q, d, m } => {
            assert!(q.len() == rows * cols / 2, "a matrix of another shape");
            let (q, _) = q.as_chunks();
            let w = Groups { unpack: |g| I16x8::nibbles(&q[g]), d, m, rows, groups: cols / GROUP };
            w.matmul(x, out);
        }
        Data::Q8 { q, group: 16, d, m } => {
            assert!(q.len() == rows * cols, "a matrix of another shape");
            let (q, _) = q.as_chunks();
            let w = Groups { unpack: |g| I16x8::bytes(&q[g]), d, m, rows, groups: cols / 16 };
            w.matmul(x, out);
        }
        Data::Q8 { q, d, m, .. } => {
            assert!(q.len() == rows * cols, "a matrix of another shape");
            let (q, _) = q.as_chunks().0.as_chunks();
            let unpack = |g: usize| {
                let [first, second]: &[[i8; 16]; 2] = &q[g];
                let ([a, b], [c, d]) = (I16x8::bytes(first), I16x8::bytes(second));
                [a, b, c, d]
            };
            Groups { unpack, d, m, rows, groups: cols / GROUP }.matmul(x, out);
        }
    }
}

/// Rows of f32.
fn dense(w: &[f32], x: &[f32], cols: usize, rows: usize, out: &mut [f32]) {
    let (size, out) = (rows_per_part(rows, cols, x.len() / cols), MatMut::new(out, rows));
    let x = Tokens::new(x, cols);
    each_part(
        rows.div_ceil(size),
        || (),
        |(), part| {
            let first = part * size;
            // SAFETY: each part writes its own columns.
            x.by(&w[first * cols..rows.min(first + size) * cols], &mut unsafe { out.part(0, first) });
        },
    );
}

/// Rows of 16-bit numbers, a few of which at a time are converted to f32.
fn half_precision(
    bits: &[u16],
    value: impl Fn(u16) -> f32 + Sync,
    x: &[f32],
    cols: usize,
    rows: usize,
    out: &mut [f32],
) {
    assert!(bits.len() == rows * cols, "a matrix of another shape");
    let (size, out) = (rows_per_part(rows, cols, x.len() / cols), MatMut::new(out, rows));
    let x = Tokens::new(x, cols);
    each_part(rows.div_ceil(size), Vec::new, |some: &mut Vec<f32>, part| {
        let end = rows.min((part + 1) * size);
        for first in (part * size..end).step_by(ROWS) {
            some.clear();
            some.extend(bits[first * cols..end.min(first + ROWS) * cols].iter().map(|&b| value(b)));
            // SAFETY: each part writes its own columns.
            x.by(some, &mut unsafe { out.part(0, first) });
        }
    });
}

/// Activations `[n, cols]`, prepared for products with rows of f32.
struct Tokens<'a> {
    x: &'a [f32],
    cols: usize,
    /// From [`TILED_FROM`] tokens on: panels of eight tokens, `[cols, 8]`, padded with zeros.
    panels: Vec<f32>,
}

/// Rows of a tile.
const ROWS: usize = 4;
/// Tokens of a tile, and the fewest for which tiles are used.
const TOKENS: usize = 8;
const TILED_FROM: usize = 4;

impl<'a> Tokens<'a> {
    fn new(x: &'a [f32], cols: usize) -> Self {
        let n = x.len() / cols;
        let mut panels = vec![0.0; if n < TILED_FROM { 0 } else { n.div_ceil(TOKENS) * TOKENS * cols }];
        for (panel, x) in panels.chunks_exact_mut(TOKENS * cols).zip(x.chunks(TOKENS * cols)) {
            for (t, x) in x.chunks_exact(cols).enumerate() {
                panel.iter_mut().skip(t).step_by(TOKENS).zip(x).for_each(|(to, from)| *to = *from);
            }
        }
        Self { x, cols, panels }
    }

    /// The product of each token with each row of `w`, which is read in order, so that the processor can prefetch it.
    fn by(&self, w: &[f32], out: &mut MatMut) {
        let (cols, n, rows) = (self.cols, self.x.len() / self.cols, w.len() / self.cols);
        out.check([n, rows]);
        if self.panels.is_empty() {
            // A row of the first half and a row of the second in turn: two streams far apart are read faster than one, and two
            // neighbouring rows slower (all products of GPT-2 in node: 15.3 ms, 18.3 and 41).
            let half = rows.div_ceil(2);
            for (t, x) in self.x.chunks_exact(cols).enumerate() {
                let out = out.row(t, 0, rows);
                let mut row = |r: usize| out[r] = dot(&w[r * cols..][..cols], x);
                for r in 0..rows / 2 {
                    row(r);
                    row(half + r);
                }
                if rows % 2 == 1 {
                    row(half - 1);
                }
            }
            return;
        }
        // For the same reason the rows of a tile are far apart. Where rows are missing, the last one is used.
        let far = rows.div_ceil(ROWS);
        for r in 0..far {
            let lines = [0, 1, 2, 3].map(|i| &w[(i * far + r).min(rows - 1) * cols..][..cols]);
            for (panel, t) in self.panels.chunks_exact(TOKENS * cols).zip((0..n).step_by(TOKENS)) {
                let sums = tile(lines, panel);
                for j in 0..TOKENS.min(n - t) {
                    let to = out.row(t + j, 0, rows);
                    for (to, sums) in to.iter_mut().skip(r).step_by(far).zip(&sums) {
                        *to = sums[j];
                    }
                }
            }
        }
    }
}

/// The products of some rows with each token of a panel.
#[inline(always)]
fn tile(rows: [&[f32]; ROWS], panel: &[f32]) -> [[f32; TOKENS]; ROWS] {
    let mut sums = [[F32x4::splat(0.0); 2]; ROWS];
    let [a, b, c, d] = rows;
    for ((((x, a), b), c), d) in panel.as_chunks::<TOKENS>().0.iter().zip(a).zip(b).zip(c).zip(d) {
        let x: [F32x4; 2] = load_each(x);
        for (sums, &w) in sums.iter_mut().zip([a, b, c, d]) {
            let w = F32x4::splat(w);
            sums[0] = sums[0].add(w.mul(x[0]));
            sums[1] = sums[1].add(w.mul(x[1]));
        }
    }
    sums.map(|sums| {
        let mut line = [0.0; TOKENS];
        store_each(sums, &mut line);
        line
    })
}

/// `f16` without the branch for infinities, which do not occur in weights, so that the loop is vectorised.
fn half(bits: u16) -> f32 {
    let magnitude = f32::from_bits(u32::from(bits & 0x7fff) << 13) * f32::from_bits(0x7780_0000);
    f32::from_bits(magnitude.to_bits() | u32::from(bits & 0x8000) << 16)
}

/// Rows of quantised weights in groups of `8 N`.
struct Groups<'a, U> {
    unpack: U,
    d: &'a [f32],
    m: &'a [f32],
    rows: usize,
    /// Groups in a row.
    groups: usize,
}

impl<U> Groups<'_, U> {
    fn matmul<const N: usize>(&self, x: &[f32], out: &mut [f32])
    where
        U: Fn(usize) -> [I16x8; N] + Sync,
    {
        let all = self.rows * self.groups;
        assert!(self.d.len() == all && (self.m.is_empty() || self.m.len() == all), "a matrix of another shape");
        let x = QuantizedActivations::new(x, 8 * N);
        let n = x.d.len() / self.groups;
        let size = rows_per_part(self.rows, self.groups * 8 * N, n);
        let out = MatMut::new(out, self.rows);
        out.check([n, self.rows]);
        each_part(
            self.rows.div_ceil(size),
            || (),
            |(), part| {
                let rows = part * size..self.rows.min((part + 1) * size);
                // SAFETY: each part writes its own columns.
                let mut out = unsafe { out.part(0, 0) };
                // Four tokens at a time share the weights of a row. One token takes one row at a time: two or four run out of registers
                // (SmolLM2's products, node: 8.5 ms a token by one, 11.5 by two, 20 by four).
                let wide = n / 4 * 4;
                for r in rows.clone() {
                    (0..wide).step_by(4).for_each(|t| self.tile::<N, 4>(&x, r, t, &mut out));
                }
                for t in wide..n {
                    rows.clone().for_each(|r| self.tile::<N, 1>(&x, r, t, &mut out));
                }
            },
        );
    }

    /// Row `r` with tokens `t..t + T`.
    fn tile<const N: usize, const T: usize>(&self, x: &QuantizedActivations, r: usize, t: usize, out: &mut MatMut)
    where
        U: Fn(usize) -> [I16x8; N],
    {
        let groups = self.groups;
        let row = r * groups..(r + 1) * groups;
        let of = |j: usize| (t + j) * groups..(t + j + 1) * groups;
        let d = &self.d[row.clone()];
        let xd: [&[f32]; T] = std::array::from_fn(|j| &x.d[of(j)]);
        let (xq, _) = x.q.as_chunks::<8>().0.as_chunks::<N>();
        let xq: [&[[[i16; 8]; N]]; T] = std::array::from_fn(|j| &xq[of(j)]);
        let mut sums = [F32x4::splat(0.0); T];
        for (g, d) in d.iter().enumerate() {
            let w = (self.unpack)(row.start + g);
            for (j, total) in sums.iter_mut().enumerate() {
                let q = &xq[j][g];
                let mut sum = w[0].dot(I16x8::load(&q[0]));
                for (w, q) in w.iter().zip(q).skip(1) {
                    sum = sum.add(w.dot(I16x8::load(q)));
                }
                *total = total.add(sum.to_f32().mul(F32x4::splat(d * xd[j][g])));
            }
        }
        for (j, total) in sums.into_iter().enumerate() {
            let lowest = if self.m.is_empty() { 0.0 } else { dot(&self.m[row.clone()], &x.sums[of(j)]) };
            out.row(t + j, r, 1)[0] = total.sum() + lowest;
        }
    }
}

/// Activations in groups: 16-bit integers, their scale, and the sum of each group.
struct QuantizedActivations {
    q: Vec<i16>,
    d: Vec<f32>,
    sums: Vec<f32>,
}

impl QuantizedActivations {
    fn new(x: &[f32], group: usize) -> Self {
        let count = x.len() / group;
        let mut all =
            Self { q: Vec::with_capacity(x.len()), d: Vec::with_capacity(count), sums: Vec::with_capacity(count) };
        for x in x.chunks_exact(group) {
            // A NaN is kept, so that it shows in the logits.
            let largest = x.iter().fold(0.0f32, |m, v| if m.is_nan() || v.abs() <= m { m } else { v.abs() });
            let steps = if largest > 0.0 { 32767.0 / largest } else { 0.0 };
            let (d, from) = (largest / 32767.0, all.q.len());
            all.q.extend(x.iter().map(|v| (v * steps).round_ties_even() as i16));
            all.d.push(d);
            // The sum of the rounded numbers: the rounding errors then multiply `d q + m`, which is small, and not `m` alone.
            all.sums.push(d * all.q[from..].iter().map(|&q| i32::from(q)).sum::<i32>() as f32);
        }
        all
    }
}
