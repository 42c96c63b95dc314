//! What a session asks of the demo: tokens, edits, views, a checkpoint.

use super::demo::{State, TextDemo};
use super::talk::Talk;
use super::transcript::written;
use super::views;
use crate::demos::{Demo, Panel, Stepped, Values, config};
use crate::error::{Error, Result};
use crate::poll::{Poll, Progress};
use crate::ready;
use crate::weights::Checkpoint;
use async_trait::async_trait;
use serde_json::Value;

impl Drop for TextDemo {
    /// A download that nobody waits for any more stops; what has arrived is kept.
    fn drop(&mut self) {
        self.cancel();
    }
}

#[async_trait(?Send)]
impl Demo for TextDemo {
    fn steps(&self) -> u32 {
        written(self.restored.as_deref().unwrap_or(self.pieces())).count() as u32
    }

    async fn step(&mut self) -> Result<Poll<Stepped>> {
        match &mut self.state {
            State::Opening(opening) => {
                let (voice, writer) = ready!(opening.step(&self.context)?);
                let pieces = self.restored.take().unwrap_or_default();
                let talk = Talk::new(&self.config, voice, writer, pieces, self.context.clock.clone())?;
                self.state = State::Open(Box::new(talk));
                Ok(Progress::work("prompt", 0.0, 1.0).into())
            }
            State::Open(talk) => talk.step(&self.config).await,
        }
    }

    fn allow_fetch(&mut self) {
        self.may_fetch = true;
    }

    /// The model is opened, so that a kept text can be seen and the next one begins at once; nothing is written.
    async fn prepare(&mut self) -> Result<Poll<()>> {
        match self.state {
            State::Opening(_) if self.may_fetch => Ok(self.step().await?.map(|_| ())),
            _ => Ok(Poll::Ready(())),
        }
    }

    fn cancel(&mut self) {
        if let State::Opening(opening) = &self.state {
            opening.cancel(&self.context);
        }
    }

    async fn views(&mut self, fresh: bool) -> Result<Vec<Panel>> {
        match &mut self.state {
            State::Open(talk) => views::panels(&mut self.view, &self.config, talk, fresh).await,
            // The text of a checkpoint is on the page already; without the model it cannot be drawn again.
            State::Opening(_) if self.restored.is_some() => Ok(Vec::new()),
            State::Opening(_) => Ok(views::waiting()),
        }
    }

    fn set(&mut self, values: &Values) -> Result<()> {
        let config = config(values)?;
        if let State::Open(talk) = &mut self.state {
            talk.change(&self.config, &config)?;
        }
        self.config = config;
        Ok(())
    }

    async fn act(&mut self, name: &str, args: &Value) -> Result<Values> {
        self.action(name, args)
    }

    async fn save(&mut self) -> Result<Checkpoint> {
        let mut file = Checkpoint::default();
        let pieces = self.restored.as_deref().unwrap_or(self.pieces());
        file.set_text("text", serde_json::to_string(pieces).map_err(Error::internal)?);
        file.set_text("step", written(pieces).count());
        Ok(file)
    }

    fn load(&mut self, file: &Checkpoint) -> Result<()> {
        let text: String = file.text("text")?;
        let pieces = serde_json::from_str(&text).map_err(|e| Error::bad_file(format!("The text is damaged: {e}.")))?;
        self.restored = Some(pieces);
        Ok(())
    }
}
