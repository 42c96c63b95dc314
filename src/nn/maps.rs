//! What convolutional networks for pictures need beside convolutions: group norm, and twice the size.

use burn::tensor::Tensor;

/// `torch.nn.GroupNorm` (Wu and He 2018, arXiv 1803.08494), for inference.
#[derive(Debug, Clone)]
pub struct GroupNorm {
    /// `[C]` each.
    pub weight: Tensor<1>,
    pub bias: Tensor<1>,
    /// Divides C.
    pub groups: usize,
    pub eps: f32,
}

impl GroupNorm {
    /// # Shapes
    /// `[B, C, H, W]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [b, c, h, w] = x.dims();
        let x: Tensor<3> = x.reshape([b, self.groups, c / self.groups * h * w]);
        let mean = x.clone().mean_dim(2);
        let x = x - mean;
        // Of the centred numbers: E[x^2] - E[x]^2 loses its digits where the mean is large.
        let variance = x.clone().square().mean_dim(2);
        let x = x * (variance + self.eps).sqrt().recip();
        let weight = self.weight.clone().reshape([1, c, 1, 1]);
        x.reshape([b, c, h, w]) * weight + self.bias.clone().reshape([1, c, 1, 1])
    }
}

/// Each pixel four times: `torch.nn.Upsample(scale_factor=2, mode="nearest")`.
///
/// # Shapes
/// `[B, C, H, W]` to `[B, C, 2 H, 2 W]`.
pub fn doubled(x: Tensor<4>) -> Tensor<4> {
    let [b, c, h, w] = x.dims();
    x.reshape([b * c * h, 1, w, 1]).expand([b * c * h, 2, w, 2]).reshape([b, c, 2 * h, 2 * w])
}
