//! Convolutions of any kernel and stride, and their gradients. Those of 4 x 4 with stride 2 go by [`Strided`]; of others a band of
//! the picture's rows is laid out in columns, one for each output, so that a matrix product does the rest. Numbers are in
//! PyTorch's order.

use super::factor::Factor;
use super::pool::{Target, each_chunk, each_part, worthwhile};
use super::product::{Left, product, product_in_parts};
use super::strided::Strided;

#[derive(Debug, Clone, Copy)]
pub struct Convolve {
    pub batch: usize,
    pub inputs: usize,
    pub outputs: usize,
    /// Height and width of the input.
    pub size: [usize; 2],
    pub kernel: [usize; 2],
    pub stride: usize,
    pub padding: usize,
}

/// Numbers in the columns of a band: half of a second cache.
const BAND: usize = 128 * 1024;

impl Convolve {
    /// Height and width of the output.
    pub fn out_size(&self) -> [usize; 2] {
        [0, 1].map(|i| (self.size[i] + 2 * self.padding).saturating_sub(self.kernel[i]) / self.stride + 1)
    }

    /// The shorter way, where there is one.
    fn strided(&self) -> Option<Strided> {
        let Self { batch, inputs: large, outputs: small, padding, .. } = *self;
        let fits = self.kernel == [4, 4] && self.stride == 2 && self.size.iter().all(|n| n.is_multiple_of(2));
        fits.then(|| Strided { batch, large, small, size: self.out_size(), padding })
    }

    /// Numbers that make one output.
    fn depth(&self) -> usize {
        self.inputs * self.kernel[0] * self.kernel[1]
    }

    /// Rows of output at once: first and number.
    fn bands(&self) -> Vec<[usize; 2]> {
        let [oh, ow] = self.out_size();
        let high = (BAND / (self.depth() * ow).max(1)).clamp(1, oh);
        (0..oh).step_by(high).map(|from| [from, high.min(oh - from)]).collect()
    }

    #[inline(never)]
    pub fn forward(&self, x: &[f32], weights: &[f32], y: &mut [f32]) {
        let [pixels, places] = self.check(x, weights, y);
        if let Some(strided) = self.strided() {
            return strided.down(x, weights, y);
        }
        let ow = self.out_size()[1];
        let mut left = Left::default();
        left.pack(Factor::new(weights, [self.outputs, self.depth()], self.depth()));
        let (bands, y) = (self.bands(), Target::new(y, places));
        each_part(self.batch * bands.len(), Default::default, |(columns, room): &mut (Vec<f32>, Vec<f32>), i| {
            let (picture, [from, high]) = (i / bands.len(), bands[i % bands.len()]);
            self.lay_out(&x[picture * self.inputs * pixels..][..self.inputs * pixels], [from, high], columns);
            let right = Factor::new(columns, [self.depth(), high * ow], high * ow);
            // SAFETY: each part has a picture's band of its own.
            product(&left, right, unsafe { y.part(picture * self.outputs, from * ow) }, false, room);
        });
    }

    /// The transpose of [`Self::forward`], which is the gradient of `x`.
    #[inline(never)]
    pub fn of_input(&self, gradient: &[f32], weights: &[f32], x: &mut [f32]) {
        let [pixels, places] = self.check(x, weights, gradient);
        if let Some(strided) = self.strided() {
            return strided.up(gradient, weights, x);
        }
        let (ow, bands) = (self.out_size()[1], self.bands());
        let mut left = Left::default();
        left.pack(Factor::new(weights, [self.outputs, self.depth()], self.depth()).transposed());
        // Bands overlap in the input: pictures are the parts.
        let room: fn() -> (Vec<f32>, Vec<f32>) = Default::default;
        each_chunk(x, self.inputs * pixels, room, |(columns, room), picture, x| {
            let g = &gradient[picture * self.outputs * places..][..self.outputs * places];
            x.fill(0.0);
            for &[from, high] in &bands {
                columns.resize(self.depth() * high * ow, 0.0);
                let right = Factor::new(&g[from * ow..], [self.outputs, high * ow], places);
                product(&left, right, Target::new(columns, high * ow), false, room);
                self.each_run([from, high], |column, place, run| {
                    let (step, to) = (self.stride, &mut x[place..]);
                    for (i, value) in columns[column..column + run].iter().enumerate() {
                        to[i * step] += value;
                    }
                });
            }
        });
    }

    /// The gradient of the weights.
    #[inline(never)]
    pub fn of_weights(&self, x: &[f32], gradient: &[f32], weights: &mut [f32]) {
        let [pixels, places] = self.check(x, weights, gradient);
        if let Some(strided) = self.strided() {
            return strided.outer(x, gradient, weights);
        }
        let (ow, bands, depth) = (self.out_size()[1], self.bands(), self.depth());
        weights.fill(0.0);
        let (mut left, mut columns, weights) = (Left::default(), Vec::new(), Target::new(weights, depth));
        for (x, g) in x.chunks_exact(self.inputs * pixels).zip(gradient.chunks_exact(self.outputs * places)) {
            for &[from, high] in &bands {
                self.lay_out(x, [from, high], &mut columns);
                left.pack(Factor::new(&g[from * ow..], [self.outputs, high * ow], places));
                let right = Factor::new(&columns, [depth, high * ow], high * ow).transposed();
                product_in_parts(worthwhile(&[self.outputs, depth, high, ow]), &left, right, &weights, true);
            }
        }
    }

    /// The columns of a band, `[depth, high, width]`.
    fn lay_out(&self, x: &[f32], band: [usize; 2], columns: &mut Vec<f32>) {
        columns.clear();
        columns.resize(self.depth() * band[1] * self.out_size()[1], 0.0);
        self.each_run(band, |column, place, run| {
            let (to, from) = (&mut columns[column..column + run], &x[place..]);
            match self.stride {
                1 => to.copy_from_slice(&from[..run]),
                step => to.iter_mut().enumerate().for_each(|(i, to)| *to = from[i * step]),
            }
        });
    }

    /// Where columns and picture meet: the place in the columns, the place of the first pixel, and how many follow. What is
    /// left out lies in the padding.
    #[inline(always)]
    fn each_run(&self, [from, high]: [usize; 2], mut run: impl FnMut(usize, usize, usize)) {
        let ([h, w], ow) = (self.size, self.out_size()[1]);
        let [kh, kw] = self.kernel;
        for row in 0..self.depth() {
            let (channel, ky, kx) = (row / (kh * kw), row / kw % kh, row % kw);
            // Outputs whose pixel is in the picture: 0 <= ox * stride + kx - padding < w.
            let first = self.padding.saturating_sub(kx).div_ceil(self.stride);
            let end = (w + self.padding).saturating_sub(kx).div_ceil(self.stride).min(ow);
            if first >= end {
                continue;
            }
            for oy in from..from + high {
                let Some(y) = (oy * self.stride + ky).checked_sub(self.padding).filter(|&y| y < h) else { continue };
                let column = (row * high + oy - from) * ow + first;
                run(column, (channel * h + y) * w + first * self.stride + kx - self.padding, end - first);
            }
        }
    }

    /// Pixels of a channel of input and of output.
    fn check(&self, x: &[f32], weights: &[f32], y: &[f32]) -> [usize; 2] {
        let [pixels, places] = [self.size, self.out_size()].map(|[h, w]| h * w);
        assert!(x.len() == self.batch * self.inputs * pixels, "an input of another shape");
        assert!(y.len() == self.batch * self.outputs * places, "an output of another shape");
        assert!(weights.len() == self.outputs * self.depth(), "weights of another shape");
        [pixels, places]
    }
}
