//! On WebGPU: one dispatch an operation, by kernels of our own in CubeCL, on the buffers of burn's tensors. Like those of
//! [`engine`](crate::nn::engine) they need 8 storage buffers (7 and the sizes), 256 threads and 16 KB a workgroup.

mod attend;
mod attention;
mod cross_entropy;
mod curves;
mod launch;
mod learning;
mod norm;
mod plan;
mod product;
mod products;
mod row_norm;

use super::{Activation, Kernels, Place};
use burn::backend::{Cube, TensorMetadata};
use burn_wgpu::CubeTensor;
use cubecl::prelude::*;
use curves::{Curve, THREADS};
use launch::{alias, arg, empty, groups, len, over, unique, whole};

/// Numbers that follow each other in one channel.
fn inner(x: &CubeTensor) -> usize {
    x.meta.shape().iter().skip(2).product()
}

impl Kernels for Cube {
    fn act(x: CubeTensor, activation: Activation) -> CubeTensor {
        let x = whole(x);
        let (curve, slope) = Curve::of(activation);
        let (out, out_arg) = over(0, &x);
        let (groups, threads) = (groups(len(&x), THREADS), CubeDim::new_1d(THREADS as u32));
        // SAFETY: as many numbers in `out` as in `x`.
        unsafe {
            curves::forward::launch_unchecked(&x.client, groups, threads, arg(&x), out_arg, len(&x), slope, curve)
        }
        out
    }

    fn act_backward(y: CubeTensor, gradient: CubeTensor, activation: Activation) -> CubeTensor {
        if activation == Activation::Identity {
            return gradient;
        }
        let (y, gradient) = (whole(y), whole(gradient));
        let (curve, slope) = Curve::of(activation);
        let (out, out_arg) = over(1, &gradient);
        // SAFETY: three buffers of one length.
        unsafe {
            curves::backward::launch_unchecked(
                &y.client,
                groups(len(&y), THREADS),
                CubeDim::new_1d(THREADS as u32),
                arg(&y),
                arg(&gradient),
                out_arg,
                len(&y),
                slope,
                curve,
            );
        }
        out
    }

    fn bias_act(x: CubeTensor, bias: CubeTensor, activation: Activation) -> CubeTensor {
        let (x, bias) = (whole(x), whole(bias));
        let (curve, slope) = Curve::of(activation);
        let ((out, out_arg), shape) = (over(0, &x), x.shape());
        // SAFETY: as many numbers in `out` as in `x`, and a bias for each of its channels.
        unsafe {
            curves::forward_with_bias::launch_unchecked(
                &x.client,
                groups(len(&x), THREADS),
                CubeDim::new_1d(THREADS as u32),
                arg(&x),
                arg(&bias),
                out_arg,
                len(&x),
                shape.get(1).copied().unwrap_or(1),
                inner(&x),
                slope,
                curve,
            );
        }
        out
    }

    fn bias_act_backward(y: CubeTensor, gradient: CubeTensor, activation: Activation) -> (CubeTensor, CubeTensor) {
        let (y, gradient) = (whole(y), whole(gradient));
        let (curve, slope) = Curve::of(activation);
        let [batch, channels] = [y.meta.shape()[0], y.meta.shape()[1]];
        let ((out, out_arg), of_bias) = (over(1, &gradient), empty(&y, [channels]));
        // SAFETY: three buffers of one length, and a bias for each channel: a workgroup each.
        unsafe {
            curves::backward_with_bias::launch_unchecked(
                &y.client,
                CubeCount::Static(channels as u32, 1, 1),
                CubeDim::new_1d(THREADS as u32),
                arg(&y),
                arg(&gradient),
                out_arg,
                arg(&of_bias),
                batch,
                inner(&y),
                slope,
                curve,
            );
        }
        (out, of_bias)
    }

    fn norm_act(
        x: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        epsilon: f32,
        slope: f32,
    ) -> (CubeTensor, CubeTensor) {
        let [x, weight, bias] = [x, weight, bias].map(whole);
        let [batch, channels] = [x.meta.shape()[0], x.meta.shape()[1]];
        let (out, statistics) = (empty(&x, x.shape()), empty(&x, [2, channels]));
        // SAFETY: `out` is as long as `x`; the others have a number for each channel, the statistics two.
        unsafe {
            norm::forward::launch_unchecked(
                &x.client,
                CubeCount::Static(channels as u32, 1, 1),
                CubeDim::new_1d(THREADS as u32),
                arg(&x),
                arg(&weight),
                arg(&bias),
                arg(&out),
                arg(&statistics),
                batch,
                inner(&x),
                epsilon,
                slope,
            );
        }
        (out, statistics)
    }

    fn norm_act_backward(
        x: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        statistics: CubeTensor,
        gradient: CubeTensor,
        slope: f32,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let [x, weight, bias, statistics] = [x, weight, bias, statistics].map(whole);
        let gradient = unique(gradient);
        let [batch, channels] = [x.meta.shape()[0], x.meta.shape()[1]];
        let (of_weight, of_bias) = (empty(&x, [channels]), empty(&x, [channels]));
        // SAFETY: as in `norm_act`; the gradient is as long as `x`.
        unsafe {
            norm::backward::launch_unchecked(
                &x.client,
                CubeCount::Static(channels as u32, 1, 1),
                CubeDim::new_1d(THREADS as u32),
                arg(&x),
                arg(&weight),
                arg(&bias),
                arg(&statistics),
                arg(&gradient),
                arg(&of_weight),
                arg(&of_bias),
                batch,
                inner(&x),
                slope,
            );
        }
        (gradient, of_weight, of_bias)
    }

    fn softplus_mean(x: CubeTensor, sign: f32) -> CubeTensor {
        let x = whole(x);
        let out = empty(&x, [1]);
        // SAFETY: reads all of `x`, writes one number.
        unsafe {
            learning::softplus_mean::launch_unchecked(
                &x.client,
                CubeCount::Static(1, 1, 1),
                CubeDim::new_1d(THREADS as u32),
                arg(&x),
                arg(&out),
                len(&x),
                sign,
            );
        }
        out
    }

    fn softplus_mean_backward(x: CubeTensor, gradient: CubeTensor, sign: f32) -> CubeTensor {
        let (x, gradient) = (whole(x), whole(gradient));
        let out = empty(&x, x.shape());
        // SAFETY: `out` is as long as `x`; the gradient has one number.
        unsafe {
            learning::softplus_mean_backward::launch_unchecked(
                &x.client,
                groups(len(&x), THREADS),
                CubeDim::new_1d(THREADS as u32),
                arg(&x),
                arg(&gradient),
                arg(&out),
                len(&x),
                sign,
            );
        }
        out
    }

    fn adam(
        settings: CubeTensor,
        state: CubeTensor,
        weight: CubeTensor,
        gradient: CubeTensor,
        place: Place,
    ) -> (CubeTensor, CubeTensor) {
        let (state, new, _) = update(settings, state, [weight, gradient], None, [place; 2]);
        (state, new)
    }

    fn adam_two(
        settings: CubeTensor,
        state: CubeTensor,
        weight: CubeTensor,
        gradient: CubeTensor,
        next_weight: CubeTensor,
        next_gradient: CubeTensor,
        places: [Place; 2],
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        update(settings, state, [weight, gradient], Some([next_weight, next_gradient]), places)
    }
}

/// The state after it, and the new weights, which lie where the gradients did.
fn update(
    settings: CubeTensor,
    state: CubeTensor,
    [weight, gradient]: [CubeTensor; 2],
    next: Option<[CubeTensor; 2]>,
    places: [Place; 2],
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let (settings, weight) = (whole(settings), whole(weight));
    let (state, gradient) = (unique(state), unique(gradient));
    let next = next.map(|[weight, gradient]| [whole(weight), unique(gradient)]);
    let (next_weight, next_gradient, next_count) = match &next {
        Some([weight, gradient]) => (arg(weight), arg(gradient), len(weight)),
        None => (arg(&weight), alias(3, &gradient), 0),
    };
    // SAFETY: a gradient is as long as its weight; the state has two numbers for each, from its place on and from half of the state further on.
    unsafe {
        learning::adam::launch_unchecked(
            &weight.client,
            groups(len(&weight) + next_count, THREADS),
            CubeDim::new_1d(THREADS as u32),
            arg(&settings),
            arg(&state),
            arg(&weight),
            arg(&gradient),
            next_weight,
            next_gradient,
            len(&state) / 2,
            places[0].at,
            places[1].at,
            len(&weight),
            next_count,
            places[0].decays,
            places[1].decays,
        );
    }
    let second = next.map_or_else(|| gradient.clone(), |[_, gradient]| gradient);
    (state, gradient, second)
}
