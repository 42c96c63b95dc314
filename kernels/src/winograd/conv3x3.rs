//! Convolutions of 3 x 3 with stride 1: F(2 x 2, 3 x 3) of Lavin and Gray 2015, arXiv 1509.09308. A tile of 2 x 2 outputs takes 16
//! products instead of 36. Convolution and the gradient of its weights use the same transforms; the gradient of its input is a
//! convolution with the rotated kernel.

use crate::gemm::{PackedLhs, gemm_packed};
use crate::mat_ref::MatRef;
use crate::pool::{MatMut, each_part, part_count};
use crate::simd::F32x4;
use std::array::from_fn;
use std::ops::Range;

/// Components of the transform: four in each direction.
const COMPONENTS: usize = 16;

/// Numbers in the components of a band, input and output together: half of a level-2 cache.
const BAND_NUMBERS: usize = 128 * 1024;

/// Sizes of a convolution.
#[derive(Debug, Clone, Copy)]
pub struct Conv3x3 {
    pub batch: usize,
    pub inputs: usize,
    pub outputs: usize,
    /// Height and width of the input and of the output.
    pub size: [usize; 2],
    pub out_size: [usize; 2],
    /// Zeros above the input, and to its left: 2 at most.
    pub padding: [usize; 2],
}

/// Scratch space of one thread: the components of input and output, `[16, channels, tiles]`, and lines of pixels.
#[derive(Default)]
struct Scratch {
    of_inputs: Vec<f32>,
    of_outputs: Vec<f32>,
    lines: [Vec<f32>; 4],
    panels: Vec<f32>,
}

/// Four numbers from `at` on, with a bounds check: the transforms are a small part of the time.
#[inline(always)]
fn load(from: &[f32], at: usize) -> F32x4 {
    F32x4::load(from[at..].first_chunk().expect("four numbers"))
}

#[inline(always)]
fn store(v: F32x4, to: &mut [f32], at: usize) {
    v.store(to[at..].first_chunk_mut().expect("space for four numbers"));
}

impl Conv3x3 {
    /// Tiles of a picture: rows, and columns in whole vectors.
    fn tiles(&self) -> [usize; 2] {
        [self.out_size[0].div_ceil(2), self.out_size[1].div_ceil(2).next_multiple_of(4)]
    }

    /// Rows of tiles in all pictures, and how many of them make a band.
    fn rows(&self) -> (usize, usize) {
        let [high, wide] = self.tiles();
        (self.batch * high, (BAND_NUMBERS / (COMPONENTS * (self.inputs + self.outputs) * wide).max(1)).max(1))
    }

    pub fn forward(&self, x: &[f32], weights: &[f32], y: &mut [f32]) {
        self.convolve(&self.transform_kernels(weights, false), x, y);
    }

    /// The gradient of the input.
    pub fn grad_input(&self, gradient: &[f32], weights: &[f32], x: &mut [f32]) {
        let back = Self {
            inputs: self.outputs,
            outputs: self.inputs,
            size: self.out_size,
            out_size: self.size,
            padding: self.padding.map(|n| 2 - n),
            ..*self
        };
        back.convolve(&self.transform_kernels(weights, true), gradient, x);
    }

    /// The convolution with transformed kernels.
    fn convolve(&self, kernels: &[PackedLhs], x: &[f32], y: &mut [f32]) {
        let ((rows, most), [high, wide], [oh, ow]) = (self.rows(), self.tiles(), self.out_size);
        let parts = part_count(&[COMPONENTS, self.inputs, self.outputs, rows, wide]);
        let (many, y) = (most.min(rows.div_ceil(parts)).max(1), MatMut::new(y, ow));
        each_part(rows.div_ceil(many), Scratch::default, |scratch, part| {
            let band = part * many..rows.min((part + 1) * many);
            let n = band.len() * wide;
            self.transform_input(x, band.clone(), scratch);
            let Scratch { of_inputs, of_outputs, lines, panels } = scratch;
            of_outputs.resize(COMPONENTS * self.outputs * n, 0.0);
            for (component, kernel) in kernels.iter().enumerate() {
                let right = MatRef::new(&of_inputs[component * self.inputs * n..], [self.inputs, n], n);
                let to = &mut of_outputs[component * self.outputs * n..][..self.outputs * n];
                gemm_packed(kernel, right, MatMut::new(to, n), false, panels);
            }
            for line in &mut lines[..2] {
                line.resize(2 * wide, 0.0);
            }
            for channel in 0..self.outputs {
                for (at, row) in band.clone().enumerate() {
                    let (picture, top) = (row / high, row % high * 2);
                    self.transform_output(of_outputs, n, channel * n + at * wide, lines);
                    let first = (picture * self.outputs + channel) * oh + top;
                    for (i, line) in lines[..2.min(oh - top)].iter().enumerate() {
                        // SAFETY: each band writes its own rows.
                        let mut to = unsafe { y.part(first + i, 0) };
                        to.row(0, 0, ow).copy_from_slice(&line[..ow]);
                    }
                }
            }
        });
    }

    /// The gradient of the weights. Bands are added in their order; what runs in parallel is the components.
    pub fn grad_weight(&self, x: &[f32], gradient: &[f32], weights: &mut [f32]) {
        // The bands do not depend on the number of threads, so neither does the sum.
        let ((rows, many), [_, wide]) = (self.rows(), self.tiles());
        let (one, mut scratch) = (self.outputs * self.inputs, Scratch::default());
        let mut components = vec![0.0; COMPONENTS * one];
        for first in (0..rows).step_by(many) {
            let band = first..rows.min(first + many);
            let n = band.len() * wide;
            self.transform_input(x, band.clone(), &mut scratch);
            self.transform_output_transposed(gradient, band, &mut scratch);
            let (of_inputs, of_outputs, to) =
                (&scratch.of_inputs, &scratch.of_outputs, MatMut::new(&mut components, self.inputs));
            let component = |(left, panels): &mut (PackedLhs, Vec<f32>), component: usize| {
                left.pack(MatRef::new(&of_outputs[component * self.outputs * n..], [self.outputs, n], n));
                let right = MatRef::new(&of_inputs[component * self.inputs * n..], [self.inputs, n], n).transposed();
                // SAFETY: each component writes its own rows.
                gemm_packed(left, right, unsafe { to.part(component * self.outputs, 0) }, true, panels);
            };
            if part_count(&[COMPONENTS, one, n]) > 1 {
                each_part(COMPONENTS, Default::default, component);
            } else {
                let mut own = Default::default();
                (0..COMPONENTS).for_each(|i| component(&mut own, i));
            }
        }
        for (at, square) in weights.chunks_exact_mut(9).enumerate() {
            let component = |k: usize| components[k * one + at];
            let lines: [[f32; 3]; 4] = from_fn(|ky| transform_taps_transposed(from_fn(|kx| component(4 * ky + kx))));
            for kx in 0..3 {
                let line = transform_taps_transposed(from_fn(|ky| lines[ky][kx]));
                (0..3).for_each(|ky| square[3 * ky + kx] = line[ky]);
            }
        }
    }

    /// Each component of the weights as a left factor `[outputs, inputs]`; rotated and transposed for the gradient of the input.
    fn transform_kernels(&self, weights: &[f32], back: bool) -> Vec<PackedLhs> {
        let many = self.outputs * self.inputs;
        let mut components = vec![0.0; COMPONENTS * many];
        for (at, square) in weights.chunks_exact(9).enumerate() {
            let tap = |ky: usize, kx: usize| square[if back { 8 - 3 * ky - kx } else { 3 * ky + kx }];
            let lines: [[f32; 4]; 3] = from_fn(|ky| transform_taps(from_fn(|kx| tap(ky, kx))));
            for kx in 0..4 {
                let line = transform_taps(from_fn(|ky| lines[ky][kx]));
                (0..4).for_each(|ky| components[(4 * ky + kx) * many + at] = line[ky]);
            }
        }
        let pack = |kernel: &[f32]| {
            let kernel = MatRef::new(kernel, [self.outputs, self.inputs], self.inputs);
            let mut left = PackedLhs::default();
            left.pack(if back { kernel.transposed() } else { kernel });
            left
        };
        components.chunks_exact(many.max(1)).map(pack).collect()
    }

    /// The input transform of some rows of tiles.
    fn transform_input(&self, x: &[f32], band: Range<usize>, scratch: &mut Scratch) {
        let ([high, wide], [h, w]) = (self.tiles(), self.size);
        let (n, [above, left]) = (band.len() * wide, self.padding);
        scratch.of_inputs.resize(COMPONENTS * self.inputs * n, 0.0);
        for line in &mut scratch.lines {
            line.clear();
            line.resize(2 * wide + 16, 0.0);
        }
        // Pixels of a row that any output depends on.
        let seen = w.min((2 * wide + 2).saturating_sub(left));
        for channel in 0..self.inputs {
            for (at, row) in band.clone().enumerate() {
                let (picture, top) = (row / high, row % high * 2);
                let plane = &x[(picture * self.inputs + channel) * h * w..][..h * w];
                for (i, line) in scratch.lines.iter_mut().enumerate() {
                    let to = &mut line[left..left + seen];
                    match (top + i).checked_sub(above).filter(|&y| y < h) {
                        Some(y) => to.copy_from_slice(&plane[y * w..][..seen]),
                        None => to.fill(0.0),
                    }
                }
                let (lines, to) = (&scratch.lines, channel * n + at * wide);
                for four in 0..wide / 4 {
                    // Of each line eight pixels, and the two vectors that begin after them.
                    let v: [[F32x4; 4]; 4] = from_fn(|i| [0, 4, 8, 9].map(|offset| load(&lines[i], 8 * four + offset)));
                    let forward = [
                        from_fn(|j| v[0][j].sub(v[2][j])),
                        from_fn(|j| v[1][j].add(v[2][j])),
                        from_fn(|j| v[2][j].sub(v[1][j])),
                        from_fn(|j| v[1][j].sub(v[3][j])),
                    ];
                    for (ky, [a, b, next_even, next_odd]) in forward.into_iter().enumerate() {
                        let (even, odd) = a.unzip(b);
                        let (even2, odd2) = (even.shift(next_even), odd.shift(next_odd));
                        let components = [even.sub(even2), odd.add(even2), even2.sub(odd), odd.sub(odd2)];
                        for (kx, component) in components.into_iter().enumerate() {
                            store(component, &mut scratch.of_inputs, (4 * ky + kx) * self.inputs * n + to + 4 * four);
                        }
                    }
                }
            }
        }
    }

    /// The output transform: two rows of outputs from their components, which begin at `at` in each component.
    fn transform_output(&self, components: &[f32], n: usize, at: usize, lines: &mut [Vec<f32>; 4]) {
        for four in 0..self.tiles()[1] / 4 {
            let across: [[F32x4; 2]; 4] = from_fn(|ky| {
                let m: [F32x4; 4] = from_fn(|kx| load(components, (4 * ky + kx) * self.outputs * n + at + 4 * four));
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

    /// The transpose of [`Self::transform_output`]: the components of the output's gradient, for some rows of tiles.
    fn transform_output_transposed(&self, gradient: &[f32], band: Range<usize>, scratch: &mut Scratch) {
        let ([high, wide], [oh, ow]) = (self.tiles(), self.out_size);
        let n = band.len() * wide;
        scratch.of_outputs.resize(COMPONENTS * self.outputs * n, 0.0);
        for line in &mut scratch.lines {
            line.clear();
            line.resize(2 * wide + 16, 0.0);
        }
        for channel in 0..self.outputs {
            for (at, row) in band.clone().enumerate() {
                let (picture, top) = (row / high, row % high * 2);
                let plane = &gradient[(picture * self.outputs + channel) * oh * ow..][..oh * ow];
                for (i, line) in scratch.lines[..2].iter_mut().enumerate() {
                    match Some(top + i).filter(|&y| y < oh) {
                        Some(y) => line[..ow].copy_from_slice(&plane[y * ow..][..ow]),
                        None => line[..ow].fill(0.0),
                    }
                }
                let (lines, to) = (&scratch.lines, channel * n + at * wide);
                for four in 0..wide / 4 {
                    let [upper, lower]: [(F32x4, F32x4); 2] =
                        from_fn(|i| load(&lines[i], 8 * four).unzip(load(&lines[i], 8 * four + 4)));
                    let [even, odd] = [[upper.0, lower.0], [upper.1, lower.1]].map(transform_output_gradients);
                    for ky in 0..4 {
                        for (kx, component) in transform_output_gradients([even[ky], odd[ky]]).into_iter().enumerate() {
                            store(component, &mut scratch.of_outputs, (4 * ky + kx) * self.outputs * n + to + 4 * four);
                        }
                    }
                }
            }
        }
    }
}

/// The kernel transform of three taps.
fn transform_taps([a, b, c]: [f32; 3]) -> [f32; 4] {
    [a, 0.5 * (a + b + c), 0.5 * (a - b + c), c]
}

/// The transpose of [`transform_taps`].
fn transform_taps_transposed([a, b, c, d]: [f32; 4]) -> [f32; 3] {
    [a + 0.5 * (b + c), 0.5 * (b - c), 0.5 * (b + c) + d]
}

/// The transposed output transform of the gradients of a pair of outputs.
#[inline(always)]
fn transform_output_gradients([a, b]: [F32x4; 2]) -> [F32x4; 4] {
    [a, a.add(b), a.sub(b), F32x4::splat(0.0).sub(b)]
}
