//! Text generation, one token at a time, with as much of the text as possible in the cache.

use super::sampler::{Sampled, SamplerConfig, sample};
use crate::error::{Error, Result};
use crate::models::language_model::{Inspection, LanguageModel};

/// Tokens that are added to the cache at once: enough to load each weight once for several of them, few enough to be interrupted.
pub const PREFILL_CHUNK: usize = 32;

pub struct TextGenerator {
    model: Box<dyn LanguageModel>,
    ids: Vec<u32>,
    /// The window of the model is `ids[start..]`, of which the first `cached` are in the cache.
    start: usize,
    cached: usize,
    /// The logits after the last token in the cache.
    logits: Vec<f32>,
}

impl TextGenerator {
    pub fn new(model: Box<dyn LanguageModel>) -> Self {
        Self { model, ids: Vec::new(), start: 0, cached: 0, logits: Vec::new() }
    }

    pub fn model(&self) -> &dyn LanguageModel {
        &*self.model
    }

    /// All tokens, including those outside the window of the model.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The index of the first token in the window.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Replaces the text. The common prefix stays in the cache.
    pub fn set(&mut self, ids: Vec<u32>) {
        let common = self.ids.iter().zip(&ids).take_while(|(a, b)| a == b).count();
        if common < self.start || ids.len() <= self.start {
            (self.start, self.cached) = (0, 0);
        }
        // The last token is run again for its logits.
        self.cached =
            self.cached.min(common.saturating_sub(self.start)).min((ids.len() - self.start).saturating_sub(1));
        self.ids = ids;
    }

    /// Tokens that are not in the cache yet.
    pub fn pending(&self) -> usize {
        self.ids.len() - self.start - self.cached
    }

    /// Whether the window is full.
    pub fn is_full(&self) -> bool {
        self.ids.len() - self.start >= self.model.context()
    }

    /// Drops the older half of the window. The rest is run again, so that its positions begin at 0.
    pub fn slide(&mut self) {
        self.start = self.ids.len() - self.model.context() / 2;
        self.cached = 0;
    }

    /// Runs the next pending tokens.
    ///
    /// # Errors
    /// `BadCommand` where the text does not fit; `DeviceLost`.
    pub async fn prefill(&mut self) -> Result<()> {
        let chunk = self.pending().min(PREFILL_CHUNK);
        let from = self.start + self.cached;
        if chunk > 0 {
            self.logits = self.model.logits(&self.ids[from..from + chunk], self.cached).await?;
            self.cached += chunk;
        }
        Ok(())
    }

    /// Samples the next token, once nothing is pending, and appends it.
    ///
    /// # Errors
    /// `Internal` where tokens are pending, `Diverged` where the logits are not finite.
    pub fn sample_next(&mut self, config: &SamplerConfig, forced: Option<u32>, show: usize) -> Result<Sampled> {
        if self.pending() > 0 || self.ids.is_empty() {
            return Err(Error::internal("The model has not read the text yet."));
        }
        let choice = sample(&self.logits, &self.ids[self.start..], config, self.ids.len(), forced, show)?;
        self.ids.push(choice.token.id);
        Ok(choice)
    }

    /// The logits after the last token, once nothing is pending.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// What is computed inside the model at token `index`; `None` where it is outside the window, or its predecessors are not in the cache.
    pub async fn inspect(&mut self, index: usize, attention: Option<usize>, lens: bool) -> Result<Option<Inspection>> {
        let Some(at) = index.checked_sub(self.start).filter(|&at| at <= self.cached && index < self.ids.len()) else {
            return Ok(None);
        };
        self.model.inspect(self.ids[index], at, attention, lens).await.map(Some)
    }
}
