//! Vectors as plain arrays, where there is no simd128.

use std::array::from_fn;

#[derive(Clone, Copy)]
pub struct F32x4([f32; 4]);

#[derive(Clone, Copy)]
pub struct I32x4([i32; 4]);

#[derive(Clone, Copy)]
pub struct I16x8([i16; 8]);

impl F32x4 {
    #[inline(always)]
    pub fn load(from: &[f32; 4]) -> Self {
        Self(*from)
    }

    #[inline(always)]
    pub fn store(self, to: &mut [f32; 4]) {
        *to = self.0;
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
    pub fn sub(self, other: Self) -> Self {
        Self(from_fn(|i| self.0[i] - other.0[i]))
    }

    #[inline(always)]
    pub fn div(self, other: Self) -> Self {
        Self(from_fn(|i| self.0[i] / other.0[i]))
    }

    #[inline(always)]
    pub fn sqrt(self) -> Self {
        Self(self.0.map(f32::sqrt))
    }

    /// Clamped to [-87, 88]; a NaN stays NaN.
    #[inline(always)]
    pub fn clamped(self) -> Self {
        Self(self.0.map(|v| v.clamp(-87.0, 88.0)))
    }

    /// The lane where `at` is above zero, else the other's.
    #[inline(always)]
    pub fn where_positive(self, at: Self, other: Self) -> Self {
        Self(from_fn(|i| if at.0[i] > 0.0 { self.0[i] } else { other.0[i] }))
    }

    /// The whole number below, of numbers that an `i32` holds. Not by [`f32::floor`], which is a call on older processors.
    #[inline(always)]
    pub fn floor(self) -> Self {
        let whole = self.0.map(|v| v as i32 as f32);
        Self(from_fn(|i| if whole[i] > self.0[i] { whole[i] - 1.0 } else { whole[i] }))
    }

    /// Two to the power of whole numbers.
    #[inline(always)]
    pub fn power_of_two(self) -> Self {
        Self(self.0.map(|v| f32::from_bits(((v as i32 + 127) as u32) << 23)))
    }

    /// Lanes 0 and 2 of both, then lanes 1 and 3.
    #[inline(always)]
    pub fn unzip(self, other: Self) -> (Self, Self) {
        let (a, b) = (self.0, other.0);
        (Self([a[0], a[2], b[0], b[2]]), Self([a[1], a[3], b[1], b[3]]))
    }

    /// Lanes of both in turn.
    #[inline(always)]
    pub fn zip(self, other: Self) -> (Self, Self) {
        let (a, b) = (self.0, other.0);
        (Self([a[0], b[0], a[1], b[1]]), Self([a[2], b[2], a[3], b[3]]))
    }

    /// Lanes 1 to 3, then the other's first.
    #[inline(always)]
    pub fn shift(self, other: Self) -> Self {
        Self([self.0[1], self.0[2], self.0[3], other.0[0]])
    }

    /// The last lane, then lanes 0 to 2 of `next`.
    #[inline(always)]
    pub fn shift_in(self, next: Self) -> Self {
        Self([self.0[3], next.0[0], next.0[1], next.0[2]])
    }

    /// The first `n` lanes, then zeros.
    #[inline(always)]
    pub fn firsts(self, n: usize) -> Self {
        Self(from_fn(|i| if i < n { self.0[i] } else { 0.0 }))
    }

    #[inline(always)]
    pub fn first(self) -> f32 {
        self.0[0]
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
    pub fn load(from: &[i16; 8]) -> Self {
        Self(*from)
    }

    /// Products of neighbours, added in pairs.
    #[inline(always)]
    pub fn dot(self, other: Self) -> I32x4 {
        let product = |i: usize| i32::from(self.0[i]) * i32::from(other.0[i]);
        I32x4(from_fn(|i| product(2 * i) + product(2 * i + 1)))
    }

    /// The 32 weights of a group of `Data::Q4`.
    #[inline(always)]
    pub fn nibbles(bytes: &[u8; 16]) -> [Self; 4] {
        let part = |first: usize, shift: u32| Self(from_fn(|i| i16::from(bytes[first + i] >> shift & 15)));
        [part(0, 0), part(8, 0), part(0, 4), part(8, 4)]
    }

    /// Sixteen signed bytes.
    #[inline(always)]
    pub fn bytes(bytes: &[i8; 16]) -> [Self; 2] {
        [Self(from_fn(|i| i16::from(bytes[i]))), Self(from_fn(|i| i16::from(bytes[8 + i])))]
    }
}
