//! GPT-2 (Radford et al. 2019): layer norm before each part, learned positions, GELU approximated by tanh, and a head tied
//! to the embedding. GPT-2 small: 12 layers of 768, 124,439,808 parameters.
//!
//! Reference: `GPT2LMHeadModel` of `transformers`; fields carry its names. Its Conv1D matrices are transposed by the reader of the file.

use super::transformer::{Architecture, LoadNetwork, Network, Run, Tensors, linear, norm, split_qkv};
use crate::error::Result;
use crate::nn::engine::{Activation, Engine, Linear, Norm};

pub struct Gpt2<E: Engine> {
    wte: Linear<E::Weight>,
    wpe: Linear<E::Weight>,
    h: Vec<Block<E>>,
    ln_f: Norm<E::Weight>,
    lm_head: Option<Linear<E::Weight>>,
}

struct Block<E: Engine> {
    ln_1: Norm<E::Weight>,
    /// Queries, keys and values of `attn.c_attn`.
    qkv: [Linear<E::Weight>; 3],
    c_proj: Linear<E::Weight>,
    ln_2: Norm<E::Weight>,
    c_fc: Linear<E::Weight>,
    mlp_c_proj: Linear<E::Weight>,
}

impl<E: Engine> LoadNetwork<E> for Gpt2<E> {
    fn begin(a: &Architecture, engine: &E, tensors: &dyn Tensors) -> Result<Self> {
        Ok(Self {
            wte: linear(engine, tensors, "wte")?,
            wpe: linear(engine, tensors, "wpe")?,
            h: Vec::with_capacity(a.layers),
            ln_f: norm(engine, tensors, "ln_f", a.eps)?,
            lm_head: (!a.tied).then(|| linear(engine, tensors, "lm_head")).transpose()?,
        })
    }

    fn push_layer(&mut self, a: &Architecture, engine: &E, tensors: &dyn Tensors) -> Result<()> {
        let prefix = format!("h.{}", self.h.len());
        let dense = |name: &str| linear(engine, tensors, &format!("{prefix}.{name}"));
        let normed = |name: &str| norm(engine, tensors, &format!("{prefix}.{name}"), a.eps);
        let width = a.width;
        self.h.push(Block {
            ln_1: normed("ln_1")?,
            qkv: split_qkv(engine, tensors, &format!("{prefix}.attn.c_attn"), |i| {
                (i * width..(i + 1) * width).collect()
            })?,
            c_proj: dense("attn.c_proj")?,
            ln_2: normed("ln_2")?,
            c_fc: dense("mlp.c_fc")?,
            mlp_c_proj: dense("mlp.c_proj")?,
        });
        Ok(())
    }
}

impl<E: Engine> Network<E> for Gpt2<E> {
    fn embed(&self, engine: &E, ids: &[u32], at: usize) -> E::Rows {
        let positions: Vec<u32> = (at as u32..).take(ids.len()).collect();
        engine.add(&engine.embed(&self.wte.weight, ids), &engine.embed(&self.wpe.weight, &positions))
    }

    fn layer(&self, run: &mut Run<'_, E>, layer: usize, x: &E::Rows) -> E::Rows {
        let (engine, block) = (run.engine, &self.h[layer]);
        let h = engine.norm(x, &block.ln_1);
        let [q, k, v] = block.qkv.each_ref().map(|part| engine.linear(&h, part, Activation::Identity, None)); // (n, width) each
        let attended = run.attend(layer, &q, &k, &v);
        let x = engine.linear(&attended, &block.c_proj, Activation::Identity, Some(x));
        let h = engine.linear(&engine.norm(&x, &block.ln_2), &block.c_fc, Activation::GeluTanh, None);
        engine.linear(&h, &block.mlp_c_proj, Activation::Identity, Some(&x))
    }

    fn head(&self, engine: &E, x: &E::Rows) -> E::Rows {
        let h = engine.norm(x, &self.ln_f);
        engine.linear(&h, self.lm_head.as_ref().unwrap_or(&self.wte), Activation::Identity, None)
    }
}
