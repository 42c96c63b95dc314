//! Batch norm with the batch's own statistics (Ioffe and Szegedy 2015, arXiv 1502.03167), and a leaky ReLU after it.

use super::activation::leaky;
use super::each::{each_into, each_with, sum_of, sum_of_two};
use super::lanes::F32x4;

/// `leaky(weight (x - mean) / deviation + bias)` of `x` `[batch, channels, inner]`, and each channel's mean and reciprocal
/// deviation, `[2, channels]`. A slope of 1 leaves the norm alone, 0 is ReLU.
#[inline(never)]
pub fn norm_act(
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    inner: usize,
    epsilon: f32,
    slope: f32,
) -> (Vec<f32>, Vec<f32>) {
    let channels = weight.len();
    let many = (x.len() / channels) as f64;
    let mut sums = vec![0.0; channels];
    for (at, run) in x.chunks_exact(inner).enumerate() {
        sums[at % channels] += f64::from(sum_of(run, |x| x));
    }
    let means: Vec<f32> = sums.iter().map(|s| (s / many) as f32).collect();
    // Of the centred numbers: E[x^2] - E[x]^2 loses its digits where the mean is large.
    sums.fill(0.0);
    for (at, run) in x.chunks_exact(inner).enumerate() {
        let mean = F32x4::splat(means[at % channels]);
        sums[at % channels] += f64::from(sum_of(run, |x| x.sub(mean).mul(x.sub(mean))));
    }
    let scales: Vec<f32> = sums.iter().map(|s| (1.0 / (s / many + f64::from(epsilon)).sqrt()) as f32).collect();
    let mut y = vec![0.0; x.len()];
    let slope = F32x4::splat(slope);
    for (at, (run, y)) in x.chunks_exact(inner).zip(y.chunks_exact_mut(inner)).enumerate() {
        let c = at % channels;
        let [mean, scale, bias] = [means[c], scales[c] * weight[c], bias[c]].map(F32x4::splat);
        each_into(run, y, |x| leaky(x.sub(mean).mul(scale).add(bias), slope));
    }
    (y, [means, scales].concat())
}

/// Gradients of `x` (in place of `gradient`, the result's), of the weight and of the bias. `statistics` are those of the forward
/// pass.
#[inline(never)]
pub fn norm_act_backward(
    x: &[f32],
    [weight, bias, statistics]: [&[f32]; 3],
    gradient: &mut [f32],
    inner: usize,
    slope: f32,
) -> (Vec<f32>, Vec<f32>) {
    let channels = weight.len();
    let (means, scales) = statistics.split_at(channels);
    let (mut of_weight, mut of_bias) = (vec![0.0f64; channels], vec![0.0f64; channels]);
    let [one, slope] = [1.0, slope].map(F32x4::splat);
    for (at, (run, gradient)) in x.chunks_exact(inner).zip(gradient.chunks_exact_mut(inner)).enumerate() {
        let c = at % channels;
        let [mean, scale, bias] = [means[c], scales[c] * weight[c], bias[c]].map(F32x4::splat);
        each_with(gradient, run, |g, x| g.mul(one.where_positive(x.sub(mean).mul(scale).add(bias), slope)));
        of_bias[c] += f64::from(sum_of(gradient, |g| g));
        of_weight[c] += f64::from(sum_of_two(gradient, run, |g, x| g.mul(x.sub(mean))) * scales[c]);
    }
    let many = (x.len() / channels) as f64;
    for (at, (run, gradient)) in x.chunks_exact(inner).zip(gradient.chunks_exact_mut(inner)).enumerate() {
        let c = at % channels;
        let (by_bias, by_weight) = ((of_bias[c] / many) as f32, (of_weight[c] / many) as f32 * scales[c]);
        let [mean, factor, by_bias, by_weight] =
            [means[c], weight[c] * scales[c], by_bias, by_weight].map(F32x4::splat);
        each_with(gradient, run, |g, x| factor.mul(g.sub(by_bias).sub(x.sub(mean).mul(by_weight))));
    }
    let floats = |v: Vec<f64>| v.into_iter().map(|v| v as f32).collect();
    (floats(of_weight), floats(of_bias))
}
