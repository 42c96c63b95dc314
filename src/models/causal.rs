//! A causal language model on any device: its architecture, its cache, and the walk through its layers.

use crate::error::{Code, Error, Result};
use crate::nn::engine::{Engine, Heads, Linear, Matrix, Norm, Rope};
use async_trait::async_trait;

/// Which network a checkpoint is for.
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

/// The sizes of a network, as its checkpoint states them.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    pub family: Family,
    pub vocab: usize,
    /// Numbers of the residual stream.
    pub width: usize,
    pub layers: usize,
    pub heads: Heads,
    /// Numbers inside the MLP.
    pub hidden: usize,
    /// Positions that it was trained for.
    pub context: usize,
    /// Of its norms.
    pub eps: f32,
    /// `None` where positions are learned (GPT-2).
    pub rope: Option<Rotary>,
    /// The head is the token embedding.
    pub tied: bool,
    /// Attention and MLP read the same input (GPT-NeoX).
    pub parallel: bool,
}

/// How a checkpoint states its rotary positions.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotary {
    pub base: f32,
    /// The first numbers of each head are turned.
    pub dims: usize,
    /// Pairs lie side by side (llama GGUF files) or half of `dims` apart (the safetensors of `transformers`).
    pub interleaved: bool,
    /// Divides the frequency of each pair; empty where there is no such scaling.
    pub factors: Vec<f32>,
}

impl Rotary {
    fn rope(&self) -> Rope {
        let frequency = |pair: usize| {
            let factor = f64::from(self.factors.get(pair).copied().unwrap_or(1.0));
            (f64::from(self.base).powf(-2.0 * pair as f64 / self.dims as f64) / factor) as f32
        };
        Rope { frequencies: (0..self.dims / 2).map(frequency).collect(), interleaved: self.interleaved }
    }
}

/// Where weights come from, by the names of `transformers`.
pub trait Tensors {
    fn has(&self, name: &str) -> bool;

    /// One tensor: `[rows, cols]`; vectors have one row.
    fn matrix(&self, name: &str) -> Result<Matrix>;
}

/// A network in terms of an engine's operations. `x` is the residual stream, `[n, width]`.
pub trait Network<E: Engine>: Sized {
    /// Loads all but the layers.
    fn begin(architecture: &Architecture, engine: &E, tensors: &dyn Tensors) -> Result<Self>;

    /// Loads the next layer.
    fn push_layer(&mut self, architecture: &Architecture, engine: &E, tensors: &dyn Tensors) -> Result<()>;

    /// The residual stream before the first layer, for tokens at positions `at..`.
    fn embed(&self, engine: &E, ids: &[u32], at: usize) -> E::Rows;

    /// Layer `layer`.
    fn layer(&self, run: &mut Run<'_, E>, layer: usize, x: &E::Rows) -> E::Rows;

    /// Logits `[n, vocab]` of a residual stream.
    fn head(&self, engine: &E, x: &E::Rows) -> E::Rows;
}

/// What a layer works with.
pub struct Run<'a, E: Engine> {
    pub engine: &'a E,
    pub architecture: &'a Architecture,
    pub rope: Option<&'a Rope>,
    pub cache: &'a mut E::Cache,
    /// Position of the first row.
    pub at: usize,
    /// The layer whose attention is wanted.
    pub wanted: Option<usize>,
    /// What the heads of the last row attend to there, `[heads, at + 1]`.
    pub attention: Option<E::Rows>,
}

impl<E: Engine> Run<'_, E> {
    /// Causal attention with the cache of `layer`, from queries, keys and values.
    pub fn attend(&mut self, layer: usize, q: &E::Rows, k: &E::Rows, v: &E::Rows) -> E::Rows {
        let rope = self.rope;
        let out = self.engine.attend(q, k, v, self.cache, layer, self.at, rope);
        if self.wanted == Some(layer) {
            self.attention = Some(self.engine.attention(q, self.cache, layer, self.at, rope));
        }
        out
    }
}

/// What happens inside at one position.
#[derive(Debug, Clone, Default)]
pub struct Inspection {
    /// `[heads, position + 1]` of the layer asked for.
    pub attention: Option<Vec<f32>>,
    /// Logits after the embedding and after each layer; empty unless asked for.
    pub lens: Vec<Vec<f32>>,
}

/// A language model that is loaded part by part and then fed tokens.
#[async_trait(?Send)]
pub trait LanguageModel {
    fn architecture(&self) -> &Architecture;

    /// Positions of its cache.
    fn context(&self) -> usize;

    /// Loads the next part; returns parts loaded and parts in all.
    fn load(&mut self, tensors: &dyn Tensors) -> Result<(usize, usize)>;

    /// Takes tokens at positions `at..` into the cache; returns the logits after the last, `[vocab]`.
    ///
    /// # Errors
    /// `BadCommand` beyond the cache or the vocabulary; `DeviceLost`.
    async fn logits(&mut self, ids: &[u32], at: usize) -> Result<Vec<f32>>;

    /// Looks inside at the token at position `at`, all before which are in the cache: the attention of a layer, and the
    /// logit lens. One token's computation more, and the head once a layer for the lens.
    async fn inspect(&mut self, id: u32, at: usize, attention: Option<usize>, lens: bool) -> Result<Inspection>;
}

/// A model to be loaded, with a cache of `context` positions.
pub fn open<E: Engine + 'static>(
    engine: E,
    architecture: Architecture,
    context: usize,
) -> Result<Box<dyn LanguageModel>> {
    use super::{gpt_neox::GptNeoX, gpt2::Gpt2, llama::Llama};
    Ok(match architecture.family {
        Family::Llama | Family::Qwen2 | Family::Qwen3 => {
            Box::new(Causal::<E, Llama<E>>::new(engine, architecture, context)?)
        }
        Family::Gpt2 => Box::new(Causal::<E, Gpt2<E>>::new(engine, architecture, context)?),
        Family::NeoX => Box::new(Causal::<E, GptNeoX<E>>::new(engine, architecture, context)?),
    })
}

struct Causal<E: Engine, N> {
    engine: E,
    architecture: Architecture,
    network: Option<N>,
    loaded: usize,
    cache: E::Cache,
    context: usize,
    rope: Option<Rope>,
}

impl<E: Engine, N: Network<E>> Causal<E, N> {
    fn new(engine: E, architecture: Architecture, context: usize) -> Result<Self> {
        // Learned positions end; rotary ones go on, if badly: no promise is made beyond the training's.
        let context = context.min(architecture.context).max(1);
        let cache = engine.cache(architecture.layers, context, architecture.heads)?;
        let rope = architecture.rope.as_ref().map(Rotary::rope);
        Ok(Self { engine, architecture, network: None, loaded: 0, cache, context, rope })
    }

    /// The network and a run of it for these tokens, if it is loaded and they fit.
    fn run(&mut self, ids: &[u32], at: usize) -> Result<(&N, Run<'_, E>)> {
        if at + ids.len() > self.context || ids.is_empty() {
            return Err(Error::new(
                Code::BadCommand,
                format!("The text is longer than the {} tokens that fit.", self.context),
                "Shorten it, or open it with a larger context.",
            ));
        }
        if let Some(id) = ids.iter().find(|&&id| id as usize >= self.architecture.vocab) {
            return Err(Error::bad_command(format!("The model has no token {id}.")));
        }
        let network = self.network.as_ref().filter(|_| self.loaded > self.architecture.layers);
        let run = Run {
            engine: &self.engine,
            architecture: &self.architecture,
            rope: self.rope.as_ref(),
            cache: &mut self.cache,
            at,
            wanted: None,
            attention: None,
        };
        Ok((network.ok_or_else(|| Error::internal("The model has not been loaded yet."))?, run))
    }
}

#[async_trait(?Send)]
impl<E: Engine, N: Network<E>> LanguageModel for Causal<E, N> {
    fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    fn context(&self) -> usize {
        self.context
    }

    fn load(&mut self, tensors: &dyn Tensors) -> Result<(usize, usize)> {
        match &mut self.network {
            None => self.network = Some(N::begin(&self.architecture, &self.engine, tensors)?),
            Some(network) if self.loaded <= self.architecture.layers => {
                network.push_layer(&self.architecture, &self.engine, tensors)?;
            }
            Some(_) => return Ok((self.loaded, self.loaded)),
        }
        self.loaded += 1;
        Ok((self.loaded, self.architecture.layers + 1))
    }

    async fn logits(&mut self, ids: &[u32], at: usize) -> Result<Vec<f32>> {
        let (network, mut run) = self.run(ids, at)?;
        let mut x = network.embed(run.engine, ids, at);
        for layer in 0..run.architecture.layers {
            x = network.layer(&mut run, layer, &x);
        }
        run.engine.read(&network.head(run.engine, &run.engine.last(&x))).await
    }

    async fn inspect(&mut self, id: u32, at: usize, attention: Option<usize>, lens: bool) -> Result<Inspection> {
        let mut inspection = Inspection::default();
        let (network, mut run) = self.run(&[id], at)?;
        run.wanted = attention;
        let (engine, depth) = (run.engine, run.architecture.layers);
        let mut x = network.embed(engine, &[id], at);
        for layer in 0..=depth {
            if lens {
                inspection.lens.push(engine.read(&network.head(engine, &x)).await?);
            }
            if layer < depth {
                x = network.layer(&mut run, layer, &x);
            }
        }
        if let Some(attention) = &run.attention {
            inspection.attention = Some(engine.read(attention).await?);
        }
        Ok(inspection)
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

/// The three parts of a layer that makes queries, keys and values at once; `part(i)` are the rows of part `i`.
pub fn split<E: Engine>(
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
