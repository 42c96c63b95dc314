//! Matrix products with few rows, few columns or little depth, matrix-vector products among them. In [`gemm`](super::gemm) most of a
//! tile would be zeros, or packing would take longer than multiplying. Layers from and to points in the plane are of this kind, and
//! layers with a single output.

use super::elementwise::{load_partial, store_partial};
use super::mat_ref::MatRef;
use super::pool::{MatMut, each_part, standalone_part_count};
use super::simd::{F32x4, dot, store_each};
use super::vector::axpy;
use std::array::from_fn;
use std::ops::Range;

/// The largest number of rows, columns or depth that is treated here. Four rows fill a tile, which is then faster.
pub const THIN: usize = 3;

/// Sums that are computed together: two cache lines.
const LANES: usize = 32;

/// `a b`, where `b` has few columns.
pub fn few_columns(a: MatRef, b: MatRef, out: &MatMut) {
    in_parts([a.rows, a.cols, b.cols], |rows| {
        // SAFETY: each part writes its own rows.
        let mut out = unsafe { out.part(rows.start, 0) };
        sums(a.row_range(rows), b, |i, j, sum| out.row(i, j, 1)[0] = sum);
    });
}

/// `a b`, where `a` has few rows.
pub fn few_rows(a: MatRef, b: MatRef, out: &MatMut) {
    in_parts([b.cols, b.rows, a.rows], |columns| {
        // SAFETY: each part writes its own columns.
        let mut out = unsafe { out.part(0, columns.start) };
        sums(b.columns(columns).transposed(), a.transposed(), |i, j, sum| out.row(j, i, 1)[0] = sum);
    });
}

/// `a b`, where `a` has few columns and `b` few rows.
pub fn few_between(a: MatRef, b: MatRef, out: &MatMut) {
    let lines = row_major(b);
    in_parts([a.rows, a.cols, b.cols], |rows| {
        // SAFETY: each part writes its own rows.
        let mut out = unsafe { out.part(rows.start, 0) };
        for (at, i) in rows.enumerate() {
            let to = out.row(at, 0, b.cols);
            match a.cols {
                0 => to.fill(0.0),
                1 => weighted::<1>(from_fn(|k| a.at(i, k)), &lines, to),
                2 => weighted::<2>(from_fn(|k| a.at(i, k)), &lines, to),
                _ => weighted::<THIN>(from_fn(|k| a.at(i, k)), &lines, to),
            }
        }
    });
}

/// Calls `part` with ranges of the first size, in as many parts as the number of multiplications is worth.
fn in_parts(sizes: [usize; 3], part: impl Fn(Range<usize>) + Sync) {
    let size = sizes[0].div_ceil(standalone_part_count(&sizes)).next_multiple_of(LANES);
    let parts = sizes[0].div_ceil(size.max(1));
    each_part(parts, || (), |(), i| part(i * size..sizes[0].min((i + 1) * size)));
}

/// All numbers of a matrix, row-major.
fn row_major(matrix: MatRef) -> Vec<f32> {
    let mut numbers = Vec::with_capacity(matrix.rows * matrix.cols);
    for i in 0..matrix.rows {
        for j in 0..matrix.cols {
            numbers.push(matrix.at(i, j));
        }
    }
    numbers
}

/// Calls `hand` with the row, the column and the value of each number of `matrix few`.
#[inline(always)]
fn sums(matrix: MatRef, few: MatRef, mut hand: impl FnMut(usize, usize, f32)) {
    let columns = row_major(few.transposed());
    let columns = (0..few.cols).map(|j| &columns[j * few.rows..(j + 1) * few.rows]);
    if !matrix.transposed {
        for i in 0..matrix.rows {
            let row = matrix.run(i);
            columns.clone().enumerate().for_each(|(j, column)| hand(i, j, dot(row, column)));
        }
        return;
    }
    for first in (0..matrix.rows).step_by(LANES) {
        let some = matrix.row_range(first..matrix.rows.min(first + LANES)).transposed();
        for (j, column) in columns.clone().enumerate() {
            let sums = if some.cols == LANES { sum_columns(some, column) } else { sum_fewer_columns(some, column) };
            sums[..some.cols].iter().enumerate().for_each(|(i, &sum)| hand(first + i, j, sum));
        }
    }
}

/// The weighted sum of the rows of a matrix. There are [`LANES`] columns.
#[inline(always)]
fn sum_columns(rows: MatRef, by: &[f32]) -> [f32; LANES] {
    let mut fours = [F32x4::splat(0.0); LANES / 4];
    for (k, &by) in by.iter().enumerate() {
        let (row, by) = (rows.run(k), F32x4::splat(by));
        for (four, row) in fours.iter_mut().zip(row.as_chunks().0) {
            *four = four.add(F32x4::load(row).mul(by));
        }
    }
    let mut sums = [0.0; LANES];
    store_each(fours, &mut sums);
    sums
}

/// [`sum_columns`], for fewer columns.
fn sum_fewer_columns(rows: MatRef, by: &[f32]) -> [f32; LANES] {
    let mut sums = [0.0; LANES];
    for (k, by) in by.iter().enumerate() {
        axpy(&mut sums[..rows.cols], *by, rows.run(k));
    }
    sums
}

/// The weighted sum of `D` rows.
#[inline(always)]
fn weighted<const D: usize>(by: [f32; D], lines: &[f32], to: &mut [f32]) {
    let (n, by) = (to.len(), by.map(F32x4::splat));
    let lines: [&[f32]; D] = from_fn(|k| &lines[k * n..(k + 1) * n]);
    let (fours, rest) = to.as_chunks_mut();
    let many = fours.len();
    let vectors = lines.map(|line| &line.as_chunks::<4>().0[..many]);
    for (i, four) in fours.iter_mut().enumerate() {
        sum_map(by, |k| F32x4::load(&vectors[k][i])).store(four);
    }
    if !rest.is_empty() {
        store_partial(sum_map(by, |k| load_partial(&lines[k][4 * many..])), rest);
    }
}

#[inline(always)]
fn sum_map<const D: usize>(by: [F32x4; D], value: impl Fn(usize) -> F32x4) -> F32x4 {
    (1..D).fold(value(0).mul(by[0]), |sum, k| sum.add(value(k).mul(by[k])))
}
