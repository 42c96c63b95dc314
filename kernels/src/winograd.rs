//! Convolutions of 4 x 4 with stride 2 in fewer multiplications (Winograd 1980; for networks Lavin and Gray 2015,
//! arXiv 1509.09308).
//!
//! A kernel of 4 with stride 2 is two kernels of 2 with stride 1: one sees the even pixels, one the odd. Two outputs of a
//! kernel of 2 take three products where one writes four,
//!
//! ```text
//! y0 = d0 g0 + d1 g1 = (d0 - d1) g0 + d1 (g0 + g1)
//! y1 = d1 g0 + d2 g1 =                d1 (g0 + g1) - (d1 - d2) g1
//! ```
//!
//! so that a pair of outputs in both directions takes 9 where one writes 16. Only sums come in: nothing is lost to rounding but
//! a bit. Of an odd number of outputs the last is written out: two products, for which the first and the third kind serve.
//! Convolution, its transpose and the gradient of its weights are three contractions of the same three transforms.

use super::lanes::F32x4;
use super::lines::{copy, minus, quarters, whole};

/// Kinds of products in one direction, and in both.
pub const WIDTH: usize = 9;
pub const KINDS: std::ops::Range<usize> = 0..WIDTH;

/// What a row of numbers may be overrun by: rows are written in whole vectors.
pub const SLACK: usize = 8;

/// One direction of the small side: pairs of outputs, and whether there is one more.
#[derive(Clone, Copy)]
struct Line {
    pairs: usize,
    odd: usize,
}

impl Line {
    fn new(outputs: usize) -> Self {
        Self { pairs: outputs / 2, odd: outputs % 2 }
    }

    /// Numbers of a kind.
    fn of(self, kind: usize) -> usize {
        if kind == 1 { self.pairs } else { self.pairs + self.odd }
    }

    /// Vectors that hold a kind.
    fn vectors(self) -> usize {
        (self.pairs + self.odd).div_ceil(4)
    }
}

/// Both directions of a picture. The kinds of many pictures stand one after the other, each `[channels, pictures, its rows,
/// its columns]`, with [`SLACK`] after each channel; the large side has four channels for one: a channel for the even and the odd
/// pixels of both directions.
pub struct Grid {
    y: Line,
    x: Line,
    size: [usize; 2],
    padding: usize,
    channels: usize,
    /// Where each kind begins, then the end of all; and from one channel of a kind to the next.
    begins: [usize; WIDTH + 1],
    strides: [usize; WIDTH],
    pictures: usize,
}

/// Where a line of each of the three kinds of x begins. From there on the room has as many numbers as whole vectors hold of
/// the line and the place after it: the [`SLACK`] of its channel follows at the latest. [`Grid::check`] has compared room and
/// pictures with the grid, of whose rows each loop makes no others.
type Places = [usize; 3];

impl Grid {
    /// For `pictures` at once, small ones of `size`, on a side of so many channels.
    pub fn new(size: [usize; 2], padding: usize, channels: usize, pictures: usize) -> Self {
        let (y, x) = (Line::new(size[0]), Line::new(size[1]));
        let strides = std::array::from_fn(|kind: usize| y.of(kind / 3) * x.of(kind % 3) * pictures + SLACK);
        let mut begins = [0; WIDTH + 1];
        for kind in KINDS {
            begins[kind + 1] = begins[kind] + channels * strides[kind];
        }
        Self { y, x, size, padding, channels, begins, strides, pictures }
    }

    /// Numbers of a kind, of one channel of all pictures.
    pub fn of(&self, kind: usize) -> usize {
        self.y.of(kind / 3) * self.x.of(kind % 3) * self.pictures
    }

    /// From one channel of a kind to the next.
    pub fn stride(&self, kind: usize) -> usize {
        self.strides[kind]
    }

    /// Where the numbers of a kind are.
    pub fn range(&self, kind: usize) -> std::ops::Range<usize> {
        self.begins[kind]..self.begins[kind + 1]
    }

    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Room for all kinds.
    pub fn room(&self) -> usize {
        self.begins[WIDTH]
    }

    /// Panics unless these are all pictures of a side, of `size` numbers a channel each, and the room is theirs.
    fn check(&self, pictures: &[f32], channels: usize, size: usize, room: &[f32]) {
        assert!(pictures.len() == self.pictures * channels * size, "pictures of another shape");
        assert!(room.len() >= self.room(), "room of another grid");
    }

    fn large_size(&self) -> [usize; 2] {
        self.size.map(|n| 2 * n + 2 - 2 * self.padding)
    }

    /// Row `s` of the kinds `3 ky..`, of a channel and a picture.
    fn places(&self, ky: usize, s: usize, channel: usize, picture: usize) -> Places {
        debug_assert!(s < self.y.of(ky) && channel < self.channels && picture < self.pictures);
        std::array::from_fn(|kx| {
            let (kind, wide) = (3 * ky + kx, self.x.of(kx));
            self.begins[kind] + channel * self.strides[kind] + (picture * self.y.of(ky) + s) * wide
        })
    }

    /// The kinds of large pictures.
    pub fn analyse(&self, pictures: &[f32], room: &mut [f32]) {
        let ([h, w], [oh, _]) = (self.large_size(), self.size);
        self.check(pictures, self.channels / 4, h * w, room);
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
                let places = |ky: usize, s: usize| [0, 1].map(|q| self.places(ky, s, 4 * channel + 2 * p + q, picture));
                for s in 0..self.y.pairs {
                    let [a, b, c] = [row(2 * s), row(2 * s + 1), row(2 * s + 2)];
                    minus(a, b, vectors, &mut line);
                    self.spread(&line, places(0, s), room);
                    self.spread(b, places(1, s), room);
                    minus(b, c, vectors, &mut line);
                    self.spread(&line, places(2, s), room);
                }
                if self.y.odd == 1 {
                    let s = self.y.pairs;
                    self.spread(row(2 * s), places(0, s), room);
                    self.spread(row(2 * s + 1), places(2, s), room);
                }
            }
        }
    }

    /// The kinds of x of a row of pixels, even and odd ones.
    #[inline(always)]
    fn spread(&self, row: &[f32], places: [Places; 2], room: &mut [f32]) {
        assert!(row.len() >= 16 * self.x.vectors() + SLACK);
        for g in 0..self.x.vectors() {
            // SAFETY: the row has 16 numbers for each vector, and eight more.
            let load = |place: usize| unsafe { F32x4::load_at(row, 16 * g + place) };
            let (even, odd) = quarters([0, 4, 8, 12].map(load));
            let next = [16, 17].map(load);
            for (([a, b], next), places) in [even, odd].into_iter().zip(next).zip(places) {
                // SAFETY: see `Places`; the caller has checked the room.
                unsafe {
                    a.sub(b).store_at(room, places[0] + 4 * g);
                    b.store_at(room, places[1] + 4 * g);
                    b.sub(a.shift(next)).store_at(room, places[2] + 4 * g);
                }
            }
        }
        if self.x.odd == 1 {
            let s = self.x.pairs;
            for (q, places) in places.iter().enumerate() {
                room[places[0] + s] = row[4 * s + q];
                room[places[2] + s] = row[4 * s + 2 + q];
            }
        }
    }

    /// The transpose of [`Self::analyse`].
    pub fn analyse_transposed(&self, room: &[f32], pictures: &mut [f32]) {
        let [h, w] = self.large_size();
        self.check(pictures, self.channels / 4, h * w, room);
        let mut row = vec![0.0; 16 * self.ends() + SLACK];
        for (index, pixels) in pictures.chunks_exact_mut(h * w).enumerate() {
            let (picture, channel) = (index * 4 / self.channels, index % (self.channels / 4));
            for (r, to) in pixels.chunks_exact_mut(w).enumerate() {
                let (u, p) = ((r + self.padding) / 2, (r + self.padding) % 2);
                let s = u / 2;
                let places = |ky: usize, s: usize| [0, 1].map(|q| self.places(ky, s, 4 * channel + 2 * p + q, picture));
                // SAFETY: see `Places`; the room was checked.
                let load = |places: [Places; 2], q: usize, kx: usize, i: usize| unsafe {
                    F32x4::load_at(room, places[q][kx] + i)
                };
                match (u % 2, s < self.y.pairs, s < self.y.of(0)) {
                    (0, _, true) if s == 0 => {
                        let first = places(0, 0);
                        self.unite(|q, kx, at| load(first, q, kx, at), &mut row);
                    }
                    (0, _, true) => {
                        let (first, third) = (places(0, s), places(2, s - 1));
                        self.unite(|q, kx, at| load(first, q, kx, at).sub(load(third, q, kx, at)), &mut row);
                    }
                    (0, _, false) => {
                        let third = places(2, s - 1);
                        self.unite(|q, kx, at| F32x4::splat(0.0).sub(load(third, q, kx, at)), &mut row);
                    }
                    (_, true, _) => {
                        let [first, second, third] = [0, 1, 2].map(|ky| places(ky, s));
                        let sum = |q, kx, at| load(second, q, kx, at).sub(load(first, q, kx, at));
                        self.unite(|q, kx, at| sum(q, kx, at).add(load(third, q, kx, at)), &mut row);
                    }
                    (_, false, _) => {
                        let third = places(2, s);
                        self.unite(|q, kx, at| load(third, q, kx, at), &mut row);
                    }
                }
                copy(&row[self.padding..self.padding + w], to);
            }
        }
    }

    /// Vectors that hold a kind and the place after it.
    fn ends(&self) -> usize {
        self.x.pairs / 4 + 1
    }

    /// A row of pixels from the kinds of x of its even (q = 0) and odd ones, `k(q, kx, at)`: the transpose of [`Self::spread`].
    #[inline(always)]
    fn unite(&self, k: impl Fn(usize, usize, usize) -> F32x4, row: &mut [f32]) {
        assert!(row.len() >= 16 * self.ends());
        let mut before = [F32x4::splat(0.0); 2];
        for g in 0..self.ends() {
            let (outer, inner) = (self.x.of(0).saturating_sub(4 * g), self.x.of(1).saturating_sub(4 * g));
            let [even, odd] = [0, 1].map(|q| {
                // What stands beyond a line is another's.
                let [first, third] = [0, 2].map(|kx| k(q, kx, 4 * g).firsts(outer));
                let second = k(q, 1, 4 * g).firsts(inner);
                let shifted = before[q].shift_in(third);
                before[q] = third;
                [first.sub(shifted), second.sub(first).add(third)]
            });
            for (i, v) in whole(even, odd).into_iter().enumerate() {
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

    /// Small pictures from their kinds.
    pub fn compose(&self, room: &[f32], pictures: &mut [f32]) {
        let [oh, ow] = self.size;
        self.check(pictures, self.channels, oh * ow, room);
        let mut row = vec![0.0; 8 * self.x.vectors() + SLACK];
        for (index, pixels) in pictures.chunks_exact_mut(oh * ow).enumerate() {
            let (picture, channel) = (index / self.channels, index % self.channels);
            for (r, to) in pixels.chunks_exact_mut(ow).enumerate() {
                let s = r / 2;
                let places = |ky: usize| self.places(ky, s, channel, picture);
                let (a, b, sign) = match (r % 2, s < self.y.pairs) {
                    (0, true) => (places(0), places(1), 1.0),
                    (0, false) => (places(0), places(2), 1.0),
                    _ => (places(1), places(2), -1.0),
                };
                let signs = F32x4::splat(sign);
                for g in 0..self.x.vectors() {
                    // SAFETY: see `Places`; the room was checked.
                    let load = |places: Places, kx: usize| unsafe { F32x4::load_at(room, places[kx] + 4 * g) };
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
                    row[2 * s] = [0, 2].iter().map(|&kx| room[a[kx] + s] + sign * room[b[kx] + s]).sum();
                }
                copy(&row[..ow], to);
            }
        }
    }

    /// The transpose of [`Self::compose`].
    pub fn compose_transposed(&self, pictures: &[f32], room: &mut [f32]) {
        let [oh, ow] = self.size;
        self.check(pictures, self.channels, oh * ow, room);
        let stride = 8 * self.x.vectors() + SLACK;
        let (mut upper, mut lower) = (vec![0.0; stride], vec![0.0; stride]);
        for (index, pixels) in pictures.chunks_exact(oh * ow).enumerate() {
            let (picture, channel) = (index / self.channels, index % self.channels);
            for (s, rows) in pixels.chunks(2 * ow).enumerate() {
                let places = |ky: usize| self.places(ky, s, channel, picture);
                copy(&rows[..ow], &mut upper[..ow]);
                self.split(&upper, places(0), room);
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
                    self.split(&upper, places(1), room);
                    self.split(&lower, places(2), room);
                } else {
                    self.split(&upper, places(2), room);
                }
            }
        }
    }

    /// The kinds of x of a row of outputs.
    #[inline(always)]
    fn split(&self, row: &[f32], places: Places, room: &mut [f32]) {
        assert!(row.len() >= 8 * self.x.vectors());
        for g in 0..self.x.vectors() {
            // SAFETY: just checked.
            let (low, high) = unsafe { (F32x4::load_at(row, 8 * g), F32x4::load_at(row, 8 * g + 4)) };
            let (even, odd) = low.unzip(high);
            // SAFETY: see `Places`; the caller has checked the room.
            unsafe {
                even.store_at(room, places[0] + 4 * g);
                even.add(odd).store_at(room, places[1] + 4 * g);
                F32x4::splat(0.0).sub(odd).store_at(room, places[2] + 4 * g);
            }
        }
        if self.x.odd == 1 {
            let s = self.x.pairs;
            room[places[0] + s] = row[2 * s];
            room[places[2] + s] = row[2 * s];
        }
    }
}
