//! Launches matrix products, with the kernel that suits their shape.

use super::super::matmul::MatmulOps;
use super::activation::ActivationKind;
use super::buffers::{alias, arg, contiguous, cube_count, empty};
use super::gemm::{self, SUM_THREADS};
use super::gemm_plan::{ConvShape, GemmKind, GemmPlan};
use burn::backend::ops::FloatTensorOps;
use burn::backend::{Cube, TensorMetadata};
use burn_wgpu::CubeTensor;
use cubecl::prelude::*;
use kiln_kernels::{Activation, Window};

/// A batch of products of `rows x inner` by `inner x columns`.
pub struct Gemm {
    plan: GemmPlan,
    rows: usize,
    columns: usize,
    inner: usize,
    batches: usize,
    slope: f32,
}

impl Gemm {
    fn new(kind: GemmKind, [rows, columns, inner]: [usize; 3]) -> Self {
        let plan = GemmPlan {
            kind,
            shape: ConvShape::NONE,
            activation: ActivationKind::Identity,
            biased: false,
            batched: false,
            each: 4,
        };
        Self { plan, rows, columns, inner, batches: 1, slope: 1.0 }
    }

    pub fn of(kind: GemmKind, shape: ConvShape, batch: usize) -> Self {
        let ([large, small], taps) = (shape.channels, shape.taps());
        let (positions, pixels) = (batch * shape.area(), batch * shape.large_area());
        let mut gemm = match kind {
            GemmKind::Conv => Self::new(kind, [small, positions, large * taps]),
            GemmKind::ConvGradInput => Self::new(kind, [large, pixels, small * taps]),
            GemmKind::ConvGradInputStride2 => Self { batches: 4, ..Self::new(kind, [large, pixels / 4, small * 4]) },
            _ => Self::new(GemmKind::ConvGradWeight, [small, large * taps, positions]),
        };
        gemm.plan.shape = shape;
        gemm
    }

    /// Launches a product without bias and activation.
    pub fn launch(self, a: &CubeTensor, b: &CubeTensor, out: &CubeTensor) {
        self.launch_with(a, b, [None, None], out, None);
    }

    /// `optional`: the result at which the derivative is taken, and the bias. What is absent is not read.
    fn launch_with(
        mut self,
        a: &CubeTensor,
        b: &CubeTensor,
        optional: [Option<&CubeTensor>; 2],
        out: &CubeTensor,
        grad_bias: Option<&CubeTensor>,
    ) {
        let (rows, columns) = (self.rows, self.columns);
        let numbers = rows * columns * self.batches;
        let tiles = |width: usize| [columns.div_ceil(width), rows.div_ceil(width), self.batches];
        let tile_count = |width: usize| tiles(width).iter().product::<usize>();
        let [y, bias] = optional.map(|tensor| arg(tensor.unwrap_or(a)));
        let grad_bias = grad_bias.map_or_else(|| alias(4, out), arg);
        let (a, b, out_arg) = (arg(a), arg(b), arg(out));
        macro_rules! launch {
            ($kernel:path, $count:expr, $threads:expr) => {{
                use $kernel as kernel;
                // SAFETY: both factors, the result and the bias are of the shapes that `Gemm` was made with.
                unsafe {
                    kernel::launch_unchecked(
                        &out.client,
                        $count,
                        CubeDim::new_1d($threads as u32),
                        a,
                        b,
                        y,
                        bias,
                        out_arg,
                        grad_bias,
                        rows,
                        columns,
                        self.inner,
                        self.slope,
                        self.plan,
                    )
                }
            }};
        }
        let cube = |[x, y, z]: [usize; 3]| CubeCount::Static(x as u32, y as u32, z as u32);
        // Few tiles with long sums, or tiles that would be mostly empty.
        if tile_count(32) < 16 && self.inner > 16 {
            launch!(gemm::shared_sums, cube([columns, rows, self.batches]), SUM_THREADS);
        } else if !self.plan.batched && (rows.min(columns) < 8 || self.inner < 4) {
            launch!(gemm::singles, cube_count(numbers, gemm::TILE_THREADS), gemm::TILE_THREADS);
        } else {
            self.plan.each = if tile_count(64) < 64 { 2 } else { 4 };
            launch!(gemm::tiles, cube(tiles(self.plan.width())), gemm::TILE_THREADS);
        }
    }
}

/// A linear layer: samples, inputs, outputs.
pub struct Linear {
    samples: usize,
    inputs: usize,
    outputs: usize,
    activation: ActivationKind,
    slope: f32,
}

impl Linear {
    /// `x` is anything with a row for each sample.
    pub fn new(x: &CubeTensor, weight: &CubeTensor, activation: Activation) -> Self {
        let [outputs, inputs] = weight.shape().dims();
        let (activation, slope) = ActivationKind::of(activation);
        Self { samples: x.meta.shape()[0], inputs, outputs, activation, slope }
    }

    fn gemm(&self, kind: GemmKind, sizes: [usize; 3], biased: bool) -> Gemm {
        let mut gemm = Gemm { slope: self.slope, ..Gemm::new(kind, sizes) };
        (gemm.plan.activation, gemm.plan.biased) = (self.activation, biased);
        gemm
    }

    pub fn forward(&self, x: CubeTensor, weight: CubeTensor, bias: Option<CubeTensor>) -> CubeTensor {
        let (x, weight, bias) = (contiguous(x), contiguous(weight), bias.map(contiguous));
        let out = empty(&x, [self.samples, self.outputs]);
        let gemm = self.gemm(GemmKind::Linear, [self.samples, self.outputs, self.inputs], bias.is_some());
        gemm.launch_with(&x, &weight, [None, bias.as_ref()], &out, None);
        out
    }

    pub fn grad_input(&self, y: CubeTensor, gradient: CubeTensor, weight: CubeTensor) -> CubeTensor {
        let out = empty(&gradient, [self.samples, self.inputs]);
        let gemm = self.gemm(GemmKind::GradInput, [self.samples, self.inputs, self.outputs], false);
        gemm.launch_with(&gradient, &weight, [Some(&y), None], &out, None);
        out
    }

    /// Gradients of the weights and of the bias.
    pub fn grad_weight(&self, y: &CubeTensor, gradient: &CubeTensor, x: &CubeTensor) -> (CubeTensor, CubeTensor) {
        let (out, grad_bias) = (empty(x, [self.outputs, self.inputs]), empty(x, [self.outputs]));
        let gemm = self.gemm(GemmKind::GradWeight, [self.outputs, self.inputs + 1, self.samples], true);
        gemm.launch_with(gradient, x, [Some(y), None], &out, Some(&grad_bias));
        (out, grad_bias)
    }
}

/// The shape of a convolution of `x`.
fn convolution(x: &CubeTensor, weights: &CubeTensor, window: Window) -> (usize, ConvShape) {
    let ([batch, inputs, h, w], [outputs, _, kh, kw]) = (x.shape().dims(), weights.shape().dims());
    let small = window.out_size([h, w], [kh, kw]);
    (batch, ConvShape { channels: [inputs, outputs], large: [h, w], small, kernel: [kh, kw], window })
}

impl MatmulOps for Cube {
    fn matmul(a: CubeTensor, b: CubeTensor, transposed: [bool; 2]) -> CubeTensor {
        let (a, b) = (contiguous(a), contiguous(b));
        let ([n, k], [rows, columns]): ([usize; 2], [usize; 2]) = (a.shape().dims(), b.shape().dims());
        let (kind, sizes) = match transposed {
            [false, true] => (GemmKind::Linear, [n, rows, k]),
            [false, false] => (GemmKind::GradInput, [n, columns, k]),
            [true, false] => (GemmKind::GradWeight, [k, columns, n]),
            [true, true] => return Self::matmul(Self::float_transpose(a), b, [false, true]),
        };
        let out = empty(&a, [sizes[0], sizes[1]]);
        Gemm::new(kind, sizes).launch(&a, &b, &out);
        out
    }

    fn batch_matmul(a: CubeTensor, b: CubeTensor, transposed: [bool; 2]) -> CubeTensor {
        let (a, b) = (contiguous(a), contiguous(b));
        let ([batch, n, k], [_, rows, columns]): ([usize; 3], [usize; 3]) = (a.shape().dims(), b.shape().dims());
        let (kind, sizes) = match transposed {
            [false, true] => (GemmKind::Linear, [n, rows, k]),
            [false, false] => (GemmKind::GradInput, [n, columns, k]),
            [true, false] => (GemmKind::GradWeight, [k, columns, n]),
            [true, true] => return Self::batch_matmul(Self::float_transpose(a), b, [false, true]),
        };
        let out = empty(&a, [batch, sizes[0], sizes[1]]);
        let mut gemm = Gemm { batches: batch, ..Gemm::new(kind, sizes) };
        gemm.plan.batched = true;
        gemm.launch(&a, &b, &out);
        out
    }

    fn conv2d_forward(x: CubeTensor, weights: CubeTensor, window: Window) -> CubeTensor {
        let (x, weights) = (contiguous(x), contiguous(weights));
        let (batch, shape) = convolution(&x, &weights, window);
        let out = empty(&x, [batch, shape.channels[1], shape.small[0], shape.small[1]]);
        Gemm::of(GemmKind::Conv, shape, batch).launch(&weights, &x, &out);
        out
    }

    fn conv_transpose2d_forward(y: CubeTensor, weights: CubeTensor, size: [usize; 2], window: Window) -> CubeTensor {
        let (y, weights) = (contiguous(y), contiguous(weights));
        let ([batch, outputs, h, w], [_, inputs, kh, kw]) = (y.shape().dims(), weights.shape().dims());
        let (channels, kernel) = ([inputs, outputs], [kh, kw]);
        let shape = ConvShape { channels, large: size, small: [h, w], kernel, window };
        let out = empty(&y, [batch, inputs, size[0], size[1]]);
        let square = window == Window::square(2, window.padding[0][0]);
        let doubles = kernel == [4, 4] && square && size.iter().all(|n| n.is_multiple_of(2));
        let kind = if doubles { GemmKind::ConvGradInputStride2 } else { GemmKind::ConvGradInput };
        Gemm::of(kind, shape, batch).launch(&weights, &y, &out);
        out
    }

    fn conv2d_grad_weight(x: CubeTensor, y: CubeTensor, kernel: [usize; 2], window: Window) -> CubeTensor {
        let (x, y) = (contiguous(x), contiguous(y));
        let ([batch, inputs, h, w], [_, outputs, oh, ow]) = (x.shape().dims(), y.shape().dims());
        let shape = ConvShape { channels: [inputs, outputs], large: [h, w], small: [oh, ow], kernel, window };
        let out = empty(&x, [outputs, inputs, kernel[0], kernel[1]]);
        Gemm::of(GemmKind::ConvGradWeight, shape, batch).launch(&y, &x, &out);
        out
    }

    fn linear_act(x: CubeTensor, weight: CubeTensor, bias: CubeTensor, activation: Activation) -> CubeTensor {
        Linear::new(&x, &weight, activation).forward(x, weight, Some(bias))
    }

    fn linear_grad_input(
        y: CubeTensor,
        gradient: CubeTensor,
        weight: CubeTensor,
        activation: Activation,
    ) -> CubeTensor {
        Linear::new(&gradient, &weight, activation).grad_input(contiguous(y), contiguous(gradient), contiguous(weight))
    }

    fn linear_backward(
        y: CubeTensor,
        gradient: CubeTensor,
        x: CubeTensor,
        weight: CubeTensor,
        activation: Activation,
        grad_input: bool,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let [y, gradient, x, weight] = [y, gradient, x, weight].map(contiguous);
        let linear = Linear::new(&x, &weight, activation);
        let (grad_weight, grad_bias) = linear.grad_weight(&y, &gradient, &x);
        let grad_x = if grad_input { linear.grad_input(y, gradient, weight) } else { gradient };
        (grad_x, grad_weight, grad_bias)
    }
}
