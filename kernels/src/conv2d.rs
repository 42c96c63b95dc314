//! Convolutions of any kernel, stride and dilation, and their gradients. 4 x 4 with stride 2 is left to [`Conv4x4`], 3 x 3 with stride 1
//! and enough channels to [`Conv3x3`]. All others use im2col, one band of rows at a time, and a matrix product. Numbers are in
//! PyTorch's order.

use super::gemm::{PackedLhs, gemm_packed, gemm_packed_in_parts};
use super::mat_ref::MatRef;
use super::pool::{MatMut, each_chunk, each_part, part_count};
use super::winograd::{Conv3x3, Conv4x4};

/// Stride, dilation and padding of a convolution: vertical, then horizontal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    pub stride: [usize; 2],
    /// The distance between two taps of the kernel.
    pub dilation: [usize; 2],
    /// Zeros before the picture's first pixel, and after its last.
    pub padding: [[usize; 2]; 2],
}

impl Window {
    /// The same both ways and on both sides, without dilation.
    pub const fn square(stride: usize, padding: usize) -> Self {
        Self { stride: [stride; 2], dilation: [1; 2], padding: [[padding; 2]; 2] }
    }

    /// Height and width of the output; 0 where the kernel does not fit.
    pub fn out_size(&self, size: [usize; 2], kernel: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|i| {
            let (padded, reach) =
                (size[i] + self.padding[i][0] + self.padding[i][1], self.dilation[i] * (kernel[i] - 1) + 1);
            padded.checked_sub(reach).map_or(0, |scratch| scratch / self.stride[i] + 1)
        })
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Conv2d {
    pub batch: usize,
    pub inputs: usize,
    pub outputs: usize,
    /// Height and width of the input.
    pub size: [usize; 2],
    pub kernel: [usize; 2],
    pub window: Window,
}

/// The fewest channels of input and output at which Winograd's 3 x 3 is faster than im2col.
const WINOGRAD_CHANNELS: usize = 12;

/// Numbers in the im2col matrix of a band: half of a level-2 cache.
const BAND_NUMBERS: usize = 128 * 1024;

impl Conv2d {
    /// Height and width of the output.
    pub fn out_size(&self) -> [usize; 2] {
        self.window.out_size(self.size, self.kernel)
    }

    /// Winograd's algorithm for 4 x 4 with stride 2, where it applies.
    fn winograd_4x4(&self) -> Option<Conv4x4> {
        let Self { batch, inputs: large, outputs: small, .. } = *self;
        let padding = self.window.padding[0][0];
        let fits = self.kernel == [4, 4]
            && self.window == Window::square(2, padding)
            && self.size.iter().all(|n| n.is_multiple_of(2));
        fits.then(|| Conv4x4 { batch, large, small, size: self.out_size(), padding })
    }

    /// Winograd's algorithm for 3 x 3 with stride 1, where it applies.
    fn winograd_3x3(&self) -> Option<Conv3x3> {
        let Self { batch, inputs, outputs, size, .. } = *self;
        let Window { stride, dilation, padding } = self.window;
        let fits = self.kernel == [3, 3]
            && (stride, dilation) == ([1, 1], [1, 1])
            && padding.iter().flatten().all(|&n| n <= 2)
            && inputs.min(outputs) >= WINOGRAD_CHANNELS;
        let padding = padding.map(|[before, _]| before);
        fits.then(|| Conv3x3 { batch, inputs, outputs, size, out_size: self.out_size(), padding })
    }

    /// Inputs of one output.
    fn depth(&self) -> usize {
        self.inputs * self.kernel[0] * self.kernel[1]
    }

    /// Bands of output rows: the first row and how many.
    fn bands(&self) -> Vec<[usize; 2]> {
        let [oh, ow] = self.out_size();
        let high = (BAND_NUMBERS / (self.depth() * ow).max(1)).clamp(1, oh);
        (0..oh).step_by(high).map(|from| [from, high.min(oh - from)]).collect()
    }

    #[inline(never)]
    pub fn forward(&self, x: &[f32], weights: &[f32], y: &mut [f32]) {
        let [pixels, places] = self.check(x, weights, y);
        if let Some(conv) = self.winograd_4x4() {
            return conv.forward(x, weights, y);
        }
        if let Some(conv) = self.winograd_3x3() {
            return conv.forward(x, weights, y);
        }
        let ow = self.out_size()[1];
        let mut left = PackedLhs::default();
        left.pack(MatRef::new(weights, [self.outputs, self.depth()], self.depth()));
        let (bands, y) = (self.bands(), MatMut::new(y, places));
        each_part(self.batch * bands.len(), Default::default, |(im2col, scratch): &mut (Vec<f32>, Vec<f32>), i| {
            let (picture, [from, high]) = (i / bands.len(), bands[i % bands.len()]);
            let x = &x[picture * self.inputs * pixels..][..self.inputs * pixels];
            let right = self.im2col(x, [from, high], im2col);
            // SAFETY: each part writes its own band of a picture.
            gemm_packed(&left, right, unsafe { y.part(picture * self.outputs, from * ow) }, false, scratch);
        });
    }

    /// The transpose of [`Self::forward`], which is the gradient of `x`.
    #[inline(never)]
    pub fn grad_input(&self, gradient: &[f32], weights: &[f32], x: &mut [f32]) {
        let [pixels, places] = self.check(x, weights, gradient);
        if let Some(conv) = self.winograd_4x4() {
            return conv.grad_input(gradient, weights, x);
        }
        if let Some(conv) = self.winograd_3x3() {
            return conv.grad_input(gradient, weights, x);
        }
        let (ow, bands) = (self.out_size()[1], self.bands());
        let mut left = PackedLhs::default();
        left.pack(MatRef::new(weights, [self.outputs, self.depth()], self.depth()).transposed());
        // Bands overlap in the input, so the parts are whole pictures.
        let scratch: fn() -> (Vec<f32>, Vec<f32>) = Default::default;
        each_chunk(x, self.inputs * pixels, scratch, |(im2col, scratch), picture, x| {
            let g = &gradient[picture * self.outputs * places..][..self.outputs * places];
            if self.is_pointwise() {
                let right = MatRef::new(g, [self.outputs, places], places);
                return gemm_packed(&left, right, MatMut::new(x, pixels), false, scratch);
            }
            x.fill(0.0);
            for &[from, high] in &bands {
                im2col.resize(self.depth() * high * ow, 0.0);
                let right = MatRef::new(&g[from * ow..], [self.outputs, high * ow], places);
                gemm_packed(&left, right, MatMut::new(im2col, high * ow), false, scratch);
                self.for_each_run([from, high], |column, place, run| {
                    let (step, to) = (self.window.stride[1], &mut x[place..]);
                    for (i, value) in im2col[column..column + run].iter().enumerate() {
                        to[i * step] += value;
                    }
                });
            }
        });
    }

    /// The gradient of the weights.
    #[inline(never)]
    pub fn grad_weight(&self, x: &[f32], gradient: &[f32], weights: &mut [f32]) {
        let [pixels, places] = self.check(x, weights, gradient);
        if let Some(conv) = self.winograd_4x4() {
            return conv.grad_weight(x, gradient, weights);
        }
        if let Some(conv) = self.winograd_3x3() {
            return conv.grad_weight(x, gradient, weights);
        }
        let (ow, bands, depth) = (self.out_size()[1], self.bands(), self.depth());
        weights.fill(0.0);
        let (mut left, mut im2col, weights) = (PackedLhs::default(), Vec::new(), MatMut::new(weights, depth));
        for (x, g) in x.chunks_exact(self.inputs * pixels).zip(gradient.chunks_exact(self.outputs * places)) {
            for &[from, high] in &bands {
                left.pack(MatRef::new(&g[from * ow..], [self.outputs, high * ow], places));
                let right = self.im2col(x, [from, high], &mut im2col).transposed();
                gemm_packed_in_parts(part_count(&[self.outputs, depth, high, ow]), &left, right, &weights, true);
            }
        }
    }

    /// Whether the kernel is 1 x 1 with stride 1: the picture is then its own im2col matrix.
    fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.window == Window::square(1, 0)
    }

    /// The im2col matrix of a band of a picture, `[depth, high x width]`.
    fn im2col<'a>(&self, x: &'a [f32], band: [usize; 2], im2col: &'a mut Vec<f32>) -> MatRef<'a> {
        let ([from, high], [oh, ow]) = (band, self.out_size());
        if self.is_pointwise() {
            return MatRef::new(&x[from * ow..], [self.inputs, high * ow], oh * ow);
        }
        im2col.clear();
        im2col.resize(self.depth() * high * ow, 0.0);
        self.for_each_run(band, |column, place, run| {
            let (to, from) = (&mut im2col[column..column + run], &x[place..]);
            match self.window.stride[1] {
                1 => to.copy_from_slice(&from[..run]),
                step => to.iter_mut().enumerate().for_each(|(i, to)| *to = from[i * step]),
            }
        });
        MatRef::new(im2col, [self.depth(), high * ow], high * ow)
    }

    /// Calls `run` for each run of im2col numbers that come from the picture: its place in the matrix, the place of its first pixel, and
    /// its length. The rest is padding.
    #[inline(always)]
    fn for_each_run(&self, [from, high]: [usize; 2], mut run: impl FnMut(usize, usize, usize)) {
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
