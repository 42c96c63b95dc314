//! Matrix products that read their factors in place (implicit GEMM): linear layers, convolutions, and the gradients of both.
//! There are three kernels for `rows x inner` by `inner x columns`: a tile a workgroup, with both factors in shared memory; a number a
//! workgroup, for few numbers that are long sums; a number a thread, where rows, columns or depth are few.

use super::activation::{apply, derivative};
use super::gemm_plan::{ConvShape, GemmKind as Kind, GemmPlan};
use crate::nn::engine::gpu::rows::workgroup_sum;
use cubecl::prelude::*;

/// Threads of a workgroup that computes a tile: 16 x 16.
pub const TILE_THREADS: usize = 256;
/// Threads that share one sum.
pub const SUM_THREADS: usize = 64;
/// Depth of the tiles in shared memory.
const DEPTH: usize = 16;

/// Number `(row, k)` of the left factor of product `batch`.
#[allow(clippy::too_many_arguments)]
#[cube]
fn left(
    a: &[f32],
    y: &[f32],
    row: usize,
    k: usize,
    batch: usize,
    rows: usize,
    inner: usize,
    slope: f32,
    #[comptime] plan: GemmPlan,
) -> f32 {
    let mut at = row * inner + k;
    if comptime!(plan.kind == Kind::GradWeight) {
        at = k * rows + row;
    }
    if comptime!(plan.kind == Kind::ConvGradInputStride2) {
        let padding = comptime!(plan.shape.before()[0]);
        let (i, j) = ((batch / 2 + padding) % 2 + k / 2 % 2 * 2, (batch + padding) % 2 + k % 2 * 2);
        at = (k / 4 * rows + row) * 16 + i * 4 + j;
    }
    if comptime!(plan.kind == Kind::ConvGradInput) {
        let taps = comptime!(plan.shape.taps());
        at = (k / taps * rows + row) * taps + k % taps;
    }
    if comptime!(plan.kind == Kind::ConvGradWeight) {
        let area = comptime!(plan.shape.area());
        at = (k / area * rows + row) * area + k % area;
    }
    if comptime!(plan.batched) {
        at += batch * rows * inner;
    }
    let mut value = a[at];
    if comptime!(plan.has_derivative()) {
        value *= derivative(y[at], slope, plan.activation);
    }
    value
}

/// The input of tap `tap` for position `at` of the small picture; 0 in the padding.
#[cube]
fn conv_input(
    large: &[f32],
    picture: usize,
    channel: usize,
    at: usize,
    tap: usize,
    #[comptime] shape: ConvShape,
) -> f32 {
    let ([height, width], across) = comptime!((shape.large, shape.kernel[1]));
    let ([down, right], [dilation_y, dilation_x]) = comptime!((shape.window.stride, shape.window.dilation));
    let [above, left] = comptime!(shape.before());
    let y = at / comptime!(shape.small[1]) * down + tap / across * dilation_y;
    let x = at % comptime!(shape.small[1]) * right + tap % across * dilation_x;
    let mut value = 0.0f32;
    if y >= above && x >= left && y - above < height && x - left < width {
        let plane = picture * comptime!(shape.channels[0]) + channel;
        value = large[(plane * height + y - above) * width + x - left];
    }
    value
}

/// The output that position `at` of the large picture contributes to through tap `tap`; 0 where there is none.
#[cube]
fn conv_grad(
    small: &[f32],
    picture: usize,
    channel: usize,
    at: usize,
    tap: usize,
    #[comptime] shape: ConvShape,
) -> f32 {
    let ([height, width], across) = comptime!((shape.small, shape.kernel[1]));
    let ([down, right], [dilation_y, dilation_x]) = comptime!((shape.window.stride, shape.window.dilation));
    let [above, left] = comptime!(shape.before());
    let (y, i) = (at / comptime!(shape.large[1]) + above, tap / across * dilation_y);
    let (x, j) = (at % comptime!(shape.large[1]) + left, tap % across * dilation_x);
    let mut value = 0.0f32;
    if y >= i && x >= j {
        let (y, x) = (y - i, x - j);
        if y % down == 0 && x % right == 0 && y / down < height && x / right < width {
            let plane = picture * comptime!(shape.channels[1]) + channel;
            value = small[(plane * height + y / down) * width + x / right];
        }
    }
    value
}

/// Number `(k, column)` of the right factor of product `batch`.
#[cube]
fn right(
    b: &[f32],
    k: usize,
    column: usize,
    batch: usize,
    columns: usize,
    inner: usize,
    #[comptime] plan: GemmPlan,
) -> f32 {
    let shape = comptime!(plan.shape);
    let (area, taps) = comptime!((plan.shape.area(), plan.shape.taps()));
    let mut value = 1.0f32;
    let mut from = 0usize.runtime();
    if comptime!(plan.batched) {
        from = batch * inner * columns;
    }
    if comptime!(plan.kind == Kind::Linear) {
        value = b[from + column * inner + k];
    }
    if comptime!(plan.kind == Kind::GradInput) {
        value = b[from + k * columns + column];
    }
    if comptime!(plan.kind == Kind::GradWeight) {
        let inputs = columns - comptime!(plan.biased as usize);
        if column < inputs {
            value = b[from + k * inputs + column];
        }
    }
    if comptime!(plan.kind == Kind::Conv) {
        value = conv_input(b, column / area, k / taps, column % area, k % taps, shape);
    }
    if comptime!(plan.kind == Kind::ConvGradInput) {
        let area = comptime!(plan.shape.large_area());
        value = conv_grad(b, column / area, k / taps, column % area, k % taps, shape);
    }
    if comptime!(plan.kind == Kind::ConvGradWeight) {
        value = conv_input(b, k / area, column / taps, k % area, column % taps, shape);
    }
    if comptime!(plan.kind == Kind::ConvGradInputStride2) {
        let ([height, width], [h, w], padding) = comptime!((shape.large, shape.small, shape.before()[0]));
        let (half, across) = comptime!((height * width / 4, width / 2));
        let place = column % half;
        let (i, j) = (place / across + (batch / 2 + padding) / 2, place % across + (batch % 2 + padding) / 2);
        let (di, dj) = (k / 2 % 2, k % 2);
        value = 0.0f32;
        if i >= di && j >= dj && i - di < h && j - dj < w {
            let plane = column / half * comptime!(shape.channels[1]) + k / 4;
            value = b[(plane * h + i - di) * w + j - dj];
        }
    }
    value
}

/// Writes number `(row, column)` of the result.
#[allow(clippy::too_many_arguments)]
#[cube]
fn write(
    value: f32,
    bias: &[f32],
    out: &mut [f32],
    grad_bias: &mut [f32],
    row: usize,
    column: usize,
    batch: usize,
    rows: usize,
    columns: usize,
    slope: f32,
    #[comptime] plan: GemmPlan,
) {
    let mut row = row;
    if comptime!(plan.batched) {
        row += batch * rows;
    }
    if comptime!(plan.kind == Kind::Linear) {
        let mut value = value;
        if comptime!(plan.biased) {
            value += bias[column];
        }
        out[row * columns + column] = apply(value, slope, plan.activation);
    }
    if comptime!(plan.kind == Kind::GradInput || plan.kind == Kind::ConvGradWeight) {
        out[row * columns + column] = value;
    }
    if comptime!(plan.kind == Kind::GradWeight) {
        let inputs = columns - comptime!(plan.biased as usize);
        if column < inputs {
            out[row * inputs + column] = value;
        } else {
            grad_bias[row] = value;
        }
    }
    if comptime!(plan.kind == Kind::Conv || plan.kind == Kind::ConvGradInput) {
        let area = comptime!(if plan.kind == Kind::Conv { plan.shape.area() } else { plan.shape.large_area() });
        out[(column / area * rows + row) * area + column % area] = value;
    }
    if comptime!(plan.kind == Kind::ConvGradInputStride2) {
        let [height, width] = comptime!(plan.shape.large);
        let (half, across) = comptime!((height * width / 4, width / 2));
        let place = column % half;
        let (y, x) = (place / across * 2 + batch / 2, place % across * 2 + batch % 2);
        out[((column / half * rows + row) * height + y) * width + x] = value;
    }
}

/// A tile a workgroup, `each` x `each` numbers a thread.
#[allow(clippy::too_many_arguments)]
#[cube(launch_unchecked)]
pub fn tiles(
    a: &[f32],
    b: &[f32],
    y: &[f32],
    bias: &[f32],
    out: &mut [f32],
    grad_bias: &mut [f32],
    rows: usize,
    columns: usize,
    inner: usize,
    slope: f32,
    #[comptime] plan: GemmPlan,
) {
    let (each, wide) = comptime!((plan.each, plan.width()));
    // Neighbouring threads read along the index of neighbouring numbers.
    let left_along = comptime!(plan.kind != Kind::GradWeight);
    let right_along = comptime!(plan.kind == Kind::Linear);
    let unit = UNIT_POS as usize;
    let (tx, ty) = (unit % 16, unit / 16);
    let (top, side, batch) = (CUBE_POS_Y as usize * wide, CUBE_POS_X as usize * wide, CUBE_POS_Z as usize);
    // One row of padding, so that neighbouring k are in different banks.
    let mut lefts = Shared::<[f32]>::new_slice(comptime!(DEPTH * (plan.width() + 1)));
    let mut rights = Shared::<[f32]>::new_slice(comptime!(DEPTH * (plan.width() + 1)));
    let stride = comptime!(plan.width() + 1);
    let mut sums = Array::<f32>::new(comptime!(plan.each * plan.each));
    #[unroll]
    for i in 0..comptime!(plan.each * plan.each) {
        sums[i] = 0.0f32;
    }
    for block in 0..inner.div_ceil(DEPTH) {
        let from = block * DEPTH;
        #[unroll]
        for i in 0..each {
            let along = (unit / 16 + comptime!(16 * i), unit % 16);
            let across = (unit % wide, unit / wide + comptime!(TILE_THREADS / plan.width() * i));
            let (row, k) = if comptime!(left_along) { along } else { across };
            let mut value = 0.0f32;
            if top + row < rows && from + k < inner {
                value = left(a, y, top + row, from + k, batch, rows, inner, slope, plan);
            }
            lefts[k * stride + row] = value;
            let (column, k) = if comptime!(right_along) { along } else { across };
            let mut value = 0.0f32;
            if side + column < columns && from + k < inner {
                value = right(b, from + k, side + column, batch, columns, inner, plan);
            }
            rights[k * stride + column] = value;
        }
        sync_cube();
        for k in 0..DEPTH {
            let mut line = Array::<f32>::new(each);
            #[unroll]
            for j in 0..each {
                line[j] = rights[k * stride + tx + comptime!(16 * j)];
            }
            #[unroll]
            for i in 0..each {
                let value = lefts[k * stride + ty + comptime!(16 * i)];
                #[unroll]
                for j in 0..each {
                    sums[comptime!(i * plan.each + j)] += value * line[j];
                }
            }
        }
        sync_cube();
    }
    #[unroll]
    for i in 0..each {
        #[unroll]
        for j in 0..each {
            let (row, column) = (top + ty + comptime!(16 * i), side + tx + comptime!(16 * j));
            if row < rows && column < columns {
                let value = sums[comptime!(i * plan.each + j)];
                write(value, bias, out, grad_bias, row, column, batch, rows, columns, slope, plan);
            }
        }
    }
}

/// One number a workgroup, whose threads share the sum.
#[allow(clippy::too_many_arguments)]
#[cube(launch_unchecked)]
pub fn shared_sums(
    a: &[f32],
    b: &[f32],
    y: &[f32],
    bias: &[f32],
    out: &mut [f32],
    grad_bias: &mut [f32],
    rows: usize,
    columns: usize,
    inner: usize,
    slope: f32,
    #[comptime] plan: GemmPlan,
) {
    let mut shared = Shared::<[f32]>::new_slice(SUM_THREADS);
    let (column, row, batch) = (CUBE_POS_X as usize, CUBE_POS_Y as usize, CUBE_POS_Z as usize);
    let mut part = 0.0f32;
    for k in range_stepped(UNIT_POS as usize, inner, SUM_THREADS) {
        part += left(a, y, row, k, batch, rows, inner, slope, plan) * right(b, k, column, batch, columns, inner, plan);
    }
    let total = workgroup_sum(&mut shared, part, SUM_THREADS);
    if UNIT_POS == 0 {
        write(total, bias, out, grad_bias, row, column, batch, rows, columns, slope, plan);
    }
}

/// One number a thread.
#[allow(clippy::too_many_arguments)]
#[cube(launch_unchecked)]
pub fn singles(
    a: &[f32],
    b: &[f32],
    y: &[f32],
    bias: &[f32],
    out: &mut [f32],
    grad_bias: &mut [f32],
    rows: usize,
    columns: usize,
    inner: usize,
    slope: f32,
    #[comptime] plan: GemmPlan,
) {
    let (column, row) = (ABSOLUTE_POS % columns, ABSOLUTE_POS / columns % rows);
    let batch = ABSOLUTE_POS / columns / rows;
    let batches = comptime!(if plan.kind == Kind::ConvGradInputStride2 { 4usize } else { 1usize });
    if batch < batches {
        let mut total = 0.0f32;
        for k in 0..inner {
            total +=
                left(a, y, row, k, batch, rows, inner, slope, plan) * right(b, k, column, batch, columns, inner, plan);
        }
        write(total, bias, out, grad_bias, row, column, batch, rows, columns, slope, plan);
    }
}
