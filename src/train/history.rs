//! The curves of a run: one row a step, kept for the page and for checkpoints.

use crate::error::Result;
use crate::weights::Checkpoint;

/// Named series over steps. A value that was not measured is NaN.
#[derive(Debug, Clone)]
pub struct History {
    series: Vec<String>,
    /// `[step, value of series 0, ...]` again and again.
    rows: Vec<f32>,
    shown: usize,
}

impl History {
    pub fn new(series: &[&str]) -> Self {
        Self { series: series.iter().map(|s| (*s).to_string()).collect(), rows: Vec::new(), shown: 0 }
    }

    pub fn series(&self) -> &[String] {
        &self.series
    }

    pub fn push(&mut self, step: u32, values: &[f32]) {
        self.rows.push(step as f32);
        self.rows.extend_from_slice(values);
    }

    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// The latest value of a series that was measured.
    pub fn last(&self, series: usize) -> Option<f32> {
        self.rows.chunks_exact(self.series.len() + 1).rev().map(|row| row[series + 1]).find(|v| !v.is_nan())
    }

    /// Rows since the last call, or all with `fresh`.
    pub fn unseen(&mut self, fresh: bool) -> Vec<f32> {
        let start = if fresh { 0 } else { self.shown };
        self.shown = self.rows.len();
        self.rows[start..].to_vec()
    }

    pub fn save(&self, name: &str, checkpoint: &mut Checkpoint) {
        let width = self.series.len() + 1;
        checkpoint.set_text(&format!("history.{name}.series"), self.series.join(","));
        checkpoint.push(format!("history.{name}"), &[self.rows.len() / width, width], self.rows.clone());
    }

    pub fn load(&mut self, name: &str, checkpoint: &Checkpoint) -> Result<()> {
        let name = format!("history.{name}");
        let rows = checkpoint.find(&name).map_or(0, |entry| entry.shape.first().copied().unwrap_or(0));
        self.rows = checkpoint.tensor(&name, &[rows, self.series.len() + 1])?.to_vec();
        self.shown = 0;
        Ok(())
    }
}
