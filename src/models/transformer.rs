//! What pretrained transformers have in common: their configuration, where weights come from, and the traits of a network.

use crate::error::Result;
use crate::nn::engine::{Engine, Heads, Linear, Matrix, Norm, Rope};

/// The family of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Llama (Touvron et al. 2023); SmolLM2, TinyLlama, Mistral.
    Llama,
    /// Llama with biases on queries, keys and values (Yang et al. 2024).
    Qwen2,
    /// Llama with a norm on each head's query and key (Yang et al. 2025).
    Qwen3,
    /// GPT-2 (Radford et al. 2019).
    Gpt2,
    /// GPT-NeoX (Black et al. 2022); Pythia.
    NeoX,
}

/// The configuration of a network, as its checkpoint states it.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    pub family: Family,
    pub vocab: usize,
    /// Width of the residual stream.
    pub width: usize,
    pub layers: usize,
    pub heads: Heads,
    /// Width inside the MLP.
    pub hidden: usize,
    /// Positions that the network was trained for.
    pub context: usize,
    /// Epsilon of the norms.
    pub eps: f32,
    /// `None` where positions are learned (GPT-2).
    pub rope: Option<RopeConfig>,
    /// Whether the head is the token embedding.
    pub tied: bool,
    /// Whether attention and MLP read the same input (GPT-NeoX).
    pub parallel: bool,
}

/// RopeConfig positions, as a checkpoint states them.
#[derive(Debug, Clone, PartialEq)]
pub struct RopeConfig {
    pub base: f32,
    /// Channels of each head that are rotated, the first ones.
    pub dims: usize,
    /// Whether the channels of a pair are neighbours (llama GGUF files) or half of `dims` apart (safetensors of `transformers`).
    pub interleaved: bool,
    /// Divisors of the frequency of each pair; empty without scaling.
    pub factors: Vec<f32>,
}

impl RopeConfig {
    /// The angles of an engine.
    pub fn rope(&self) -> Rope {
        let frequency = |pair: usize| {
            let factor = f64::from(self.factors.get(pair).copied().unwrap_or(1.0));
            (f64::from(self.base).powf(-2.0 * pair as f64 / self.dims as f64) / factor) as f32
        };
        Rope { frequencies: (0..self.dims / 2).map(frequency).collect(), interleaved: self.interleaved }
    }
}

/// The tensors of a checkpoint, by their names in `transformers`.
pub trait Tensors {
    fn has(&self, name: &str) -> bool;

    /// A tensor as a matrix `[rows, cols]`; a vector has one row.
    fn matrix(&self, name: &str) -> Result<Matrix>;
}

/// A network in terms of the operations of an engine. `x` is the residual stream, `[n, width]`.
pub trait Network<E: Engine> {
    /// The residual stream before the first layer, for tokens at positions `at..`.
    fn embed(&self, engine: &E, ids: &[u32], at: usize) -> E::Rows;

    /// Layer `layer`.
    fn layer(&self, run: &mut Run<'_, E>, layer: usize, x: &E::Rows) -> E::Rows;

    /// Logits `[n, vocab]` of a residual stream.
    fn head(&self, engine: &E, x: &E::Rows) -> E::Rows;
}

/// Loads a network part by part, so that progress can be shown and loading be cancelled.
pub trait LoadNetwork<E: Engine>: Sized {
    /// Loads everything except the layers.
    fn begin(architecture: &Architecture, engine: &E, tensors: &dyn Tensors) -> Result<Self>;

    /// Loads the next layer.
    fn push_layer(&mut self, architecture: &Architecture, engine: &E, tensors: &dyn Tensors) -> Result<()>;
}

/// The state of a forward pass.
pub struct Run<'a, E: Engine> {
    pub engine: &'a E,
    pub architecture: &'a Architecture,
    pub rope: Option<&'a Rope>,
    pub cache: &'a mut E::Cache,
    /// Position of the first row.
    pub at: usize,
    /// The layer whose attention weights are wanted.
    pub wanted: Option<usize>,
    /// The attention weights of the last row in that layer, `[heads, at + 1]`.
    pub attention: Option<E::Rows>,
}

impl<E: Engine> Run<'_, E> {
    /// Causal attention with the cache of `layer`.
    pub fn attend(&mut self, layer: usize, q: &E::Rows, k: &E::Rows, v: &E::Rows) -> E::Rows {
        let rope = self.rope;
        let out = self.engine.attend(q, k, v, self.cache, layer, self.at, rope);
        if self.wanted == Some(layer) {
            self.attention = Some(self.engine.attention(q, self.cache, layer, self.at, rope));
        }
        out
    }
}

/// A linear layer by name, with its bias where the checkpoint has one.
pub fn linear<E: Engine>(engine: &E, tensors: &dyn Tensors, name: &str) -> Result<Linear<E::Weight>> {
    let bias = format!("{name}.bias");
    let bias = tensors.has(&bias).then(|| engine.weight(tensors.matrix(&bias)?)).transpose()?;
    Ok(Linear { weight: engine.weight(tensors.matrix(&format!("{name}.weight"))?)?, bias })
}

/// A norm by name, with its bias where the checkpoint has one.
pub fn norm<E: Engine>(engine: &E, tensors: &dyn Tensors, name: &str, eps: f32) -> Result<Norm<E::Weight>> {
    let Linear { weight, bias } = linear(engine, tensors, name)?;
    Ok(Norm { weight, bias, eps })
}

/// Splits a fused layer for queries, keys and values in three; `part(i)` are the rows of part `i`.
pub fn split_qkv<E: Engine>(
    engine: &E,
    tensors: &dyn Tensors,
    name: &str,
    part: impl Fn(usize) -> Vec<usize>,
) -> Result<[Linear<E::Weight>; 3]> {
    let (weight, bias) = (tensors.matrix(&format!("{name}.weight"))?, tensors.matrix(&format!("{name}.bias"))?);
    let take = |i: usize| -> Result<Linear<E::Weight>> {
        let rows = part(i);
        let mut values = vec![0.0; bias.cols];
        bias.row(0, &mut values);
        let bias = Matrix::vector(rows.iter().map(|&r| values[r]).collect());
        Ok(Linear { weight: engine.weight(weight.select(&rows))?, bias: Some(engine.weight(bias)?) })
    };
    Ok([take(0)?, take(1)?, take(2)?])
}
