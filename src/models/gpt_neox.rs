//! GPT-NeoX (Black et al. 2022, arXiv:2204.06745): layer norm, rotary positions on a part of each head, attention and MLP
//! in parallel. Pythia-70M: 6 layers of 512, 70,426,624 parameters.
//!
//! Reference: `GPTNeoXForCausalLM` of `transformers`; fields carry its names.

use super::transformer::{Architecture, LoadNetwork, Network, Run, Tensors, linear, norm, split_qkv};
use crate::error::Result;
use crate::nn::engine::{Activation, Engine, Linear, Norm};

pub struct GptNeoX<E: Engine> {
    embed_in: Linear<E::Weight>,
    layers: Vec<Block<E>>,
    final_layer_norm: Norm<E::Weight>,
    embed_out: Option<Linear<E::Weight>>,
}

struct Block<E: Engine> {
    input_layernorm: Norm<E::Weight>,
    post_attention_layernorm: Norm<E::Weight>,
    /// Of `attention.query_key_value`, which has query, key and value of a head next to each other.
    qkv: [Linear<E::Weight>; 3],
    dense: Linear<E::Weight>,
    dense_h_to_4h: Linear<E::Weight>,
    dense_4h_to_h: Linear<E::Weight>,
}

impl<E: Engine> LoadNetwork<E> for GptNeoX<E> {
    fn begin(a: &Architecture, engine: &E, tensors: &dyn Tensors) -> Result<Self> {
        Ok(Self {
            embed_in: linear(engine, tensors, "gpt_neox.embed_in")?,
            layers: Vec::with_capacity(a.layers),
            final_layer_norm: norm(engine, tensors, "gpt_neox.final_layer_norm", a.eps)?,
            embed_out: (!a.tied).then(|| linear(engine, tensors, "embed_out")).transpose()?,
        })
    }

    fn push_layer(&mut self, a: &Architecture, engine: &E, tensors: &dyn Tensors) -> Result<()> {
        let prefix = format!("gpt_neox.layers.{}", self.layers.len());
        let dense = |name: &str| linear(engine, tensors, &format!("{prefix}.{name}"));
        let normed = |name: &str| norm(engine, tensors, &format!("{prefix}.{name}"), a.eps);
        let (heads, hd) = (a.heads.heads, a.heads.head_dim);
        let part = |i: usize| (0..heads).flat_map(|h| (h * 3 + i) * hd..(h * 3 + i + 1) * hd).collect();
        self.layers.push(Block {
            input_layernorm: normed("input_layernorm")?,
            post_attention_layernorm: normed("post_attention_layernorm")?,
            qkv: split_qkv(engine, tensors, &format!("{prefix}.attention.query_key_value"), part)?,
            dense: dense("attention.dense")?,
            dense_h_to_4h: dense("mlp.dense_h_to_4h")?,
            dense_4h_to_h: dense("mlp.dense_4h_to_h")?,
        });
        Ok(())
    }
}

impl<E: Engine> Network<E> for GptNeoX<E> {
    fn embed(&self, engine: &E, ids: &[u32], _at: usize) -> E::Rows {
        engine.embed(&self.embed_in.weight, ids)
    }

    fn layer(&self, run: &mut Run<'_, E>, layer: usize, x: &E::Rows) -> E::Rows {
        let (engine, l) = (run.engine, &self.layers[layer]);
        let h = engine.norm(x, &l.input_layernorm);
        let [q, k, v] = l.qkv.each_ref().map(|part| engine.linear(&h, part, Activation::Identity, None)); // (n, width) each
        let attended = run.attend(layer, &q, &k, &v);
        let after = engine.linear(&attended, &l.dense, Activation::Identity, Some(x));
        let seen = if run.architecture.parallel { x } else { &after };
        let h = engine.norm(seen, &l.post_attention_layernorm);
        let h = engine.linear(&h, &l.dense_h_to_4h, Activation::Gelu, None);
        engine.linear(&h, &l.dense_4h_to_h, Activation::Identity, Some(&after))
    }

    fn head(&self, engine: &E, x: &E::Rows) -> E::Rows {
        let h = engine.norm(x, &self.final_layer_norm);
        engine.linear(&h, self.embed_out.as_ref().unwrap_or(&self.embed_in), Activation::Identity, None)
    }
}
