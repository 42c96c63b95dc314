//! Adam (Kingma and Ba 2014, arXiv 1412.6980), with PyTorch's formula: epsilon is added to the corrected root; and averages of weights.

use super::elementwise::{load_partial, store_partial, zip_map};
use super::simd::F32x4;

/// The parameters of one update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamParams {
    /// The learning rate over `1 - beta1^t`, at step t.
    pub rate: f32,
    /// 1 over `1 - beta2^t`.
    pub root: f32,
    pub beta1: f32,
    pub beta2: f32,
    pub epsilon: f32,
    /// The factor of weight decay, 1 without.
    pub keep: f32,
    /// The factor of gradient clipping, 1 without.
    pub scale: f32,
}

/// One update. The moments are updated in place, and the new weights replace the gradient; all four slices are equally long.
#[inline(never)]
pub fn adam(weight: &[f32], gradient: &mut [f32], first: &mut [f32], second: &mut [f32], params: AdamParams) {
    let AdamParams { rate, root, beta1, beta2, epsilon, keep, scale } = params;
    let [rate, root, epsilon, keep, scale] = [rate, root, epsilon, keep, scale].map(F32x4::splat);
    let [old1, new1, old2, new2] = [beta1, 1.0 - beta1, beta2, 1.0 - beta2].map(F32x4::splat);
    let one = |w: F32x4, g: F32x4, m: F32x4, v: F32x4| {
        let (w, g) = (w.mul(keep), g.mul(scale));
        let m = m.mul(old1).add(g.mul(new1));
        let v = v.mul(old2).add(g.mul(g).mul(new2));
        (w.sub(m.mul(rate).div(v.mul(root).sqrt().add(epsilon))), m, v)
    };
    let n = weight.len();
    assert!(gradient.len() == n && first.len() == n && second.len() == n, "slices of two lengths");
    let ((weight, last_weight), (gradient, last_gradient)) = (weight.as_chunks(), gradient.as_chunks_mut());
    let ((first, last_first), (second, last_second)) = (first.as_chunks_mut(), second.as_chunks_mut());
    let many = weight.len();
    let (gradient, first, second) = (&mut gradient[..many], &mut first[..many], &mut second[..many]);
    for i in 0..many {
        let load = |values: &[[f32; 4]]| F32x4::load(&values[i]);
        let (w, m, v) = one(load(weight), load(gradient), load(first), load(second));
        w.store(&mut gradient[i]);
        m.store(&mut first[i]);
        v.store(&mut second[i]);
    }
    let (w, m, v) = one(
        load_partial(last_weight),
        load_partial(last_gradient),
        load_partial(last_first),
        load_partial(last_second),
    );
    store_partial(w, last_gradient);
    store_partial(m, last_first);
    store_partial(v, last_second);
}

/// Moves averages toward weights by this share of the way, in place.
#[inline(never)]
pub fn ema(average: &mut [f32], weight: &[f32], share: f32) {
    let share = F32x4::splat(share);
    zip_map(average, weight, |a, w| a.add(w.sub(a).mul(share)));
}
