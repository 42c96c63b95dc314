//! Products that are thin in one direction: most of a tile of [`product`](super::product) would be zeros, or there would be more
//! to pack than to multiply. Layers from and to points of the plane are such, and those to a single number.

use super::each::{put, tail};
use super::factor::Factor;
use super::lanes::{F32x4, dot, store_each};
use super::pool::{Target, each_part, worth_waking};
use super::vectors::add_scaled;
use std::array::from_fn;
use std::ops::Range;

/// So many rows or columns, or so little depth, is thin. Four rows fill a tile, which then is faster.
pub const FEW: usize = 3;

/// Sums that grow together: two lines of a cache.
const TOGETHER: usize = 32;

/// `a b`, where `b` has few columns.
pub fn few_columns(a: Factor, b: Factor, out: &Target) {
    in_lines([a.rows, a.cols, b.cols], |rows| {
        // SAFETY: each part has rows of its own.
        let mut out = unsafe { out.part(rows.start, 0) };
        sums(a.lines(rows), b, |i, j, sum| out.row(i, j, 1)[0] = sum);
    });
}

/// `a b`, where `a` has few rows.
pub fn few_rows(a: Factor, b: Factor, out: &Target) {
    in_lines([b.cols, b.rows, a.rows], |columns| {
        // SAFETY: each part has columns of its own.
        let mut out = unsafe { out.part(0, columns.start) };
        sums(b.columns(columns).transposed(), a.transposed(), |i, j, sum| out.row(j, i, 1)[0] = sum);
    });
}

/// `a b`, where `a` has few columns and `b` few rows.
pub fn few_between(a: Factor, b: Factor, out: &Target) {
    let lines = ordered(b);
    in_lines([a.rows, a.cols, b.cols], |rows| {
        // SAFETY: each part has rows of its own.
        let mut out = unsafe { out.part(rows.start, 0) };
        for (at, i) in rows.enumerate() {
            let to = out.row(at, 0, b.cols);
            match a.cols {
                0 => to.fill(0.0),
                1 => weighted::<1>(from_fn(|k| a.at(i, k)), &lines, to),
                2 => weighted::<2>(from_fn(|k| a.at(i, k)), &lines, to),
                _ => weighted::<FEW>(from_fn(|k| a.at(i, k)), &lines, to),
            }
        }
    });
}

/// Calls `part` with ranges of the first size, by as many threads as these multiplications are worth.
fn in_lines(sizes: [usize; 3], part: impl Fn(Range<usize>) + Sync) {
    let size = sizes[0].div_ceil(worth_waking(&sizes)).next_multiple_of(TOGETHER);
    let parts = sizes[0].div_ceil(size.max(1));
    each_part(parts, || (), |(), i| part(i * size..sizes[0].min((i + 1) * size)));
}

/// All numbers of a matrix, row after row.
fn ordered(matrix: Factor) -> Vec<f32> {
    let mut numbers = Vec::with_capacity(matrix.rows * matrix.cols);
    for i in 0..matrix.rows {
        for j in 0..matrix.cols {
            numbers.push(matrix.at(i, j));
        }
    }
    numbers
}

/// Hands over each number of `matrix few`, with its row and column.
#[inline(always)]
fn sums(matrix: Factor, few: Factor, mut hand: impl FnMut(usize, usize, f32)) {
    let columns = ordered(few.transposed());
    let columns = (0..few.cols).map(|j| &columns[j * few.rows..(j + 1) * few.rows]);
    if !matrix.transposed {
        for i in 0..matrix.rows {
            let row = matrix.run(i);
            columns.clone().enumerate().for_each(|(j, column)| hand(i, j, dot(row, column)));
        }
        return;
    }
    for first in (0..matrix.rows).step_by(TOGETHER) {
        let some = matrix.lines(first..matrix.rows.min(first + TOGETHER)).transposed();
        for (j, column) in columns.clone().enumerate() {
            let sums = if some.cols == TOGETHER { together(some, column) } else { one_by_one(some, column) };
            sums[..some.cols].iter().enumerate().for_each(|(i, &sum)| hand(first + i, j, sum));
        }
    }
}

/// The sum of a matrix's rows, each times a number. There are [`TOGETHER`] columns.
#[inline(always)]
fn together(rows: Factor, by: &[f32]) -> [f32; TOGETHER] {
    let mut fours = [F32x4::splat(0.0); TOGETHER / 4];
    for (k, &by) in by.iter().enumerate() {
        let (row, by) = (rows.run(k), F32x4::splat(by));
        for (four, row) in fours.iter_mut().zip(row.as_chunks().0) {
            *four = four.add(F32x4::load(row).mul(by));
        }
    }
    let mut sums = [0.0; TOGETHER];
    store_each(fours, &mut sums);
    sums
}

/// [`together`], of fewer columns.
fn one_by_one(rows: Factor, by: &[f32]) -> [f32; TOGETHER] {
    let mut sums = [0.0; TOGETHER];
    for (k, by) in by.iter().enumerate() {
        add_scaled(&mut sums[..rows.cols], *by, rows.run(k));
    }
    sums
}

/// The sum of `D` lines, each times a number.
#[inline(always)]
fn weighted<const D: usize>(by: [f32; D], lines: &[f32], to: &mut [f32]) {
    let (n, by) = (to.len(), by.map(F32x4::splat));
    let lines: [&[f32]; D] = from_fn(|k| &lines[k * n..(k + 1) * n]);
    let (fours, rest) = to.as_chunks_mut();
    let many = fours.len();
    let vectors = lines.map(|line| &line.as_chunks::<4>().0[..many]);
    for (i, four) in fours.iter_mut().enumerate() {
        sum_of(by, |k| F32x4::load(&vectors[k][i])).store(four);
    }
    if !rest.is_empty() {
        put(sum_of(by, |k| tail(&lines[k][4 * many..])), rest);
    }
}

#[inline(always)]
fn sum_of<const D: usize>(by: [F32x4; D], value: impl Fn(usize) -> F32x4) -> F32x4 {
    (1..D).fold(value(0).mul(by[0]), |sum, k| sum.add(value(k).mul(by[k])))
}
