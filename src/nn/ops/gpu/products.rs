//! Launches products, cut up as suits their shape.

use super::super::Activation;
use super::curves::Curve;
use super::launch::{alias, arg, empty, groups, whole};
use super::plan::{Kind, Plan, Strided};
use super::product::{self, SHARERS};
use burn::backend::TensorMetadata;
use burn_wgpu::CubeTensor;
use cubecl::prelude::*;

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
        let strided = Strided { channels: [1, 1], size: [1, 1], padding: 1 };
        let plan = Plan { kind, strided, curve: Curve::Identity, biased: false, each: 4 };
        Self { plan, rows, columns, inner, classes: 1, slope: 1.0 }
    }

    pub fn strided(kind: Kind, strided: Strided, batch: usize) -> Self {
        let [large, small] = strided.channels;
        let ([height, width], positions) = (strided.large_size(), batch * strided.size[0] * strided.size[1]);
        let mut product = match kind {
            Kind::Down => Self::new(kind, [small, positions, large * 16]),
            Kind::Up => Self { classes: 4, ..Self::new(kind, [large, batch * height * width / 4, small * 4]) },
            _ => Self::new(Kind::Outer, [small, large * 16, positions]),
        };
        product.plan.strided = strided;
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
        } else if rows.min(columns) < 8 || self.inner < 4 {
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
