//! Vectors of 128 bits: simd128 in a browser, plain arrays elsewhere, which the compiler vectorises.
//! Loads and stores take arrays as long as a vector, so that none can leave its slice: loops first divide slices into arrays
//! ([`slice::as_chunks`]). Where that is not possible, there is the unsafe [`F32x4::load_at`], whose callers check a whole row or panel
//! once: rows are a few vectors long, and checking each vector would take as long as the arithmetic.

#[cfg(not(target_arch = "wasm32"))]
mod portable;
#[cfg(target_arch = "wasm32")]
mod simd128;

#[cfg(not(target_arch = "wasm32"))]
pub use portable::*;
#[cfg(target_arch = "wasm32")]
pub use simd128::*;

impl F32x4 {
    /// Four numbers from `place` on.
    ///
    /// # Safety
    /// The slice has these four numbers.
    #[inline(always)]
    pub unsafe fn load_at(from: &[f32], place: usize) -> Self {
        debug_assert!(from.get(place..).is_some_and(|rest| rest.len() >= 4));
        // SAFETY: the caller's; an array of f32 is aligned as one of them.
        Self::load(unsafe { &*from.as_ptr().add(place).cast() })
    }

    /// [`Self::load_at`], to write.
    ///
    /// # Safety
    /// The slice has these four numbers.
    #[inline(always)]
    pub unsafe fn store_at(self, to: &mut [f32], place: usize) {
        debug_assert!(to.get(place..).is_some_and(|rest| rest.len() >= 4));
        // SAFETY: the caller's; an array of f32 is aligned as one of them.
        self.store(unsafe { &mut *to.as_mut_ptr().add(place).cast() });
    }
}

/// Loads an array as a few vectors.
#[inline(always)]
pub fn load_each<const N: usize, const M: usize>(from: &[f32; M]) -> [F32x4; N] {
    const { assert!(4 * N == M) };
    let (vectors, _) = from.as_chunks();
    std::array::from_fn(|i| F32x4::load(&vectors[i]))
}

/// Stores a few vectors as an array.
#[inline(always)]
pub fn store_each<const N: usize, const M: usize>(from: [F32x4; N], to: &mut [f32; M]) {
    const { assert!(4 * N == M) };
    let (vectors, _) = to.as_chunks_mut();
    from.into_iter().zip(vectors).for_each(|(v, to)| v.store(to));
}

/// Sum over `a[i] * b[i]`, up to the end of the shorter.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a16, a), (b16, b)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let rest: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    // Four independent sums hide the latency of addition.
    let mut sums = [F32x4::splat(0.0); 4];
    for (a, b) in a16.iter().zip(b16) {
        let (a, b): ([F32x4; 4], [F32x4; 4]) = (load_each(a), load_each(b));
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum = sum.add(a[i].mul(b[i]));
        }
    }
    sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum() + rest
}
