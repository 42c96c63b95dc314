//! Vectors of 128 bits: simd128 in a browser, plain arrays elsewhere, which compilers turn into the same.
//! Loads and stores take arrays of a vector's size, so that none can leave its slice: loops cut slices in arrays before they
//! begin ([`slice::as_chunks`]). Where that is not possible, [`F32x4::load_at`] is unsafe, and its callers have checked a whole
//! row or panel: rows are a few vectors long, and a check of each would cost as much as what it guards.

#[cfg(not(target_arch = "wasm32"))]
mod arrays;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub use arrays::*;
#[cfg(target_arch = "wasm32")]
pub use wasm::*;

impl F32x4 {
    /// Four numbers from `place` on.
    ///
    /// # Safety
    /// The slice has them.
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

/// A few vectors as one array.
#[inline(always)]
pub fn load_each<const N: usize, const M: usize>(from: &[f32; M]) -> [F32x4; N] {
    const { assert!(4 * N == M) };
    let (vectors, _) = from.as_chunks();
    std::array::from_fn(|i| F32x4::load(&vectors[i]))
}

/// The other way.
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
    // Four sums: a processor adds faster than one sum after the other allows.
    let mut sums = [F32x4::splat(0.0); 4];
    for (a, b) in a16.iter().zip(b16) {
        let (a, b): ([F32x4; 4], [F32x4; 4]) = (load_each(a), load_each(b));
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum = sum.add(a[i].mul(b[i]));
        }
    }
    sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum() + rest
}
