//! Language models: the trait that everything that reads text from one uses, and a transformer on any engine behind it.

use super::transformer::{Architecture, LoadNetwork, Network, RopeConfig, Run, Tensors};
use crate::error::{Code, Error, Result};
use crate::nn::engine::{Engine, Rope};
use async_trait::async_trait;

/// What was computed inside the model at one position.
#[derive(Debug, Clone, Default)]
pub struct Inspection {
    /// The attention weights of the layer asked for, `[heads, position + 1]`.
    pub attention: Option<Vec<f32>>,
    /// The logit lens: logits after the embedding and after each layer; empty unless asked for.
    pub lens: Vec<Vec<f32>>,
}

/// A causal language model with its key-value cache.
#[async_trait(?Send)]
pub trait LanguageModel {
    fn architecture(&self) -> &Architecture;

    /// Positions in the cache.
    fn context(&self) -> usize;

    /// Runs tokens at positions `at..` and adds them to the cache; returns the logits after the last, `[vocab]`.
    ///
    /// # Errors
    /// `BadCommand` for a position beyond the cache or a token outside the vocabulary; `DeviceLost`.
    async fn logits(&mut self, ids: &[u32], at: usize) -> Result<Vec<f32>>;

    /// Runs the token at position `at` once more, whose predecessors are in the cache, for the attention weights of a layer and the
    /// logit lens. The lens computes the head once a layer.
    async fn inspect(&mut self, id: u32, at: usize, attention: Option<usize>, lens: bool) -> Result<Inspection>;
}

/// Loads a language model part by part.
pub trait LanguageModelLoader {
    /// Loads the next part; returns parts loaded and parts in all.
    ///
    /// # Errors
    /// Those of `tensors` and of the device.
    fn load(&mut self, tensors: &dyn Tensors) -> Result<(usize, usize)>;

    /// The model, once all parts are loaded.
    ///
    /// # Errors
    /// `Internal` where parts are missing.
    fn finish(self: Box<Self>) -> Result<Box<dyn LanguageModel>>;
}

/// A model that is being loaded.
struct Loader<E: Engine, N> {
    engine: E,
    architecture: Architecture,
    network: Option<N>,
    /// Parts that are loaded: everything except the layers, then each layer.
    loaded: usize,
    cache: E::Cache,
    context: usize,
}

/// A loader of a model of network `N` with a cache of `context` positions, or of as many as the model was trained for.
///
/// # Errors
/// `Unsupported` where the cache does not fit.
pub fn loader<E: Engine + 'static, N: LoadNetwork<E> + Network<E> + 'static>(
    engine: E,
    architecture: Architecture,
    context: usize,
) -> Result<Box<dyn LanguageModelLoader>> {
    // Rotary positions could go on beyond the training context, but badly; learned positions end there.
    let context = context.min(architecture.context).max(1);
    let cache = engine.cache(architecture.layers, context, architecture.heads)?;
    Ok(Box::new(Loader::<E, N> { engine, architecture, network: None, loaded: 0, cache, context }))
}

impl<E: Engine + 'static, N: LoadNetwork<E> + Network<E> + 'static> LanguageModelLoader for Loader<E, N> {
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

    fn finish(self: Box<Self>) -> Result<Box<dyn LanguageModel>> {
        let Self { engine, architecture, network, loaded, cache, context } = *self;
        let network = network.filter(|_| loaded > architecture.layers);
        let network = network.ok_or_else(|| Error::internal("The model has not been loaded yet."))?;
        let rope = architecture.rope.as_ref().map(RopeConfig::rope);
        Ok(Box::new(CausalModel { engine, architecture, network, cache, context, rope }))
    }
}

/// A network with its engine and its cache.
struct CausalModel<E: Engine, N> {
    engine: E,
    architecture: Architecture,
    network: N,
    cache: E::Cache,
    context: usize,
    rope: Option<Rope>,
}

impl<E: Engine, N: Network<E>> CausalModel<E, N> {
    /// The network and a forward pass of it for these tokens, if they fit.
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
        let run = Run {
            engine: &self.engine,
            architecture: &self.architecture,
            rope: self.rope.as_ref(),
            cache: &mut self.cache,
            at,
            wanted: None,
            attention: None,
        };
        Ok((&self.network, run))
    }
}

#[async_trait(?Send)]
impl<E: Engine, N: Network<E>> LanguageModel for CausalModel<E, N> {
    fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    fn context(&self) -> usize {
        self.context
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
