//! Matrix products of f32: Goto and van de Geijn's packed panels ("Anatomy of high-performance matrix multiplication", 2008).
//!
//! The tile is 4 rows by 8 columns, 8 sums in vectors of four. Browsers have 16 vector registers and keep one for themselves: in
//! tiles of 12 sums (the crate gemm's on wasm) some lie in memory, which halves the speed. A loop over tiles from packed panels,
//! node 20, one thread, one machine: 2 x 4 vectors 56 GFLOP/s, 3 x 4 27, 2 x 6 27, 1 x 8 32.

use super::lanes::F32x4;

/// Rows and columns of a tile.
const ROWS: usize = 4;
const COLS: usize = 8;
/// Depth of the panels that are multiplied at once, and columns: what is packed of the right factor stays in the second cache.
const DEPTH: usize = 256;
const WIDTH: usize = 512;

/// A matrix as it lies: row after row at a distance of `stride`, or its transpose.
#[derive(Clone, Copy)]
pub struct Factor<'a> {
    values: &'a [f32],
    rows: usize,
    cols: usize,
    stride: usize,
    transposed: bool,
}

impl<'a> Factor<'a> {
    pub fn new(values: &'a [f32], [rows, cols]: [usize; 2], stride: usize) -> Self {
        check(values.len(), [rows, cols], stride);
        Self { values, rows, cols, stride, transposed: false }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn cols(&self) -> usize {
        self.cols
    }

    pub fn transposed(self) -> Self {
        Self { rows: self.cols, cols: self.rows, transposed: !self.transposed, ..self }
    }
}

fn check(length: usize, [rows, cols]: [usize; 2], stride: usize) {
    let needed = if rows == 0 { 0 } else { (rows - 1) * stride + cols };
    assert!(cols <= stride && needed <= length, "a matrix of another shape");
}

/// A left factor in panels of [`ROWS`] rows, each `[depth, ROWS]`, with zeros for rows that there are not.
#[derive(Default)]
pub struct Left {
    panels: Vec<f32>,
    rows: usize,
    depth: usize,
}

impl Left {
    pub fn pack(&mut self, from: Factor) {
        (self.rows, self.depth) = (from.rows, from.cols);
        self.panels.resize(from.rows.div_ceil(ROWS) * from.cols * ROWS, 0.0);
        for (panel, to) in self.panels.chunks_exact_mut((from.cols * ROWS).max(1)).enumerate() {
            pack::<ROWS>(from.transposed(), 0..from.cols, panel * ROWS, to);
        }
    }
}

/// Columns `at..at + N` of some rows of a matrix, as `[rows, N]`, with zeros for columns that there are not.
#[inline(always)]
fn pack<const N: usize>(from: Factor, rows: std::ops::Range<usize>, at: usize, to: &mut [f32]) {
    let (whole, stride, values) = (at + N <= from.cols, from.stride, from.values);
    match (whole, from.transposed) {
        (true, false) => {
            for (row, to) in rows.zip(to.chunks_exact_mut(N)) {
                for i in (0..N).step_by(4) {
                    F32x4::load(values, row * stride + at + i).store(to, i);
                }
            }
        }
        (true, true) => {
            let (fours, end) = (rows.len() / 4, rows.end);
            for (four, to) in to.chunks_exact_mut(4 * N).take(fours).enumerate() {
                let row = rows.start + 4 * four;
                for i in (0..N).step_by(4) {
                    let v = [0, 1, 2, 3].map(|j| F32x4::load(values, (at + i + j) * stride + row));
                    for (j, v) in transpose(v).into_iter().enumerate() {
                        v.store(to, j * N + i);
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

/// Columns for rows.
#[inline(always)]
fn transpose([a, b, c, d]: [F32x4; 4]) -> [F32x4; 4] {
    let ((ac, ac2), (bd, bd2)) = (a.zip(c), b.zip(d));
    let ((r0, r1), (r2, r3)) = (ac.zip(bd), ac2.zip(bd2));
    [r0, r1, r2, r3]
}

/// `left right`, or `out + left right` where it `adds`, into `out`: rows at a distance of `stride`. `room` is for panels.
#[inline(never)]
pub fn product(left: &Left, right: Factor, out: &mut [f32], stride: usize, adds: bool, room: &mut Vec<f32>) {
    let (rows, cols) = (left.rows, right.cols);
    check(out.len(), [rows, cols], stride);
    assert!(left.depth == right.rows, "factors of other shapes");
    if left.depth == 0 && !adds {
        (0..rows).for_each(|row| out[row * stride..][..cols].fill(0.0));
    }
    for first in (0..cols).step_by(WIDTH) {
        let width = WIDTH.min(cols - first);
        for from in (0..left.depth).step_by(DEPTH) {
            let depth = DEPTH.min(left.depth - from);
            room.resize(width.div_ceil(COLS) * depth * COLS, 0.0);
            for (panel, to) in room.chunks_exact_mut(depth * COLS).enumerate() {
                pack::<COLS>(right, from..from + depth, first + panel * COLS, to);
            }
            for (panel, right) in room.chunks_exact(depth * COLS).enumerate() {
                let col = first + panel * COLS;
                for (row, left) in (0..rows).step_by(ROWS).zip(left.panels.chunks_exact(left.depth * ROWS)) {
                    let left = &left[from * ROWS..][..depth * ROWS];
                    let (high, wide) = (ROWS.min(rows - row), COLS.min(cols - col));
                    tile(left, right, &mut out[row * stride + col..], stride, [high, wide], adds || from > 0);
                }
            }
        }
    }
}

/// One tile of `out`, of which `[high, wide]` are there.
#[inline(always)]
fn tile(left: &[f32], right: &[f32], out: &mut [f32], stride: usize, [high, wide]: [usize; 2], adds: bool) {
    let mut sums = [[F32x4::splat(0.0); 2]; ROWS];
    for k in 0..right.len() / COLS {
        let r = [F32x4::load(right, k * COLS), F32x4::load(right, k * COLS + 4)];
        for (i, sums) in sums.iter_mut().enumerate() {
            let l = F32x4::splat_at(left, k * ROWS + i);
            sums[0] = sums[0].add(l.mul(r[0]));
            sums[1] = sums[1].add(l.mul(r[1]));
        }
    }
    if high == ROWS && wide == COLS {
        for (i, sums) in sums.into_iter().enumerate() {
            for (j, sum) in sums.into_iter().enumerate() {
                let at = i * stride + 4 * j;
                let sum = if adds { sum.add(F32x4::load(out, at)) } else { sum };
                sum.store(out, at);
            }
        }
        return;
    }
    for (i, sums) in sums.into_iter().enumerate().take(high) {
        let mut row = [0.0; COLS];
        sums[0].store(&mut row, 0);
        sums[1].store(&mut row, 4);
        for (to, sum) in out[i * stride..][..wide].iter_mut().zip(row) {
            *to = if adds { *to + sum } else { sum };
        }
    }
}

/// `a b` of whole matrices, into `out` `[a.rows, b.cols]`.
pub fn multiply(a: Factor, b: Factor, out: &mut [f32]) {
    let mut left = Left::default();
    left.pack(a);
    product(&left, b, out, b.cols, false, &mut Vec::new());
}
