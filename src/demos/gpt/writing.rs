//! Texts that a model continues, a token of each at a time.

use crate::device::{Device, read_one};
use crate::error::Result;
use crate::generate::{Sampled, SamplerConfig, sample};
use crate::models::gpt::Gpt;
use crate::nn::upload_ids;

/// A text that is being continued.
#[derive(Debug, Clone)]
pub struct Row {
    /// All of its tokens.
    pub ids: Vec<u32>,
    /// How many were given.
    pub given: usize,
    /// What the model weighed for each of the others.
    pub choices: Vec<Sampled>,
    /// The most tokens that are added.
    pub most: usize,
    /// The right continuation, where there is one.
    pub wanted: Option<Vec<u32>>,
    pub ended: bool,
}

/// Texts that are continued together.
#[derive(Debug, Clone)]
pub struct Writing {
    pub rows: Vec<Row>,
    /// The token that ends a text.
    pub end: Option<u32>,
    pub temperature: f32,
    pub seed: u64,
    /// Candidates that are kept for each token.
    pub candidates: usize,
}

impl Row {
    /// A beginning of at least one token.
    pub fn new(ids: Vec<u32>, most: usize, wanted: Option<Vec<u32>>) -> Self {
        Self { given: ids.len(), ids, choices: Vec::new(), most, wanted, ended: false }
    }

    /// Whether it went on as it should; `None` where nothing is asked, or while it goes on.
    pub fn right(&self) -> Option<bool> {
        self.wanted.as_ref().filter(|_| self.ended).map(|wanted| self.ids[self.given..] == wanted[..])
    }
}

impl Writing {
    pub fn ended(&self) -> bool {
        self.rows.iter().all(|row| row.ended)
    }

    /// The texts, written to their ends.
    ///
    /// # Errors
    /// As [`Writing::step`].
    pub async fn written(mut self, model: &Gpt, device: &Device) -> Result<Self> {
        while !self.ended() {
            self.step(model, device).await?;
        }
        Ok(self)
    }

    /// One more token of each text that has not ended: the same seed gives the same random numbers at the same places.
    ///
    /// # Errors
    /// `Diverged`, `DeviceLost`.
    pub async fn step(&mut self, model: &Gpt, device: &Device) -> Result<()> {
        let context = model.config().context;
        let open: Vec<usize> = (0..self.rows.len()).filter(|&at| !self.rows[at].ended).collect();
        let seen = |at: usize| {
            let ids = &self.rows[at].ids;
            &ids[ids.len().saturating_sub(context)..]
        };
        let Some(longest) = open.iter().map(|&at| seen(at).len()).max() else { return Ok(()) };
        let (mut ids, mut last) = (Vec::new(), Vec::new());
        for (row, &at) in open.iter().enumerate() {
            let tokens = seen(at);
            last.push((row * longest + tokens.len() - 1) as i32);
            ids.extend(tokens.iter().map(|&id| id as i32));
            // What follows a token is not seen by it.
            ids.resize((row + 1) * longest, 0);
        }
        let logits = model.forward(upload_ids(ids, [open.len(), longest], device), None);
        let (n, vocabulary) = (open.len(), model.config().vocabulary);
        let logits = logits.select(0, upload_ids(last, [n], device)).reshape([n * vocabulary]);
        let logits = read_one(logits).await?;
        for (&at, logits) in open.iter().zip(logits.chunks_exact(vocabulary)) {
            let (row, seed) = (&mut self.rows[at], self.seed.wrapping_add(at as u64));
            let options = SamplerConfig {
                greedy: row.wanted.is_some() || self.temperature <= 0.0,
                temperature: self.temperature,
                top_k: 0,
                top_p: 1.0,
                min_p: 0.0,
                repetition_penalty: 1.0,
                seed,
            };
            let chosen = sample(logits, &row.ids, &options, row.ids.len(), None, self.candidates)?;
            row.ids.push(chosen.token.id);
            row.ended = Some(chosen.token.id) == self.end || row.ids.len() >= row.given + row.most;
            row.choices.push(chosen);
        }
        Ok(())
    }
}
