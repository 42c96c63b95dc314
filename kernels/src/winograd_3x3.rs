//! Convolutions of 3 x 3 with stride 1 in fewer multiplications: F(2 x 2, 3 x 3) of Lavin and Gray 2015, arXiv 1509.09308. A tile of
//! 2 x 2 outputs takes 16 products where one writes 36. Convolution and the gradient of its weights are contractions of the same
//! transforms; the gradient of its input is a convolution by the kernel turned round.

use super::factor::Factor;
use super::lanes::F32x4;
use super::pool::{Target, each_part, worthwhile};
use super::product::{Left, product};
use std::array::from_fn;
use std::ops::Range;

/// Kinds of products in both directions.
const KINDS: usize = 16;

/// Numbers in the kinds of both sides at once: half of a second cache.
const AT_ONCE: usize = 128 * 1024;

/// Sizes of a convolution.
#[derive(Debug, Clone, Copy)]
pub struct Square {
    pub batch: usize,
    pub inputs: usize,
    pub outputs: usize,
    /// Height and width of the input and of the output.
    pub size: [usize; 2],
    pub out_size: [usize; 2],
    /// Zeros above the input, and to its left: 2 at most.
    pub padding: [usize; 2],
}

/// What one thread computes with: the kinds of both sides, `[16, channels, tiles]`, and lines of pixels.
#[derive(Default)]
struct Room {
    of_inputs: Vec<f32>,
    of_outputs: Vec<f32>,
    lines: [Vec<f32>; 4],
    panels: Vec<f32>,
}

/// Four numbers from `at` on, which are checked to be there: transforms are a small part of the products.
#[inline(always)]
fn load(from: &[f32], at: usize) -> F32x4 {
    F32x4::load(from[at..].first_chunk().expect("four numbers"))
}

#[inline(always)]
fn store(v: F32x4, to: &mut [f32], at: usize) {
    v.store(to[at..].first_chunk_mut().expect("room for four numbers"));
}

impl Square {
    /// Tiles of a picture: rows, and columns in whole vectors.
    fn tiles(&self) -> [usize; 2] {
        [self.out_size[0].div_ceil(2), self.out_size[1].div_ceil(2).next_multiple_of(4)]
    }

    /// Rows of tiles of all pictures, and how many of them are done at once.
    fn rows(&self) -> (usize, usize) {
        let [high, wide] = self.tiles();
        (self.batch * high, (AT_ONCE / (KINDS * (self.inputs + self.outputs) * wide).max(1)).max(1))
    }

    pub fn forward(&self, x: &[f32], weights: &[f32], y: &mut [f32]) {
        self.by(&self.kernels(weights, false), x, y);
    }

    /// The gradient of the input.
    pub fn of_input(&self, gradient: &[f32], weights: &[f32], x: &mut [f32]) {
        let back = Self {
            inputs: self.outputs,
            outputs: self.inputs,
            size: self.out_size,
            out_size: self.size,
            padding: self.padding.map(|n| 2 - n),
            ..*self
        };
        back.by(&self.kernels(weights, true), gradient, x);
    }

    /// The convolution by transformed kernels.
    fn by(&self, kernels: &[Left], x: &[f32], y: &mut [f32]) {
        let ((rows, most), [high, wide], [oh, ow]) = (self.rows(), self.tiles(), self.out_size);
        let parts = worthwhile(&[KINDS, self.inputs, self.outputs, rows, wide]);
        let (many, y) = (most.min(rows.div_ceil(parts)).max(1), Target::new(y, ow));
        each_part(rows.div_ceil(many), Room::default, |room, part| {
            let band = part * many..rows.min((part + 1) * many);
            let n = band.len() * wide;
            self.analyse(x, band.clone(), room);
            let Room { of_inputs, of_outputs, lines, panels } = room;
            of_outputs.resize(KINDS * self.outputs * n, 0.0);
            for (kind, kernel) in kernels.iter().enumerate() {
                let right = Factor::new(&of_inputs[kind * self.inputs * n..], [self.inputs, n], n);
                let to = &mut of_outputs[kind * self.outputs * n..][..self.outputs * n];
                product(kernel, right, Target::new(to, n), false, panels);
            }
            for line in &mut lines[..2] {
                line.resize(2 * wide, 0.0);
            }
            for channel in 0..self.outputs {
                for (at, row) in band.clone().enumerate() {
                    let (picture, top) = (row / high, row % high * 2);
                    self.compose(of_outputs, n, channel * n + at * wide, lines);
                    let first = (picture * self.outputs + channel) * oh + top;
                    for (i, line) in lines[..2.min(oh - top)].iter().enumerate() {
                        // SAFETY: each band has rows of its own.
                        let mut to = unsafe { y.part(first + i, 0) };
                        to.row(0, 0, ow).copy_from_slice(&line[..ow]);
                    }
                }
            }
        });
    }

    /// The gradient of the weights. Every band adds to it, in their order: parts are the kinds.
    pub fn of_weights(&self, x: &[f32], gradient: &[f32], weights: &mut [f32]) {
        // However many threads: bands are what is added up.
        let ((rows, many), [_, wide]) = (self.rows(), self.tiles());
        let (one, mut room) = (self.outputs * self.inputs, Room::default());
        let mut kinds = vec![0.0; KINDS * one];
        for first in (0..rows).step_by(many) {
            let band = first..rows.min(first + many);
            let n = band.len() * wide;
            self.analyse(x, band.clone(), &mut room);
            self.compose_transposed(gradient, band, &mut room);
            let (of_inputs, of_outputs, to) = (&room.of_inputs, &room.of_outputs, Target::new(&mut kinds, self.inputs));
            let kind = |(left, panels): &mut (Left, Vec<f32>), kind: usize| {
                left.pack(Factor::new(&of_outputs[kind * self.outputs * n..], [self.outputs, n], n));
                let right = Factor::new(&of_inputs[kind * self.inputs * n..], [self.inputs, n], n).transposed();
                // SAFETY: each kind has rows of its own.
                product(left, right, unsafe { to.part(kind * self.outputs, 0) }, true, panels);
            };
            if worthwhile(&[KINDS, one, n]) > 1 {
                each_part(KINDS, Default::default, kind);
            } else {
                let mut own = Default::default();
                (0..KINDS).for_each(|i| kind(&mut own, i));
            }
        }
        for (at, square) in weights.chunks_exact_mut(9).enumerate() {
            let kind = |k: usize| kinds[k * one + at];
            let lines: [[f32; 3]; 4] = from_fn(|ky| spread_transposed(from_fn(|kx| kind(4 * ky + kx))));
            for kx in 0..3 {
                let line = spread_transposed(from_fn(|ky| lines[ky][kx]));
                (0..3).for_each(|ky| square[3 * ky + kx] = line[ky]);
            }
        }
    }

    /// Each kind of the weights as a left factor `[outputs, inputs]`; turned round and transposed for the gradient of the input.
    fn kernels(&self, weights: &[f32], back: bool) -> Vec<Left> {
        let many = self.outputs * self.inputs;
        let mut kinds = vec![0.0; KINDS * many];
        for (at, square) in weights.chunks_exact(9).enumerate() {
            let tap = |ky: usize, kx: usize| square[if back { 8 - 3 * ky - kx } else { 3 * ky + kx }];
            let lines: [[f32; 4]; 3] = from_fn(|ky| spread(from_fn(|kx| tap(ky, kx))));
            for kx in 0..4 {
                let line = spread(from_fn(|ky| lines[ky][kx]));
                (0..4).for_each(|ky| kinds[(4 * ky + kx) * many + at] = line[ky]);
            }
        }
        let pack = |kernel: &[f32]| {
            let kernel = Factor::new(kernel, [self.outputs, self.inputs], self.inputs);
            let mut left = Left::default();
            left.pack(if back { kernel.transposed() } else { kernel });
            left
        };
        kinds.chunks_exact(many.max(1)).map(pack).collect()
    }

    /// The kinds of the input, of some rows of tiles.
    fn analyse(&self, x: &[f32], band: Range<usize>, room: &mut Room) {
        let ([high, wide], [h, w]) = (self.tiles(), self.size);
        let (n, [above, left]) = (band.len() * wide, self.padding);
        room.of_inputs.resize(KINDS * self.inputs * n, 0.0);
        for line in &mut room.lines {
            line.clear();
            line.resize(2 * wide + 16, 0.0);
        }
        // Pixels of a line that any output sees.
        let seen = w.min((2 * wide + 2).saturating_sub(left));
        for channel in 0..self.inputs {
            for (at, row) in band.clone().enumerate() {
                let (picture, top) = (row / high, row % high * 2);
                let plane = &x[(picture * self.inputs + channel) * h * w..][..h * w];
                for (i, line) in room.lines.iter_mut().enumerate() {
                    let to = &mut line[left..left + seen];
                    match (top + i).checked_sub(above).filter(|&y| y < h) {
                        Some(y) => to.copy_from_slice(&plane[y * w..][..seen]),
                        None => to.fill(0.0),
                    }
                }
                let (lines, to) = (&room.lines, channel * n + at * wide);
                for four in 0..wide / 4 {
                    // Of each line eight pixels, and the two vectors that begin after them.
                    let v: [[F32x4; 4]; 4] = from_fn(|i| [0, 4, 8, 9].map(|offset| load(&lines[i], 8 * four + offset)));
                    let down = [
                        from_fn(|j| v[0][j].sub(v[2][j])),
                        from_fn(|j| v[1][j].add(v[2][j])),
                        from_fn(|j| v[2][j].sub(v[1][j])),
                        from_fn(|j| v[1][j].sub(v[3][j])),
                    ];
                    for (ky, [a, b, next_even, next_odd]) in down.into_iter().enumerate() {
                        let (even, odd) = a.unzip(b);
                        let (even2, odd2) = (even.shift(next_even), odd.shift(next_odd));
                        let kinds = [even.sub(even2), odd.add(even2), even2.sub(odd), odd.sub(odd2)];
                        for (kx, kind) in kinds.into_iter().enumerate() {
                            store(kind, &mut room.of_inputs, (4 * ky + kx) * self.inputs * n + to + 4 * four);
                        }
                    }
                }
            }
        }
    }

    /// Two lines of outputs from their kinds, which begin at `at` in each kind.
    fn compose(&self, kinds: &[f32], n: usize, at: usize, lines: &mut [Vec<f32>; 4]) {
        for four in 0..self.tiles()[1] / 4 {
            let across: [[F32x4; 2]; 4] = from_fn(|ky| {
                let m: [F32x4; 4] = from_fn(|kx| load(kinds, (4 * ky + kx) * self.outputs * n + at + 4 * four));
                [m[0].add(m[1]).add(m[2]), m[1].sub(m[2]).sub(m[3])]
            });
            let upper: [F32x4; 2] = from_fn(|i| across[0][i].add(across[1][i]).add(across[2][i]));
            let lower: [F32x4; 2] = from_fn(|i| across[1][i].sub(across[2][i]).sub(across[3][i]));
            for (line, [even, odd]) in lines.iter_mut().zip([upper, lower]) {
                let (a, b) = even.zip(odd);
                store(a, line, 8 * four);
                store(b, line, 8 * four + 4);
            }
        }
    }

    /// The transpose of [`Self::compose`]: the kinds of the output's gradient, of some rows of tiles.
    fn compose_transposed(&self, gradient: &[f32], band: Range<usize>, room: &mut Room) {
        let ([high, wide], [oh, ow]) = (self.tiles(), self.out_size);
        let n = band.len() * wide;
        room.of_outputs.resize(KINDS * self.outputs * n, 0.0);
        for line in &mut room.lines {
            line.clear();
            line.resize(2 * wide + 16, 0.0);
        }
        for channel in 0..self.outputs {
            for (at, row) in band.clone().enumerate() {
                let (picture, top) = (row / high, row % high * 2);
                let plane = &gradient[(picture * self.outputs + channel) * oh * ow..][..oh * ow];
                for (i, line) in room.lines[..2].iter_mut().enumerate() {
                    match Some(top + i).filter(|&y| y < oh) {
                        Some(y) => line[..ow].copy_from_slice(&plane[y * ow..][..ow]),
                        None => line[..ow].fill(0.0),
                    }
                }
                let (lines, to) = (&room.lines, channel * n + at * wide);
                for four in 0..wide / 4 {
                    let [upper, lower]: [(F32x4, F32x4); 2] =
                        from_fn(|i| load(&lines[i], 8 * four).unzip(load(&lines[i], 8 * four + 4)));
                    let [even, odd] = [[upper.0, lower.0], [upper.1, lower.1]].map(spread_outputs);
                    for ky in 0..4 {
                        for (kx, kind) in spread_outputs([even[ky], odd[ky]]).into_iter().enumerate() {
                            store(kind, &mut room.of_outputs, (4 * ky + kx) * self.outputs * n + to + 4 * four);
                        }
                    }
                }
            }
        }
    }
}

/// The kinds of three taps.
fn spread([a, b, c]: [f32; 3]) -> [f32; 4] {
    [a, 0.5 * (a + b + c), 0.5 * (a - b + c), c]
}

/// The transpose of [`spread`].
fn spread_transposed([a, b, c, d]: [f32; 4]) -> [f32; 3] {
    [a + 0.5 * (b + c), 0.5 * (b - c), 0.5 * (b + c) + d]
}

/// The kinds of a pair of outputs' gradients.
#[inline(always)]
fn spread_outputs([a, b]: [F32x4; 2]) -> [F32x4; 4] {
    [a, a.add(b), a.sub(b), F32x4::splat(0.0).sub(b)]
}
