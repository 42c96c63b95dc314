//! Vectors of wasm's simd128.

use core::arch::wasm32::*;

#[derive(Clone, Copy)]
pub struct F32x4(v128);

#[derive(Clone, Copy)]
pub struct I32x4(v128);

#[derive(Clone, Copy)]
pub struct I16x8(v128);

/// The 16 bytes of an array.
#[inline(always)]
fn load<T, const N: usize>(from: &[T; N]) -> v128 {
    const { assert!(size_of::<[T; N]>() == 16) };
    // SAFETY: an array of 16 bytes, which may be read at any alignment.
    unsafe { v128_load(from.as_ptr().cast()) }
}

impl F32x4 {
    #[inline(always)]
    pub fn load(from: &[f32; 4]) -> Self {
        Self(load(from))
    }

    #[inline(always)]
    pub fn store(self, to: &mut [f32; 4]) {
        // SAFETY: an array of 16 bytes, which may be written at any alignment.
        unsafe { v128_store(to.as_mut_ptr().cast(), self.0) }
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
    pub fn sub(self, other: Self) -> Self {
        Self(f32x4_sub(self.0, other.0))
    }

    #[inline(always)]
    pub fn div(self, other: Self) -> Self {
        Self(f32x4_div(self.0, other.0))
    }

    #[inline(always)]
    pub fn sqrt(self) -> Self {
        Self(f32x4_sqrt(self.0))
    }

    /// Clamped to [-87, 88]; a NaN stays NaN.
    #[inline(always)]
    pub fn clamped(self) -> Self {
        Self(f32x4_max(f32x4_min(self.0, f32x4_splat(88.0)), f32x4_splat(-87.0)))
    }

    /// The lane where `at` is above zero, else the other's.
    #[inline(always)]
    pub fn where_positive(self, at: Self, other: Self) -> Self {
        Self(v128_bitselect(self.0, other.0, f32x4_gt(at.0, f32x4_splat(0.0))))
    }

    /// The whole number below.
    #[inline(always)]
    pub fn floor(self) -> Self {
        Self(f32x4_floor(self.0))
    }

    /// Two to the power of whole numbers.
    #[inline(always)]
    pub fn power_of_two(self) -> Self {
        Self(i32x4_shl(i32x4_add(i32x4_trunc_sat_f32x4(self.0), i32x4_splat(127)), 23))
    }

    /// Lanes 0 and 2 of both, then lanes 1 and 3.
    #[inline(always)]
    pub fn unzip(self, other: Self) -> (Self, Self) {
        (Self(i32x4_shuffle::<0, 2, 4, 6>(self.0, other.0)), Self(i32x4_shuffle::<1, 3, 5, 7>(self.0, other.0)))
    }

    /// Lanes of both in turn.
    #[inline(always)]
    pub fn zip(self, other: Self) -> (Self, Self) {
        (Self(i32x4_shuffle::<0, 4, 1, 5>(self.0, other.0)), Self(i32x4_shuffle::<2, 6, 3, 7>(self.0, other.0)))
    }

    /// Lanes 1 to 3, then the other's first.
    #[inline(always)]
    pub fn shift(self, other: Self) -> Self {
        Self(i32x4_shuffle::<1, 2, 3, 4>(self.0, other.0))
    }

    /// The last lane, then lanes 0 to 2 of `next`.
    #[inline(always)]
    pub fn shift_in(self, next: Self) -> Self {
        Self(i32x4_shuffle::<3, 4, 5, 6>(self.0, next.0))
    }

    /// The first `n` lanes, then zeros.
    #[inline(always)]
    pub fn firsts(self, n: usize) -> Self {
        let some = f32x4_lt(f32x4(0.0, 1.0, 2.0, 3.0), f32x4_splat(n as f32));
        Self(v128_and(self.0, some))
    }

    #[inline(always)]
    pub fn first(self) -> f32 {
        f32x4_extract_lane::<0>(self.0)
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
    pub fn load(from: &[i16; 8]) -> Self {
        Self(load(from))
    }

    /// Products of neighbours, added in pairs.
    #[inline(always)]
    pub fn dot(self, other: Self) -> I32x4 {
        I32x4(i32x4_dot_i16x8(self.0, other.0))
    }

    /// The 32 weights of a group of `Data::Q4`.
    #[inline(always)]
    pub fn nibbles(bytes: &[u8; 16]) -> [Self; 4] {
        let bytes = load(bytes);
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
    pub fn bytes(bytes: &[i8; 16]) -> [Self; 2] {
        let bytes = load(bytes);
        [Self(i16x8_extend_low_i8x16(bytes)), Self(i16x8_extend_high_i8x16(bytes))]
    }
}
