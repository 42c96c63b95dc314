//! Convolution of 4 x 4 with stride 2, its transpose, and the gradient of its weights, by [`winograd`](super::winograd):
//! each is nine matrix products between transforms. Numbers are in PyTorch's order: pictures `[batch, channels, height,
//! width]`, weights `[small, large, 4, 4]`, where `large` are the channels at the large picture and `small` those at the small one.
//! That is `Conv2d`'s order and `ConvTranspose2d`'s alike.

use super::product::{Factor, product};
use super::winograd::{Grid, KINDS, WIDTH};

/// Sizes of both pictures.
#[derive(Debug, Clone, Copy)]
pub struct Strided {
    pub batch: usize,
    /// Channels at the large picture.
    pub large: usize,
    /// Channels at the small picture.
    pub small: usize,
    /// Height and width of the small picture.
    pub size: [usize; 2],
    /// Zeros around the large picture.
    pub padding: usize,
}

/// Pictures at once: enough for products that fill the vector unit, few enough that both sides stay in the cache.
const AT_ONCE: usize = 8;

impl Strided {
    /// Height and width of the large picture.
    pub fn large_size(&self) -> [usize; 2] {
        self.size.map(|n| 2 * n + 2 - 2 * self.padding)
    }

    fn grid(&self) -> Grid {
        Grid::new(self.size, self.padding)
    }

    fn check(&self, large: &[f32], small: &[f32], weights: &[f32]) {
        let [[h, w], [oh, ow]] = [self.large_size(), self.size];
        assert!(large.len() == self.batch * self.large * h * w, "a large picture of another shape");
        assert!(small.len() == self.batch * self.small * oh * ow, "a small picture of another shape");
        assert!(weights.len() == self.small * self.large * 16, "weights of another shape");
    }

    /// The convolution: `small` from `large`.
    pub fn down(&self, large: &[f32], weights: &[f32], small: &mut [f32]) {
        self.check(large, small, weights);
        let (grid, inputs, outputs) = (self.grid(), 4 * self.large, self.small);
        let weights = grid.kernels(weights);
        let (mut v, mut m) = self.rooms(&grid);
        for (large, small) in self.chunks(large).zip(small.chunks_mut(AT_ONCE * outputs * grid.small())) {
            let n = large.len() / (self.large * grid.large());
            grid.analyse(large, self.large, n, &mut v);
            for kind in KINDS.filter(|&kind| grid.of(kind) > 0) {
                let (at, many) = (grid.from(kind) * n, grid.of(kind) * n);
                // [outputs, positions]
                let v = Factor::rows(&v[at * inputs..(at + many) * inputs], many);
                let w = Factor::rows(&weights[kind * inputs * outputs..][..inputs * outputs], inputs);
                product(w, v, &mut m[at * outputs..(at + many) * outputs], false);
            }
            grid.compose(&m, outputs, n, small);
        }
    }

    /// The transposed convolution: `large` from `small`.
    pub fn up(&self, small: &[f32], weights: &[f32], large: &mut [f32]) {
        self.check(large, small, weights);
        let (grid, inputs, outputs) = (self.grid(), 4 * self.large, self.small);
        let weights = grid.kernels(weights);
        let (mut v, mut m) = self.rooms(&grid);
        let chunks = small.chunks(AT_ONCE * outputs * grid.small());
        for (small, large) in chunks.zip(large.chunks_mut(AT_ONCE * self.large * grid.large())) {
            let n = small.len() / (outputs * grid.small());
            grid.compose_transposed(small, outputs, n, &mut m);
            for kind in KINDS.filter(|&kind| grid.of(kind) > 0) {
                let (at, many) = (grid.from(kind) * n, grid.of(kind) * n);
                let m = Factor::rows(&m[at * outputs..(at + many) * outputs], many);
                let w = Factor::rows(&weights[kind * inputs * outputs..][..inputs * outputs], inputs);
                product(w.transposed(), m, &mut v[at * inputs..(at + many) * inputs], false);
            }
            grid.analyse_transposed(&v, self.large, n, large);
        }
    }

    /// The gradient of the weights from the gradient of one side and the other side itself.
    pub fn outer(&self, large: &[f32], small: &[f32], weights: &mut [f32]) {
        self.check(large, small, weights);
        let (grid, inputs, outputs) = (self.grid(), 4 * self.large, self.small);
        let mut sums = vec![0.0; WIDTH * inputs * outputs];
        let (mut v, mut m) = self.rooms(&grid);
        for (large, small) in self.chunks(large).zip(small.chunks(AT_ONCE * outputs * grid.small())) {
            let n = large.len() / (self.large * grid.large());
            grid.analyse(large, self.large, n, &mut v);
            grid.compose_transposed(small, outputs, n, &mut m);
            for kind in KINDS.filter(|&kind| grid.of(kind) > 0) {
                let (at, many) = (grid.from(kind) * n, grid.of(kind) * n);
                let v = Factor::rows(&v[at * inputs..(at + many) * inputs], many);
                let m = Factor::rows(&m[at * outputs..(at + many) * outputs], many);
                product(m, v.transposed(), &mut sums[kind * inputs * outputs..][..inputs * outputs], true);
            }
        }
        grid.kernels_transposed(&sums, weights);
    }

    fn chunks<'a>(&self, large: &'a [f32]) -> std::slice::Chunks<'a, f32> {
        large.chunks(AT_ONCE * self.large * self.grid().large())
    }

    /// Room for the kinds of both sides.
    fn rooms(&self, grid: &Grid) -> (Vec<f32>, Vec<f32>) {
        let n = grid.from(WIDTH) * AT_ONCE.min(self.batch);
        (vec![0.0; n * 4 * self.large], vec![0.0; n * self.small])
    }
}
