//! Softmax and cross entropy in one, row by row.

use super::activation::exp;
use super::each::{each, each_into, sum_of};
use super::lanes::F32x4;

/// The largest number, of which several are compared at once. What is no number is passed over.
pub fn largest(row: &[f32]) -> f32 {
    let (eights, rest) = row.as_chunks::<8>();
    let mut most = [f32::NEG_INFINITY; 8];
    for eight in eights {
        most = std::array::from_fn(|i| most[i].max(eight[i]));
    }
    most.iter().chain(rest).fold(f32::NEG_INFINITY, |m, v| m.max(*v))
}

/// e to the power of how much each number is below the largest, into `out`: the largest and the sum.
#[inline(always)]
fn exponents(row: &[f32], out: &mut [f32]) -> (f32, f32) {
    let largest = largest(row);
    let shift = F32x4::splat(largest);
    each_into(row, out, |x| exp(x.sub(shift)));
    (largest, sum_of(out, |e| e))
}

/// For each row of logits `[n, classes]` the negative log likelihood of its target, in nats.
///
/// # Panics
/// Where a target is no class.
#[inline(never)]
pub fn cross_entropy(logits: &[f32], targets: &[usize]) -> Vec<f32> {
    let classes = logits.len() / targets.len().max(1);
    let mut room = vec![0.0; classes];
    let of_row = |(row, &target): (&[f32], &usize)| {
        let (largest, sum) = exponents(row, &mut room);
        sum.ln() + (largest - row[target])
    };
    logits.chunks_exact(classes.max(1)).zip(targets).map(of_row).collect()
}

/// The gradient of the logits, from that of each row's result: softmax, less 1 at the target, times it.
#[inline(never)]
pub fn cross_entropy_backward(logits: &[f32], targets: &[usize], gradient: &[f32]) -> Vec<f32> {
    let classes = logits.len() / targets.len().max(1);
    let mut out = vec![0.0; logits.len()];
    let rows = logits.chunks_exact(classes.max(1)).zip(out.chunks_exact_mut(classes.max(1)));
    for ((row, out), (&target, &gradient)) in rows.zip(targets.iter().zip(gradient)) {
        let (_, sum) = exponents(row, out);
        let scale = F32x4::splat(gradient / sum);
        each(out, |e| e.mul(scale));
        out[target] -= gradient;
    }
    out
}
