//! RMS norm.

use super::init::constant;
use super::ops::{RowNorm, row_norm};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// `torch.nn.RMSNorm` over the last dimension (Zhang and Sennrich 2019, arXiv 1910.07467): layer norm without a
/// mean and without a bias.
#[derive(Module, Debug)]
pub struct RmsNorm {
    /// `[C]`.
    pub weight: Param<Tensor<1>>,
    #[module(skip)]
    eps: f32,
}

impl RmsNorm {
    pub fn new(width: usize, eps: f32, device: &Device) -> Self {
        Self { weight: constant(1.0, width, device), eps }
    }

    /// # Shapes
    /// `[.., C]` to the same.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let norm = RowNorm { groups: 1, inner: 1, centred: false, epsilon: self.eps };
        row_norm(x, self.weight.val(), None, norm)
    }
}
