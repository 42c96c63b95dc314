//! The matrix product of the crate `gemm`, behind checked lengths.

/// A matrix as it lies: row after row at a distance of `stride`, or its transpose.
#[derive(Clone, Copy)]
pub struct Factor<'a> {
    values: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> Factor<'a> {
    pub fn new(values: &'a [f32], [rows, cols]: [usize; 2], stride: usize) -> Self {
        check(values.len(), [rows, cols], stride);
        Self { values, rows, cols, row_stride: stride, col_stride: 1 }
    }

    pub fn transposed(self) -> Self {
        let Self { values, rows, cols, row_stride, col_stride } = self;
        Self { values, rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride }
    }
}

fn check(length: usize, [rows, cols]: [usize; 2], stride: usize) {
    let needed = if rows == 0 { 0 } else { (rows - 1) * stride + cols };
    assert!(cols <= stride && needed <= length, "a matrix of another shape");
}

/// `a b`, or `out + a b` where it `adds`, into `out`: rows at a distance of `stride`.
pub fn product(a: Factor, b: Factor, out: &mut [f32], stride: usize, adds: bool) {
    check(out.len(), [a.rows, b.cols], stride);
    assert!(a.cols == b.rows, "factors of other shapes");
    // SAFETY: both factors reach no further than their values and `out` holds the result: checked above.
    unsafe {
        gemm::gemm(
            a.rows,
            b.cols,
            a.cols,
            out.as_mut_ptr(),
            1,
            stride as isize,
            adds,
            a.values.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.values.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
