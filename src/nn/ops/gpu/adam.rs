//! Adam on WebGPU. A dispatch updates two parameters: WebGPU promises 8 storage buffers, and each parameter takes two.

use super::activation::ELEMENTWISE_THREADS;
use super::buffers::{alias, arg, contiguous, cube_count, len, unique};
use burn_wgpu::CubeTensor;
use cubecl::prelude::*;

/// The update of one number. `state` holds the first moments of the whole network, then the second ones.
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

/// The update of a parameter and of the next one (`next_count` is 0 where there is none). The new weights replace the gradients.
#[cube(launch_unchecked)]
fn adam(
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

/// A parameter: its weight, its gradient, the place of its moments, and whether it decays.
struct Parameter {
    weight: CubeTensor,
    gradient: CubeTensor,
    at: usize,
    decays: bool,
}

/// One update of all parameters, whose moments `state` has in the same order: the new state and the new weights.
pub fn update_all(
    settings: CubeTensor,
    state: CubeTensor,
    weights: Vec<CubeTensor>,
    gradients: Vec<CubeTensor>,
    decays: &[bool],
) -> (CubeTensor, Vec<CubeTensor>) {
    let (settings, mut state, mut new, mut at) = (contiguous(settings), state, Vec::with_capacity(weights.len()), 0);
    let mut parameters = weights.into_iter().zip(gradients).zip(decays).map(|((weight, gradient), &decays)| {
        let parameter = Parameter { weight: contiguous(weight), gradient: unique(gradient), at, decays };
        at += len(&parameter.weight);
        parameter
    });
    while let Some(parameter) = parameters.next() {
        let next = parameters.next();
        state = update_two(&settings, unique(state), &parameter, next.as_ref());
        new.push(parameter.gradient);
        new.extend(next.map(|next| next.gradient));
    }
    (state, new)
}

/// One dispatch; the new weights are where the gradients were.
fn update_two(settings: &CubeTensor, state: CubeTensor, parameter: &Parameter, next: Option<&Parameter>) -> CubeTensor {
    let Parameter { weight, gradient, at, decays } = parameter;
    let (next_weight, next_gradient, next_count) = match next {
        Some(next) => (arg(&next.weight), arg(&next.gradient), len(&next.weight)),
        None => (arg(weight), alias(3, gradient), 0),
    };
    // SAFETY: a gradient is as long as its weight. The state has two numbers for each: from its place on, and half of the state
    // further on.
    unsafe {
        adam::launch_unchecked(
            &weight.client,
            cube_count(len(weight) + next_count, ELEMENTWISE_THREADS),
            CubeDim::new_1d(ELEMENTWISE_THREADS as u32),
            arg(settings),
            arg(&state),
            arg(weight),
            arg(gradient),
            next_weight,
            next_gradient,
            len(&state) / 2,
            *at,
            next.map_or(*at, |next| next.at),
            len(weight),
            next_count,
            *decays,
            next.map_or(*decays, |next| next.decays),
        );
    }
    state
}
