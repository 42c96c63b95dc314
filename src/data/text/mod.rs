//! Text to learn from, as tokens: small problems with their answers, and corpora of names, plays or poems.

mod characters;
mod corpus;
mod ngram;
mod problems;

pub use characters::Characters;
pub use corpus::{Corpus, CorpusFile};
pub use ngram::Baselines;
pub use problems::{ProblemKind, Problems};

use super::Dataset;
use crate::error::Result;
use crate::poll::Poll;

/// Rows of tokens, each with the token that follows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SequenceBatch {
    /// Tokens in a row.
    pub length: usize,
    /// `[n, length]`, flat.
    pub inputs: Vec<i32>,
    /// The token after each input, `[n, length]`, flat.
    pub targets: Vec<i32>,
    /// 1 where the prediction counts, 0 where it does not: in the question of a problem, and after the end of a row.
    pub weights: Vec<f32>,
}

impl SequenceBatch {
    pub fn new(length: usize) -> Self {
        Self { length, ..Self::default() }
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.inputs.len().checked_div(self.length).unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Adds a row of tokens, of which the first `given` are told and the others are to be predicted. What is longer is cut, what is
    /// shorter is filled up.
    pub fn push(&mut self, tokens: &[u32], given: usize) {
        for at in 0..self.length {
            let token = |i: usize| tokens.get(i).map_or(0, |&id| id as i32);
            self.inputs.push(token(at));
            self.targets.push(token(at + 1));
            self.weights.push(f32::from(u8::from(at + 1 >= given && at + 1 < tokens.len())));
        }
    }

    /// Some rows.
    pub fn rows(&self, rows: std::ops::Range<usize>) -> Self {
        let part = rows.start * self.length..rows.end * self.length;
        Self {
            length: self.length,
            inputs: self.inputs[part.clone()].to_vec(),
            targets: self.targets[part.clone()].to_vec(),
            weights: self.weights[part].to_vec(),
        }
    }

    /// At most `n` rows, evenly spaced.
    pub fn thinned(&self, n: usize) -> Self {
        let (all, n) = (self.len(), n.min(self.len()));
        let mut thinned = Self::new(self.length);
        for row in (0..n).map(|k| k * all / n) {
            let row = self.rows(row..row + 1);
            thinned.inputs.extend(row.inputs);
            thinned.targets.extend(row.targets);
            thinned.weights.extend(row.weights);
        }
        thinned
    }
}

/// A dataset of text.
pub trait Text: Dataset<Batch = SequenceBatch> {
    /// Its characters, or what is still missing.
    ///
    /// # Errors
    /// Where a file cannot be fetched or read.
    fn characters(&mut self) -> Result<Poll<Characters>>;

    /// Tokens in a row of a batch.
    fn length(&self) -> usize;

    /// What simple models reach on the held-out text; `None` for problems, or while the text is not here.
    fn baselines(&self) -> Option<Baselines>;

    /// Beginnings that a model is asked to continue, and the right answer of each where there is one.
    fn prompts(&self) -> Vec<(String, Option<String>)>;

    /// The character that ends a text, where one does.
    fn end(&self) -> Option<char>;
}
