//! Embeddings: a row of a table for each number.

use super::init::upload;
use crate::rng::Stream;
use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};

/// `torch.nn.Embedding`: `weight` is `[count, C]`.
#[derive(Module, Debug)]
pub struct Embedding {
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    /// Normal with this deviation: PyTorch's is 1, GPT-2's 0.02.
    pub fn new(count: usize, width: usize, deviation: f32, weights: &mut Stream, device: &Device) -> Self {
        let values = weights.normal(count * width).into_iter().map(|v| v * deviation).collect();
        Self { weight: Param::from_tensor(upload(values, [count, width], device)) }
    }

    /// # Shapes
    /// Numbers below `count`, `[N]`, to `[N, C]`.
    pub fn rows(&self, ids: Tensor<1, Int>) -> Tensor<2> {
        self.weight.val().select(0, ids)
    }

    /// # Shapes
    /// Numbers below `count`, `[B, T]`, to `[B, T, C]`.
    pub fn forward(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        let ([b, t], [_, width]) = (ids.dims(), self.weight.val().dims());
        self.rows(ids.reshape([b * t])).reshape([b, t, width])
    }
}
