//! What a session asks of the demo: steps, edits, views, a checkpoint.

use super::demo::{AutoencoderDemo, Latent, Side};
use super::edits::Edits;
use super::opening::Picture;
use crate::demos::{Demo, Panel, Stepped, Values, config};
use crate::error::{Code, Error, Result};
use crate::poll::{Poll, Progress};
use crate::ready;
use crate::weights::Checkpoint;
use async_trait::async_trait;
use serde_json::Value;

impl Drop for AutoencoderDemo {
    /// A download that nobody waits for any more stops; what has arrived is kept.
    fn drop(&mut self) {
        self.cancel();
    }
}

#[async_trait(?Send)]
impl Demo for AutoencoderDemo {
    fn steps(&self) -> u32 {
        self.steps
    }

    async fn step(&mut self) -> Result<Poll<Stepped>> {
        ready!(self.fetch_picture()?);
        ready!(self.model.step(&self.config.model, &self.context)?);
        self.work().await
    }

    fn allow_fetch(&mut self) {
        self.may_fetch = true;
    }

    /// An edit is decoded at once where model and picture are here.
    async fn prepare(&mut self) -> Result<Poll<()>> {
        if !self.may_fetch && (self.model.here().is_none() || self.picture.is_none()) {
            return Ok(Poll::Ready(()));
        }
        Ok(match ready!(self.step().await?) {
            Stepped::Done => Progress::work("decoding", 0.0, 1.0).into(),
            Stepped::Ended => Poll::Ready(()),
        })
    }

    fn cancel(&mut self) {
        if self.model.here().is_none() {
            self.context.library.cancel(&self.config.model);
        }
        if self.picture.is_none() {
            self.context.library.cancel(&self.config.picture);
        }
    }

    async fn views(&mut self, _fresh: bool) -> Result<Vec<Panel>> {
        Ok(self.panels())
    }

    fn set(&mut self, values: &Values) -> Result<()> {
        let old = std::mem::replace(&mut self.config, config(values)?);
        if self.config.seed != old.seed && self.config.picture.is_empty() {
            // Another picture altogether.
            self.picture = Some(Picture::drawn(&self.config));
            (self.latent, self.decoded, self.restored, self.passage) = (None, None, None, None);
        }
        if (&self.config.edits, self.config.seed) != (&old.edits, old.seed) {
            self.edits = Edits::parse(&self.config.edits);
            self.stale = true;
            // What is being encoded is not touched by edits.
            self.passage = self.passage.take().filter(|(side, ..)| *side == Side::Encoder);
        }
        if self.config != old && self.painted.take().as_ref() != Some(&self.config.edits) {
            self.revision += 1;
        }
        Ok(())
    }

    async fn act(&mut self, name: &str, args: &Value) -> Result<Values> {
        self.action(name, args)
    }

    /// The latent as encoded, so that the picture need not be encoded again.
    async fn save(&mut self) -> Result<Checkpoint> {
        let mut file = Checkpoint::default();
        if self.latent.as_ref().is_some_and(|latent| latent.values.iter().any(|v| !v.is_finite())) {
            return Err(Error::new(
                Code::Diverged,
                "The latent is no longer finite: the model is damaged, or the device gives wrong results.",
                "Choose another model.",
            ));
        }
        if let Some(Latent { values, shape }) = &self.latent {
            file.push("latent", &[1, shape.channels, shape.height, shape.width], values.clone());
        } else if let Some(saved) = &self.restored {
            file.tensors.push(saved.clone());
        }
        file.set_text("step", self.steps);
        Ok(file)
    }

    fn load(&mut self, file: &Checkpoint) -> Result<()> {
        let (steps, latent) = (file.count("step")?, file.find("latent"));
        if let Some(latent) = latent {
            // Of which picture it is shows when the model is here.
            if !matches!(latent.shape[..], [1, _, _, _]) {
                return Err(Error::bad_file(format!(
                    "The tensor \"latent\" has the shape {:?}, which is not a latent.",
                    latent.shape
                )));
            }
            file.finite("latent", &latent.shape)?;
        }
        (self.steps, self.restored) = (steps, latent.cloned());
        Ok(())
    }
}
