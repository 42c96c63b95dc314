//! The operations of transformer inference, implemented for each device; a model is written once in terms of them.
//!
//! Activations are `[n, width]` in f32, one row a token. Weights are stored as in [`Matrix`]: quantised weights stay quantised.

mod cpu;
#[cfg(feature = "gpu")]
pub(super) mod gpu;

pub use cpu::Cpu;
#[cfg(feature = "gpu")]
pub use gpu::Gpu;
pub use kiln_kernels::{Activation, Data, GROUP, Matrix, bf16, f16, to_f16};

use crate::error::Result;
use async_trait::async_trait;

/// A linear layer: `x W^T + b`.
pub struct Linear<W> {
    pub weight: W,
    pub bias: Option<W>,
}

/// Layer norm where there is a bias, RMS norm (Zhang, Sennrich 2019) where there is none.
pub struct Norm<W> {
    pub weight: W,
    pub bias: Option<W>,
    pub eps: f32,
}

/// Rotary position embedding (Su et al. 2021) of the first channels of each head.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    /// The angle in radians from one position to the next, for each of the `dims / 2` pairs.
    pub frequencies: Vec<f32>,
    /// Whether the numbers of a pair are neighbours (llama GGUF files) or half the rotated dimensions apart (safetensors of
    /// `transformers`).
    pub interleaved: bool,
}

/// The heads of attention: `heads` query heads share `kv_heads` heads of keys and values, each of `head_dim` channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
}

/// The operations on one device. Shapes are checked when a model is loaded, and not here.
#[async_trait(?Send)]
pub trait Engine {
    /// A matrix on the device.
    type Weight;
    /// Activations `[n, width]` on the device.
    type Rows: Clone;
    /// The key-value cache of all layers for `context` positions, allocated at once.
    type Cache;

    fn weight(&self, matrix: Matrix) -> Result<Self::Weight>;

    fn cache(&self, layers: usize, context: usize, heads: Heads) -> Result<Self::Cache>;

    /// Rows `ids` of a table `[vocabulary, width]`.
    fn embed(&self, table: &Self::Weight, ids: &[u32]) -> Self::Rows;

    fn add(&self, a: &Self::Rows, b: &Self::Rows) -> Self::Rows;

    fn norm(&self, x: &Self::Rows, norm: &Norm<Self::Weight>) -> Self::Rows;

    /// `activation(x W^T + b) + residual`.
    fn linear(
        &self,
        x: &Self::Rows,
        layer: &Linear<Self::Weight>,
        activation: Activation,
        residual: Option<&Self::Rows>,
    ) -> Self::Rows;

    /// SwiGLU (Shazeer 2020): `silu(x G^T) * (x U^T)`.
    fn swiglu(&self, x: &Self::Rows, gate: &Linear<Self::Weight>, up: &Linear<Self::Weight>) -> Self::Rows;

    /// RMS norm over each head (Qwen3).
    fn norm_heads(&self, x: &Self::Rows, norm: &Norm<Self::Weight>, head_dim: usize) -> Self::Rows;

    /// Applies `rope` to queries `[n, heads * head_dim]` and keys `[n, kv_heads * head_dim]` at positions `at..`, writes keys and values
    /// to the cache of `layer`, and computes causal attention. Returns `[n, heads * head_dim]`.
    #[allow(clippy::too_many_arguments)]
    fn attend(
        &self,
        q: &Self::Rows,
        k: &Self::Rows,
        v: &Self::Rows,
        cache: &mut Self::Cache,
        layer: usize,
        at: usize,
        rope: Option<&Rope>,
    ) -> Self::Rows;

    /// The attention weights of the last row of `q` (position `at`), `[heads, at + 1]`. The cache has the keys already.
    fn attention(
        &self,
        q: &Self::Rows,
        cache: &Self::Cache,
        layer: usize,
        at: usize,
        rope: Option<&Rope>,
    ) -> Self::Rows;

    /// The last row, `[1, width]`.
    fn last(&self, x: &Self::Rows) -> Self::Rows;

    /// Reads rows back from the device.
    ///
    /// # Errors
    /// `DeviceLost` where the device does not answer.
    async fn read(&self, x: &Self::Rows) -> Result<Vec<f32>>;
}
