//! What the demo waits for: the model, loaded part by part, and the person's picture.

use super::config::Config;
use super::scene::scene;
use crate::data::{Shape, idx};
use crate::demos::{Context, TIME_SLICE_MS};
use crate::error::{Error, Result};
use crate::models::autoencoder::Architecture;
use crate::poll::{Poll, Progress};
use crate::ready;
use crate::weights::{Autoencoder, ModelFile};

/// The model on its way. Boxed: it holds whole file headers.
#[derive(Default)]
pub enum Model {
    #[default]
    Waiting,
    Loading(Box<Autoencoder>),
    Here(Box<Autoencoder>),
}

/// A picture in [-1, 1], `[3, H, W]`.
pub struct Picture {
    pub values: Vec<f32>,
    pub shape: Shape,
}

/// More than any picture of 1024 x 1024 takes.
const LARGEST: u64 = 1 << 24;

impl Model {
    pub fn here(&self) -> Option<&Autoencoder> {
        match self {
            Self::Here(model) => Some(model),
            _ => None,
        }
    }

    /// Waits for the files, then loads for [`TIME_SLICE_MS`].
    pub fn step(&mut self, name: &str, context: &Context) -> Result<Poll<()>> {
        let mut model = match std::mem::take(self) {
            Self::Here(model) => {
                *self = Self::Here(model);
                return Ok(Poll::Ready(()));
            }
            Self::Loading(model) => model,
            Self::Waiting => Box::new(Autoencoder::open(&ready!(context.library.poll(name)?))?),
        };
        let (device, until) = (context.device.clone().inner(), (context.clock)() + TIME_SLICE_MS);
        loop {
            let (done, total) = model.load(&device)?;
            if done == total {
                *self = Self::Here(model);
                return Ok(Poll::Ready(()));
            }
            if (context.clock)() >= until {
                *self = Self::Loading(model);
                return Ok(Progress::work("weights", done as f64, total as f64).into());
            }
        }
    }
}

impl Picture {
    /// The one that Kiln draws.
    pub fn drawn(config: &Config) -> Self {
        let side = config.size as usize;
        let shape = Shape { channels: 3, height: side, width: side };
        Self { values: scene(u64::from(config.seed), side), shape }
    }

    /// The person's, from the one file of a kept set; the middle of it where it is larger than `size`.
    ///
    /// # Errors
    /// `BadFile` where it is no set of one picture with three channels.
    pub fn kept(files: &[ModelFile], size: usize) -> Result<Self> {
        let bad = || Error::bad_file("The set does not contain exactly one colour picture.");
        let [file] = files else { return Err(bad()) };
        let bytes = file.bytes.take(0, Some(file.bytes.len()).filter(|&n| n <= LARGEST).ok_or_else(bad)?)?;
        let set = idx::parse(&bytes)?;
        let [1, height, width, 3] = set.dims[..] else { return Err(bad()) };
        let shape = Shape { channels: 3, height, width };
        if shape.is_empty() {
            return Err(bad());
        }
        let whole = Self { values: shape.values(&set.bytes), shape };
        Ok(whole.middle(height.min(size), width.min(size)))
    }

    /// The middle of it, with sides that the model can halve as often as it does.
    pub fn fit(self, architecture: &Architecture) -> Self {
        let cut = |n: usize| (n / architecture.factor * architecture.factor).max(architecture.factor.min(n));
        let (height, width) = (cut(self.shape.height), cut(self.shape.width));
        self.middle(height, width)
    }

    fn middle(self, height: usize, width: usize) -> Self {
        let Shape { channels, height: h, width: w } = self.shape;
        if (h, w) == (height, width) {
            return self;
        }
        let (top, left) = ((h - height) / 2, (w - width) / 2);
        let rows = (0..channels).flat_map(|c| (0..height).map(move |y| (c * h + top + y) * w + left));
        let values = rows.flat_map(|at| self.values[at..at + width].iter().copied()).collect();
        Self { values, shape: Shape { channels, height, width } }
    }
}
