//! The loss of a game and the update of the weights on WebGPU.

use super::curves::THREADS;
use crate::nn::engine::gpu::rows::sum;
use cubecl::prelude::*;

/// The mean of `ln(1 + exp(sign x))`, in one workgroup.
#[cube(launch_unchecked)]
pub fn softplus_mean(x: &[f32], out: &mut [f32], count: usize, sign: f32) {
    let mut shared = Shared::<[f32]>::new_slice(THREADS);
    let mut part = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, count, THREADS) {
        let v = sign * x[i];
        part += select(v > 0.0f32, v, 0.0f32) + (1.0f32 + (-v.abs()).exp()).ln();
    }
    let total = sum(&mut shared, part, THREADS);
    if UNIT_POS == 0 {
        out[0] = total / f32::cast_from(count);
    }
}

/// Its gradient by `x`, times `gradient[0]`.
#[cube(launch_unchecked)]
pub fn softplus_mean_backward(x: &[f32], gradient: &[f32], out: &mut [f32], count: usize, sign: f32) {
    if ABSOLUTE_POS < count {
        let v = -sign * x[ABSOLUTE_POS];
        let share = gradient[0] * sign / f32::cast_from(count);
        out[ABSOLUTE_POS] = share / (1.0f32 + select(v > 80.0f32, 80.0f32, v).exp());
    }
}

/// One number of Adam's update. `state` holds the first moments of all numbers of the network, then the second ones.
#[cube]
fn update(
    rates: &[f32],
    state: &mut [f32],
    half: usize,
    weight: f32,
    gradient: f32,
    first: usize,
    #[comptime] decays: bool,
) -> f32 {
    let (rate, root, beta1, beta2, epsilon) = (rates[0], rates[1], rates[2], rates[3], rates[4]);
    let mut weight = weight;
    if comptime!(decays) {
        weight *= rates[5];
    }
    let (gradient, second) = (gradient * rates[6], half + first);
    let m = state[first] * beta1 + gradient * (1.0f32 - beta1);
    let v = state[second] * beta2 + gradient * gradient * (1.0f32 - beta2);
    state[first] = m;
    state[second] = v;
    weight - m * rate / ((v * root).sqrt() + epsilon)
}

/// One update of a parameter and of the next (`next_count` is 0 where there is none): the new weights come where the gradients were.
#[cube(launch_unchecked)]
pub fn adam(
    rates: &[f32],
    state: &mut [f32],
    weight: &[f32],
    gradient: &mut [f32],
    next_weight: &[f32],
    next_gradient: &mut [f32],
    half: usize,
    at: usize,
    next_at: usize,
    count: usize,
    next_count: usize,
    #[comptime] decays: bool,
    #[comptime] next_decays: bool,
) {
    if ABSOLUTE_POS < count {
        let g = gradient[ABSOLUTE_POS];
        gradient[ABSOLUTE_POS] = update(rates, state, half, weight[ABSOLUTE_POS], g, at + ABSOLUTE_POS, decays);
    }
    if ABSOLUTE_POS >= count && ABSOLUTE_POS < count + next_count {
        let i = ABSOLUTE_POS - count;
        let g = next_gradient[i];
        next_gradient[i] = update(rates, state, half, next_weight[i], g, next_at + i, next_decays);
    }
}
