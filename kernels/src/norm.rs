//! Batch norm with the batch's own statistics (Ioffe and Szegedy 2015, arXiv 1502.03167), and a leaky ReLU after it.

use super::activation::{leaky, sum};

/// `leaky(weight (x - mean) / deviation + bias)` of `x` `[batch, channels, inner]`, and each channel's mean and reciprocal
/// deviation, `[2, channels]`. A slope of 1 leaves the norm alone, 0 is ReLU.
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
        sums[at % channels] += f64::from(sum(run));
    }
    let means: Vec<f32> = sums.iter().map(|s| (s / many) as f32).collect();
    // Of the centred numbers: E[x^2] - E[x]^2 loses its digits where the mean is large.
    sums.fill(0.0);
    for (at, run) in x.chunks_exact(inner).enumerate() {
        let channel = at % channels;
        sums[channel] += f64::from(sum_of(run, |x| (x - means[channel]) * (x - means[channel])));
    }
    let scales: Vec<f32> = sums.iter().map(|s| (1.0 / (s / many + f64::from(epsilon)).sqrt()) as f32).collect();
    let mut y = Vec::with_capacity(x.len());
    for (at, run) in x.chunks_exact(inner).enumerate() {
        let c = at % channels;
        let (mean, scale, bias) = (means[c], scales[c] * weight[c], bias[c]);
        y.extend(run.iter().map(|x| leaky((x - mean) * scale + bias, slope)));
    }
    (y, [means, scales].concat())
}

/// Gradients of `x` (in place of `gradient`, the result's), of the weight and of the bias. `statistics` are those of the forward
/// pass.
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
    for (at, (run, gradient)) in x.chunks_exact(inner).zip(gradient.chunks_exact_mut(inner)).enumerate() {
        let c = at % channels;
        let (mean, scale, weight, bias) = (means[c], scales[c], weight[c], bias[c]);
        for (x, g) in run.iter().zip(&mut *gradient) {
            let z = (x - mean) * (scale * weight) + bias;
            *g *= if z > 0.0 { 1.0 } else { slope };
        }
        of_bias[c] += f64::from(sum(gradient));
        of_weight[c] += f64::from(dot_centred(run, gradient, mean) * scale);
    }
    let many = (x.len() / channels) as f64;
    for (at, (run, gradient)) in x.chunks_exact(inner).zip(gradient.chunks_exact_mut(inner)).enumerate() {
        let c = at % channels;
        let (mean, scale) = (means[c], scales[c]);
        let (by_bias, by_weight) = ((of_bias[c] / many) as f32, (of_weight[c] / many) as f32 * scale);
        let factor = weight[c] * scale;
        for (x, g) in run.iter().zip(gradient) {
            *g = factor * (*g - by_bias - (x - mean) * by_weight);
        }
    }
    let floats = |v: Vec<f64>| v.into_iter().map(|v| v as f32).collect();
    (floats(of_weight), floats(of_bias))
}

/// Sum of a function of many numbers, eight at a time.
#[inline(always)]
fn sum_of(values: &[f32], function: impl Fn(f32) -> f32) -> f32 {
    let eights = values.chunks_exact(8);
    let rest: f32 = eights.remainder().iter().map(|&v| function(v)).sum();
    let mut sums = [0.0; 8];
    for eight in eights {
        for (sum, &value) in sums.iter_mut().zip(eight) {
            *sum += function(value);
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// Sum over `(x - mean) g`.
fn dot_centred(x: &[f32], g: &[f32], mean: f32) -> f32 {
    let (xs, gs) = (x.chunks_exact(8), g.chunks_exact(8));
    let rest: f32 = xs.remainder().iter().zip(gs.remainder()).map(|(x, g)| (x - mean) * g).sum();
    let mut sums = [0.0; 8];
    for (x, g) in xs.zip(gs) {
        for ((sum, x), g) in sums.iter_mut().zip(x).zip(g) {
            *sum += (x - mean) * g;
        }
    }
    sums.iter().sum::<f32>() + rest
}
