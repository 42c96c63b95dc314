//! GPT (Radford et al. 2018, 2019): a transformer that predicts the next token, to be trained. With its defaults it is nanoGPT's and
//! GPT-2's network: learned positions, layer norm before each part, GELU approximated by tanh, and a head tied to the embedding. nanoGPT's
//! setting for a CPU (4 layers, 4 heads, 128 wide, context 64, 65 characters): 0.81M parameters.
//!
//! Reference: `GPT2LMHeadModel` of `transformers`, whose names the fields carry; its Conv1D matrices are stored transposed there. Dropout
//! is where GPT-2 has it, but for that of the attention weights, which are never stored.

use crate::error::{Error, Result};
use crate::nn::ops::{self, Activation};
use crate::nn::{Embedding, LayerNorm, Linear, dropout, upload, upload_ids};
use crate::rng::Stream;
use burn::module::Module;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a network knows where a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Positions {
    /// An embedding for each position.
    Learned,
    /// Queries and keys are rotated by their position (Su et al. 2021, arXiv 2104.09864).
    Rotary,
    /// Only the causal mask tells what came before.
    None,
}

/// Where a block's layer norms are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum NormPlace {
    /// Before attention and MLP, as in GPT-2.
    Pre,
    /// After each part has been added, as in the first transformer (Vaswani et al. 2017).
    Post,
}

/// The sizes and switches of a [`Gpt`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GptConfig {
    pub vocabulary: usize,
    /// Tokens that it sees at most.
    pub context: usize,
    pub layers: usize,
    pub heads: usize,
    pub width: usize,
    pub positions: Positions,
    pub norm: NormPlace,
    pub activation: Activation,
    /// Whether the head is the token embedding.
    pub tied: bool,
}

#[derive(Module, Debug)]
pub struct Gpt {
    pub wte: Embedding,
    pub wpe: Option<Embedding>,
    pub h: Vec<Block>,
    /// `None` with norms after each part.
    pub ln_f: Option<LayerNorm>,
    pub lm_head: Option<Linear>,
    #[module(skip)]
    config: GptConfig,
}

#[derive(Module, Debug)]
pub struct Block {
    pub ln_1: LayerNorm,
    pub attn: SelfAttention,
    pub ln_2: LayerNorm,
    pub mlp: Mlp,
}

#[derive(Module, Debug)]
pub struct SelfAttention {
    /// Queries, keys and values, one after the other.
    pub c_attn: Linear,
    pub c_proj: Linear,
}

#[derive(Module, Debug)]
pub struct Mlp {
    pub c_fc: Linear,
    pub c_proj: Linear,
}

/// The base of the angles of rotary positions.
const ROTARY_BASE: f64 = 10_000.0;
/// Standard deviation of initial weights.
const DEVIATION: f32 = 0.02;

impl GptConfig {
    /// That the sizes fit together.
    ///
    /// # Errors
    /// `Unsupported` where the heads do not divide the width, or rotary positions would need an even width of a head.
    pub fn check(&self) -> Result<()> {
        let Self { width, heads, .. } = *self;
        if heads == 0 || !width.is_multiple_of(heads) {
            let help = "Choose a width that is a multiple of the number of heads.";
            return Err(Error {
                help: help.into(),
                ..Error::unsupported(format!("{heads} heads cannot share a width of {width}."))
            });
        }
        if self.positions == Positions::Rotary && !(width / heads).is_multiple_of(2) {
            let help = "Choose a width that is twice a multiple of the number of heads.";
            return Err(Error {
                help: help.into(),
                ..Error::unsupported("Rotary positions need heads of an even width.")
            });
        }
        Ok(())
    }

    /// A network with GPT-2's initial weights: normal with deviation 0.02, those of the layers that write to the residual stream smaller
    /// by the root of their number.
    ///
    /// # Errors
    /// As [`GptConfig::check`].
    pub fn init(&self, weights: &mut Stream, device: &Device) -> Result<Gpt> {
        self.check()?;
        let Self { width, layers, .. } = *self;
        let residual = DEVIATION / (2.0 * layers as f32).sqrt();
        let wte = Embedding::new(self.vocabulary, width, DEVIATION, weights, device);
        let learned = self.positions == Positions::Learned;
        let wpe = learned.then(|| Embedding::new(self.context, width, DEVIATION, weights, device));
        let block = |_| Block {
            ln_1: LayerNorm::new(width, device),
            attn: SelfAttention {
                c_attn: Linear::normal(width, 3 * width, DEVIATION, true, weights, device),
                c_proj: Linear::normal(width, width, residual, true, weights, device),
            },
            ln_2: LayerNorm::new(width, device),
            mlp: Mlp {
                c_fc: Linear::normal(width, 4 * width, DEVIATION, true, weights, device),
                c_proj: Linear::normal(4 * width, width, residual, true, weights, device),
            },
        };
        let h = (0..layers).map(block).collect();
        let ln_f = (self.norm == NormPlace::Pre).then(|| LayerNorm::new(width, device));
        let lm_head = (!self.tied).then(|| Linear::normal(width, self.vocabulary, DEVIATION, false, weights, device));
        Ok(Gpt { wte, wpe, h, ln_f, lm_head, config: *self })
    }
}

/// What happens to numbers on their way while training: dropout with this probability.
pub type Noise<'a> = Option<(f64, &'a mut Stream)>;

impl Gpt {
    pub fn config(&self) -> &GptConfig {
        &self.config
    }

    /// The logits of the token after each, `[B T, vocabulary]`.
    ///
    /// # Shapes
    /// Ids below the vocabulary, `[B, T]`, with T at most the context.
    pub fn forward(&self, ids: Tensor<2, Int>, mut noise: Noise) -> Tensor<2> {
        let [b, t] = ids.dims();
        let mut x = self.embed(ids, &mut noise);
        let rotary = self.rotary(t, &x.device());
        for block in &self.h {
            x = self.block(block, x, &rotary, &mut noise);
        }
        self.head(x.reshape([b * t, self.config.width]))
    }

    /// The logits after some rows of the last layer, `[N, width]` to `[N, vocabulary]`.
    fn head(&self, x: Tensor<2>) -> Tensor<2> {
        let x = match &self.ln_f {
            Some(norm) => norm.forward(x),
            None => x,
        };
        match &self.lm_head {
            Some(head) => head.forward(x, Activation::Identity),
            None => ops::linear(x, self.wte.weight.val(), None, Activation::Identity),
        }
    }

    /// The attention weights of a layer in a text: for each head and token a weight for each token, `[heads T, T]`.
    ///
    /// # Shapes
    /// Ids `[1, T]`; `layer` is below the number of layers.
    pub fn attention(&self, ids: Tensor<2, Int>, layer: usize) -> Tensor<2> {
        let ([_, t], heads) = (ids.dims(), self.config.heads);
        let mut x = self.embed(ids, &mut None);
        let rotary = self.rotary(t, &x.device());
        for block in &self.h[..layer] {
            x = self.block(block, x, &rotary, &mut None);
        }
        let [q, k, _] = self.queries(&self.h[layer], x, &rotary);
        let width = self.config.width / heads;
        let split = |x: Tensor<3>| x.reshape([t, heads, width]).swap_dims(0, 1); // (heads, T, W)
        let scores = ops::batch_matmul(split(q), split(k), [false, true]) / (width as f64).sqrt();
        // What comes later is not seen.
        let later = |i: usize| if i % t > i / t { -1e9 } else { 0.0 };
        let mask = upload((0..t * t).map(later).collect(), [1, t, t], &scores.device());
        softmax(scores + mask, 2).reshape([heads * t, t])
    }

    fn embed(&self, ids: Tensor<2, Int>, noise: &mut Noise) -> Tensor<3> {
        let [_, t] = ids.dims();
        let x = self.wte.forward(ids);
        let x = match &self.wpe {
            Some(positions) => {
                let at = upload_ids((0..t as i32).collect(), [1, t], &x.device());
                x + positions.forward(at)
            }
            None => x,
        };
        dropped(x, noise)
    }

    fn block(&self, block: &Block, x: Tensor<3>, rotary: &Option<[Tensor<4>; 2]>, noise: &mut Noise) -> Tensor<3> {
        let x = x.clone() + dropped(self.attend(block, x, rotary), noise);
        match self.config.norm {
            NormPlace::Pre => x.clone() + dropped(self.mlp(block, block.ln_2.forward(x)), noise),
            NormPlace::Post => {
                let x = block.ln_1.forward(x);
                block.ln_2.forward(x.clone() + dropped(self.mlp(block, x), noise))
            }
        }
    }

    fn mlp(&self, block: &Block, x: Tensor<3>) -> Tensor<3> {
        let hidden = block.mlp.c_fc.forward(x, self.config.activation);
        block.mlp.c_proj.forward(hidden, Activation::Identity)
    }

    fn attend(&self, block: &Block, x: Tensor<3>, rotary: &Option<[Tensor<4>; 2]>) -> Tensor<3> {
        let [q, k, v] = self.queries(block, x, rotary);
        block.attn.c_proj.forward(ops::attention(q, k, v, self.config.heads, true), Activation::Identity)
    }

    /// Queries, keys and values of a block's input, which is normed first where norms are before the parts.
    fn queries(&self, block: &Block, x: Tensor<3>, rotary: &Option<[Tensor<4>; 2]>) -> [Tensor<3>; 3] {
        let x = match self.config.norm {
            NormPlace::Pre => block.ln_1.forward(x),
            NormPlace::Post => x,
        };
        let width = self.config.width;
        let qkv = block.attn.c_attn.forward(x, Activation::Identity); // (B, T, 3 C)
        let [q, k, v] = [0, 1, 2].map(|part| qkv.clone().narrow(2, part * width, width));
        match rotary {
            Some(angles) => [self.rotate(q, angles), self.rotate(k, angles), v],
            None => [q, k, v],
        }
    }

    /// Cosines and sines of the angles of `t` positions, `[1, T, 1, half]`; `None` without rotary positions.
    fn rotary(&self, t: usize, device: &Device) -> Option<[Tensor<4>; 2]> {
        if self.config.positions != Positions::Rotary {
            return None;
        }
        let half = self.config.width / self.config.heads / 2;
        let angle = |i: usize| (i / half) as f64 * ROTARY_BASE.powf(-((i % half) as f64) / half as f64);
        let values =
            |f: fn(f64) -> f64| upload((0..t * half).map(|i| f(angle(i)) as f32).collect(), [1, t, 1, half], device);
        Some([values(libm::cos), values(libm::sin)])
    }

    /// Rotates each head's channels: those of a pair are half of the head's width apart, as in `transformers`' llama.
    fn rotate(&self, x: Tensor<3>, [cos, sin]: &[Tensor<4>; 2]) -> Tensor<3> {
        let ([b, t, c], heads) = (x.dims(), self.config.heads);
        let half = c / heads / 2;
        let x = x.reshape([b, t, heads, 2 * half]);
        let (first, second) = (x.clone().narrow(3, 0, half), x.narrow(3, half, half));
        let (cos, sin) = (cos.clone(), sin.clone());
        let turned = [first.clone() * cos.clone() - second.clone() * sin.clone(), second * cos + first * sin];
        Tensor::cat(turned.to_vec(), 3).reshape([b, t, c])
    }
}

fn dropped(x: Tensor<3>, noise: &mut Noise) -> Tensor<3> {
    match noise {
        Some((probability, stream)) => dropout(x, *probability, stream),
        None => x,
    }
}
