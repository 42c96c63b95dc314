//! Norms of rows: layer norm (Ba, Kiros and Hinton 2016, arXiv 1607.06450), group norm (Wu and He 2018, arXiv 1803.08494) and RMS
//! norm (Zhang and Sennrich 2019, arXiv 1910.07467), with their gradients.

use super::each::{each, each_into, each_with, sum_of, sum_of_two};
use super::lanes::F32x4;

/// How rows are normed, and which channel a number belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowNorm {
    /// Rows that follow each other, before the channels begin anew: 1 but for group norm.
    pub groups: usize,
    /// Numbers that follow each other in one channel.
    pub inner: usize,
    /// Whether the mean is taken off: not by RMS norm.
    pub centred: bool,
    pub epsilon: f32,
}

/// A channel's run in a row of `inner` numbers each: where it lies, and its channel among all.
fn runs(row: usize, n: usize, norm: RowNorm) -> impl Iterator<Item = (std::ops::Range<usize>, usize)> {
    let (channels, inner) = (n / norm.inner, norm.inner);
    let first = row % norm.groups * channels;
    (0..channels).map(move |c| (c * inner..(c + 1) * inner, first + c))
}

impl RowNorm {
    /// Numbers of a row, where there are so many channels.
    fn row(self, channels: usize) -> usize {
        assert!(self.groups > 0 && channels.is_multiple_of(self.groups), "groups that do not divide the channels");
        channels / self.groups * self.inner
    }

    /// Result, and mean and reciprocal deviation of each row, `[2, rows]`. `weight` has a number for each channel, as has `bias`
    /// where it is not empty.
    #[inline(never)]
    pub fn forward(self, x: &[f32], weight: &[f32], bias: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let n = self.row(weight.len());
        assert!(bias.is_empty() || bias.len() == weight.len(), "a bias of another length");
        let (mut y, mut means, mut scales) = (vec![0.0; x.len()], Vec::new(), Vec::new());
        for (at, (x, y)) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)).enumerate() {
            let mean = if self.centred { sum_of(x, |x| x) / n as f32 } else { 0.0 };
            let centre = F32x4::splat(mean);
            // Of the centred numbers: E[x^2] - E[x]^2 loses its digits where the mean is large.
            let squares = sum_of(x, |x| x.sub(centre).mul(x.sub(centre)));
            let scale = 1.0 / (squares / n as f32 + self.epsilon).sqrt();
            if self.inner == 1 {
                let scale = F32x4::splat(scale);
                each_into(x, y, |x| x.sub(centre).mul(scale));
                let channels = at % self.groups * n..at % self.groups * n + n;
                each_with(y, &weight[channels.clone()], F32x4::mul);
                if !bias.is_empty() {
                    each_with(y, &bias[channels], F32x4::add);
                }
            } else {
                for (run, c) in runs(at, n, self) {
                    let offset = F32x4::splat(bias.get(c).copied().unwrap_or(0.0));
                    let scale = F32x4::splat(scale * weight[c]);
                    each_into(&x[run.clone()], &mut y[run], |x| x.sub(centre).mul(scale).add(offset));
                }
            }
            means.push(mean);
            scales.push(scale);
        }
        means.append(&mut scales);
        (y, means)
    }

    /// The gradient of `x` in place of the result's, and those of weight and bias.
    #[inline(never)]
    pub fn backward(self, x: &[f32], weight: &[f32], statistics: &[f32], gradient: &mut [f32]) -> (Vec<f32>, Vec<f32>) {
        let n = self.row(weight.len());
        let (mut of_weight, mut of_bias) = (vec![0.0; weight.len()], vec![0.0; weight.len()]);
        let (means, scales) = statistics.split_at(statistics.len() / 2);
        // A row as it was before weight and bias, and its product with the gradient.
        let (mut normed, mut product) = (vec![0.0; n], vec![0.0; n]);
        for (at, (x, g)) in x.chunks_exact(n).zip(gradient.chunks_exact_mut(n)).enumerate() {
            let [mean, scale] = [means[at], scales[at]].map(F32x4::splat);
            each_into(x, &mut normed, |x| x.sub(mean).mul(scale));
            if self.inner == 1 {
                let channels = at % self.groups * n..at % self.groups * n + n;
                each_with(&mut of_bias[channels.clone()], g, F32x4::add);
                each_into(g, &mut product, |g| g);
                each_with(&mut product, &normed, F32x4::mul);
                each_with(&mut of_weight[channels.clone()], &product, F32x4::add);
                each_with(g, &weight[channels], F32x4::mul);
            } else {
                for (run, c) in runs(at, n, self) {
                    of_bias[c] += sum_of(&g[run.clone()], |g| g);
                    of_weight[c] += sum_of_two(&g[run.clone()], &normed[run.clone()], F32x4::mul);
                    let weight = F32x4::splat(weight[c]);
                    each(&mut g[run], |g| g.mul(weight));
                }
            }
            let mean = if self.centred { sum_of(g, |g| g) / n as f32 } else { 0.0 };
            let along = sum_of_two(g, &normed, F32x4::mul) / n as f32;
            let [mean, along] = [mean, along].map(F32x4::splat);
            each_with(g, &normed, |g, v| g.sub(mean).sub(v.mul(along)).mul(scale));
        }
        (of_weight, of_bias)
    }
}
