//! Embeddings.

use super::init::normal;
use crate::rng::Stream;
use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};

/// `torch.nn.Embedding`: `weight` is `[count, C]`.
#[derive(Module, Debug)]
pub struct Embedding {
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    /// Weights from the normal distribution with this standard deviation: 1 in PyTorch, 0.02 in GPT-2.
    pub fn new(count: usize, width: usize, deviation: f32, weights: &mut Stream, device: &Device) -> Self {
        Self { weight: normal([count, width], deviation, weights, device) }
    }

    /// # Shapes
    /// Ids below `count`, `[N]`, to `[N, C]`.
    pub fn rows(&self, ids: Tensor<1, Int>) -> Tensor<2> {
        self.weight.val().select(0, ids)
    }

    /// # Shapes
    /// Ids below `count`, `[B, T]`, to `[B, T, C]`.
    pub fn forward(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        let ([b, t], [_, width]) = (ids.dims(), self.weight.val().dims());
        self.rows(ids.reshape([b * t])).reshape([b, t, width])
    }
}
