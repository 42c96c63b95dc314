//! The matrix product of the crate `gemm`, behind checked lengths.

/// A matrix as it lies: `[rows, cols]`, row after row, or its transpose.
#[derive(Clone, Copy)]
pub struct Factor<'a> {
    values: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: isize,
    col_stride: isize,
}

impl<'a> Factor<'a> {
    /// Rows of `cols` numbers.
    pub fn rows(values: &'a [f32], cols: usize) -> Self {
        let rows = values.len().checked_div(cols).unwrap_or(0);
        assert!(values.len() == rows * cols, "a matrix of another shape");
        Self { values, rows, cols, row_stride: cols as isize, col_stride: 1 }
    }

    pub fn transposed(self) -> Self {
        let Self { values, rows, cols, row_stride, col_stride } = self;
        Self { values, rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride }
    }
}

/// `a b`, or `out + a b` where it `adds`, into `out` `[a.rows, b.cols]`, row after row.
pub fn product(a: Factor, b: Factor, out: &mut [f32], adds: bool) {
    assert!(a.cols == b.rows && out.len() == a.rows * b.cols, "factors of other shapes");
    // SAFETY: both factors reach no further than their values, by their construction; `out` is as long as the product, above.
    unsafe {
        gemm::gemm(
            a.rows,
            b.cols,
            a.cols,
            out.as_mut_ptr(),
            1,
            b.cols as isize,
            adds,
            a.values.as_ptr(),
            a.col_stride,
            a.row_stride,
            b.values.as_ptr(),
            b.col_stride,
            b.row_stride,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
