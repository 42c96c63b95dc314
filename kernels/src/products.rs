//! Matrix products of the CPU: `x W^T` with `W` as it lies in memory.
//!
//! Quantised weights are multiplied as whole numbers. Activations are cut in the weights' groups and rounded to 16 bits by
//! the group's largest: no vector instruction of wasm multiplies bytes, so that 16 bits cost nothing over the 8 that
//! llama.cpp rounds to, and the error is at most a 65,000th of the group's largest. Products of 4- or 8-bit weights with them
//! fit 32 bits over a group: 128 * 32767 * 32 < 2^31.

use super::lanes::{F32x4, I16x8, dot};
use super::matrix::{Data, GROUP, Matrix, bf16};
use super::product::{Factor, multiply};

/// Tokens from which on packing the weights pays.
const PACKED: usize = 4;

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
        Data::F16(bits) => expanded(bits, half, x, cols, rows, out),
        Data::Bf16(bits) => expanded(bits, bf16, x, cols, rows, out),
        Data::Q4 { q, d, m } => {
            assert!(q.len() == rows * cols / 2, "a matrix of another shape");
            let w = Groups { unpack: |g| I16x8::nibbles(q, g * 16), d, m, rows, groups: cols / GROUP };
            w.matmul(x, out);
        }
        Data::Q8 { q, group: 16, d, m } => {
            assert!(q.len() == rows * cols, "a matrix of another shape");
            let w = Groups { unpack: |g| I16x8::bytes(q, g * 16), d, m, rows, groups: cols / 16 };
            w.matmul(x, out);
        }
        Data::Q8 { q, d, m, .. } => {
            assert!(q.len() == rows * cols, "a matrix of another shape");
            let unpack = |g: usize| {
                let ([a, b], [c, d]) = (I16x8::bytes(q, g * 32), I16x8::bytes(q, g * 32 + 16));
                [a, b, c, d]
            };
            Groups { unpack, d, m, rows, groups: cols / GROUP }.matmul(x, out);
        }
    }
}

/// Rows of f32: one at a time for few tokens, since a processor fetches one stream ahead better than eight; packed for more.
fn dense(w: &[f32], x: &[f32], cols: usize, rows: usize, out: &mut [f32]) {
    let n = x.len() / cols;
    if n >= PACKED {
        return multiply(Factor::new(x, [n, cols], cols), Factor::new(w, [rows, cols], cols).transposed(), out);
    }
    for (x, out) in x.chunks_exact(cols).zip(out.chunks_exact_mut(rows)) {
        for (w, out) in w.chunks_exact(cols).zip(out) {
            *out = dot(w, x);
        }
    }
}

/// Rows of 16-bit numbers, turned to f32 one row at a time.
fn expanded(bits: &[u16], value: impl Fn(u16) -> f32, x: &[f32], cols: usize, rows: usize, out: &mut [f32]) {
    assert!(bits.len() == rows * cols, "a matrix of another shape");
    let mut row = vec![0.0; cols];
    for (r, bits) in bits.chunks_exact(cols).enumerate() {
        row.iter_mut().zip(bits).for_each(|(v, &b)| *v = value(b));
        for (t, x) in x.chunks_exact(cols).enumerate() {
            out[t * rows + r] = dot(&row, x);
        }
    }
}

/// As `f16`, without its branch for infinities, which are no weights: so that compilers make vectors of it.
fn half(bits: u16) -> f32 {
    let magnitude = f32::from_bits(u32::from(bits & 0x7fff) << 13) * f32::from_bits(0x7780_0000);
    f32::from_bits(magnitude.to_bits() | u32::from(bits & 0x8000) << 16)
}

/// Rows of quantised groups of `8 N` weights.
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
        U: Fn(usize) -> [I16x8; N],
    {
        let all = self.rows * self.groups;
        assert!(self.d.len() == all && (self.m.is_empty() || self.m.len() == all), "a matrix of another shape");
        let x = Activations::new(x, 8 * N);
        let n = x.d.len() / self.groups;
        tiles::<1, 4>(self.rows, n, |r, t, tile| match tile {
            Tile::Wide => self.tile::<N, 4>(&x, r, t, out),
            Tile::One => self.tile::<N, 1>(&x, r, t, out),
        });
    }

    /// Row `r` with tokens `t..t + T`.
    fn tile<const N: usize, const T: usize>(&self, x: &Activations, r: usize, t: usize, out: &mut [f32])
    where
        U: Fn(usize) -> [I16x8; N],
    {
        let groups = self.groups;
        let row = r * groups..(r + 1) * groups;
        let of = |j: usize| (t + j) * groups..(t + j + 1) * groups;
        let d = &self.d[row.clone()];
        let xd: [&[f32]; T] = std::array::from_fn(|j| &x.d[of(j)]);
        let mut sums = [F32x4::splat(0.0); T];
        for (g, d) in d.iter().enumerate() {
            let w = (self.unpack)(row.start + g);
            for (j, total) in sums.iter_mut().enumerate() {
                let at = ((t + j) * groups + g) * 8 * N;
                let mut sum = w[0].dot(I16x8::load(&x.q, at));
                for (i, w) in w.iter().enumerate().skip(1) {
                    sum = sum.add(w.dot(I16x8::load(&x.q, at + 8 * i)));
                }
                *total = total.add(sum.to_f32().mul(F32x4::splat(d * xd[j][g])));
            }
        }
        for (j, total) in sums.into_iter().enumerate() {
            let lowest = if self.m.is_empty() { 0.0 } else { dot(&self.m[row.clone()], &x.sums[of(j)]) };
            out[(t + j) * self.rows + r] = total.sum() + lowest;
        }
    }
}

/// Activations in groups: 16-bit numbers, what one of them is worth, and the group's sum.
struct Activations {
    q: Vec<i16>,
    d: Vec<f32>,
    sums: Vec<f32>,
}

impl Activations {
    fn new(x: &[f32], group: usize) -> Self {
        let count = x.len() / group;
        let mut all =
            Self { q: Vec::with_capacity(x.len()), d: Vec::with_capacity(count), sums: Vec::with_capacity(count) };
        for x in x.chunks_exact(group) {
            // Unlike f32::max this keeps a NaN, so that it reaches the logits.
            let largest = x.iter().fold(0.0f32, |m, v| if m.is_nan() || v.abs() <= m { m } else { v.abs() });
            let steps = if largest > 0.0 { 32767.0 / largest } else { 0.0 };
            let (d, from) = (largest / 32767.0, all.q.len());
            all.q.extend(x.iter().map(|v| (v * steps).round_ties_even() as i16));
            all.d.push(d);
            // Of the rounded numbers: then `d q + m` is multiplied by them as one, and their errors by no more than that.
            all.sums.push(d * all.q[from..].iter().map(|&q| i32::from(q)).sum::<i32>() as f32);
        }
        all
    }
}

enum Tile {
    Wide,
    One,
}

/// Covers `rows` x `n` with tiles of `R` rows and `T` tokens, and single ones where those do not fit. One token takes single
/// rows: tiles of two or four rows run out of registers and are slower (SmolLM2's products, node: 8.5 ms a token with
/// one row, 11.5 with two, 20 with four).
fn tiles<const R: usize, const T: usize>(rows: usize, n: usize, mut tile: impl FnMut(usize, usize, Tile)) {
    let (whole, wide) = (rows / R * R, n / T * T);
    for r in (0..whole).step_by(R) {
        (0..wide).step_by(T).for_each(|t| tile(r, t, Tile::Wide));
    }
    for t in 0..n {
        let first = if t < wide { whole } else { 0 };
        (first..rows).for_each(|r| tile(r, t, Tile::One));
    }
}
