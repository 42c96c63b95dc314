//! Llama (Touvron et al. 2023, arXiv:2302.13971): RMS norm before each part, rotary positions, grouped-query attention
//! (Ainslie et al. 2023), SwiGLU. Qwen2 adds biases to queries, keys and values; Qwen3 norms each head's query and key.
//! SmolLM2-135M: 30 layers of 576, 134,515,008 parameters.
//!
//! Reference: `LlamaForCausalLM`, `Qwen2ForCausalLM`, `Qwen3ForCausalLM` of `transformers`; fields carry their names.

use super::transformer::{Architecture, LoadNetwork, Network, Run, Tensors, linear, norm};
use crate::error::Result;
use crate::nn::engine::{Activation, Engine, Linear, Norm};

pub struct Llama<E: Engine> {
    embed_tokens: Linear<E::Weight>,
    layers: Vec<Block<E>>,
    norm: Norm<E::Weight>,
    /// `None` where the head is the embedding.
    lm_head: Option<Linear<E::Weight>>,
    head_dim: usize,
}

struct Block<E: Engine> {
    input_layernorm: Norm<E::Weight>,
    q_proj: Linear<E::Weight>,
    k_proj: Linear<E::Weight>,
    v_proj: Linear<E::Weight>,
    o_proj: Linear<E::Weight>,
    q_norm: Option<Norm<E::Weight>>,
    k_norm: Option<Norm<E::Weight>>,
    post_attention_layernorm: Norm<E::Weight>,
    gate_proj: Linear<E::Weight>,
    up_proj: Linear<E::Weight>,
    down_proj: Linear<E::Weight>,
}

impl<E: Engine> LoadNetwork<E> for Llama<E> {
    fn begin(a: &Architecture, engine: &E, tensors: &dyn Tensors) -> Result<Self> {
        Ok(Self {
            embed_tokens: linear(engine, tensors, "model.embed_tokens")?,
            layers: Vec::with_capacity(a.layers),
            norm: norm(engine, tensors, "model.norm", a.eps)?,
            lm_head: (!a.tied).then(|| linear(engine, tensors, "lm_head")).transpose()?,
            head_dim: a.heads.head_dim,
        })
    }

    fn push_layer(&mut self, a: &Architecture, engine: &E, tensors: &dyn Tensors) -> Result<()> {
        let prefix = format!("model.layers.{}", self.layers.len());
        let dense = |name: &str| linear(engine, tensors, &format!("{prefix}.{name}"));
        let normed = |name: &str| norm(engine, tensors, &format!("{prefix}.{name}"), a.eps);
        let head_norm = |name: &str| {
            let there = tensors.has(&format!("{prefix}.self_attn.{name}.weight"));
            there.then(|| normed(&format!("self_attn.{name}"))).transpose()
        };
        self.layers.push(Block {
            input_layernorm: normed("input_layernorm")?,
            q_proj: dense("self_attn.q_proj")?,
            k_proj: dense("self_attn.k_proj")?,
            v_proj: dense("self_attn.v_proj")?,
            o_proj: dense("self_attn.o_proj")?,
            q_norm: head_norm("q_norm")?,
            k_norm: head_norm("k_norm")?,
            post_attention_layernorm: normed("post_attention_layernorm")?,
            gate_proj: dense("mlp.gate_proj")?,
            up_proj: dense("mlp.up_proj")?,
            down_proj: dense("mlp.down_proj")?,
        });
        Ok(())
    }
}

impl<E: Engine> Network<E> for Llama<E> {
    fn embed(&self, engine: &E, ids: &[u32], _at: usize) -> E::Rows {
        engine.embed(&self.embed_tokens.weight, ids)
    }

    fn layer(&self, run: &mut Run<'_, E>, layer: usize, x: &E::Rows) -> E::Rows {
        let (engine, l) = (run.engine, &self.layers[layer]);
        let project = |h: &E::Rows, dense: &Linear<E::Weight>, head_norm: &Option<Norm<E::Weight>>| {
            let heads = engine.linear(h, dense, Activation::Identity, None);
            head_norm.as_ref().map_or(heads.clone(), |norm| engine.norm_heads(&heads, norm, self.head_dim))
        };
        let h = engine.norm(x, &l.input_layernorm);
        let (q, k) = (project(&h, &l.q_proj, &l.q_norm), project(&h, &l.k_proj, &l.k_norm)); // (n, nh * hd), (n, nkv * hd)
        let v = engine.linear(&h, &l.v_proj, Activation::Identity, None);
        let attended = run.attend(layer, &q, &k, &v);
        let x = engine.linear(&attended, &l.o_proj, Activation::Identity, Some(x));
        let h = engine.norm(&x, &l.post_attention_layernorm);
        let h = engine.swiglu(&h, &l.gate_proj, &l.up_proj);
        engine.linear(&h, &l.down_proj, Activation::Identity, Some(&x))
    }

    fn head(&self, engine: &E, x: &E::Rows) -> E::Rows {
        let h = engine.norm(x, &self.norm);
        engine.linear(&h, self.lm_head.as_ref().unwrap_or(&self.embed_tokens), Activation::Identity, None)
    }
}
