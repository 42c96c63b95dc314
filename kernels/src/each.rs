//! Loops over slices in vectors of four. The last few numbers go through a vector of their own, so that they meet the same
//! arithmetic as all others. Written out because link-time optimisation at "z" turns no loop into vectors by itself.

use super::lanes::F32x4;

/// `values[i] = f(values[i])`
#[inline(always)]
pub fn each(values: &mut [f32], f: impl Fn(F32x4) -> F32x4) {
    let whole = values.len() / 4 * 4;
    for at in (0..whole).step_by(4) {
        f(F32x4::load(values, at)).store(values, at);
    }
    if whole < values.len() {
        let last = f(tail(&values[whole..]));
        put(last, &mut values[whole..]);
    }
}

/// `values[i] = f(values[i], with[i])`
#[inline(always)]
pub fn each_with(values: &mut [f32], with: &[f32], f: impl Fn(F32x4, F32x4) -> F32x4) {
    let whole = values.len() / 4 * 4;
    assert!(values.len() == with.len(), "slices of two lengths");
    for at in (0..whole).step_by(4) {
        f(F32x4::load(values, at), F32x4::load(with, at)).store(values, at);
    }
    if whole < values.len() {
        let last = f(tail(&values[whole..]), tail(&with[whole..]));
        put(last, &mut values[whole..]);
    }
}

/// `to[i] = f(from[i])`
#[inline(always)]
pub fn each_into(from: &[f32], to: &mut [f32], f: impl Fn(F32x4) -> F32x4) {
    let whole = from.len() / 4 * 4;
    assert!(from.len() == to.len(), "slices of two lengths");
    for at in (0..whole).step_by(4) {
        f(F32x4::load(from, at)).store(to, at);
    }
    if whole < from.len() {
        put(f(tail(&from[whole..])), &mut to[whole..]);
    }
}

/// The sum over `f(values[i])`; `f(0)` may be anything.
#[inline(always)]
pub fn sum_of(values: &[f32], f: impl Fn(F32x4) -> F32x4) -> f32 {
    let whole = values.len() / 8 * 8;
    let (mut a, mut b) = (F32x4::splat(0.0), F32x4::splat(0.0));
    for at in (0..whole).step_by(8) {
        a = a.add(f(F32x4::load(values, at)));
        b = b.add(f(F32x4::load(values, at + 4)));
    }
    a.add(b).sum() + values[whole..].iter().map(|&v| f(F32x4::splat(v)).first()).sum::<f32>()
}

/// The sum over `f(x[i], y[i])`.
#[inline(always)]
pub fn sum_of_two(x: &[f32], y: &[f32], f: impl Fn(F32x4, F32x4) -> F32x4) -> f32 {
    assert!(x.len() == y.len(), "slices of two lengths");
    let whole = x.len() / 8 * 8;
    let (mut a, mut b) = (F32x4::splat(0.0), F32x4::splat(0.0));
    for at in (0..whole).step_by(8) {
        a = a.add(f(F32x4::load(x, at), F32x4::load(y, at)));
        b = b.add(f(F32x4::load(x, at + 4), F32x4::load(y, at + 4)));
    }
    let last = x[whole..].iter().zip(&y[whole..]).map(|(&x, &y)| f(F32x4::splat(x), F32x4::splat(y)).first());
    a.add(b).sum() + last.sum::<f32>()
}

/// Fewer than four numbers, with zeros after them.
#[inline(always)]
pub fn tail(values: &[f32]) -> F32x4 {
    let mut four = [0.0; 4];
    for (to, from) in four.iter_mut().zip(values) {
        *to = *from;
    }
    F32x4::load(&four, 0)
}

/// The first numbers of a vector.
#[inline(always)]
pub fn put(v: F32x4, to: &mut [f32]) {
    let mut four = [0.0; 4];
    v.store(&mut four, 0);
    for (to, from) in to.iter_mut().zip(four) {
        *to = from;
    }
}
