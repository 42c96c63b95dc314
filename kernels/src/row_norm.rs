//! Norms over rows: layer norm (Ba, Kiros and Hinton 2016, arXiv 1607.06450), group norm (Wu and He 2018, arXiv 1803.08494) and RMS
//! norm (Zhang and Sennrich 2019, arXiv 1910.07467), with their gradients.

use super::elementwise::{map, map_into, sum_map, sum_zip_map, zip_map};
use super::simd::F32x4;

/// Which numbers are normalised together, and which channel each belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowNorm {
    /// Groups of channels in a sample; 1 except for group norm.
    pub groups: usize,
    /// Consecutive numbers of one channel.
    pub inner: usize,
    /// Whether the mean is subtracted; not for RMS norm.
    pub centred: bool,
    pub epsilon: f32,
}

/// The runs of `inner` numbers in a row: the place of each, and its channel.
fn runs(row: usize, n: usize, norm: RowNorm) -> impl Iterator<Item = (std::ops::Range<usize>, usize)> {
    let (channels, inner) = (n / norm.inner, norm.inner);
    let first = row % norm.groups * channels;
    (0..channels).map(move |c| (c * inner..(c + 1) * inner, first + c))
}

impl RowNorm {
    /// Numbers in a row, for this number of channels.
    fn row(self, channels: usize) -> usize {
        assert!(self.groups > 0 && channels.is_multiple_of(self.groups), "groups that do not divide the channels");
        channels / self.groups * self.inner
    }

    /// The result, and mean and reciprocal standard deviation of each row, `[2, rows]`. `weight` has a number for each channel, and so
    /// does `bias` unless it is empty.
    #[inline(never)]
    pub fn forward(self, x: &[f32], weight: &[f32], bias: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let n = self.row(weight.len());
        assert!(bias.is_empty() || bias.len() == weight.len(), "a bias of another length");
        let (mut y, mut means, mut scales) = (vec![0.0; x.len()], Vec::new(), Vec::new());
        for (at, (x, y)) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)).enumerate() {
            let mean = if self.centred { sum_map(x, |x| x) / n as f32 } else { 0.0 };
            let centre = F32x4::splat(mean);
            // From the centred numbers: E[x^2] - E[x]^2 loses precision where the mean is large.
            let squares = sum_map(x, |x| x.sub(centre).mul(x.sub(centre)));
            let scale = 1.0 / (squares / n as f32 + self.epsilon).sqrt();
            if self.inner == 1 {
                let scale = F32x4::splat(scale);
                map_into(x, y, |x| x.sub(centre).mul(scale));
                let channels = at % self.groups * n..at % self.groups * n + n;
                zip_map(y, &weight[channels.clone()], F32x4::mul);
                if !bias.is_empty() {
                    zip_map(y, &bias[channels], F32x4::add);
                }
            } else {
                for (run, c) in runs(at, n, self) {
                    let offset = F32x4::splat(bias.get(c).copied().unwrap_or(0.0));
                    let scale = F32x4::splat(scale * weight[c]);
                    map_into(&x[run.clone()], &mut y[run], |x| x.sub(centre).mul(scale).add(offset));
                }
            }
            means.push(mean);
            scales.push(scale);
        }
        means.append(&mut scales);
        (y, means)
    }

    /// Gradients of weight and bias; that of `x` replaces the gradient of the result.
    #[inline(never)]
    pub fn backward(self, x: &[f32], weight: &[f32], statistics: &[f32], gradient: &mut [f32]) -> (Vec<f32>, Vec<f32>) {
        let n = self.row(weight.len());
        let (mut grad_weight, mut grad_bias) = (vec![0.0; weight.len()], vec![0.0; weight.len()]);
        let (means, scales) = statistics.split_at(statistics.len() / 2);
        // A normalised row before weight and bias, and its product with the gradient.
        let (mut normed, mut product) = (vec![0.0; n], vec![0.0; n]);
        for (at, (x, g)) in x.chunks_exact(n).zip(gradient.chunks_exact_mut(n)).enumerate() {
            let [mean, scale] = [means[at], scales[at]].map(F32x4::splat);
            map_into(x, &mut normed, |x| x.sub(mean).mul(scale));
            if self.inner == 1 {
                let channels = at % self.groups * n..at % self.groups * n + n;
                zip_map(&mut grad_bias[channels.clone()], g, F32x4::add);
                map_into(g, &mut product, |g| g);
                zip_map(&mut product, &normed, F32x4::mul);
                zip_map(&mut grad_weight[channels.clone()], &product, F32x4::add);
                zip_map(g, &weight[channels], F32x4::mul);
            } else {
                for (run, c) in runs(at, n, self) {
                    grad_bias[c] += sum_map(&g[run.clone()], |g| g);
                    grad_weight[c] += sum_zip_map(&g[run.clone()], &normed[run.clone()], F32x4::mul);
                    let weight = F32x4::splat(weight[c]);
                    map(&mut g[run], |g| g.mul(weight));
                }
            }
            let mean = if self.centred { sum_map(g, |g| g) / n as f32 } else { 0.0 };
            let along = sum_zip_map(g, &normed, F32x4::mul) / n as f32;
            let [mean, along] = [mean, along].map(F32x4::splat);
            zip_map(g, &normed, |g, v| g.sub(mean).sub(v.mul(along)).mul(scale));
        }
        (grad_weight, grad_bias)
    }
}
