//! The model that learns, what it is measured on, and what it writes.

use super::config::Config;
use super::writing::{Row, Writing};
use crate::data::text::{Baselines, Characters, SequenceBatch, Text};
use crate::demos::Context;
use crate::device::{Device, read};
use crate::error::{Error, Result};
use crate::models::gpt::Gpt;
use crate::poll::Poll;
use crate::ready;
use crate::rng::Purpose;
use crate::train::{TokenBatch, Trainer, losses_of};

/// Tokens that an evaluation looks at: those of at most so many rows.
const MEASURED_TOKENS: usize = 15_000;
/// Tokens that are run at once.
const CHUNK: usize = 2_000;
/// Candidates that are shown of each token of the person's text.
const CANDIDATES: usize = 8;

pub struct GptDemo {
    pub learner: Option<Learner>,
    pub held_out: Option<HeldOut>,
    /// Continuations of the fixed beginnings, of the latest evaluation, and the step whose model wrote them.
    pub completions: Option<(u32, Writing)>,
    /// The step of the continuations that the page has.
    pub told: Option<u32>,
    /// The share of right tokens at each place of the answer, of the latest evaluation.
    pub places: Vec<f32>,
    /// The person's text; it is written anew where it is `None`.
    pub text: Option<Writing>,
    /// The token that the person chose; otherwise the last.
    pub chosen: Option<usize>,
    /// With autodiff.
    device: Device,
}

/// The network, and what its tokens stand for.
pub struct Learner {
    pub trainer: Trainer<Gpt>,
    pub characters: Characters,
    pub parameters: usize,
}

/// What is never trained on.
pub struct HeldOut {
    pub all: SequenceBatch,
    /// The part that evaluations look at while it trains.
    pub part: SequenceBatch,
    pub baselines: Option<Baselines>,
}

/// An evaluation that is under way.
pub struct Check {
    /// The step at which it began.
    step: u32,
    model: Gpt,
    batch: SequenceBatch,
    /// Rows that were measured.
    rows: usize,
    nats: f64,
    counted: f64,
    whole: usize,
    /// Right predictions at each place of a row, and how many there were.
    places: Vec<[f32; 2]>,
    writing: Writing,
}

/// What an evaluation has found.
pub struct Found {
    /// Nats a token.
    pub nats: f64,
    /// The share of rows that are right from the first token that counts to the last.
    pub right: f64,
}

impl GptDemo {
    /// # Errors
    /// `Unsupported` for sizes that do not fit together.
    pub fn new(config: &Config, data: &dyn Text, context: &Context) -> Result<Self> {
        // Sizes that do not fit together are told of before a text is fetched.
        config.network(1, data.length()).check()?;
        Ok(Self {
            learner: None,
            held_out: None,
            completions: None,
            told: None,
            places: Vec::new(),
            text: None,
            chosen: None,
            device: context.device.clone(),
        })
    }

    /// A fresh network for these characters.
    ///
    /// # Errors
    /// As [`GptDemo::new`].
    pub fn fresh(&self, config: &Config, characters: Characters, length: usize) -> Result<Learner> {
        let network = config.network(characters.len(), length);
        let model = network.init(&mut config.run.stream(Purpose::Weights), &self.device)?;
        let parameters = burn::module::Module::num_params(&model);
        let trainer = Trainer::new("transformer", model, self.device.clone());
        Ok(Learner { trainer, characters, parameters })
    }

    /// Takes in the text, once it is here.
    ///
    /// # Errors
    /// Those of the text; `BadFile` where a checkpoint is of another text.
    pub fn arrive(&mut self, config: &Config, data: &mut dyn Text) -> Result<Poll<()>> {
        if self.held_out.is_some() && self.learner.is_some() {
            return Ok(Poll::Ready(()));
        }
        let characters = ready!(data.characters()?);
        let all = ready!(data.held_out()?);
        match &self.learner {
            Some(learner) if learner.characters != characters => {
                return Err(Error::bad_file("The checkpoint is of a text with other characters."));
            }
            Some(_) => {}
            None => self.learner = Some(self.fresh(config, characters, data.length())?),
        }
        let part = all.thinned(MEASURED_TOKENS / data.length());
        self.held_out = Some(HeldOut { all, part, baselines: data.baselines() });
        Ok(Poll::Ready(()))
    }

    pub fn learner(&self) -> Result<&Learner> {
        self.learner.as_ref().ok_or_else(|| Error::internal("The text is not here."))
    }

    /// Beginnings to be continued.
    pub fn writing(&self, config: &Config, data: &dyn Text, rows: Vec<Row>, candidates: usize) -> Result<Writing> {
        let end = data.end().and_then(|c| self.learner.as_ref()?.characters.id(c));
        let (temperature, seed) = (config.temperature as f32, u64::from(config.run.seed));
        Ok(Writing { rows, end, temperature, seed, candidates })
    }

    /// A beginning as tokens: a line begins after the end of one, and so does an empty text.
    pub fn beginning(&self, data: &dyn Text, prompt: &str) -> Result<Vec<u32>> {
        let characters = &self.learner()?.characters;
        let mut ids = characters.encode(prompt);
        if data.end().is_some() || ids.is_empty() {
            ids.insert(0, characters.id('\n').unwrap_or_default());
        }
        Ok(ids)
    }

    /// The fixed beginnings, before the model has written anything.
    fn fixed(&self, config: &Config, data: &dyn Text) -> Result<Writing> {
        let learner = self.learner()?;
        let row = |(prompt, answer): (String, Option<String>)| {
            let wanted = answer.map(|text| learner.characters.encode(&text));
            let most = wanted.as_ref().map_or(config.longest(), Vec::len);
            Ok(Row::new(self.beginning(data, &prompt)?, most, wanted))
        };
        let rows = data.prompts().into_iter().map(row).collect::<Result<_>>()?;
        self.writing(config, data, rows, 0)
    }

    /// An evaluation of the model as it is now on these rows.
    pub fn check(&self, config: &Config, data: &dyn Text, step: u32, batch: SequenceBatch) -> Result<Check> {
        let places = vec![[0.0; 2]; batch.length];
        let writing = self.fixed(config, data)?;
        let model = self.learner()?.trainer.sampler();
        Ok(Check { step, model, batch, rows: 0, nats: 0.0, counted: 0.0, whole: 0, places, writing })
    }

    /// A part of an evaluation.
    ///
    /// # Errors
    /// `Diverged`, `DeviceLost`.
    pub async fn look(&mut self, check: &mut Check) -> Result<Option<Found>> {
        let plain = self.device.clone().inner();
        if check.rows < check.batch.len() {
            check.measure(&plain).await?;
            return Ok(None);
        }
        if !check.writing.ended() {
            check.writing.step(&check.model, &plain).await?;
            return Ok(None);
        }
        self.completions = Some((check.step, check.writing.clone()));
        // What is written now is of the same model.
        self.text = None;
        let counted = check.places.iter().filter(|[_, n]| *n > 0.0);
        self.places = counted.map(|[right, n]| right / n).collect();
        Ok(Some(Found { nats: check.nats / check.counted, right: check.whole as f64 / check.rows as f64 }))
    }

    /// Writes the person's text, if it is not written yet; the fixed beginnings, too, where no evaluation has continued them.
    ///
    /// # Errors
    /// `Diverged`, `DeviceLost`.
    pub async fn write(&mut self, config: &Config, data: &dyn Text, step: u32) -> Result<()> {
        let Some(learner) = &self.learner else { return Ok(()) };
        let (model, plain) = (learner.trainer.sampler(), self.device.clone().inner());
        if self.completions.is_none() {
            self.completions = Some((step, self.fixed(config, data)?.written(&model, &plain).await?));
        }
        if self.text.is_none() {
            // Where there is an answer, the text is a problem, and ends with it.
            let (question, answer) = data.prompts().into_iter().next().unwrap_or_default();
            let most = answer.as_ref().map_or(config.longest(), String::len);
            let prompt = if config.prompt.is_empty() && answer.is_some() { &question } else { &config.prompt };
            let row = Row::new(self.beginning(data, prompt)?, most, None);
            self.text = Some(self.writing(config, data, vec![row], CANDIDATES)?.written(&model, &plain).await?);
        }
        Ok(())
    }
}

impl Check {
    async fn measure(&mut self, device: &Device) -> Result<()> {
        let length = self.batch.length;
        let until = self.batch.len().min(self.rows + (CHUNK / length).max(1));
        let SequenceBatch { inputs, targets, weights, .. } = self.batch.rows(self.rows..until);
        let tokens = TokenBatch::new(length, inputs, targets, weights.clone(), device);
        let found = read(losses_of(&self.model, tokens).to_vec()).await?;
        let rows = found[0].chunks_exact(length).zip(found[1].chunks_exact(length)).zip(weights.chunks_exact(length));
        for ((losses, right), weights) in rows {
            let mut whole = true;
            for at in (0..length).filter(|&at| weights[at] > 0.0) {
                self.nats += f64::from(losses[at]);
                self.counted += 1.0;
                whole &= right[at] > 0.5;
                self.places[at][0] += right[at];
                self.places[at][1] += 1.0;
            }
            self.whole += usize::from(whole);
        }
        self.rows = until;
        Ok(())
    }
}
