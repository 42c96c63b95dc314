//! Averages of weights on WebGPU. A dispatch updates two: WebGPU promises 8 storage buffers, and each takes three.

use super::activation::ELEMENTWISE_THREADS;
use super::buffers::{alias, arg, contiguous, cube_count, empty, len};
use burn::backend::TensorMetadata;
use burn_wgpu::CubeTensor;
use cubecl::prelude::*;

/// An average and the next one (`next_count` is 0 where there is none), moved toward their weights.
#[cube(launch_unchecked)]
fn ema(
    share: &[f32],
    average: &[f32],
    weight: &[f32],
    out: &mut [f32],
    next_average: &[f32],
    next_weight: &[f32],
    next_out: &mut [f32],
    count: usize,
    next_count: usize,
) {
    if ABSOLUTE_POS < count {
        let old = average[ABSOLUTE_POS];
        out[ABSOLUTE_POS] = old + (weight[ABSOLUTE_POS] - old) * share[0];
    }
    if ABSOLUTE_POS >= count && ABSOLUTE_POS < count + next_count {
        let i = ABSOLUTE_POS - count;
        let old = next_average[i];
        next_out[i] = old + (next_weight[i] - old) * share[0];
    }
}

/// Averages moved toward weights by a share `[1]` of the way.
pub fn update_all(share: &CubeTensor, averages: Vec<CubeTensor>, weights: Vec<CubeTensor>) -> Vec<CubeTensor> {
    let pairs: Vec<[CubeTensor; 2]> =
        averages.into_iter().zip(weights).map(|(average, weight)| [contiguous(average), contiguous(weight)]).collect();
    let mut new = Vec::with_capacity(pairs.len());
    for pair in pairs.chunks(2) {
        let outs: Vec<CubeTensor> = pair.iter().map(|[average, _]| empty(average, average.shape())).collect();
        let ([average, weight], out) = (&pair[0], &outs[0]);
        let (next, next_out, next_count) = match pair.get(1) {
            Some(next) => (next, arg(&outs[1]), len(&next[0])),
            None => (&pair[0], alias(3, out), 0),
        };
        // SAFETY: a weight and the output are as long as their average.
        unsafe {
            ema::launch_unchecked(
                &share.client,
                cube_count(len(average) + next_count, ELEMENTWISE_THREADS),
                CubeDim::new_1d(ELEMENTWISE_THREADS as u32),
                arg(share),
                arg(average),
                arg(weight),
                arg(out),
                arg(&next[0]),
                arg(&next[1]),
                next_out,
                len(average),
                next_count,
            );
        }
        new.extend(outs);
    }
    new
}
