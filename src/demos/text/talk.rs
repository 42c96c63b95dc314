//! An open model in conversation: reads the turns, writes the answers, stops where it should.

use super::config::{Config, Full};
use super::edits::Edits;
use super::timing::Timing;
use super::transcript::{Voice, written};
use crate::demos::Stepped;
use crate::demos::text_view::{Author, Piece};
use crate::error::Result;
use crate::generate::TextGenerator;
use crate::poll::{Poll, Progress};
use crate::text::{StopStrings, Utf8Decoder};
use std::rc::Rc;

pub struct Talk {
    pub voice: Voice,
    pub writer: TextGenerator,
    pub pieces: Vec<Piece>,
    /// The turn that is answered.
    pub turn: usize,
    pub stop: Stop,
    pub timing: Timing,
    /// Tokens that this answer may have: more each time the person lets it go on.
    allowance: usize,
    stops: StopStrings,
    utf8: Utf8Decoder,
    /// The first piece that has changed since it was shown.
    pub changed: usize,
    /// It stopped before it was opened here: the first step says so, and only the next goes on.
    stood: bool,
}

/// Why the answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    None,
    End,
    Length,
    Context,
    String,
}

impl Stop {
    pub fn name(self) -> &'static str {
        match self {
            Stop::None => "",
            Stop::End => "end",
            Stop::Length => "length",
            Stop::Context => "context",
            Stop::String => "string",
        }
    }
}

/// Candidates that are kept for each token.
const SHOWN: usize = 10;

impl Talk {
    pub fn new(
        config: &Config,
        voice: Voice,
        writer: TextGenerator,
        restored: Vec<Piece>,
        clock: Rc<dyn Fn() -> f64>,
    ) -> Result<Self> {
        let mut talk = Self {
            voice,
            writer,
            pieces: Vec::new(),
            turn: 0,
            stop: Stop::None,
            timing: Timing::new(clock),
            allowance: config.max_tokens as usize,
            stops: StopStrings::new(&config.stops()),
            utf8: Utf8Decoder::new(),
            changed: 0,
            stood: false,
        };
        let vocab = talk.vocab();
        if restored.is_empty() || restored.iter().any(|p| p.id as usize >= vocab) {
            talk.ask(config, 0)?;
        } else {
            talk.pieces = restored;
            talk.resume(config);
            talk.stood = talk.stop != Stop::None;
        }
        Ok(talk)
    }

    pub fn vocab(&self) -> usize {
        self.writer.model().architecture().vocab
    }

    /// One token of the answer, or some of the question.
    pub async fn step(&mut self, config: &Config) -> Result<Poll<Stepped>> {
        if std::mem::take(&mut self.stood) && !self.asked_more(config) {
            return Ok(Poll::Ready(Stepped::Ended));
        }
        match self.stop {
            Stop::None => {}
            _ if self.asked_more(config) => self.ask(config, self.turn + 1)?,
            // Asked to run after it stopped: it goes on.
            Stop::Length | Stop::String => self.go_on(config),
            Stop::Context if config.full == Full::Slide => self.go_on(config),
            Stop::End | Stop::Context => return Ok(Poll::Ready(Stepped::Ended)),
        }
        if self.pieces.is_empty() {
            return Ok(Poll::Ready(Stepped::Ended)); // nothing was asked yet
        }
        let began = self.timing.now();
        if self.writer.is_full() && config.full == Full::Slide {
            self.writer.slide();
        }
        self.writer.prefill().await?;
        if self.writer.pending() > 0 {
            let total = (self.writer.ids().len() - self.writer.start()) as f64;
            let done = total - self.writer.pending() as f64;
            return Ok(Progress::work("prompt", done, total).into());
        }
        if self.writer.is_full() && config.full == Full::Stop {
            self.stop = Stop::Context;
            return Ok(Poll::Ready(Stepped::Ended));
        }
        self.write(config)?;
        self.timing.count(began);
        let ended = self.stop != Stop::None && !self.asked_more(config);
        Ok(Poll::Ready(if ended { Stepped::Ended } else { Stepped::Done }))
    }

    fn write(&mut self, config: &Config) -> Result<()> {
        let (edits, at) = (Edits::parse(&config.edits), written(&self.pieces).count());
        let forced = edits.token(at).filter(|&id| (id as usize) < self.vocab());
        let choice = self.writer.sample_next(&config.sampling(edits.seed_change(at)), forced, SHOWN)?;
        let id = choice.token.id;
        let author = if self.voice.chats(config) { Author::Assistant } else { Author::Generated };
        let piece = Piece { id, author, turn: self.turn, choice: Some(choice), forced: forced.is_some() };
        self.pieces.push(piece);
        let text = self.utf8.push(self.voice.tokenizer.bytes(id));
        self.stop = if self.voice.tokenizer.ends().contains(&id) {
            Stop::End
        } else if self.stops.push(&text).stopped.is_some() {
            Stop::String
        } else if self.answer_length() >= self.allowance {
            Stop::Length
        } else {
            Stop::None
        };
        Ok(())
    }

    /// A further turn of the chat waits for its answer.
    fn asked_more(&self, config: &Config) -> bool {
        self.turn + 1 < config.turns().len() && self.voice.chats(config)
    }

    fn answer_length(&self) -> usize {
        self.pieces.iter().rev().take_while(|p| p.turn == self.turn && p.choice.is_some()).count()
    }

    fn go_on(&mut self, config: &Config) {
        self.allowance = self.answer_length() + config.max_tokens as usize;
        (self.stops, self.utf8) = (StopStrings::new(&config.stops()), Utf8Decoder::new());
        self.stop = Stop::None;
    }

    /// Puts the question of a turn to the model.
    fn ask(&mut self, config: &Config, turn: usize) -> Result<()> {
        let kept = self.pieces.iter().position(|p| p.turn >= turn).unwrap_or(self.pieces.len());
        let question = self.voice.ask(config, &self.pieces[..kept], turn)?;
        self.cut(kept);
        self.pieces.extend(question);
        self.turn = turn;
        self.allowance = config.max_tokens as usize;
        (self.stops, self.utf8) = (StopStrings::new(&config.stops()), Utf8Decoder::new());
        self.stop = Stop::None;
        self.timing.ask();
        self.read();
        Ok(())
    }

    /// Goes on from the pieces as they are.
    fn resume(&mut self, config: &Config) {
        self.turn = self.pieces.last().map_or(0, |p| p.turn);
        self.go_on(config);
        self.allowance = config.max_tokens as usize;
        let mut at_stop = false;
        for piece in &self.pieces[self.pieces.len() - self.answer_length()..] {
            let text = self.utf8.push(self.voice.tokenizer.bytes(piece.id));
            at_stop = self.stops.push(&text).stopped.is_some();
        }
        let ended =
            self.pieces.last().is_some_and(|p| p.choice.is_some() && self.voice.tokenizer.ends().contains(&p.id));
        if ended {
            self.stop = Stop::End;
        } else if at_stop {
            self.stop = Stop::String;
        } else if self.answer_length() >= self.allowance {
            self.stop = Stop::Length;
        }
        self.timing.ask();
        self.read();
    }

    fn read(&mut self) {
        self.writer.set(self.pieces.iter().map(|p| p.id).collect());
    }

    /// Drops the pieces from `at` on.
    fn cut(&mut self, at: usize) {
        self.pieces.truncate(at);
        self.changed = self.changed.min(at);
    }

    /// Takes over what the person changed; as much of the text as still holds is kept.
    pub fn change(&mut self, old: &Config, new: &Config) -> Result<()> {
        let turns = (old.turns(), new.turns());
        let anew = old.chat != new.chat || old.system != new.system || old.seed != new.seed;
        let same = turns.0.iter().zip(&turns.1).take_while(|(a, b)| a == b).count();
        if anew || same == 0 {
            return self.ask(new, 0);
        }
        let edited = Edits::parse(&old.edits).first_difference(&Edits::parse(&new.edits));
        // A cut at the end of what is written is no change to it.
        let edited = edited.and_then(|at| written(&self.pieces).nth(at));
        if same < turns.0.len().min(self.turn + 1) && edited.is_none_or(|at| self.pieces[at].turn >= same) {
            return self.ask(new, same.min(turns.1.len() - 1));
        }
        if let Some(at) = edited {
            self.cut(at);
            self.resume(new);
        }
        if old.max_tokens != new.max_tokens && matches!(self.stop, Stop::None | Stop::Length) {
            self.allowance = new.max_tokens as usize;
            self.stop = if self.answer_length() >= self.allowance { Stop::Length } else { Stop::None };
        }
        if old.stop != new.stop {
            self.stops = StopStrings::new(&new.stops());
        }
        Ok(())
    }
}
