//! Operations on vectors, in place: what inference does between two matrix products.

use crate::simd::dot;

/// `out += x`.
pub fn add(out: &mut [f32], x: &[f32]) {
    out.iter_mut().zip(x).for_each(|(o, x)| *o += x);
}

/// `out += scale * x`.
pub fn axpy(out: &mut [f32], scale: f32, x: &[f32]) {
    out.iter_mut().zip(x).for_each(|(o, x)| *o += scale * x);
}

/// `swiglu = silu(swiglu) * up`.
pub fn swiglu(swiglu: &mut [f32], up: &[f32]) {
    swiglu.iter_mut().zip(up).for_each(|(g, u)| *g = *g / (1.0 + exp(-*g)) * u);
}

/// Softmax.
pub fn softmax(row: &mut [f32]) {
    let largest = row.iter().fold(f32::NEG_INFINITY, |m, v| m.max(*v));
    row.iter_mut().for_each(|v| *v = exp(*v - largest));
    let scale = 1.0 / row.iter().sum::<f32>();
    row.iter_mut().for_each(|v| *v *= scale);
}

/// Layer norm_row with a `bias`, RMS norm_row without.
pub fn norm_row(row: &mut [f32], weight: &[f32], bias: Option<&[f32]>, eps: f32) {
    let n = row.len() as f32;
    if bias.is_some() {
        let mean = row.iter().sum::<f32>() / n;
        row.iter_mut().for_each(|v| *v -= mean);
    }
    let scale = 1.0 / (dot(row, row) / n + eps).sqrt();
    row.iter_mut().zip(weight).for_each(|(v, w)| *v *= scale * w);
    if let Some(bias) = bias {
        add(row, bias);
    }
}

/// e^x to two units in the last place, without branches, so that loops are vectorised: x = n ln 2 + r, a Taylor polynomial of
/// degree 7 for e^r on |r| <= ln 2 / 2, and n added to the exponent.
fn exp(x: f32) -> f32 {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let n = (x * std::f32::consts::LOG2_E).round_ties_even();
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    let p = 1.0 / 5040.0;
    let p = p * r + 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let p = p * r + 1.0;
    let p = p * r + 1.0;
    p * f32::from_bits((((n as i32) + 127) << 23) as u32)
}
