//! Vectors of 128 bits: simd128 in a browser, plain arrays elsewhere, which compilers turn into the same.
//! Every load is checked in debug builds; callers check lengths once for a whole matrix.

#[cfg(target_arch = "wasm32")]
pub use wasm::*;

#[cfg(not(target_arch = "wasm32"))]
pub use arrays::*;

/// Sum over `a[i] * b[i]`.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a4, b4) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a4.remainder().iter().zip(b4.remainder()).map(|(a, b)| a * b).sum();
    let (mut s, mut t) = (F32x4::splat(0.0), F32x4::splat(0.0));
    for (a, b) in a4.zip(b4) {
        s = s.add(F32x4::load(a, 0).mul(F32x4::load(b, 0)));
        t = t.add(F32x4::load(a, 4).mul(F32x4::load(b, 4)));
    }
    s.add(t).sum() + rest
}

#[cfg(target_arch = "wasm32")]
mod wasm {
    use core::arch::wasm32::*;

    #[derive(Clone, Copy)]
    pub struct F32x4(v128);

    #[derive(Clone, Copy)]
    pub struct I32x4(v128);

    #[derive(Clone, Copy)]
    pub struct I16x8(v128);

    fn load<T>(from: &[T], at: usize, lanes: usize) -> v128 {
        debug_assert!(at + lanes <= from.len());
        // SAFETY: the kernels check the lengths of rows and groups before their loops.
        unsafe { v128_load(from.as_ptr().add(at).cast()) }
    }

    impl F32x4 {
        #[inline(always)]
        pub fn load(from: &[f32], at: usize) -> Self {
            Self(load(from, at, 4))
        }

        #[inline(always)]
        pub fn splat(value: f32) -> Self {
            Self(f32x4_splat(value))
        }

        #[inline(always)]
        pub fn mul(self, other: Self) -> Self {
            Self(f32x4_mul(self.0, other.0))
        }

        #[inline(always)]
        pub fn add(self, other: Self) -> Self {
            Self(f32x4_add(self.0, other.0))
        }

        #[inline(always)]
        pub fn sum(self) -> f32 {
            let v = self.0;
            (f32x4_extract_lane::<0>(v) + f32x4_extract_lane::<1>(v))
                + (f32x4_extract_lane::<2>(v) + f32x4_extract_lane::<3>(v))
        }
    }

    impl I32x4 {
        #[inline(always)]
        pub fn add(self, other: Self) -> Self {
            Self(i32x4_add(self.0, other.0))
        }

        #[inline(always)]
        pub fn to_f32(self) -> F32x4 {
            F32x4(f32x4_convert_i32x4(self.0))
        }
    }

    impl I16x8 {
        #[inline(always)]
        pub fn load(from: &[i16], at: usize) -> Self {
            Self(load(from, at, 8))
        }

        /// Products of neighbours, added in pairs.
        #[inline(always)]
        pub fn dot(self, other: Self) -> I32x4 {
            I32x4(i32x4_dot_i16x8(self.0, other.0))
        }

        /// The 32 weights of a group of `Data::Q4`.
        #[inline(always)]
        pub fn nibbles(from: &[u8], at: usize) -> [Self; 4] {
            let bytes = load(from, at, 16);
            let (low, high) = (v128_and(bytes, u8x16_splat(15)), u8x16_shr(bytes, 4));
            [
                Self(i16x8_extend_low_u8x16(low)),
                Self(i16x8_extend_high_u8x16(low)),
                Self(i16x8_extend_low_u8x16(high)),
                Self(i16x8_extend_high_u8x16(high)),
            ]
        }

        /// Sixteen signed bytes.
        #[inline(always)]
        pub fn bytes(from: &[i8], at: usize) -> [Self; 2] {
            let bytes = load(from, at, 16);
            [Self(i16x8_extend_low_i8x16(bytes)), Self(i16x8_extend_high_i8x16(bytes))]
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod arrays {
    use std::array::from_fn;

    #[derive(Clone, Copy)]
    pub struct F32x4([f32; 4]);

    #[derive(Clone, Copy)]
    pub struct I32x4([i32; 4]);

    #[derive(Clone, Copy)]
    pub struct I16x8([i16; 8]);

    fn load<T: Copy, const N: usize>(from: &[T], at: usize) -> [T; N] {
        debug_assert!(at + N <= from.len());
        // SAFETY: the kernels check the lengths of rows and groups before their loops.
        unsafe { from.as_ptr().add(at).cast::<[T; N]>().read_unaligned() }
    }

    impl F32x4 {
        #[inline(always)]
        pub fn load(from: &[f32], at: usize) -> Self {
            Self(load(from, at))
        }

        #[inline(always)]
        pub fn splat(value: f32) -> Self {
            Self([value; 4])
        }

        #[inline(always)]
        pub fn mul(self, other: Self) -> Self {
            Self(from_fn(|i| self.0[i] * other.0[i]))
        }

        #[inline(always)]
        pub fn add(self, other: Self) -> Self {
            Self(from_fn(|i| self.0[i] + other.0[i]))
        }

        #[inline(always)]
        pub fn sum(self) -> f32 {
            (self.0[0] + self.0[1]) + (self.0[2] + self.0[3])
        }
    }

    impl I32x4 {
        #[inline(always)]
        pub fn add(self, other: Self) -> Self {
            Self(from_fn(|i| self.0[i] + other.0[i]))
        }

        #[inline(always)]
        pub fn to_f32(self) -> F32x4 {
            F32x4(self.0.map(|v| v as f32))
        }
    }

    impl I16x8 {
        #[inline(always)]
        pub fn load(from: &[i16], at: usize) -> Self {
            Self(load(from, at))
        }

        /// Products of neighbours, added in pairs.
        #[inline(always)]
        pub fn dot(self, other: Self) -> I32x4 {
            let product = |i: usize| i32::from(self.0[i]) * i32::from(other.0[i]);
            I32x4(from_fn(|i| product(2 * i) + product(2 * i + 1)))
        }

        /// The 32 weights of a group of `Data::Q4`.
        #[inline(always)]
        pub fn nibbles(from: &[u8], at: usize) -> [Self; 4] {
            let bytes: [u8; 16] = load(from, at);
            let part = |first: usize, shift: u32| Self(from_fn(|i| i16::from(bytes[first + i] >> shift & 15)));
            [part(0, 0), part(8, 0), part(0, 4), part(8, 4)]
        }

        /// Sixteen signed bytes.
        #[inline(always)]
        pub fn bytes(from: &[i8], at: usize) -> [Self; 2] {
            let bytes: [i8; 16] = load(from, at);
            [Self(from_fn(|i| i16::from(bytes[i]))), Self(from_fn(|i| i16::from(bytes[8 + i])))]
        }
    }
}
