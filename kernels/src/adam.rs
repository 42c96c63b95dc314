//! Adam (Kingma and Ba 2014, arXiv 1412.6980), with PyTorch's formula: epsilon is added to the corrected root.

use super::each::{each_with, put, tail};
use super::lanes::F32x4;

/// What one update uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// The learning rate over `1 - beta1^t`, at step t.
    pub rate: f32,
    /// 1 over `1 - beta2^t`.
    pub root: f32,
    pub beta1: f32,
    pub beta2: f32,
    pub epsilon: f32,
}

/// One update of `weight` and of both moments, in place; four slices of one length.
#[inline(never)]
pub fn adam(weight: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], with: Moments) {
    let Moments { rate, root, beta1, beta2, epsilon } = with;
    let [rate, root, epsilon] = [rate, root, epsilon].map(F32x4::splat);
    let [old1, new1, old2, new2] = [beta1, 1.0 - beta1, beta2, 1.0 - beta2].map(F32x4::splat);
    each_with(first, gradient, |m, g| m.mul(old1).add(g.mul(new1)));
    each_with(second, gradient, |v, g| v.mul(old2).add(g.mul(g).mul(new2)));
    assert!(weight.len() == first.len() && weight.len() == second.len(), "slices of two lengths");
    let whole = weight.len() / 4 * 4;
    let update = |w: F32x4, m: F32x4, v: F32x4| w.sub(m.mul(rate).div(v.mul(root).sqrt().add(epsilon)));
    for at in (0..whole).step_by(4) {
        update(F32x4::load(weight, at), F32x4::load(first, at), F32x4::load(second, at)).store(weight, at);
    }
    let last = update(tail(&weight[whole..]), tail(&first[whole..]), tail(&second[whole..]));
    put(last, &mut weight[whole..]);
}
