//! Views of matrices: the factors of matrix products.

use std::ops::Range;

/// A view of a row-major matrix whose rows are `stride` numbers apart, or of its transpose.
#[derive(Clone, Copy)]
pub struct MatRef<'a> {
    pub(super) values: &'a [f32],
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) stride: usize,
    pub(super) transposed: bool,
}

impl<'a> MatRef<'a> {
    pub fn new(values: &'a [f32], [rows, cols]: [usize; 2], stride: usize) -> Self {
        let needed = if rows == 0 { 0 } else { (rows - 1) * stride + cols };
        assert!(cols <= stride && needed <= values.len(), "a matrix of another shape");
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

    /// Some of its columns.
    pub fn columns(self, range: Range<usize>) -> Self {
        assert!(range.end <= self.cols, "columns out of range");
        let begin = range.start * if self.transposed { self.stride } else { 1 };
        Self { values: self.values.get(begin..).unwrap_or_default(), cols: range.len(), ..self }
    }

    /// Some of its rows.
    pub fn row_range(self, range: Range<usize>) -> Self {
        self.transposed().columns(range).transposed()
    }

    pub(super) fn at(&self, row: usize, col: usize) -> f32 {
        self.values[if self.transposed { col * self.stride + row } else { row * self.stride + col }]
    }

    /// A row of a matrix that is not transposed.
    #[inline(always)]
    pub(super) fn run(&self, row: usize) -> &'a [f32] {
        debug_assert!(!self.transposed);
        &self.values[row * self.stride..][..self.cols]
    }
}
