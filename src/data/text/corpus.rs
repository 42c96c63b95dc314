//! A text that is learnt from: in rows of one line each, or in windows of a running text.

use super::{Baselines, Characters, SequenceBatch, Text};
use crate::data::sampler::Sampler;
use crate::data::{Dataset, Position, Source, idx};
use crate::error::{Error, Result};
use crate::poll::Poll;
use crate::ready;
use crate::rng::{Purpose, Stream};
use std::rc::Rc;

/// A text that Kiln brings.
#[derive(Debug, Clone, Copy)]
pub struct CorpusFile {
    /// In `www/data/text/`.
    pub name: &'static str,
    /// Each line is a text of its own, and the lines are in no order.
    pub lines: bool,
    /// Beginnings that a model is asked to continue.
    pub prompts: &'static [&'static str],
}

/// The share of the text, from its end, that is never trained on.
const HELD_OUT: f64 = 0.1;

/// Rows of lines are a multiple of this long.
const STEP: usize = 4;

pub struct Corpus {
    source: Rc<dyn Source>,
    file: CorpusFile,
    context: usize,
    text: Option<Tokens>,
    /// Where windows of a running text begin.
    windows: Stream,
    /// The order of lines, and where it is to go on once they are here.
    lines: Sampler,
    sought: Option<Position>,
}

/// The text as tokens.
struct Tokens {
    characters: Characters,
    train: Vec<u32>,
    held_out: Vec<u32>,
    /// Where each line of `train` begins: after the end of the line before.
    starts: Vec<u32>,
    end: u32,
}

impl Corpus {
    /// `context` is the number of tokens in a row.
    pub fn new(source: Rc<dyn Source>, file: CorpusFile, context: usize, seed: u64) -> Self {
        let windows = Stream::new(seed, Purpose::Order);
        Self { source, file, context, text: None, windows, lines: Sampler::new(seed), sought: None }
    }

    fn arrive(&mut self) -> Result<Poll<&Tokens>> {
        if self.text.is_none() {
            let bytes = idx::unpacked(&ready!(self.source.poll(&format!("www/data/text/{}.txt.gz", self.file.name))?))?;
            let text = String::from_utf8(bytes).map_err(|_| Error::bad_file("A text of the page is damaged."))?;
            self.text = Some(Tokens::new(&text, self.file.lines, self.context)?);
            if let Some(position) = self.sought.take() {
                self.seek(position);
            }
        }
        self.text.as_ref().map(Poll::Ready).ok_or_else(|| Error::internal("There is no text."))
    }
}

impl Tokens {
    fn new(text: &str, lines: bool, context: usize) -> Result<Self> {
        // A line begins after the end of the one before.
        let text = if lines { format!("\n{}\n", text.trim()) } else { text.to_string() };
        let characters = Characters::of(&text);
        let end = characters.id('\n').unwrap_or_default();
        let mut train = characters.encode(&text);
        let mut at = (train.len() as f64 * (1.0 - HELD_OUT)) as usize;
        if lines {
            at = (at..train.len()).find(|&i| train[i] == end).unwrap_or(at);
        }
        let held_out = train.split_off(at);
        if train.len() <= context + 1 || held_out.len() <= context + 1 {
            return Err(Error::bad_file(format!("The text is too short for a context of {context} characters.")));
        }
        // The held-out part begins with the end of the last line.
        train.push(end);
        let starts = (0..).zip(&train).filter(|&(at, &id)| id == end && at + 1 < train.len()).map(|(at, _)| at as u32);
        let starts = starts.collect();
        Ok(Self { characters, train, held_out, starts, end })
    }

    /// A line with the ends before and after it.
    fn line(&self, tokens: &[u32], start: usize) -> Vec<u32> {
        let rest = &tokens[start + 1..];
        let length = rest.iter().position(|&id| id == self.end).map_or(rest.len(), |at| at + 1);
        tokens[start..start + 1 + length].to_vec()
    }
}

impl Dataset for Corpus {
    type Batch = SequenceBatch;

    fn batch(&mut self, n: usize) -> Result<Poll<SequenceBatch>> {
        ready!(self.arrive()?);
        let Self { text: Some(text), windows, lines, .. } = self else {
            return Err(Error::internal("There is no text."));
        };
        let row = |_| {
            if self.file.lines {
                let line = lines.next(&|_, stream| stream.permutation(text.starts.len()));
                return text.line(&text.train, text.starts[line] as usize);
            }
            let start = windows.below(text.train.len() - self.context);
            text.train[start..=start + self.context].to_vec()
        };
        let rows: Vec<_> = (0..n).map(row).collect();
        // No longer than the longest line needs: in steps, since a GPU compiles anew for each size.
        let longest = rows.iter().map(|row| row.len() - 1).max().unwrap_or(1);
        let mut batch = SequenceBatch::new(longest.next_multiple_of(STEP).min(self.context));
        rows.iter().for_each(|row| batch.push(row, 1));
        Ok(Poll::Ready(batch))
    }

    /// Every line, or windows one after the other.
    fn held_out(&mut self) -> Result<Poll<SequenceBatch>> {
        let (context, lines) = (self.context, self.file.lines);
        let text = ready!(self.arrive()?);
        let mut batch = SequenceBatch::new(context);
        if lines {
            let ends = (0..text.held_out.len() - 1).filter(|&at| text.held_out[at] == text.end);
            ends.for_each(|start| batch.push(&text.line(&text.held_out, start), 1));
        } else {
            let starts = (0..text.held_out.len() - 1).step_by(context);
            starts.for_each(|start| batch.push(&text.held_out[start..text.held_out.len().min(start + context + 1)], 1));
        }
        Ok(Poll::Ready(batch))
    }

    fn position(&self) -> Position {
        if self.file.lines {
            return self.sought.unwrap_or_else(|| self.lines.position());
        }
        Position { refilled_at: self.windows.position() as u64, ..Position::default() }
    }

    fn seek(&mut self, position: Position) {
        match (&self.text, self.file.lines) {
            (Some(text), true) => {
                let lines = text.starts.len();
                self.lines.seek(position, &|_, stream| stream.permutation(lines));
            }
            (None, true) => self.sought = Some(position),
            (_, false) => self.windows.seek(u128::from(position.refilled_at)),
        }
    }
}

impl Text for Corpus {
    fn characters(&mut self) -> Result<Poll<Characters>> {
        Ok(self.arrive()?.map(|text| text.characters.clone()))
    }

    fn length(&self) -> usize {
        self.context
    }

    fn baselines(&self) -> Option<Baselines> {
        self.text.as_ref().map(|text| Baselines::new(text.characters.len(), &text.train, &text.held_out))
    }

    fn prompts(&self) -> Vec<(String, Option<String>)> {
        self.file.prompts.iter().map(|&prompt| (prompt.into(), None)).collect()
    }

    fn end(&self) -> Option<char> {
        self.file.lines.then_some('\n')
    }
}
