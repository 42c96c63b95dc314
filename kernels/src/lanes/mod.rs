//! Vectors of 128 bits: simd128 in a browser, plain arrays elsewhere, which compilers turn into the same.
//! Every load is checked in debug builds; callers check lengths once for a whole matrix.

#[cfg(not(target_arch = "wasm32"))]
mod arrays;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub use arrays::*;
#[cfg(target_arch = "wasm32")]
pub use wasm::*;

/// Sum over `a[i] * b[i]`.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a16, b16) = (a.chunks_exact(16), b.chunks_exact(16));
    let rest: f32 = a16.remainder().iter().zip(b16.remainder()).map(|(a, b)| a * b).sum();
    // Four sums: a processor adds faster than one sum after the other allows.
    let mut sums = [F32x4::splat(0.0); 4];
    for (a, b) in a16.zip(b16) {
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum = sum.add(F32x4::load(a, 4 * i).mul(F32x4::load(b, 4 * i)));
        }
    }
    sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum() + rest
}
