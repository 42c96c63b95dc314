//! Convolutions of 4 x 4 with stride 2 in fewer multiplications (Winograd 1980; for networks Lavin and Gray 2015,
//! arXiv 1509.09308).
//!
//! A kernel of 4 with stride 2 is two kernels of 2 with stride 1: one for the even pixels, one for the odd ones. Two outputs of a
//! kernel of 2 take three products instead of four,
//!
//! ```text
//! y0 = d0 g0 + d1 g1 = (d0 - d1) g0 + d1 (g0 + g1)
//! y1 = d1 g0 + d2 g1 =                d1 (g0 + g1) - (d1 - d2) g1
//! ```
//!
//! so a pair of outputs in both directions takes 9 products instead of 16. The transforms only add and subtract, so rounding costs
//! about one bit. Where the number of outputs is odd, the last one is computed directly: two products, which are stored in the first
//! and the third component. Convolution, its transpose and the gradient of its weights use the same three transforms.

use super::rows::{copy, deinterleave, interleave, subtract};
use crate::simd::F32x4;

/// Components of the transform: three in each direction.
pub const COUNT: usize = 9;
pub const COMPONENTS: std::ops::Range<usize> = 0..COUNT;

/// How far a write may go past the end of a row: rows are written in whole vectors.
pub const SLACK: usize = 8;

/// One direction of the small picture: pairs of outputs, and whether one output is left over.
#[derive(Clone, Copy)]
struct Axis {
    pairs: usize,
    odd: usize,
}

impl Axis {
    fn new(outputs: usize) -> Self {
        Self { pairs: outputs / 2, odd: outputs % 2 }
    }

    /// Numbers in a component.
    fn len(self, component: usize) -> usize {
        if component == 1 { self.pairs } else { self.pairs + self.odd }
    }

    /// Vectors that hold a component.
    fn vectors(self) -> usize {
        (self.pairs + self.odd).div_ceil(4)
    }
}

/// The transforms of one side (large or small pictures). Its components are stored one after the other, each `[channels, pictures,
/// rows, columns]`, with [`SLACK`] after each channel. The large side counts each channel four times: for the even and the odd pixels
/// of both directions.
pub struct Transform {
    y: Axis,
    x: Axis,
    size: [usize; 2],
    padding: usize,
    channels: usize,
    /// Where each component begins, and the end of the last; then the distance between two channels of a component.
    begins: [usize; COUNT + 1],
    strides: [usize; COUNT],
    pictures: usize,
}

/// Where a row begins in each of the three components of x. Whole vectors can be read and written from there to the end of the row and
/// one number beyond, because the [`SLACK`] of its channel follows at the latest. [`Transform::check`] has compared the buffers with the
/// transform, and the loops visit only its rows.
type Starts = [usize; 3];

impl Transform {
    /// For `pictures` at once, where the small ones are of `size`, with this number of channels.
    pub fn new(size: [usize; 2], padding: usize, channels: usize, pictures: usize) -> Self {
        let (y, x) = (Axis::new(size[0]), Axis::new(size[1]));
        let strides = std::array::from_fn(|c: usize| y.len(c / 3) * x.len(c % 3) * pictures + SLACK);
        let mut begins = [0; COUNT + 1];
        for component in COMPONENTS {
            begins[component + 1] = begins[component] + channels * strides[component];
        }
        Self { y, x, size, padding, channels, begins, strides, pictures }
    }

    /// Numbers in one channel of a component, over all pictures.
    pub fn len(&self, component: usize) -> usize {
        self.y.len(component / 3) * self.x.len(component % 3) * self.pictures
    }

    /// The distance between two channels of a component.
    pub fn stride(&self, component: usize) -> usize {
        self.strides[component]
    }

    /// The range of a component.
    pub fn range(&self, component: usize) -> std::ops::Range<usize> {
        self.begins[component]..self.begins[component + 1]
    }

    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Numbers in all components.
    pub fn total_len(&self) -> usize {
        self.begins[COUNT]
    }

    /// Panics unless there are as many pictures, of `size` numbers a channel, and as many components as the transform has.
    fn check(&self, pictures: &[f32], channels: usize, size: usize, components: &[f32]) {
        assert!(pictures.len() == self.pictures * channels * size, "pictures of another shape");
        assert!(components.len() >= self.total_len(), "components of another transform");
    }

    fn large_size(&self) -> [usize; 2] {
        self.size.map(|n| 2 * n + 2 - 2 * self.padding)
    }

    /// Row `s` of the components `3 ky..`, of a channel and a picture.
    fn starts(&self, ky: usize, s: usize, channel: usize, picture: usize) -> Starts {
        debug_assert!(s < self.y.len(ky) && channel < self.channels && picture < self.pictures);
        std::array::from_fn(|kx| {
            let (component, wide) = (3 * ky + kx, self.x.len(kx));
            self.begins[component] + channel * self.strides[component] + (picture * self.y.len(ky) + s) * wide
        })
    }

    /// The input transform: components of large pictures.
    pub fn input(&self, pictures: &[f32], components: &mut [f32]) {
        let ([h, w], [oh, _]) = (self.large_size(), self.size);
        self.check(pictures, self.channels / 4, h * w, components);
        let stride = 16 * self.x.vectors() + 2 * SLACK;
        let mut padded = vec![0.0; 2 * (oh + 1) * stride + 2 * SLACK];
        let (mut line, vectors) = (vec![0.0; stride + 2 * SLACK], 4 * self.x.vectors() + 1);
        for (index, pixels) in pictures.chunks_exact(h * w).enumerate() {
            let (picture, channel) = (index * 4 / self.channels, index % (self.channels / 4));
            for (r, row) in pixels.chunks_exact(w).enumerate() {
                copy(row, &mut padded[(r + self.padding) * stride + self.padding..][..w]);
            }
            for p in 0..2 {
                let row = |u: usize| &padded[(2 * u + p) * stride..][..stride + SLACK];
                let starts = |ky: usize, s: usize| [0, 1].map(|q| self.starts(ky, s, 4 * channel + 2 * p + q, picture));
                for s in 0..self.y.pairs {
                    let [a, b, c] = [row(2 * s), row(2 * s + 1), row(2 * s + 2)];
                    subtract(a, b, vectors, &mut line);
                    self.input_row(&line, starts(0, s), components);
                    self.input_row(b, starts(1, s), components);
                    subtract(b, c, vectors, &mut line);
                    self.input_row(&line, starts(2, s), components);
                }
                if self.y.odd == 1 {
                    let s = self.y.pairs;
                    self.input_row(row(2 * s), starts(0, s), components);
                    self.input_row(row(2 * s + 1), starts(2, s), components);
                }
            }
        }
    }

    /// The input transform of one row, for its even and its odd pixels.
    #[inline(always)]
    fn input_row(&self, row: &[f32], starts: [Starts; 2], components: &mut [f32]) {
        assert!(row.len() >= 16 * self.x.vectors() + SLACK);
        for g in 0..self.x.vectors() {
            // SAFETY: the row has 16 numbers for each vector, and eight more.
            let load = |place: usize| unsafe { F32x4::load_at(row, 16 * g + place) };
            let (even, odd) = deinterleave([0, 4, 8, 12].map(load));
            let next = [16, 17].map(load);
            for (([a, b], next), starts) in [even, odd].into_iter().zip(next).zip(starts) {
                // SAFETY: see `Starts`; the caller has checked the buffer.
                unsafe {
                    a.sub(b).store_at(components, starts[0] + 4 * g);
                    b.store_at(components, starts[1] + 4 * g);
                    b.sub(a.shift(next)).store_at(components, starts[2] + 4 * g);
                }
            }
        }
        if self.x.odd == 1 {
            let s = self.x.pairs;
            for (q, starts) in starts.iter().enumerate() {
                components[starts[0] + s] = row[4 * s + q];
                components[starts[2] + s] = row[4 * s + 2 + q];
            }
        }
    }

    /// The transpose of [`Self::input`].
    pub fn input_transposed(&self, components: &[f32], pictures: &mut [f32]) {
        let [h, w] = self.large_size();
        self.check(pictures, self.channels / 4, h * w, components);
        let mut row = vec![0.0; 16 * self.ends() + SLACK];
        for (index, pixels) in pictures.chunks_exact_mut(h * w).enumerate() {
            let (picture, channel) = (index * 4 / self.channels, index % (self.channels / 4));
            for (r, to) in pixels.chunks_exact_mut(w).enumerate() {
                let (u, p) = ((r + self.padding) / 2, (r + self.padding) % 2);
                let s = u / 2;
                let starts = |ky: usize, s: usize| [0, 1].map(|q| self.starts(ky, s, 4 * channel + 2 * p + q, picture));
                // SAFETY: see `Starts`; the buffer was checked.
                let load = |starts: [Starts; 2], q: usize, kx: usize, i: usize| unsafe {
                    F32x4::load_at(components, starts[q][kx] + i)
                };
                match (u % 2, s < self.y.pairs, s < self.y.len(0)) {
                    (0, _, true) if s == 0 => {
                        let first = starts(0, 0);
                        self.input_row_transposed(|q, kx, at| load(first, q, kx, at), &mut row);
                    }
                    (0, _, true) => {
                        let (first, third) = (starts(0, s), starts(2, s - 1));
                        self.input_row_transposed(
                            |q, kx, at| load(first, q, kx, at).sub(load(third, q, kx, at)),
                            &mut row,
                        );
                    }
                    (0, _, false) => {
                        let third = starts(2, s - 1);
                        self.input_row_transposed(|q, kx, at| F32x4::splat(0.0).sub(load(third, q, kx, at)), &mut row);
                    }
                    (_, true, _) => {
                        let [first, second, third] = [0, 1, 2].map(|ky| starts(ky, s));
                        let sum = |q, kx, at| load(second, q, kx, at).sub(load(first, q, kx, at));
                        self.input_row_transposed(|q, kx, at| sum(q, kx, at).add(load(third, q, kx, at)), &mut row);
                    }
                    (_, false, _) => {
                        let third = starts(2, s);
                        self.input_row_transposed(|q, kx, at| load(third, q, kx, at), &mut row);
                    }
                }
                copy(&row[self.padding..self.padding + w], to);
            }
        }
    }

    /// Vectors that hold a component and one number more.
    fn ends(&self) -> usize {
        self.x.pairs / 4 + 1
    }

    /// A row of pixels from the components `k(q, kx, at)` of its even (q = 0) and odd pixels: the transpose of [`Self::input_row`].
    #[inline(always)]
    fn input_row_transposed(&self, k: impl Fn(usize, usize, usize) -> F32x4, row: &mut [f32]) {
        assert!(row.len() >= 16 * self.ends());
        let mut before = [F32x4::splat(0.0); 2];
        for g in 0..self.ends() {
            let (grad_weight, inner) = (self.x.len(0).saturating_sub(4 * g), self.x.len(1).saturating_sub(4 * g));
            let [even, odd] = [0, 1].map(|q| {
                // What follows the end of a row belongs to another row.
                let [first, third] = [0, 2].map(|kx| k(q, kx, 4 * g).firsts(grad_weight));
                let second = k(q, 1, 4 * g).firsts(inner);
                let shifted = before[q].shift_in(third);
                before[q] = third;
                [first.sub(shifted), second.sub(first).add(third)]
            });
            for (i, v) in interleave(even, odd).into_iter().enumerate() {
                // SAFETY: just checked.
                unsafe { v.store_at(row, 16 * g + 4 * i) };
            }
        }
        if self.x.odd == 1 {
            let s = self.x.pairs;
            row[4 * s + 2] = k(0, 2, s).first();
            row[4 * s + 3] = k(1, 2, s).first();
        }
    }

    /// The output transform: small pictures from their components.
    pub fn output(&self, components: &[f32], pictures: &mut [f32]) {
        let [oh, ow] = self.size;
        self.check(pictures, self.channels, oh * ow, components);
        let mut row = vec![0.0; 8 * self.x.vectors() + SLACK];
        for (index, pixels) in pictures.chunks_exact_mut(oh * ow).enumerate() {
            let (picture, channel) = (index / self.channels, index % self.channels);
            for (r, to) in pixels.chunks_exact_mut(ow).enumerate() {
                let s = r / 2;
                let starts = |ky: usize| self.starts(ky, s, channel, picture);
                let (a, b, sign) = match (r % 2, s < self.y.pairs) {
                    (0, true) => (starts(0), starts(1), 1.0),
                    (0, false) => (starts(0), starts(2), 1.0),
                    _ => (starts(1), starts(2), -1.0),
                };
                let signs = F32x4::splat(sign);
                for g in 0..self.x.vectors() {
                    // SAFETY: see `Starts`; the buffer was checked.
                    let load = |starts: Starts, kx: usize| unsafe { F32x4::load_at(components, starts[kx] + 4 * g) };
                    let [first, second, third] = [0, 1, 2].map(|kx| load(a, kx).add(load(b, kx).mul(signs)));
                    let (low, high) = first.add(second).zip(second.sub(third));
                    // SAFETY: the row was made with eight numbers for each vector.
                    unsafe {
                        low.store_at(&mut row, 8 * g);
                        high.store_at(&mut row, 8 * g + 4);
                    }
                }
                if self.x.odd == 1 {
                    let s = self.x.pairs;
                    row[2 * s] = [0, 2].iter().map(|&kx| components[a[kx] + s] + sign * components[b[kx] + s]).sum();
                }
                copy(&row[..ow], to);
            }
        }
    }

    /// The transpose of [`Self::output`].
    pub fn output_transposed(&self, pictures: &[f32], components: &mut [f32]) {
        let [oh, ow] = self.size;
        self.check(pictures, self.channels, oh * ow, components);
        let stride = 8 * self.x.vectors() + SLACK;
        let (mut upper, mut lower) = (vec![0.0; stride], vec![0.0; stride]);
        for (index, pixels) in pictures.chunks_exact(oh * ow).enumerate() {
            let (picture, channel) = (index / self.channels, index % self.channels);
            for (s, rows) in pixels.chunks(2 * ow).enumerate() {
                let starts = |ky: usize| self.starts(ky, s, channel, picture);
                copy(&rows[..ow], &mut upper[..ow]);
                self.output_row_transposed(&upper, starts(0), components);
                if s < self.y.pairs {
                    copy(&rows[ow..], &mut lower[..ow]);
                    for place in (0..stride).step_by(4) {
                        // SAFETY: both have `stride` numbers, a multiple of four.
                        unsafe {
                            let (a, b) = (F32x4::load_at(&upper, place), F32x4::load_at(&lower, place));
                            a.add(b).store_at(&mut upper, place);
                            F32x4::splat(0.0).sub(b).store_at(&mut lower, place);
                        }
                    }
                    self.output_row_transposed(&upper, starts(1), components);
                    self.output_row_transposed(&lower, starts(2), components);
                } else {
                    self.output_row_transposed(&upper, starts(2), components);
                }
            }
        }
    }

    /// The transposed output transform of one row.
    #[inline(always)]
    fn output_row_transposed(&self, row: &[f32], starts: Starts, components: &mut [f32]) {
        assert!(row.len() >= 8 * self.x.vectors());
        for g in 0..self.x.vectors() {
            // SAFETY: just checked.
            let (low, high) = unsafe { (F32x4::load_at(row, 8 * g), F32x4::load_at(row, 8 * g + 4)) };
            let (even, odd) = low.unzip(high);
            // SAFETY: see `Starts`; the caller has checked the buffer.
            unsafe {
                even.store_at(components, starts[0] + 4 * g);
                even.add(odd).store_at(components, starts[1] + 4 * g);
                F32x4::splat(0.0).sub(odd).store_at(components, starts[2] + 4 * g);
            }
        }
        if self.x.odd == 1 {
            let s = self.x.pairs;
            components[starts[0] + s] = row[2 * s];
            components[starts[2] + s] = row[2 * s];
        }
    }
}
