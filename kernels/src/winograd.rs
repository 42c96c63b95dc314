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

/// One direction: `outputs` of the small side, and how many numbers each of the three kinds has.
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

    /// Where a kind begins when the three stand one after the other; 3 for their end.
    fn from(self, kind: usize) -> usize {
        (0..kind).map(|k| self.of(k)).sum()
    }

    /// The kinds of `d`, which is `[outputs + 1]` at a distance of `step`: into `to`, one after the other.
    fn analyse(self, d: &[f32], step: usize, to: &mut [f32]) {
        let (n, odd) = (self.pairs, self.odd);
        let (first, rest) = to.split_at_mut(n + odd);
        let (second, third) = rest.split_at_mut(n);
        for s in 0..n {
            let [a, b, c] = [d[2 * s * step], d[(2 * s + 1) * step], d[(2 * s + 2) * step]];
            first[s] = a - b;
            second[s] = b;
            third[s] = b - c;
        }
        if odd == 1 {
            first[n] = d[2 * n * step];
            third[n] = d[(2 * n + 1) * step];
        }
    }

    /// The transpose of [`Self::analyse`], added to `d`.
    fn analyse_transposed(self, from: &[f32], d: &mut [f32], step: usize) {
        let (n, odd) = (self.pairs, self.odd);
        let (first, rest) = from.split_at(n + odd);
        let (second, third) = rest.split_at(n);
        for s in 0..n {
            d[2 * s * step] += first[s];
            d[(2 * s + 1) * step] += second[s] - first[s] + third[s];
            d[(2 * s + 2) * step] -= third[s];
        }
        if odd == 1 {
            d[2 * n * step] += first[n];
            d[(2 * n + 1) * step] += third[n];
        }
    }

    /// Outputs from the kinds.
    fn compose(self, from: &[f32], y: &mut [f32]) {
        let (n, odd) = (self.pairs, self.odd);
        let (first, rest) = from.split_at(n + odd);
        let (second, third) = rest.split_at(n);
        for s in 0..n {
            y[2 * s] = first[s] + second[s];
            y[2 * s + 1] = second[s] - third[s];
        }
        if odd == 1 {
            y[2 * n] = first[n] + third[n];
        }
    }

    /// The transpose of [`Self::compose`].
    fn compose_transposed(self, y: &[f32], to: &mut [f32]) {
        let (n, odd) = (self.pairs, self.odd);
        let (first, rest) = to.split_at_mut(n + odd);
        let (second, third) = rest.split_at_mut(n);
        for s in 0..n {
            let (a, b) = (y[2 * s], y[2 * s + 1]);
            first[s] = a;
            second[s] = a + b;
            third[s] = -b;
        }
        if odd == 1 {
            first[n] = y[2 * n];
            third[n] = y[2 * n];
        }
    }
}

/// Kinds of both directions together.
pub const WIDTH: usize = 9;
pub const KINDS: std::ops::Range<usize> = 0..WIDTH;

/// Both directions of a picture. The kinds of many pictures stand one after the other, each `[channels, pictures, its rows,
/// its columns]`; the large side has four channels for one, a channel for the even and odd pixels of both directions.
pub struct Grid {
    y: Line,
    x: Line,
    size: [usize; 2],
    padding: usize,
    /// Where each kind begins, for one channel of one picture; then their end.
    from: [usize; WIDTH + 1],
}

impl Grid {
    /// For a small picture of `size`.
    pub fn new(size: [usize; 2], padding: usize) -> Self {
        let (y, x) = (Line::new(size[0]), Line::new(size[1]));
        let mut from = [0; WIDTH + 1];
        for kind in KINDS {
            from[kind + 1] = from[kind] + y.of(kind / 3) * x.of(kind % 3);
        }
        Self { y, x, size, padding, from }
    }

    /// Where a kind begins, for one channel of one picture.
    pub fn from(&self, kind: usize) -> usize {
        self.from[kind]
    }

    /// Numbers of a kind, of one channel of one picture.
    pub fn of(&self, kind: usize) -> usize {
        self.from[kind + 1] - self.from[kind]
    }

    /// Pixels of the small picture.
    pub fn small(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Pixels of the large picture.
    pub fn large(&self) -> usize {
        self.large_size().into_iter().product()
    }

    fn large_size(&self) -> [usize; 2] {
        self.size.map(|n| 2 * n + 2 - 2 * self.padding)
    }

    /// The places of entry `s` of the kinds `3 ky..` in `room`, one a kind of x, of channel `c` of `channels` and picture `i` of `n`.
    fn places(&self, ky: usize, s: usize, [c, channels]: [usize; 2], [i, n]: [usize; 2]) -> [usize; 3] {
        std::array::from_fn(|kx| {
            let kind = 3 * ky + kx;
            self.from[kind] * channels * n + (c * n + i) * self.of(kind) + s * self.x.of(kx)
        })
    }

    /// Writes a line of kinds of x to its three places.
    fn put(&self, line: impl Fn(usize) -> f32, places: [usize; 3], room: &mut [f32]) {
        for (kx, place) in places.into_iter().enumerate() {
            let from = self.x.from(kx);
            for (j, to) in room[place..place + self.x.of(kx)].iter_mut().enumerate() {
                *to = line(from + j);
            }
        }
    }

    /// Reads a line of kinds of x from its three places.
    fn get(&self, room: &[f32], places: [usize; 3], mut line: impl FnMut(usize, f32)) {
        for (kx, place) in places.into_iter().enumerate() {
            let from = self.x.from(kx);
            for (j, &value) in room[place..place + self.x.of(kx)].iter().enumerate() {
                line(from + j, value);
            }
        }
    }

    /// The kinds of `n` large pictures.
    pub fn analyse(&self, pictures: &[f32], channels: usize, n: usize, room: &mut [f32]) {
        let ([h, w], [oh, ow]) = (self.large_size(), self.size);
        let wide = self.x.from(3);
        let mut padded = vec![0.0; 2 * (ow + 1)];
        let mut lines = vec![0.0; 2 * (oh + 1) * 2 * wide];
        for (at, picture) in pictures.chunks_exact(h * w).enumerate() {
            let (i, c) = (at / channels, at % channels);
            for (r, line) in lines.chunks_exact_mut(2 * wide).enumerate() {
                match r.checked_sub(self.padding).filter(|&r| r < h) {
                    Some(r) => padded[self.padding..self.padding + w].copy_from_slice(&picture[r * w..(r + 1) * w]),
                    None => padded.fill(0.0),
                }
                let (even, odd) = line.split_at_mut(wide);
                self.x.analyse(&padded, 2, even);
                self.x.analyse(&padded[1..], 2, odd);
            }
            for part in 0..4 {
                let (p, q) = (part / 2, part % 2);
                let line = |u: usize| &lines[((2 * u + p) * 2 + q) * wide..][..wide];
                let places = |ky: usize, s: usize| self.places(ky, s, [4 * c + part, 4 * channels], [i, n]);
                for s in 0..self.y.pairs {
                    let [a, b, c] = [line(2 * s), line(2 * s + 1), line(2 * s + 2)];
                    self.put(|j| a[j] - b[j], places(0, s), room);
                    self.put(|j| b[j], places(1, s), room);
                    self.put(|j| b[j] - c[j], places(2, s), room);
                }
                if self.y.odd == 1 {
                    let s = self.y.pairs;
                    self.put(|j| line(2 * s)[j], places(0, s), room);
                    self.put(|j| line(2 * s + 1)[j], places(2, s), room);
                }
            }
        }
    }

    /// The transpose of [`Self::analyse`].
    pub fn analyse_transposed(&self, room: &[f32], channels: usize, n: usize, pictures: &mut [f32]) {
        let ([h, w], [oh, ow]) = (self.large_size(), self.size);
        let wide = self.x.from(3);
        let mut padded = vec![0.0; 2 * (ow + 1)];
        let mut lines = vec![0.0; 2 * (oh + 1) * 2 * wide];
        for (at, picture) in pictures.chunks_exact_mut(h * w).enumerate() {
            let (i, c) = (at / channels, at % channels);
            lines.fill(0.0);
            for part in 0..4 {
                let (p, q) = (part / 2, part % 2);
                let line = |u: usize| ((2 * u + p) * 2 + q) * wide;
                let places = |ky: usize, s: usize| self.places(ky, s, [4 * c + part, 4 * channels], [i, n]);
                for s in 0..self.y.pairs {
                    let [a, b, c] = [line(2 * s), line(2 * s + 1), line(2 * s + 2)];
                    self.get(room, places(0, s), |j, value| {
                        lines[a + j] += value;
                        lines[b + j] -= value;
                    });
                    self.get(room, places(1, s), |j, value| lines[b + j] += value);
                    self.get(room, places(2, s), |j, value| {
                        lines[b + j] += value;
                        lines[c + j] -= value;
                    });
                }
                if self.y.odd == 1 {
                    let s = self.y.pairs;
                    self.get(room, places(0, s), |j, value| lines[line(2 * s) + j] += value);
                    self.get(room, places(2, s), |j, value| lines[line(2 * s + 1) + j] += value);
                }
            }
            for (r, row) in picture.chunks_exact_mut(w).enumerate() {
                padded.fill(0.0);
                let (even, odd) = lines[(r + self.padding) * 2 * wide..][..2 * wide].split_at(wide);
                self.x.analyse_transposed(even, &mut padded, 2);
                self.x.analyse_transposed(odd, &mut padded[1..], 2);
                row.copy_from_slice(&padded[self.padding..self.padding + w]);
            }
        }
    }

    /// `n` small pictures from their kinds.
    pub fn compose(&self, room: &[f32], channels: usize, n: usize, pictures: &mut [f32]) {
        let [oh, ow] = self.size;
        let wide = self.x.from(3);
        let mut lines = vec![0.0; 2 * wide];
        for (at, picture) in pictures.chunks_exact_mut(oh * ow).enumerate() {
            let (i, c) = (at / channels, at % channels);
            let places = |ky: usize, s: usize| self.places(ky, s, [c, channels], [i, n]);
            for (s, rows) in picture.chunks_mut(2 * ow).enumerate() {
                let (first, second) = lines.split_at_mut(wide);
                self.get(room, places(0, s), |j, value| first[j] = value);
                if rows.len() == 2 * ow {
                    self.get(room, places(1, s), |j, value| {
                        first[j] += value;
                        second[j] = value;
                    });
                    self.get(room, places(2, s), |j, value| second[j] -= value);
                    let (upper, lower) = rows.split_at_mut(ow);
                    self.x.compose(first, upper);
                    self.x.compose(second, lower);
                } else {
                    self.get(room, places(2, s), |j, value| first[j] += value);
                    self.x.compose(first, rows);
                }
            }
        }
    }

    /// The transpose of [`Self::compose`].
    pub fn compose_transposed(&self, pictures: &[f32], channels: usize, n: usize, room: &mut [f32]) {
        let [oh, ow] = self.size;
        let wide = self.x.from(3);
        let mut lines = vec![0.0; 2 * wide];
        for (at, picture) in pictures.chunks_exact(oh * ow).enumerate() {
            let (i, c) = (at / channels, at % channels);
            let places = |ky: usize, s: usize| self.places(ky, s, [c, channels], [i, n]);
            for (s, rows) in picture.chunks(2 * ow).enumerate() {
                let (first, second) = lines.split_at_mut(wide);
                self.x.compose_transposed(&rows[..ow], first);
                if rows.len() == 2 * ow {
                    self.x.compose_transposed(&rows[ow..], second);
                    self.put(|j| first[j] + second[j], places(1, s), room);
                    self.put(|j| -second[j], places(2, s), room);
                } else {
                    self.put(|j| first[j], places(2, s), room);
                }
                self.put(|j| first[j], places(0, s), room);
            }
        }
    }

    /// Weights `[outputs, large, 4, 4]` as nine matrices `[outputs, 4 large]`.
    pub fn kernels(&self, weights: &[f32]) -> Vec<f32> {
        let many = weights.len() / 4;
        let mut kinds = vec![0.0; WIDTH * many];
        for (at, square) in weights.chunks_exact(16).enumerate() {
            for part in 0..4 {
                // Taps of one parity: g[a][b] is weight [2 a + p][2 b + q].
                let g = |a: usize, b: usize| square[(2 * a + part / 2) * 4 + 2 * b + part % 2];
                let lines = [0, 1].map(|a| [g(a, 0), g(a, 0) + g(a, 1), g(a, 1)]);
                let to = at * 4 + part;
                for kx in 0..3 {
                    kinds[kx * many + to] = lines[0][kx];
                    kinds[(3 + kx) * many + to] = lines[0][kx] + lines[1][kx];
                    kinds[(6 + kx) * many + to] = lines[1][kx];
                }
            }
        }
        kinds
    }

    /// The transpose of [`Self::kernels`].
    pub fn kernels_transposed(&self, kinds: &[f32], weights: &mut [f32]) {
        let many = weights.len() / 4;
        for (at, square) in weights.chunks_exact_mut(16).enumerate() {
            for part in 0..4 {
                let from = at * 4 + part;
                let kind = |k: usize| kinds[k * many + from];
                for a in 0..2 {
                    let line: [f32; 3] = std::array::from_fn(|kx| kind(3 * a + kx) + kind(3 * a + 3 + kx));
                    square[(2 * a + part / 2) * 4 + part % 2] = line[0] + line[1];
                    square[(2 * a + part / 2) * 4 + 2 + part % 2] = line[1] + line[2];
                }
            }
        }
    }
}
