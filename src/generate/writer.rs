//! A model that writes: a text of tokens, as much of it in the cache as can be, one token at a time.

use super::sampling::{Choice, Sampling, choose};
use crate::error::{Error, Result};
use crate::models::causal::{Inspection, LanguageModel};

/// Tokens that are taken into the cache at once: enough to load each weight once for several, few enough to be stopped
/// between.
pub const PREFILL: usize = 32;

pub struct Writer {
    model: Box<dyn LanguageModel>,
    ids: Vec<u32>,
    /// The model sees `ids[start..]`, of which the first `cached` are in the cache.
    start: usize,
    cached: usize,
    /// After the last token in the cache.
    logits: Vec<f32>,
}

impl Writer {
    pub fn new(model: Box<dyn LanguageModel>) -> Self {
        Self { model, ids: Vec::new(), start: 0, cached: 0, logits: Vec::new() }
    }

    pub fn model(&self) -> &dyn LanguageModel {
        &*self.model
    }

    /// All tokens, also those that the model no longer sees.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Index of the first token that the model sees.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Replaces the text. What both have in common stays in the cache.
    pub fn set(&mut self, ids: Vec<u32>) {
        let common = self.ids.iter().zip(&ids).take_while(|(a, b)| a == b).count();
        if common < self.start || ids.len() <= self.start {
            (self.start, self.cached) = (0, 0);
        }
        // The last token is fed again: its logits are wanted.
        self.cached =
            self.cached.min(common.saturating_sub(self.start)).min((ids.len() - self.start).saturating_sub(1));
        self.ids = ids;
    }

    /// Tokens that the model has not taken in yet.
    pub fn waiting(&self) -> usize {
        self.ids.len() - self.start - self.cached
    }

    /// No further token fits.
    pub fn is_full(&self) -> bool {
        self.ids.len() - self.start >= self.model.context()
    }

    /// Forgets the older half of what the model sees. The rest is taken in anew, so that its positions begin at zero.
    pub fn slide(&mut self) {
        self.start = self.ids.len() - self.model.context() / 2;
        self.cached = 0;
    }

    /// Takes in the next tokens that wait.
    ///
    /// # Errors
    /// `BadCommand` where the text does not fit; `DeviceLost`.
    pub async fn feed(&mut self) -> Result<()> {
        let chunk = self.waiting().min(PREFILL);
        let from = self.start + self.cached;
        if chunk > 0 {
            self.logits = self.model.logits(&self.ids[from..from + chunk], self.cached).await?;
            self.cached += chunk;
        }
        Ok(())
    }

    /// Chooses the next token, once nothing waits, and appends it.
    ///
    /// # Errors
    /// Where something still waits, or the logits are no numbers.
    pub fn write(&mut self, knobs: &Sampling, forced: Option<u32>, show: usize) -> Result<Choice> {
        if self.waiting() > 0 || self.ids.is_empty() {
            return Err(Error::internal("The model has not read the text yet."));
        }
        let choice = choose(&self.logits, &self.ids[self.start..], knobs, self.ids.len(), forced, show)?;
        self.ids.push(choice.token.id);
        Ok(choice)
    }

    /// The logits after the last token, once nothing waits.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Looks inside at token `index`; `None` where the model does not see it, or has not taken in what comes before.
    pub async fn inspect(&mut self, index: usize, attention: Option<usize>, lens: bool) -> Result<Option<Inspection>> {
        let Some(at) = index.checked_sub(self.start).filter(|&at| at <= self.cached && index < self.ids.len()) else {
            return Ok(None);
        };
        self.model.inspect(self.ids[index], at, attention, lens).await.map(Some)
    }
}
