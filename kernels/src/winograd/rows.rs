//! Operations on short rows of numbers, for the transforms.

use crate::simd::F32x4;

/// Every fourth of sixteen numbers: those from 0 and from 2 on, then those from 1 and from 3 on.
#[inline(always)]
pub fn deinterleave([a, b, c, d]: [F32x4; 4]) -> ([F32x4; 2], [F32x4; 2]) {
    let ((even, odd), (more_even, more_odd)) = (a.unzip(b), c.unzip(d));
    let ((e0, e1), (o0, o1)) = (even.unzip(more_even), odd.unzip(more_odd));
    ([e0, e1], [o0, o1])
}

/// The transpose of [`deinterleave`].
#[inline(always)]
pub fn interleave([e0, e1]: [F32x4; 2], [o0, o1]: [F32x4; 2]) -> [F32x4; 4] {
    let ((even, more_even), (odd, more_odd)) = (e0.zip(e1), o0.zip(o1));
    let ((a, b), (c, d)) = (even.zip(odd), more_even.zip(more_odd));
    [a, b, c, d]
}

/// The difference of two rows, over this number of vectors.
#[inline(always)]
pub fn subtract(a: &[f32], b: &[f32], vectors: usize, to: &mut [f32]) {
    let (a, b, to) = (a.as_chunks().0, b.as_chunks().0, to.as_chunks_mut().0);
    for ((a, b), to) in a[..vectors].iter().zip(&b[..vectors]).zip(&mut to[..vectors]) {
        F32x4::load(a).sub(F32x4::load(b)).store(to);
    }
}

/// A short row: a call of `memcpy` would cost more.
#[inline(always)]
pub fn copy(from: &[f32], to: &mut [f32]) {
    assert!(from.len() == to.len(), "slices of two lengths");
    let whole = from.len() / 4 * 4;
    for place in (0..whole).step_by(4) {
        // SAFETY: `whole` numbers are in both.
        unsafe { F32x4::load_at(from, place).store_at(to, place) };
    }
    for (to, from) in to[whole..].iter_mut().zip(&from[whole..]) {
        *to = *from;
    }
}
