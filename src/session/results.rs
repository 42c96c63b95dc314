//! What a run leaves behind: its file, samples of its model, and figures of it.

use super::link;
use super::run::Session;
use crate::demos::{Figure, Samples};
use crate::error::Result;

impl Session {
    /// The run as a file, with its link and step.
    pub async fn checkpoint(&mut self) -> Result<(String, u32, Vec<u8>)> {
        let open = self.opened()?;
        let mut file = open.demo.save().await?;
        let text = link::canonical(open.entry, &open.values);
        file.set_text("link", &text);
        file.set_text("altered", open.altered);
        Ok((text, open.demo.steps(), file.to_bytes()?))
    }

    /// Draws samples from the open model.
    pub async fn sample(&mut self, n: usize, seed: u64) -> Result<Samples> {
        self.opened()?.demo.sample(n, seed).await
    }

    /// How good the open model is on everything that was held out.
    pub async fn measure(&mut self) -> Result<Vec<Figure>> {
        self.opened()?.demo.measure().await
    }
}
