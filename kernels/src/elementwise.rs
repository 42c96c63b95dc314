//! Elementwise loops over slices, four numbers at a time. The last few numbers are padded to a vector, so that all numbers go through
//! the same arithmetic. The loops are vectorised by hand because link-time optimisation at "z" does not do it.

use super::simd::{F32x4, load_each};

/// `values[i] = f(values[i])`
#[inline(always)]
pub fn map(values: &mut [f32], f: impl Fn(F32x4) -> F32x4) {
    let (fours, rest) = values.as_chunks_mut();
    for four in fours {
        f(F32x4::load(four)).store(four);
    }
    if !rest.is_empty() {
        store_partial(f(load_partial(rest)), rest);
    }
}

/// `values[i] = f(values[i], with[i])`
#[inline(always)]
pub fn zip_map(values: &mut [f32], with: &[f32], f: impl Fn(F32x4, F32x4) -> F32x4) {
    assert!(values.len() == with.len(), "slices of two lengths");
    let ((fours, rest), (with, rest_with)) = (values.as_chunks_mut(), with.as_chunks());
    for (four, with) in fours.iter_mut().zip(with) {
        f(F32x4::load(four), F32x4::load(with)).store(four);
    }
    if !rest.is_empty() {
        store_partial(f(load_partial(rest), load_partial(rest_with)), rest);
    }
}

/// `to[i] = f(from[i])`
#[inline(always)]
pub fn map_into(from: &[f32], to: &mut [f32], f: impl Fn(F32x4) -> F32x4) {
    assert!(from.len() == to.len(), "slices of two lengths");
    let ((from, rest), (to, rest_to)) = (from.as_chunks(), to.as_chunks_mut());
    for (from, to) in from.iter().zip(to) {
        f(F32x4::load(from)).store(to);
    }
    if !rest.is_empty() {
        store_partial(f(load_partial(rest)), rest_to);
    }
}

/// The sum over `f(values[i])`; `f(0)` need not be 0.
#[inline(always)]
pub fn sum_map(values: &[f32], f: impl Fn(F32x4) -> F32x4) -> f32 {
    let (eights, rest) = values.as_chunks::<8>();
    let mut sums = [F32x4::splat(0.0); 2];
    for eight in eights {
        let v: [F32x4; 2] = load_each(eight);
        sums = [sums[0].add(f(v[0])), sums[1].add(f(v[1]))];
    }
    sums[0].add(sums[1]).sum() + rest.iter().map(|&v| f(F32x4::splat(v)).first()).sum::<f32>()
}

/// The sum over `f(x[i], y[i])`.
#[inline(always)]
pub fn sum_zip_map(x: &[f32], y: &[f32], f: impl Fn(F32x4, F32x4) -> F32x4) -> f32 {
    assert!(x.len() == y.len(), "slices of two lengths");
    let ((x, rest_x), (y, rest_y)) = (x.as_chunks::<8>(), y.as_chunks::<8>());
    let mut sums = [F32x4::splat(0.0); 2];
    for (x, y) in x.iter().zip(y) {
        let (x, y): ([F32x4; 2], [F32x4; 2]) = (load_each(x), load_each(y));
        sums = [sums[0].add(f(x[0], y[0])), sums[1].add(f(x[1], y[1]))];
    }
    let last = rest_x.iter().zip(rest_y).map(|(&x, &y)| f(F32x4::splat(x), F32x4::splat(y)).first());
    sums[0].add(sums[1]).sum() + last.sum::<f32>()
}

/// Fewer than four numbers, padded with zeros.
#[inline(always)]
pub fn load_partial(values: &[f32]) -> F32x4 {
    let mut four = [0.0; 4];
    for (to, from) in four.iter_mut().zip(values) {
        *to = *from;
    }
    F32x4::load(&four)
}

/// Writes the first numbers of a vector.
#[inline(always)]
pub fn store_partial(v: F32x4, to: &mut [f32]) {
    let mut four = [0.0; 4];
    v.store(&mut four);
    for (to, from) in to.iter_mut().zip(four) {
        *to = from;
    }
}
