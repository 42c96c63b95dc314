//! Layer norm.

use super::init::constant;
use super::ops::{RowNorm, row_norm};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// `torch.nn.LayerNorm` over the last dimension (Ba, Kiros and Hinton 2016, arXiv 1607.06450).
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `[C]` each.
    pub weight: Param<Tensor<1>>,
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    eps: f32,
}

impl LayerNorm {
    /// A norm with PyTorch's epsilon, 1e-5.
    pub fn new(width: usize, device: &Device) -> Self {
        Self { weight: constant(1.0, width, device), bias: constant(0.0, width, device), eps: 1e-5 }
    }

    /// # Shapes
    /// `[.., C]` to the same.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let norm = RowNorm { groups: 1, inner: 1, centred: true, epsilon: self.eps };
        row_norm(x, self.weight.val(), Some(self.bias.val()), norm)
    }
}
