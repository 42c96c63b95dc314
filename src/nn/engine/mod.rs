//! The operations of a transformer's inference, once for each device. A model is written once in terms of them.
//!
//! Activations are `[n, width]`: one row a token, f32. An engine keeps weights as [`Matrix`] does: quantised ones are
//! multiplied quantised.

mod cpu;
#[cfg(feature = "gpu")]
pub(super) mod gpu;

pub use cpu::Cpu;
#[cfg(feature = "gpu")]
pub use gpu::Gpu;
pub use kiln_kernels::{Data, GROUP, Matrix, bf16, f16};

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

/// Rotary position embedding (Su et al. 2021) over the first numbers of each head.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    /// Radians a position for each pair of numbers: `dims / 2` of them.
    pub frequencies: Vec<f32>,
    /// Pairs lie side by side (llama GGUF files) or half of what is turned apart (the safetensors of `transformers`).
    pub interleaved: bool,
}

/// The shape of attention: `heads` queries share `kv_heads` keys and values of `head_dim` numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
}

/// What a linear layer's result goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    None,
    /// GELU by tanh (GPT-2).
    GeluTanh,
    /// GELU by erf (GPT-NeoX).
    Gelu,
}

/// One device's way to compute. Shapes are checked when a model is built; the operations trust them.
#[async_trait(?Send)]
pub trait Engine {
    /// A matrix on the device.
    type Weight;
    /// Activations `[n, width]` on the device.
    type Rows: Clone;
    /// Keys and values of all layers, `context` positions of them, allocated at once.
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
    fn gated(&self, x: &Self::Rows, gate: &Linear<Self::Weight>, up: &Linear<Self::Weight>) -> Self::Rows;

    /// RMS norm of each head by itself (Qwen3).
    fn norm_heads(&self, x: &Self::Rows, norm: &Norm<Self::Weight>, head_dim: usize) -> Self::Rows;

    /// Turns queries `[n, heads * head_dim]` and keys `[n, kv_heads * head_dim]` for positions `at..`, writes keys and
    /// values to the cache of `layer`, and attends causally. Returns `[n, heads * head_dim]`.
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

    /// What each head of `q`'s last row (position `at`) attends to: `[heads, at + 1]`. The cache holds the keys already.
    fn attention(
        &self,
        q: &Self::Rows,
        cache: &Self::Cache,
        layer: usize,
        at: usize,
        rope: Option<&Rope>,
    ) -> Self::Rows;

    /// The last row alone, `[1, width]`.
    fn last(&self, x: &Self::Rows) -> Self::Rows;

    /// Reads rows back.
    ///
    /// # Errors
    /// `DeviceLost` where the device does not answer.
    async fn read(&self, x: &Self::Rows) -> Result<Vec<f32>>;
}
