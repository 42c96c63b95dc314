//! Softmax and cross entropy in one, row by row.

use super::activation::exp;
use super::elementwise::{map, map_into, sum_map};
use super::simd::F32x4;

/// The largest number, eight at a time. NaNs are skipped.
pub fn largest(row: &[f32]) -> f32 {
    let (eights, rest) = row.as_chunks::<8>();
    let mut most = [f32::NEG_INFINITY; 8];
    for eight in eights {
        most = std::array::from_fn(|i| most[i].max(eight[i]));
    }
    most.iter().chain(rest).fold(f32::NEG_INFINITY, |m, v| m.max(*v))
}

/// `exp(x - max)` of each number, into `out`. Returns the maximum and the sum.
#[inline(always)]
fn exp_shifted(row: &[f32], out: &mut [f32]) -> (f32, f32) {
    let largest = largest(row);
    let shift = F32x4::splat(largest);
    map_into(row, out, |x| exp(x.sub(shift)));
    (largest, sum_map(out, |e| e))
}

/// The negative log-likelihood of the target of each row of logits `[n, classes]`, in nats.
///
/// # Panics
/// Where a target is not a class.
#[inline(never)]
pub fn cross_entropy(logits: &[f32], targets: &[usize]) -> Vec<f32> {
    let classes = logits.len() / targets.len().max(1);
    let mut scratch = vec![0.0; classes];
    let of_row = |(row, &target): (&[f32], &usize)| {
        let (largest, sum) = exp_shifted(row, &mut scratch);
        sum.ln() + (largest - row[target])
    };
    logits.chunks_exact(classes.max(1)).zip(targets).map(of_row).collect()
}

/// The gradient of the logits: `(softmax - one_hot(target)) * gradient` for each row.
#[inline(never)]
pub fn cross_entropy_backward(logits: &[f32], targets: &[usize], gradient: &[f32]) -> Vec<f32> {
    let classes = logits.len() / targets.len().max(1);
    let mut out = vec![0.0; logits.len()];
    let rows = logits.chunks_exact(classes.max(1)).zip(out.chunks_exact_mut(classes.max(1)));
    for ((row, out), (&target, &gradient)) in rows.zip(targets.iter().zip(gradient)) {
        let (_, sum) = exp_shifted(row, out);
        let scale = F32x4::splat(gradient / sum);
        map(out, |e| e.mul(scale));
        out[target] -= gradient;
    }
    out
}
