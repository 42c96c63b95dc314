//! Batch norm with the statistics of the batch (Ioffe and Szegedy 2015, arXiv 1502.03167), then a leaky ReLU.

use super::activation::leaky_relu;
use super::elementwise::{map_into, sum_map, sum_zip_map, zip_map};
use super::simd::F32x4;

/// `leaky_relu(weight (x - mean) / deviation + bias)` of `x` `[batch, channels, inner]`, and each channel's mean and reciprocal
/// deviation, `[2, channels]`. A slope of 0 is ReLU, 1 applies no activation.
#[inline(never)]
pub fn batch_norm_act(
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    inner: usize,
    epsilon: f32,
    slope: f32,
) -> (Vec<f32>, Vec<f32>) {
    let channels = weight.len();
    let per_channel = (x.len() / channels) as f64;
    let mut sums = vec![0.0; channels];
    for (at, run) in x.chunks_exact(inner).enumerate() {
        sums[at % channels] += f64::from(sum_map(run, |x| x));
    }
    let means: Vec<f32> = sums.iter().map(|s| (s / per_channel) as f32).collect();
    // From the centred numbers: E[x^2] - E[x]^2 loses precision where the mean is large.
    sums.fill(0.0);
    for (at, run) in x.chunks_exact(inner).enumerate() {
        let mean = F32x4::splat(means[at % channels]);
        sums[at % channels] += f64::from(sum_map(run, |x| x.sub(mean).mul(x.sub(mean))));
    }
    let scales: Vec<f32> = sums.iter().map(|s| (1.0 / (s / per_channel + f64::from(epsilon)).sqrt()) as f32).collect();
    let mut y = vec![0.0; x.len()];
    let slope = F32x4::splat(slope);
    for (at, (run, y)) in x.chunks_exact(inner).zip(y.chunks_exact_mut(inner)).enumerate() {
        let c = at % channels;
        let [mean, scale, bias] = [means[c], scales[c] * weight[c], bias[c]].map(F32x4::splat);
        map_into(run, y, |x| leaky_relu(x.sub(mean).mul(scale).add(bias), slope));
    }
    (y, [means, scales].concat())
}

/// Gradients of weight and bias; that of `x` replaces `gradient`, the gradient of the result. `statistics` are those of the forward
/// pass.
#[inline(never)]
pub fn batch_norm_act_backward(
    x: &[f32],
    [weight, bias, statistics]: [&[f32]; 3],
    gradient: &mut [f32],
    inner: usize,
    slope: f32,
) -> (Vec<f32>, Vec<f32>) {
    let channels = weight.len();
    let (means, scales) = statistics.split_at(channels);
    let (mut grad_weight, mut grad_bias) = (vec![0.0f64; channels], vec![0.0f64; channels]);
    let [one, slope] = [1.0, slope].map(F32x4::splat);
    for (at, (run, gradient)) in x.chunks_exact(inner).zip(gradient.chunks_exact_mut(inner)).enumerate() {
        let c = at % channels;
        let [mean, scale, bias] = [means[c], scales[c] * weight[c], bias[c]].map(F32x4::splat);
        zip_map(gradient, run, |g, x| g.mul(one.where_positive(x.sub(mean).mul(scale).add(bias), slope)));
        grad_bias[c] += f64::from(sum_map(gradient, |g| g));
        grad_weight[c] += f64::from(sum_zip_map(gradient, run, |g, x| g.mul(x.sub(mean))) * scales[c]);
    }
    let per_channel = (x.len() / channels) as f64;
    for (at, (run, gradient)) in x.chunks_exact(inner).zip(gradient.chunks_exact_mut(inner)).enumerate() {
        let c = at % channels;
        let (by_bias, by_weight) =
            ((grad_bias[c] / per_channel) as f32, (grad_weight[c] / per_channel) as f32 * scales[c]);
        let [mean, factor, by_bias, by_weight] =
            [means[c], weight[c] * scales[c], by_bias, by_weight].map(F32x4::splat);
        zip_map(gradient, run, |g, x| factor.mul(g.sub(by_bias).sub(x.sub(mean).mul(by_weight))));
    }
    let floats = |v: Vec<f64>| v.into_iter().map(|v| v as f32).collect();
    (floats(grad_weight), floats(grad_bias))
}
