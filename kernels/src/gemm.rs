//! Matrix products of f32: Goto and van de Geijn's packed panels ("Anatomy of high-performance matrix multiplication", 2008).
//!
//! A tile is 4 rows by 8 columns: 8 vectors of four sums. Browsers have 16 vector registers and reserve one: with 12 vectors (the tile
//! of the crate gemm on wasm) some sums are spilled to memory, which halves the speed. A loop over tiles from packed panels, node 20,
//! one thread, one machine: 2 x 4 vectors 56 GFLOP/s, 3 x 4 27, 2 x 6 27, 1 x 8 32.

use super::gemv::{self, THIN};
use super::mat_ref::MatRef;
use super::pool::{MatMut, each_part, standalone_part_count};
use super::simd::{F32x4, load_each, store_each};
use std::ops::Range;

/// Rows and columns of a tile.
const ROWS: usize = 4;
const COLS: usize = 8;
/// Depth and columns of the part of the right factor that is packed at once: it fits the level-2 cache.
const DEPTH: usize = 256;
const WIDTH: usize = 512;

/// A left factor in panels of [`ROWS`] rows, each `[depth, ROWS]`, padded with zeros.
#[derive(Default)]
pub struct PackedLhs {
    panels: Vec<f32>,
    rows: usize,
    depth: usize,
}

impl PackedLhs {
    pub fn pack(&mut self, from: MatRef) {
        (self.rows, self.depth) = (from.rows, from.cols);
        self.panels.resize(from.rows.div_ceil(ROWS) * from.cols * ROWS, 0.0);
        for (panel, to) in self.panels.chunks_exact_mut((from.cols * ROWS).max(1)).enumerate() {
            pack::<ROWS>(from.transposed(), 0..from.cols, panel * ROWS, to);
        }
    }
}

/// Columns `at..at + N` of some rows of a matrix, as `[rows, N]`, padded with zeros.
#[inline(always)]
fn pack<const N: usize>(from: MatRef, rows: Range<usize>, at: usize, to: &mut [f32]) {
    let (whole, stride, values) = (at + N <= from.cols, from.stride, from.values);
    // All places read below are inside the factor, because the last one, which is checked here, is.
    let last = if from.transposed { (at + N - 1) * stride + rows.end } else { rows.end * stride - stride + at + N };
    assert!(!whole || rows.is_empty() || last <= values.len(), "a panel outside of its factor");
    match (whole, from.transposed) {
        (true, false) => {
            for (row, to) in rows.zip(to.as_chunks_mut::<N>().0) {
                for (i, to) in to.as_chunks_mut().0.iter_mut().enumerate() {
                    // SAFETY: not beyond the last place, which was checked.
                    unsafe { F32x4::load_at(values, row * stride + at + 4 * i) }.store(to);
                }
            }
        }
        (true, true) => {
            let (fours, end) = (rows.len() / 4, rows.end);
            for (four, to) in to.chunks_exact_mut(4 * N).take(fours).enumerate() {
                let row = rows.start + 4 * four;
                for i in (0..N).step_by(4) {
                    // SAFETY: not beyond the last place, which was checked.
                    let load = |j: usize| unsafe { F32x4::load_at(values, (at + i + j) * stride + row) };
                    for (j, v) in transpose([0, 1, 2, 3].map(load)).into_iter().enumerate() {
                        // SAFETY: `to` has four rows of `N` numbers.
                        unsafe { v.store_at(to, j * N + i) };
                    }
                }
            }
            for (row, to) in (rows.start + 4 * fours..end).zip(to.chunks_exact_mut(N).skip(4 * fours)) {
                to.iter_mut().enumerate().for_each(|(i, to)| *to = values[(at + i) * stride + row]);
            }
        }
        (false, transposed) => {
            for (row, to) in rows.zip(to.chunks_exact_mut(N)) {
                for (col, to) in (at..).zip(to) {
                    let place = if transposed { col * stride + row } else { row * stride + col };
                    *to = if col < from.cols { values[place] } else { 0.0 };
                }
            }
        }
    }
}

/// The transpose of four rows of four numbers.
#[inline(always)]
fn transpose([a, b, c, d]: [F32x4; 4]) -> [F32x4; 4] {
    let ((ac, ac2), (bd, bd2)) = (a.zip(c), b.zip(d));
    let ((r0, r1), (r2, r3)) = (ac.zip(bd), ac2.zip(bd2));
    [r0, r1, r2, r3]
}

/// `out = left right`, or `out += left right` where it `adds`. `scratch` holds the panels of the right factor.
#[inline(never)]
pub fn gemm_packed(left: &PackedLhs, right: MatRef, mut out: MatMut, adds: bool, scratch: &mut Vec<f32>) {
    let (rows, cols) = (left.rows, right.cols);
    out.check([rows, cols]);
    assert!(left.depth == right.rows, "factors of other shapes");
    if left.depth == 0 && !adds {
        (0..rows).for_each(|row| out.row(row, 0, cols).fill(0.0));
    }
    for first in (0..cols).step_by(WIDTH) {
        let width = WIDTH.min(cols - first);
        for from in (0..left.depth).step_by(DEPTH) {
            let depth = DEPTH.min(left.depth - from);
            scratch.resize(width.div_ceil(COLS) * depth * COLS, 0.0);
            for (panel, to) in scratch.chunks_exact_mut(depth * COLS).enumerate() {
                pack::<COLS>(right, from..from + depth, first + panel * COLS, to);
            }
            for (panel, right) in scratch.chunks_exact(depth * COLS).enumerate() {
                let col = first + panel * COLS;
                for (row, left) in (0..rows).step_by(ROWS).zip(left.panels.chunks_exact(left.depth * ROWS)) {
                    let left = &left[from * ROWS..][..depth * ROWS];
                    let (high, wide) = (ROWS.min(rows - row), COLS.min(cols - col));
                    tile(left, right, &mut out, [row..row + high, col..col + wide], adds || from > 0);
                }
            }
        }
    }
}

/// One tile of `out`.
#[inline(always)]
fn tile(left: &[f32], right: &[f32], out: &mut MatMut, [rows, cols]: [Range<usize>; 2], adds: bool) {
    let mut sums = [[F32x4::splat(0.0); 2]; ROWS];
    for (left, right) in left.as_chunks::<ROWS>().0.iter().zip(right.as_chunks::<COLS>().0) {
        let r: [F32x4; 2] = load_each(right);
        for (sums, &l) in sums.iter_mut().zip(left) {
            let l = F32x4::splat(l);
            sums[0] = sums[0].add(l.mul(r[0]));
            sums[1] = sums[1].add(l.mul(r[1]));
        }
    }
    if rows.len() == ROWS && cols.len() == COLS {
        for (row, sums) in rows.zip(sums) {
            for (sum, to) in sums.into_iter().zip(out.row(row, cols.start, COLS).as_chunks_mut().0) {
                let sum = if adds { sum.add(F32x4::load(to)) } else { sum };
                sum.store(to);
            }
        }
        return;
    }
    for (row, sums) in rows.zip(sums) {
        let mut line = [0.0; COLS];
        store_each(sums, &mut line);
        for (to, sum) in out.row(row, cols.start, cols.len()).iter_mut().zip(line) {
            *to = if adds { *to + sum } else { sum };
        }
    }
}

/// `out = a b`; `out` is `[a.rows, b.cols]`.
pub fn gemm(a: MatRef, b: MatRef, out: &mut [f32]) {
    let out = MatMut::new(out, b.cols);
    out.check([a.rows, b.cols]);
    assert!(a.cols == b.rows, "factors of other shapes");
    match [a.rows, a.cols, b.cols].map(|n| n <= THIN) {
        [_, _, true] => return gemv::few_columns(a, b, &out),
        [true, ..] => return gemv::few_rows(a, b, &out),
        [_, true, _] => return gemv::few_between(a, b, &out),
        _ => {}
    }
    let parts = standalone_part_count(&[a.rows, a.cols, b.cols]);
    if b.cols >= a.rows {
        let mut left = PackedLhs::default();
        left.pack(a);
        gemm_packed_in_parts(parts, &left, b, &out, false);
        return;
    }
    let size = a.rows.div_ceil(parts).next_multiple_of(ROWS);
    each_part(a.rows.div_ceil(size), Default::default, |(left, scratch): &mut (PackedLhs, Vec<f32>), i| {
        let rows = i * size..a.rows.min((i + 1) * size);
        left.pack(a.row_range(rows.clone()));
        // SAFETY: each part writes its own rows.
        gemm_packed(left, b, unsafe { out.part(rows.start, 0) }, false, scratch);
    });
}

/// [`gemm_packed`], in this number of parts of its columns.
pub fn gemm_packed_in_parts(parts: usize, left: &PackedLhs, right: MatRef, out: &MatMut, adds: bool) {
    let size = right.cols.div_ceil(parts.max(1)).next_multiple_of(COLS);
    each_part(right.cols.div_ceil(size.max(1)), Vec::new, |scratch, i| {
        let columns = i * size..right.cols.min((i + 1) * size);
        // SAFETY: each part writes its own columns.
        gemm_packed(left, right.columns(columns.clone()), unsafe { out.part(0, columns.start) }, adds, scratch);
    });
}
