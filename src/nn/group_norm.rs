//! Group norm.

use super::init::constant;
use super::ops::{RowNorm, row_norm};
use crate::error::{Error, Result};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// `torch.nn.GroupNorm` (Wu and He 2018, arXiv 1803.08494): normalises groups of the channels of a sample.
#[derive(Module, Debug)]
pub struct GroupNorm {
    /// `[C]` each.
    pub weight: Param<Tensor<1>>,
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    groups: usize,
    #[module(skip)]
    eps: f32,
}

impl GroupNorm {
    /// A norm with PyTorch's epsilon, 1e-5.
    ///
    /// # Errors
    /// `Unsupported` where the groups do not divide the channels.
    pub fn new(groups: usize, channels: usize, device: &Device) -> Result<Self> {
        Self::from_weights(constant(1.0, channels, device).val(), constant(0.0, channels, device).val(), groups, 1e-5)
    }

    /// A norm with these weights.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn from_weights(weight: Tensor<1>, bias: Tensor<1>, groups: usize, eps: f32) -> Result<Self> {
        let [channels] = weight.dims();
        if groups == 0 || !channels.is_multiple_of(groups) {
            return Err(Error::unsupported(format!("{channels} channels cannot be divided into {groups} groups.")));
        }
        Ok(Self { weight: Param::from_tensor(weight), bias: Param::from_tensor(bias), groups, eps })
    }

    /// # Shapes
    /// `[B, C, H, W]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, _, h, w] = x.dims();
        let norm = RowNorm { groups: self.groups, inner: h * w, centred: true, epsilon: self.eps };
        row_norm(x, self.weight.val(), Some(self.bias.val()), norm)
    }
}
