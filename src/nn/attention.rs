//! Multi-head attention with its linear layers.

use super::linear::Linear;
use super::ops::{self, Activation};
use crate::error::{Error, Result};
use crate::rng::Stream;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// Multi-head attention (Vaswani et al. 2017, arXiv 1706.03762). Fields have their names in `transformers`.
#[derive(Module, Debug)]
pub struct Attention {
    pub q_proj: Linear,
    pub k_proj: Linear,
    pub v_proj: Linear,
    pub o_proj: Linear,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    causal: bool,
}

/// The configuration of an [`Attention`]. By default it is self-attention without a mask, with biases.
#[derive(Debug, Clone, Copy)]
pub struct AttentionConfig {
    width: usize,
    heads: usize,
    context: usize,
    causal: bool,
    bias: bool,
}

impl AttentionConfig {
    /// The number of channels, and the number of heads that share them.
    pub const fn new(width: usize, heads: usize) -> Self {
        Self { width, heads, context: width, causal: false, bias: true }
    }

    /// Cross-attention: the number of channels of the sequence that is attended to.
    pub const fn with_context(mut self, channels: usize) -> Self {
        self.context = channels;
        self
    }

    /// Whether a position attends only to itself and to those before it.
    pub const fn with_causal(mut self, causal: bool) -> Self {
        self.causal = causal;
        self
    }

    pub const fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Initialises the weights so that they keep the variance, as PyTorch's `MultiheadAttention` does.
    ///
    /// # Errors
    /// `Unsupported` where the heads do not divide the channels.
    pub fn init(&self, weights: &mut Stream, device: &Device) -> Result<Attention> {
        let Self { width, heads, context, causal, bias } = *self;
        if heads == 0 || !width.is_multiple_of(heads) {
            return Err(Error::unsupported(format!("{width} channels cannot be shared by {heads} heads.")));
        }
        let mut linear = |inputs: usize| Linear::new(inputs, width, 3.0, bias, weights, device);
        let [q_proj, k_proj, v_proj, o_proj] = [width, context, context, width].map(&mut linear);
        Ok(Attention { q_proj, k_proj, v_proj, o_proj, heads, causal })
    }
}

impl Attention {
    /// Self-attention.
    ///
    /// # Shapes
    /// `[B, T, C]` to the same.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.attend(x.clone(), x)
    }

    /// Cross-attention from `x` to `context`; with a causal mask both must be equally long.
    ///
    /// # Shapes
    /// `[B, T, C]` and `[B, S, context]` to `[B, T, C]`.
    pub fn attend(&self, x: Tensor<3>, context: Tensor<3>) -> Tensor<3> {
        let q = self.q_proj.forward(x, Activation::Identity);
        let k = self.k_proj.forward(context.clone(), Activation::Identity);
        let v = self.v_proj.forward(context, Activation::Identity);
        let y = ops::attention(q, k, v, self.heads, self.causal);
        self.o_proj.forward(y, Activation::Identity)
    }
}
