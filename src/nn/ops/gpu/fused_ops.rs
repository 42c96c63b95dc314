//! Launches the fused operations.

use super::super::fused::FusedOps;
use super::super::tensor_list::TensorList;
use super::activation::{self, ActivationKind, ELEMENTWISE_THREADS};
use super::buffers::{arg, contiguous, cube_count, empty, in_place, len, unique};
use super::{adam, batch_norm, ema, softplus};
use burn::backend::{Cube, TensorMetadata};
use burn_wgpu::CubeTensor;
use cubecl::prelude::*;
use kiln_kernels::Activation;

/// Consecutive numbers of one channel.
fn inner(x: &CubeTensor) -> usize {
    x.meta.shape().iter().skip(2).product()
}

impl FusedOps for Cube {
    fn act(x: CubeTensor, activation: Activation) -> CubeTensor {
        let x = contiguous(x);
        let (activation, slope) = ActivationKind::of(activation);
        let (out, out_arg) = in_place(0, &x);
        let (cube_count, threads) =
            (cube_count(len(&x), ELEMENTWISE_THREADS), CubeDim::new_1d(ELEMENTWISE_THREADS as u32));
        // SAFETY: as many numbers in `out` as in `x`.
        unsafe {
            activation::forward::launch_unchecked(
                &x.client,
                cube_count,
                threads,
                arg(&x),
                out_arg,
                len(&x),
                slope,
                activation,
            )
        }
        out
    }

    fn act_backward(y: CubeTensor, gradient: CubeTensor, activation: Activation) -> CubeTensor {
        if activation == Activation::Identity {
            return gradient;
        }
        let (y, gradient) = (contiguous(y), contiguous(gradient));
        let (activation, slope) = ActivationKind::of(activation);
        let (out, out_arg) = in_place(1, &gradient);
        // SAFETY: three buffers of one length.
        unsafe {
            activation::backward::launch_unchecked(
                &y.client,
                cube_count(len(&y), ELEMENTWISE_THREADS),
                CubeDim::new_1d(ELEMENTWISE_THREADS as u32),
                arg(&y),
                arg(&gradient),
                out_arg,
                len(&y),
                slope,
                activation,
            );
        }
        out
    }

    fn bias_act(x: CubeTensor, bias: CubeTensor, activation: Activation) -> CubeTensor {
        let (x, bias) = (contiguous(x), contiguous(bias));
        let (activation, slope) = ActivationKind::of(activation);
        let ((out, out_arg), shape) = (in_place(0, &x), x.shape());
        // SAFETY: as many numbers in `out` as in `x`, and a bias for each of its channels.
        unsafe {
            activation::forward_with_bias::launch_unchecked(
                &x.client,
                cube_count(len(&x), ELEMENTWISE_THREADS),
                CubeDim::new_1d(ELEMENTWISE_THREADS as u32),
                arg(&x),
                arg(&bias),
                out_arg,
                len(&x),
                shape.get(1).copied().unwrap_or(1),
                inner(&x),
                slope,
                activation,
            );
        }
        out
    }

    fn bias_act_backward(y: CubeTensor, gradient: CubeTensor, activation: Activation) -> (CubeTensor, CubeTensor) {
        let (y, gradient) = (contiguous(y), contiguous(gradient));
        let (activation, slope) = ActivationKind::of(activation);
        let [batch, channels] = [y.meta.shape()[0], y.meta.shape()[1]];
        let ((out, out_arg), grad_bias) = (in_place(1, &gradient), empty(&y, [channels]));
        // SAFETY: three buffers of one length, and a bias for each channel: a workgroup each.
        unsafe {
            activation::backward_with_bias::launch_unchecked(
                &y.client,
                CubeCount::Static(channels as u32, 1, 1),
                CubeDim::new_1d(ELEMENTWISE_THREADS as u32),
                arg(&y),
                arg(&gradient),
                out_arg,
                arg(&grad_bias),
                batch,
                inner(&y),
                slope,
                activation,
            );
        }
        (out, grad_bias)
    }

    fn batch_norm_act(
        x: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        epsilon: f32,
        slope: f32,
    ) -> (CubeTensor, CubeTensor) {
        let [x, weight, bias] = [x, weight, bias].map(contiguous);
        let [batch, channels] = [x.meta.shape()[0], x.meta.shape()[1]];
        let (out, statistics) = (empty(&x, x.shape()), empty(&x, [2, channels]));
        // SAFETY: `out` is as long as `x`; the others have a number for each channel, the statistics two.
        unsafe {
            batch_norm::forward::launch_unchecked(
                &x.client,
                CubeCount::Static(channels as u32, 1, 1),
                CubeDim::new_1d(ELEMENTWISE_THREADS as u32),
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

    fn batch_norm_act_backward(
        x: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        statistics: CubeTensor,
        gradient: CubeTensor,
        slope: f32,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let [x, weight, bias, statistics] = [x, weight, bias, statistics].map(contiguous);
        let gradient = unique(gradient);
        let [batch, channels] = [x.meta.shape()[0], x.meta.shape()[1]];
        let (grad_weight, grad_bias) = (empty(&x, [channels]), empty(&x, [channels]));
        // SAFETY: as in `batch_norm_act`; the gradient is as long as `x`.
        unsafe {
            batch_norm::backward::launch_unchecked(
                &x.client,
                CubeCount::Static(channels as u32, 1, 1),
                CubeDim::new_1d(ELEMENTWISE_THREADS as u32),
                arg(&x),
                arg(&weight),
                arg(&bias),
                arg(&statistics),
                arg(&gradient),
                arg(&grad_weight),
                arg(&grad_bias),
                batch,
                inner(&x),
                slope,
            );
        }
        (gradient, grad_weight, grad_bias)
    }

    fn softplus_mean(x: CubeTensor, sign: f32) -> CubeTensor {
        let x = contiguous(x);
        let out = empty(&x, [1]);
        // SAFETY: reads all of `x`, writes one number.
        unsafe {
            softplus::softplus_mean::launch_unchecked(
                &x.client,
                CubeCount::Static(1, 1, 1),
                CubeDim::new_1d(ELEMENTWISE_THREADS as u32),
                arg(&x),
                arg(&out),
                len(&x),
                sign,
            );
        }
        out
    }

    fn softplus_mean_backward(x: CubeTensor, gradient: CubeTensor, sign: f32) -> CubeTensor {
        let (x, gradient) = (contiguous(x), contiguous(gradient));
        let out = empty(&x, x.shape());
        // SAFETY: `out` is as long as `x`; the gradient has one number.
        unsafe {
            softplus::softplus_mean_backward::launch_unchecked(
                &x.client,
                cube_count(len(&x), ELEMENTWISE_THREADS),
                CubeDim::new_1d(ELEMENTWISE_THREADS as u32),
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
        weights: TensorList<Self>,
        gradients: TensorList<Self>,
        decays: Vec<bool>,
    ) -> (CubeTensor, Vec<CubeTensor>) {
        adam::update_all(settings, state, weights.0, gradients.0, &decays)
    }

    fn ema(share: CubeTensor, averages: TensorList<Self>, weights: TensorList<Self>) -> Vec<CubeTensor> {
        ema::update_all(&contiguous(share), averages.0, weights.0)
    }
}
