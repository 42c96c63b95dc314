//! Convolutions of any kernel, stride and dilation, and their gradients. Those of 4 x 4 with stride 2 go by [`Strided`], wide ones
//! of 3 x 3 with stride 1 by [`Square`]; of others a band of the picture's rows is laid out in columns, one for each output, so that
//! a matrix product does the rest. Numbers are in PyTorch's order.

use super::factor::Factor;
use super::pool::{Target, each_chunk, each_part, worthwhile};
use super::product::{Left, product, product_in_parts};
use super::strided::Strided;
use super::winograd_3x3::Square;

/// How a kernel moves over a picture: downwards, then to the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    pub stride: [usize; 2],
    /// From one tap of the kernel to the next.
    pub dilation: [usize; 2],
    /// Zeros before the picture's first pixel, and after its last.
    pub padding: [[usize; 2]; 2],
}

impl Window {
    /// The same both ways and on both sides, without dilation.
    pub const fn square(stride: usize, padding: usize) -> Self {
        Self { stride: [stride; 2], dilation: [1; 2], padding: [[padding; 2]; 2] }
    }

    /// Places for a kernel on a picture; 0 in a direction in which it does not fit.
    pub fn out_size(&self, size: [usize; 2], kernel: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|i| {
            let (padded, reach) =
                (size[i] + self.padding[i][0] + self.padding[i][1], self.dilation[i] * (kernel[i] - 1) + 1);
            padded.checked_sub(reach).map_or(0, |room| room / self.stride[i] + 1)
        })
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Convolve {
    pub batch: usize,
    pub inputs: usize,
    pub outputs: usize,
    /// Height and width of the input.
    pub size: [usize; 2],
    pub kernel: [usize; 2],
    pub window: Window,
}

/// Channels on either side from which on a kernel of 3 x 3 is worth transforming.
const SQUARE: usize = 12;

/// Numbers in the columns of a band: half of a second cache.
const BAND: usize = 128 * 1024;

impl Convolve {
    /// Height and width of the output.
    pub fn out_size(&self) -> [usize; 2] {
        self.window.out_size(self.size, self.kernel)
    }

    /// The shorter way, where there is one.
    fn strided(&self) -> Option<Strided> {
        let Self { batch, inputs: large, outputs: small, .. } = *self;
        let padding = self.window.padding[0][0];
        let fits = self.kernel == [4, 4]
            && self.window == Window::square(2, padding)
            && self.size.iter().all(|n| n.is_multiple_of(2));
        fits.then(|| Strided { batch, large, small, size: self.out_size(), padding })
    }

    /// The shorter way of 3 x 3 with stride 1.
    fn square(&self) -> Option<Square> {
        let Self { batch, inputs, outputs, size, .. } = *self;
        let Window { stride, dilation, padding } = self.window;
        let fits = self.kernel == [3, 3]
            && (stride, dilation) == ([1, 1], [1, 1])
            && padding.iter().flatten().all(|&n| n <= 2)
            && inputs.min(outputs) >= SQUARE;
        let padding = padding.map(|[before, _]| before);
        fits.then(|| Square { batch, inputs, outputs, size, out_size: self.out_size(), padding })
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
        if let Some(square) = self.square() {
            return square.forward(x, weights, y);
        }
        let ow = self.out_size()[1];
        let mut left = Left::default();
        left.pack(Factor::new(weights, [self.outputs, self.depth()], self.depth()));
        let (bands, y) = (self.bands(), Target::new(y, places));
        each_part(self.batch * bands.len(), Default::default, |(columns, room): &mut (Vec<f32>, Vec<f32>), i| {
            let (picture, [from, high]) = (i / bands.len(), bands[i % bands.len()]);
            let x = &x[picture * self.inputs * pixels..][..self.inputs * pixels];
            let right = self.columns(x, [from, high], columns);
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
        if let Some(square) = self.square() {
            return square.of_input(gradient, weights, x);
        }
        let (ow, bands) = (self.out_size()[1], self.bands());
        let mut left = Left::default();
        left.pack(Factor::new(weights, [self.outputs, self.depth()], self.depth()).transposed());
        // Bands overlap in the input: pictures are the parts.
        let room: fn() -> (Vec<f32>, Vec<f32>) = Default::default;
        each_chunk(x, self.inputs * pixels, room, |(columns, room), picture, x| {
            let g = &gradient[picture * self.outputs * places..][..self.outputs * places];
            if self.is_point() {
                let right = Factor::new(g, [self.outputs, places], places);
                return product(&left, right, Target::new(x, pixels), false, room);
            }
            x.fill(0.0);
            for &[from, high] in &bands {
                columns.resize(self.depth() * high * ow, 0.0);
                let right = Factor::new(&g[from * ow..], [self.outputs, high * ow], places);
                product(&left, right, Target::new(columns, high * ow), false, room);
                self.each_run([from, high], |column, place, run| {
                    let (step, to) = (self.window.stride[1], &mut x[place..]);
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
        if let Some(square) = self.square() {
            return square.of_weights(x, gradient, weights);
        }
        let (ow, bands, depth) = (self.out_size()[1], self.bands(), self.depth());
        weights.fill(0.0);
        let (mut left, mut columns, weights) = (Left::default(), Vec::new(), Target::new(weights, depth));
        for (x, g) in x.chunks_exact(self.inputs * pixels).zip(gradient.chunks_exact(self.outputs * places)) {
            for &[from, high] in &bands {
                left.pack(Factor::new(&g[from * ow..], [self.outputs, high * ow], places));
                let right = self.columns(x, [from, high], &mut columns).transposed();
                product_in_parts(worthwhile(&[self.outputs, depth, high, ow]), &left, right, &weights, true);
            }
        }
    }

    /// Whether every output sees one pixel: the picture then is its own columns.
    fn is_point(&self) -> bool {
        self.kernel == [1, 1] && self.window == Window::square(1, 0)
    }

    /// The columns of a band of a picture, `[depth, high x width]`.
    fn columns<'a>(&self, x: &'a [f32], band: [usize; 2], columns: &'a mut Vec<f32>) -> Factor<'a> {
        let ([from, high], [oh, ow]) = (band, self.out_size());
        if self.is_point() {
            return Factor::new(&x[from * ow..], [self.inputs, high * ow], oh * ow);
        }
        columns.clear();
        columns.resize(self.depth() * high * ow, 0.0);
        self.each_run(band, |column, place, run| {
            let (to, from) = (&mut columns[column..column + run], &x[place..]);
            match self.window.stride[1] {
                1 => to.copy_from_slice(&from[..run]),
                step => to.iter_mut().enumerate().for_each(|(i, to)| *to = from[i * step]),
            }
        });
        Factor::new(columns, [self.depth(), high * ow], high * ow)
    }

    /// Where columns and picture meet: the place in the columns, the place of the first pixel, and how many follow. What is
    /// left out lies in the padding.
    #[inline(always)]
    fn each_run(&self, [from, high]: [usize; 2], mut run: impl FnMut(usize, usize, usize)) {
        let ([h, w], ow) = (self.size, self.out_size()[1]);
        let ([kh, kw], Window { stride, dilation, padding }) = (self.kernel, self.window);
        let [above, left] = padding.map(|[before, _]| before);
        for row in 0..self.depth() {
            let (channel, ky, kx) = (row / (kh * kw), row / kw % kh * dilation[0], row % kw * dilation[1]);
            // Outputs whose pixel is in the picture: 0 <= ox * stride + kx - left < w.
            let first = left.saturating_sub(kx).div_ceil(stride[1]);
            let end = (w + left).saturating_sub(kx).div_ceil(stride[1]).min(ow);
            if first >= end {
                continue;
            }
            for oy in from..from + high {
                let Some(y) = (oy * stride[0] + ky).checked_sub(above).filter(|&y| y < h) else { continue };
                let column = (row * high + oy - from) * ow + first;
                run(column, (channel * h + y) * w + first * stride[1] + kx - left, end - first);
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
