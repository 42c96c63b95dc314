//! What is learnt from: 2-D points, digits, pictures and text, in seeded order.

pub mod album;
pub mod captions;
pub mod emoji;
pub mod idx;
pub mod mnist;
mod nearest;
pub mod points;
mod sampler;
pub mod text;

pub use nearest::Nearest;

use crate::error::Result;
use crate::poll::Poll;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// Channels, height and width of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

/// Pictures and their classes.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// In [-1, 1], `[n, channels, height, width]`, flat.
    pub pixels: Vec<f32>,
    /// A class for each picture, below [`Pictures::classes`]; empty where there are none.
    pub labels: Vec<u8>,
    /// The place of each picture in its set; empty where nothing hangs on it.
    pub places: Vec<u32>,
}

impl Batch {
    /// Batches of `n` pictures of this shape.
    pub fn split(&self, n: usize, shape: Shape) -> impl Iterator<Item = Batch> {
        self.pixels.chunks(n * shape.len()).enumerate().map(move |(k, pixels)| {
            let labels = self.labels.get(k * n..(k + 1) * n).unwrap_or_default().to_vec();
            let places = self.places.get(k * n..(k + 1) * n).unwrap_or_default().to_vec();
            Batch { pixels: pixels.to_vec(), labels, places }
        })
    }
}

/// A position in the order of the data, for a checkpoint. Data that are drawn without end have a position in their stream alone.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub struct Position {
    pub refills: u32,
    pub refilled_at: u64,
    pub left: u32,
}

/// As it stands in a checkpoint: JSON.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Position {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let position: Self = serde_json::from_str(text)?;
        // One more epoch must not overflow.
        match position.refills {
            0..=1_000_000_000 => Ok(position),
            n => Err(serde::de::Error::custom(format!("{n} epochs"))),
        }
    }
}

/// What a model learns from. What a step sees depends on the step and the seed alone, never on what has arrived.
pub trait Dataset {
    /// Several examples: points, pictures with labels, pairs, token ids, sound.
    type Batch;

    /// The next `n` examples in seeded order, or what is still missing for them. Nothing is drawn while something is missing.
    ///
    /// # Errors
    /// Where a file cannot be fetched or read.
    fn batch(&mut self, n: usize) -> Result<Poll<Self::Batch>>;

    /// The examples that no batch holds.
    ///
    /// # Errors
    /// Where a file cannot be fetched or read.
    fn held_out(&mut self) -> Result<Poll<Self::Batch>>;

    /// The position in the order, and the way back to it.
    fn position(&self) -> Position;
    fn seek(&mut self, position: Position);
}

/// A dataset of pictures.
pub trait Pictures: Dataset<Batch = Batch> {
    fn shape(&self) -> Shape;

    /// The classes' names, at most ten; empty where nothing is known.
    fn classes(&self) -> &[String];

    /// For each of some pictures in [-1, 1], `[n, C, H, W]`, the most similar one that is learnt from and is here.
    fn nearest(&self, pictures: &[f32]) -> Vec<Option<Nearest>>;
}

impl<D: Dataset + ?Sized> Dataset for Box<D> {
    type Batch = D::Batch;

    fn batch(&mut self, n: usize) -> Result<Poll<D::Batch>> {
        (**self).batch(n)
    }

    fn held_out(&mut self) -> Result<Poll<D::Batch>> {
        (**self).held_out()
    }

    fn position(&self) -> Position {
        (**self).position()
    }

    fn seek(&mut self, position: Position) {
        (**self).seek(position);
    }
}

/// What became of a person's pictures.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Taken {
    pub sha256: String,
    pub count: u32,
    pub width: u32,
    pub height: u32,
    /// The first hundred files that were left out, and how many there are in all.
    pub left_out: Vec<LeftOut>,
    pub left_out_in_all: u32,
}

/// A file that is no picture of the set, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct LeftOut {
    pub name: String,
    /// Stable, for translations: `not-a-picture`, `too-large`, `empty`, `damaged`, `too-many`, `encrypted`.
    pub code: String,
    pub text: String,
}

impl Shape {
    /// Numbers in one picture.
    pub fn len(&self) -> usize {
        self.channels * self.height * self.width
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pictures of values in [-1, 1], `[n, channels, height, width]`, as bytes with the channels of a pixel side by side.
    pub fn bytes(&self, values: &[f32]) -> Vec<u8> {
        let plane = self.height * self.width;
        let byte = |v: f32| ((v + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8;
        let picture = |p: &[f32]| -> Vec<u8> {
            (0..plane)
                .flat_map(|at| (0..self.channels).map(move |c| (at, c)))
                .map(|(at, c)| byte(p[c * plane + at]))
                .collect()
        };
        values.chunks_exact(self.len()).flat_map(picture).collect()
    }

    /// The other way: bytes to values in [-1, 1].
    pub fn values(&self, bytes: &[u8]) -> Vec<f32> {
        let plane = self.height * self.width;
        let picture = |p: &[u8]| -> Vec<f32> {
            (0..self.channels)
                .flat_map(|c| (0..plane).map(move |at| (at, c)))
                .map(|(at, c)| f32::from(p[at * self.channels + c]) / 127.5 - 1.0)
                .collect()
        };
        bytes.chunks_exact(self.len()).flat_map(picture).collect()
    }
}

/// Where files of the page come from: the network in a tab, the disk in a terminal. Polled, so that a training loop
/// never waits inside a step and a pause is answered while a file is on its way.
pub trait Source {
    /// The file at `path` (relative to the page). The first call starts its download; after an error the next call tries again.
    ///
    /// # Errors
    /// `Fetch`.
    fn poll(&self, path: &str) -> Result<Poll<Vec<u8>>>;
}
