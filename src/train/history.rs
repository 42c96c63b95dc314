//! The curves of a run, kept for the page and for checkpoints. However long it runs they stay small: past [`MAX_ROWS`] rows
//! every other one goes, and from then on only every second, fourth, eighth ... is kept.

use crate::error::Result;
use crate::weights::Checkpoint;

/// Named series over steps. A value that was not measured at a step is [`NOT_MEASURED`]: the curve goes on over it. Where there
/// was nothing to measure it is [`ABSENT`]: the curve has a gap.
#[derive(Debug, Clone)]
pub struct History {
    series: Vec<String>,
    /// `[step, value of series 0, ...]` again and again.
    rows: Vec<f32>,
    shown: usize,
    /// Rows offered so far, and the power of two of which a row's number must be a multiple to be kept.
    offered: u32,
    every: u32,
}

/// The most rows that are kept.
pub const MAX_ROWS: usize = 8_192;
/// A series that is measured more seldom than its neighbours.
pub const NOT_MEASURED: f32 = f32::NAN;
/// The loss of a network that did not train. No value that was measured is infinite: a run ends before.
pub const ABSENT: f32 = f32::INFINITY;

impl History {
    pub fn new(series: &[&str]) -> Self {
        Self {
            series: series.iter().map(|s| (*s).to_string()).collect(),
            rows: Vec::new(),
            shown: 0,
            offered: 0,
            every: 1,
        }
    }

    pub fn series(&self) -> &[String] {
        &self.series
    }

    pub fn push(&mut self, step: u32, values: &[f32]) {
        self.offered += 1;
        if !self.offered.is_multiple_of(self.every) {
            return;
        }
        self.rows.push(step as f32);
        self.rows.extend_from_slice(values);
        let width = self.series.len() + 1;
        if self.rows.len() > MAX_ROWS * width {
            // Row k (from 0) was offered as number (k + 1) * every: the even numbers stay.
            let kept = self.rows.chunks_exact(width).skip(1).step_by(2).flatten().copied().collect();
            self.rows = kept;
            self.shown = self.shown / width / 2 * width;
            self.every *= 2;
        }
    }

    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// The latest value of a series that was measured.
    pub fn last(&self, series: &str) -> Option<f32> {
        let column = self.column(series)?;
        self.rows.chunks_exact(self.series.len() + 1).rev().map(|row| row[column]).find(|v| v.is_finite())
    }

    /// Where a series is in a row; the step is in column 0.
    fn column(&self, series: &str) -> Option<usize> {
        self.series.iter().position(|name| name == series).map(|at| at + 1)
    }

    /// The steps and these series of some rows.
    pub fn columns(&self, rows: &[f32], series: &[&str]) -> Vec<f32> {
        let columns: Vec<usize> =
            std::iter::once(0).chain(series.iter().filter_map(|name| self.column(name))).collect();
        rows.chunks_exact(self.series.len() + 1).flat_map(|row| columns.iter().map(|&at| row[at])).collect()
    }

    /// The step of the latest row.
    pub fn last_step(&self) -> Option<f32> {
        self.rows.chunks_exact(self.series.len() + 1).next_back().map(|row| row[0])
    }

    /// Rows since the last call, or all with `fresh`.
    pub fn unseen(&mut self, fresh: bool) -> Vec<f32> {
        let start = if fresh { 0 } else { self.shown };
        self.shown = self.rows.len();
        self.rows[start..].to_vec()
    }

    pub fn save(&self, name: &str, checkpoint: &mut Checkpoint) {
        let width = self.series.len() + 1;
        checkpoint.set_text(&format!("history.{name}.offered"), self.offered);
        checkpoint.set_text(&format!("history.{name}.every"), self.every);
        checkpoint.set_text(&format!("history.{name}.series"), self.series.join(","));
        checkpoint.push(format!("history.{name}"), &[self.rows.len() / width, width], self.rows.clone());
    }

    /// This history as it was saved; from a file of weights alone an empty one.
    ///
    /// # Errors
    /// `BadFile`, `ShapeMismatch`.
    pub fn loaded(&self, name: &str, checkpoint: &Checkpoint) -> Result<Self> {
        let series = self.series.clone();
        if checkpoint.is_weights_alone() {
            return Ok(Self { series, rows: Vec::new(), shown: 0, offered: 0, every: 1 });
        }
        let name = format!("history.{name}");
        let rows = checkpoint.find(&name).map_or(0, |entry| entry.shape.first().copied().unwrap_or(0));
        let rows = checkpoint.tensor(&name, &[rows, self.series.len() + 1])?.to_vec();
        let offered = checkpoint.count(&format!("{name}.offered"))?;
        // A damaged file must not divide by zero.
        let every = checkpoint.count(&format!("{name}.every"))?.max(1);
        Ok(Self { series, rows, shown: 0, offered, every })
    }
}
