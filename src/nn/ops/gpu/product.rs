//! Matrix products whose factors are read where they lie: linear layers, convolutions, and the gradients of both.
//!
//! A product of `rows x inner` by `inner x columns` is cut up in one of three ways: a tile a workgroup, which keeps both
//! factors in shared memory; a number a workgroup, where few numbers are long sums; a number a thread, for thin ones.

use super::curves::{Curve, apply, slope_at};
use super::plan::{Convolution, Kind, Plan};
use crate::nn::engine::gpu::rows::sum;
use cubecl::prelude::*;

/// Threads of a workgroup that makes a tile: 16 x 16.
pub const THREADS: usize = 256;
/// Threads that share one long sum.
pub const SHARERS: usize = 64;
/// Of the inner dimension, how much of both tiles is in shared memory at once.
const DEPTH: usize = 16;

/// Number `(row, k)` of the left factor. `class` is the kind of position of [`Kind::Up`], or which of many products.
#[allow(clippy::too_many_arguments)]
#[cube]
fn left(
    a: &[f32],
    y: &[f32],
    row: usize,
    k: usize,
    class: usize,
    rows: usize,
    inner: usize,
    slope: f32,
    #[comptime] plan: Plan,
) -> f32 {
    let mut at = row * inner + k;
    if comptime!(plan.kind == Kind::OfWeights) {
        at = k * rows + row;
    }
    if comptime!(plan.kind == Kind::Up) {
        let padding = comptime!(plan.shape.before()[0]);
        let (i, j) = ((class / 2 + padding) % 2 + k / 2 % 2 * 2, (class + padding) % 2 + k % 2 * 2);
        at = (k / 4 * rows + row) * 16 + i * 4 + j;
    }
    if comptime!(plan.kind == Kind::Back) {
        let taps = comptime!(plan.shape.taps());
        at = (k / taps * rows + row) * taps + k % taps;
    }
    if comptime!(plan.kind == Kind::Outer) {
        let area = comptime!(plan.shape.area());
        at = (k / area * rows + row) * area + k % area;
    }
    if comptime!(plan.many) {
        at += class * rows * inner;
    }
    let mut value = a[at];
    if comptime!(plan.curve != Curve::Identity && (plan.kind == Kind::OfInput || plan.kind == Kind::OfWeights)) {
        value *= slope_at(y[at], slope, plan.curve);
    }
    value
}

/// What tap `tap` sees of a large picture's channel at position `at` of the small one; 0 beyond the edge.
#[cube]
fn seen(large: &[f32], picture: usize, channel: usize, at: usize, tap: usize, #[comptime] shape: Convolution) -> f32 {
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

/// The number of a small picture's channel that position `at` of the large one is seen from through tap `tap`; 0 where there is none.
#[cube]
fn seen_from(
    small: &[f32],
    picture: usize,
    channel: usize,
    at: usize,
    tap: usize,
    #[comptime] shape: Convolution,
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

/// Number `(k, column)` of the right factor.
#[cube]
fn right(
    b: &[f32],
    k: usize,
    column: usize,
    class: usize,
    columns: usize,
    inner: usize,
    #[comptime] plan: Plan,
) -> f32 {
    let shape = comptime!(plan.shape);
    let (area, taps) = comptime!((plan.shape.area(), plan.shape.taps()));
    let mut value = 1.0f32;
    let mut from = 0usize.runtime();
    if comptime!(plan.many) {
        from = class * inner * columns;
    }
    if comptime!(plan.kind == Kind::Linear) {
        value = b[from + column * inner + k];
    }
    if comptime!(plan.kind == Kind::OfInput) {
        value = b[from + k * columns + column];
    }
    if comptime!(plan.kind == Kind::OfWeights) {
        let inputs = columns - comptime!(plan.biased as usize);
        if column < inputs {
            value = b[from + k * inputs + column];
        }
    }
    if comptime!(plan.kind == Kind::Down) {
        value = seen(b, column / area, k / taps, column % area, k % taps, shape);
    }
    if comptime!(plan.kind == Kind::Back) {
        let area = comptime!(plan.shape.large_area());
        value = seen_from(b, column / area, k / taps, column % area, k % taps, shape);
    }
    if comptime!(plan.kind == Kind::Outer) {
        value = seen(b, k / area, column / taps, k % area, column % taps, shape);
    }
    if comptime!(plan.kind == Kind::Up) {
        let ([height, width], [h, w], padding) = comptime!((shape.large, shape.small, shape.before()[0]));
        let (half, across) = comptime!((height * width / 4, width / 2));
        let place = column % half;
        let (i, j) = (place / across + (class / 2 + padding) / 2, place % across + (class % 2 + padding) / 2);
        let (di, dj) = (k / 2 % 2, k % 2);
        value = 0.0f32;
        if i >= di && j >= dj && i - di < h && j - dj < w {
            let plane = column / half * comptime!(shape.channels[1]) + k / 4;
            value = b[(plane * h + i - di) * w + j - dj];
        }
    }
    value
}

/// Puts number `(row, column)` of the result where it belongs.
#[allow(clippy::too_many_arguments)]
#[cube]
fn put(
    value: f32,
    bias: &[f32],
    out: &mut [f32],
    of_bias: &mut [f32],
    row: usize,
    column: usize,
    class: usize,
    rows: usize,
    columns: usize,
    slope: f32,
    #[comptime] plan: Plan,
) {
    let mut row = row;
    if comptime!(plan.many) {
        row += class * rows;
    }
    if comptime!(plan.kind == Kind::Linear) {
        let mut value = value;
        if comptime!(plan.biased) {
            value += bias[column];
        }
        out[row * columns + column] = apply(value, slope, plan.curve);
    }
    if comptime!(plan.kind == Kind::OfInput || plan.kind == Kind::Outer) {
        out[row * columns + column] = value;
    }
    if comptime!(plan.kind == Kind::OfWeights) {
        let inputs = columns - comptime!(plan.biased as usize);
        if column < inputs {
            out[row * inputs + column] = value;
        } else {
            of_bias[row] = value;
        }
    }
    if comptime!(plan.kind == Kind::Down || plan.kind == Kind::Back) {
        let area = comptime!(if plan.kind == Kind::Down { plan.shape.area() } else { plan.shape.large_area() });
        out[(column / area * rows + row) * area + column % area] = value;
    }
    if comptime!(plan.kind == Kind::Up) {
        let [height, width] = comptime!(plan.shape.large);
        let (half, across) = comptime!((height * width / 4, width / 2));
        let place = column % half;
        let (y, x) = (place / across * 2 + class / 2, place % across * 2 + class % 2);
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
    of_bias: &mut [f32],
    rows: usize,
    columns: usize,
    inner: usize,
    slope: f32,
    #[comptime] plan: Plan,
) {
    let (each, wide) = comptime!((plan.each, plan.width()));
    // Along which index neighbouring threads read: that of neighbouring numbers.
    let left_along = comptime!(plan.kind != Kind::OfWeights);
    let right_along = comptime!(plan.kind == Kind::Linear);
    let unit = UNIT_POS as usize;
    let (tx, ty) = (unit % 16, unit / 16);
    let (top, side, class) = (CUBE_POS_Y as usize * wide, CUBE_POS_X as usize * wide, CUBE_POS_Z as usize);
    // A row more than there is: neighbouring k then lie in different banks.
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
            let across = (unit % wide, unit / wide + comptime!(THREADS / plan.width() * i));
            let (row, k) = if comptime!(left_along) { along } else { across };
            let mut value = 0.0f32;
            if top + row < rows && from + k < inner {
                value = left(a, y, top + row, from + k, class, rows, inner, slope, plan);
            }
            lefts[k * stride + row] = value;
            let (column, k) = if comptime!(right_along) { along } else { across };
            let mut value = 0.0f32;
            if side + column < columns && from + k < inner {
                value = right(b, from + k, side + column, class, columns, inner, plan);
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
                put(value, bias, out, of_bias, row, column, class, rows, columns, slope, plan);
            }
        }
    }
}

/// A number a workgroup, whose threads share the sum.
#[allow(clippy::too_many_arguments)]
#[cube(launch_unchecked)]
pub fn shared_sums(
    a: &[f32],
    b: &[f32],
    y: &[f32],
    bias: &[f32],
    out: &mut [f32],
    of_bias: &mut [f32],
    rows: usize,
    columns: usize,
    inner: usize,
    slope: f32,
    #[comptime] plan: Plan,
) {
    let mut shared = Shared::<[f32]>::new_slice(SHARERS);
    let (column, row, class) = (CUBE_POS_X as usize, CUBE_POS_Y as usize, CUBE_POS_Z as usize);
    let mut part = 0.0f32;
    for k in range_stepped(UNIT_POS as usize, inner, SHARERS) {
        part += left(a, y, row, k, class, rows, inner, slope, plan) * right(b, k, column, class, columns, inner, plan);
    }
    let total = sum(&mut shared, part, SHARERS);
    if UNIT_POS == 0 {
        put(total, bias, out, of_bias, row, column, class, rows, columns, slope, plan);
    }
}

/// A number a thread.
#[allow(clippy::too_many_arguments)]
#[cube(launch_unchecked)]
pub fn singles(
    a: &[f32],
    b: &[f32],
    y: &[f32],
    bias: &[f32],
    out: &mut [f32],
    of_bias: &mut [f32],
    rows: usize,
    columns: usize,
    inner: usize,
    slope: f32,
    #[comptime] plan: Plan,
) {
    let (column, row) = (ABSOLUTE_POS % columns, ABSOLUTE_POS / columns % rows);
    let class = ABSOLUTE_POS / columns / rows;
    let classes = comptime!(if plan.kind == Kind::Up { 4usize } else { 1usize });
    if class < classes {
        let mut total = 0.0f32;
        for k in 0..inner {
            total +=
                left(a, y, row, k, class, rows, inner, slope, plan) * right(b, k, column, class, columns, inner, plan);
        }
        put(total, bias, out, of_bias, row, column, class, rows, columns, slope, plan);
    }
}
