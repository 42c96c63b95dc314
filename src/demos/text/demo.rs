//! A model on its way or in conversation, and what the page shows of it.

use super::config::Config;
use super::opening::Opening;
use super::talk::Talk;
use crate::demos::Context;
use crate::demos::text_view::{Piece, TextView};
use crate::error::{Error, Result};

/// The running demo.
pub struct TextDemo {
    pub config: Config,
    pub context: Context,
    pub state: State,
    /// Pieces of a checkpoint, until the model is here.
    pub restored: Option<Vec<Piece>>,
    pub view: TextView,
    /// The person has agreed that the model is fetched.
    pub may_fetch: bool,
}

/// How far it is.
pub enum State {
    /// Boxed: an opening holds whole file headers.
    Opening(Box<Opening>),
    Open(Box<Talk>),
}

impl TextDemo {
    pub fn new(config: Config, context: Context) -> Self {
        let state = State::Opening(Box::new(Opening::new(&config)));
        Self { config, context, state, restored: None, view: TextView::default(), may_fetch: false }
    }

    pub fn talk(&mut self) -> Result<&mut Talk> {
        match &mut self.state {
            State::Open(talk) => Ok(talk),
            State::Opening(_) => Err(Error::bad_command("The model has not been loaded yet.")),
        }
    }

    /// What the model has written, for the edits that a link records.
    pub fn pieces(&self) -> &[Piece] {
        match &self.state {
            State::Open(talk) => &talk.pieces,
            State::Opening(_) => &[],
        }
    }
}
