//! Pictures of which only a part is known, for a diffusion model that repairs them without having been trained for it: at each step
//! the picture that it predicts is made to agree with what is known (DDNM; Wang et al. 2022, arXiv 2212.00490).

use burn::tensor::Tensor;

/// What is known of some pictures.
pub struct Observation {
    /// Channels, height and width of a whole picture.
    pub shape: [usize; 3],
    /// What is known is the mean of `factor` x `factor` pixels; 1 where pixels are known by themselves.
    pub factor: usize,
    /// `[B, C (H / factor) (W / factor)]`.
    pub seen: Tensor<2>,
    /// 0 where nothing is known, else 1; like `seen`.
    pub weights: Tensor<2>,
}

impl Observation {
    /// The pictures nearest to these that agree with what is known.
    ///
    /// # Shapes
    /// `[B, C H W]` to the same.
    pub fn agree(&self, whole: Tensor<2>) -> Tensor<2> {
        let ([b, n], [c, h, w], f) = (whole.dims(), self.shape, self.factor);
        if f == 1 {
            // A sum of both, not a difference added: what is known comes out as it is, to the last bit.
            return self.seen.clone() * self.weights.clone() + whole * (1.0 - self.weights.clone());
        }
        let blocks: Tensor<5> = whole.clone().reshape([b * c, h / f, f, w / f, f]);
        let means = blocks.mean_dim(4).mean_dim(2).reshape([b, n / (f * f)]);
        let missing = (self.seen.clone() - means) * self.weights.clone();
        let missing: Tensor<5> = missing.reshape([b * c, h / f, 1, w / f, 1]);
        whole + missing.expand([b * c, h / f, f, w / f, f]).reshape([b, n])
    }
}
