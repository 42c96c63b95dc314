//! Launches products, cut up as suits their shape.

use super::super::{Activation, Products};
use super::curves::Curve;
use super::launch::{alias, arg, empty, groups, whole};
use super::plan::{Convolution, Kind, Plan};
use super::product::{self, SHARERS};
use burn::backend::ops::FloatTensorOps;
use burn::backend::{Cube, TensorMetadata};
use burn_wgpu::CubeTensor;
use cubecl::prelude::*;
use kiln_kernels::Window;

/// A product of `rows x inner` by `inner x columns`, so many times.
pub struct Product {
    plan: Plan,
    rows: usize,
    columns: usize,
    inner: usize,
    classes: usize,
    slope: f32,
}

impl Product {
    fn new(kind: Kind, [rows, columns, inner]: [usize; 3]) -> Self {
        let plan = Plan { kind, shape: Convolution::NONE, curve: Curve::Identity, biased: false, many: false, each: 4 };
        Self { plan, rows, columns, inner, classes: 1, slope: 1.0 }
    }

    pub fn of(kind: Kind, shape: Convolution, batch: usize) -> Self {
        let ([large, small], taps) = (shape.channels, shape.taps());
        let (places, pixels) = (batch * shape.area(), batch * shape.large_area());
        let mut product = match kind {
            Kind::Down => Self::new(kind, [small, places, large * taps]),
            Kind::Back => Self::new(kind, [large, pixels, small * taps]),
            Kind::Up => Self { classes: 4, ..Self::new(kind, [large, pixels / 4, small * 4]) },
            _ => Self::new(Kind::Outer, [small, large * taps, places]),
        };
        product.plan.shape = shape;
        product
    }

    /// Of a convolution.
    pub fn launch(self, a: &CubeTensor, b: &CubeTensor, out: &CubeTensor) {
        self.launch_with(a, b, [None, None], out, None);
    }

    /// `extra` are the result whose slope is asked for, and the bias; what is not there is not read.
    fn launch_with(
        mut self,
        a: &CubeTensor,
        b: &CubeTensor,
        extra: [Option<&CubeTensor>; 2],
        out: &CubeTensor,
        of_bias: Option<&CubeTensor>,
    ) {
        let (rows, columns) = (self.rows, self.columns);
        let numbers = rows * columns * self.classes;
        let tiles = |width: usize| [columns.div_ceil(width), rows.div_ceil(width), self.classes];
        let many = |width: usize| tiles(width).iter().product::<usize>();
        let [y, bias] = extra.map(|tensor| arg(tensor.unwrap_or(a)));
        let of_bias = of_bias.map_or_else(|| alias(4, out), arg);
        let (a, b, out_arg) = (arg(a), arg(b), arg(out));
        macro_rules! launch {
            ($kernel:path, $count:expr, $threads:expr) => {{
                use $kernel as kernel;
                // SAFETY: both factors, the result and the bias are of the shapes that `Product` was made with.
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
                        of_bias,
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
        // Where tiles would be few and their sums long, or where most of a tile would be empty.
        if many(32) < 16 && self.inner > 16 {
            launch!(product::shared_sums, cube([columns, rows, self.classes]), SHARERS);
        } else if !self.plan.many && (rows.min(columns) < 8 || self.inner < 4) {
            launch!(product::singles, groups(numbers, product::THREADS), product::THREADS);
        } else {
            self.plan.each = if many(64) < 64 { 2 } else { 4 };
            launch!(product::tiles, cube(tiles(self.plan.width())), product::THREADS);
        }
    }
}

/// A linear layer: samples, inputs, outputs.
pub struct Linear {
    samples: usize,
    inputs: usize,
    outputs: usize,
    curve: Curve,
    slope: f32,
}

impl Linear {
    /// `x` is anything with a row for each sample.
    pub fn new(x: &CubeTensor, weight: &CubeTensor, activation: Activation) -> Self {
        let [outputs, inputs] = weight.shape().dims();
        let (curve, slope) = Curve::of(activation);
        Self { samples: x.meta.shape()[0], inputs, outputs, curve, slope }
    }

    fn product(&self, kind: Kind, sizes: [usize; 3], biased: bool) -> Product {
        let mut product = Product { slope: self.slope, ..Product::new(kind, sizes) };
        (product.plan.curve, product.plan.biased) = (self.curve, biased);
        product
    }

    pub fn forward(&self, x: CubeTensor, weight: CubeTensor, bias: Option<CubeTensor>) -> CubeTensor {
        let (x, weight, bias) = (whole(x), whole(weight), bias.map(whole));
        let out = empty(&x, [self.samples, self.outputs]);
        let product = self.product(Kind::Linear, [self.samples, self.outputs, self.inputs], bias.is_some());
        product.launch_with(&x, &weight, [None, bias.as_ref()], &out, None);
        out
    }

    pub fn of_input(&self, y: CubeTensor, gradient: CubeTensor, weight: CubeTensor) -> CubeTensor {
        let out = empty(&gradient, [self.samples, self.inputs]);
        let product = self.product(Kind::OfInput, [self.samples, self.inputs, self.outputs], false);
        product.launch_with(&gradient, &weight, [Some(&y), None], &out, None);
        out
    }

    /// Gradients of the weights and of the bias.
    pub fn of_weights(&self, y: &CubeTensor, gradient: &CubeTensor, x: &CubeTensor) -> (CubeTensor, CubeTensor) {
        let (out, of_bias) = (empty(x, [self.outputs, self.inputs]), empty(x, [self.outputs]));
        let product = self.product(Kind::OfWeights, [self.outputs, self.inputs + 1, self.samples], true);
        product.launch_with(gradient, x, [Some(y), None], &out, Some(&of_bias));
        (out, of_bias)
    }
}

/// The shape of a convolution of `x`.
fn convolution(x: &CubeTensor, weights: &CubeTensor, window: Window) -> (usize, Convolution) {
    let ([batch, inputs, h, w], [outputs, _, kh, kw]) = (x.shape().dims(), weights.shape().dims());
    let small = window.out_size([h, w], [kh, kw]);
    (batch, Convolution { channels: [inputs, outputs], large: [h, w], small, kernel: [kh, kw], window })
}

impl Products for Cube {
    fn multiply(a: CubeTensor, b: CubeTensor, transposed: [bool; 2]) -> CubeTensor {
        let (a, b) = (whole(a), whole(b));
        let ([n, k], [rows, columns]): ([usize; 2], [usize; 2]) = (a.shape().dims(), b.shape().dims());
        let (kind, sizes) = match transposed {
            [false, true] => (Kind::Linear, [n, rows, k]),
            [false, false] => (Kind::OfInput, [n, columns, k]),
            [true, false] => (Kind::OfWeights, [k, columns, n]),
            [true, true] => return Self::multiply(Self::float_transpose(a), b, [false, true]),
        };
        let out = empty(&a, [sizes[0], sizes[1]]);
        Product::new(kind, sizes).launch(&a, &b, &out);
        out
    }

    fn multiply_each(a: CubeTensor, b: CubeTensor, transposed: [bool; 2]) -> CubeTensor {
        let (a, b) = (whole(a), whole(b));
        let ([many, n, k], [_, rows, columns]): ([usize; 3], [usize; 3]) = (a.shape().dims(), b.shape().dims());
        let (kind, sizes) = match transposed {
            [false, true] => (Kind::Linear, [n, rows, k]),
            [false, false] => (Kind::OfInput, [n, columns, k]),
            [true, false] => (Kind::OfWeights, [k, columns, n]),
            [true, true] => return Self::multiply_each(Self::float_transpose(a), b, [false, true]),
        };
        let out = empty(&a, [many, sizes[0], sizes[1]]);
        let mut product = Product { classes: many, ..Product::new(kind, sizes) };
        product.plan.many = true;
        product.launch(&a, &b, &out);
        out
    }

    fn convolve(x: CubeTensor, weights: CubeTensor, window: Window) -> CubeTensor {
        let (x, weights) = (whole(x), whole(weights));
        let (batch, shape) = convolution(&x, &weights, window);
        let out = empty(&x, [batch, shape.channels[1], shape.small[0], shape.small[1]]);
        Product::of(Kind::Down, shape, batch).launch(&weights, &x, &out);
        out
    }

    fn convolve_transposed(y: CubeTensor, weights: CubeTensor, size: [usize; 2], window: Window) -> CubeTensor {
        let (y, weights) = (whole(y), whole(weights));
        let ([batch, outputs, h, w], [_, inputs, kh, kw]) = (y.shape().dims(), weights.shape().dims());
        let (channels, kernel) = ([inputs, outputs], [kh, kw]);
        let shape = Convolution { channels, large: size, small: [h, w], kernel, window };
        let out = empty(&y, [batch, inputs, size[0], size[1]]);
        let square = window == Window::square(2, window.padding[0][0]);
        let doubles = kernel == [4, 4] && square && size.iter().all(|n| n.is_multiple_of(2));
        let kind = if doubles { Kind::Up } else { Kind::Back };
        Product::of(kind, shape, batch).launch(&weights, &y, &out);
        out
    }

    fn convolve_weights(x: CubeTensor, y: CubeTensor, kernel: [usize; 2], window: Window) -> CubeTensor {
        let (x, y) = (whole(x), whole(y));
        let ([batch, inputs, h, w], [_, outputs, oh, ow]) = (x.shape().dims(), y.shape().dims());
        let shape = Convolution { channels: [inputs, outputs], large: [h, w], small: [oh, ow], kernel, window };
        let out = empty(&x, [outputs, inputs, kernel[0], kernel[1]]);
        Product::of(Kind::Outer, shape, batch).launch(&y, &x, &out);
        out
    }

    fn linear_act(x: CubeTensor, weight: CubeTensor, bias: CubeTensor, activation: Activation) -> CubeTensor {
        Linear::new(&x, &weight, activation).forward(x, weight, Some(bias))
    }

    fn linear_of_input(y: CubeTensor, gradient: CubeTensor, weight: CubeTensor, activation: Activation) -> CubeTensor {
        Linear::new(&gradient, &weight, activation).of_input(whole(y), whole(gradient), whole(weight))
    }

    fn linear_backward(
        y: CubeTensor,
        gradient: CubeTensor,
        x: CubeTensor,
        weight: CubeTensor,
        activation: Activation,
        of_input: bool,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let [y, gradient, x, weight] = [y, gradient, x, weight].map(whole);
        let linear = Linear::new(&x, &weight, activation);
        let (of_weight, of_bias) = linear.of_weights(&y, &gradient, &x);
        let of_x = if of_input { linear.of_input(y, gradient, weight) } else { gradient };
        (of_x, of_weight, of_bias)
    }
}
