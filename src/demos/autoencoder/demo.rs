//! A model, a picture, its latent, what was changed in it, and what was made of it again.

use super::config::Config;
use super::edits::Edits;
use super::opening::{Model, Picture};
use crate::data::Shape;
use crate::demos::{Context, pictures};
use crate::error::Result;
use crate::generate::TiledPass;
use crate::poll::Poll;
use crate::ready;
use crate::weights::NamedTensor;
use crate::weights::manifest::is_sha256;

/// The running demo.
pub struct AutoencoderDemo {
    pub config: Config,
    pub edits: Edits,
    pub context: Context,
    pub model: Model,
    pub picture: Option<Picture>,
    /// As encoded, in units of about one standard deviation.
    pub latent: Option<Latent>,
    /// Of a checkpoint, until the model is here.
    pub restored: Option<NamedTensor>,
    /// On its way, and since when.
    pub passage: Option<(Side, TiledPass, f64)>,
    /// What was decoded last, about in [-1, 1], as large as the picture; and whether the latent has changed since.
    pub decoded: Option<Vec<f32>>,
    pub stale: bool,
    /// Milliseconds that they took.
    pub encode_ms: Option<f64>,
    pub decode_ms: Option<f64>,
    /// Pictures decoded.
    pub steps: u32,
    /// Of the pad: rises with every change that the person did not paint.
    pub revision: u32,
    pub painted: Option<String>,
    /// The person has agreed that model and picture are fetched.
    pub may_fetch: bool,
}

/// What the encoder made of a picture, `[C, H, W]`.
pub struct Latent {
    pub values: Vec<f32>,
    pub shape: Shape,
}

/// One of the two networks of an autoencoder.
#[derive(Clone, Copy, PartialEq)]
pub enum Side {
    Encoder,
    Decoder,
}

impl AutoencoderDemo {
    pub fn new(config: Config, context: Context) -> Self {
        // Drawn at once, so that something is there before the model is.
        let picture = config.picture.is_empty().then(|| Picture::drawn(&config));
        Self {
            edits: Edits::parse(&config.edits),
            config,
            context,
            model: Model::default(),
            picture,
            latent: None,
            restored: None,
            passage: None,
            decoded: None,
            stale: true,
            encode_ms: None,
            decode_ms: None,
            steps: 0,
            revision: 0,
            painted: None,
            may_fetch: false,
        }
    }

    /// Fetches the person's picture.
    pub fn fetch_picture(&mut self) -> Result<Poll<()>> {
        if self.picture.is_some() {
            return Ok(Poll::Ready(()));
        }
        // Nothing else is a picture: another name could be a model's, or an address, which nobody asked to fetch.
        if !self.config.picture.strip_prefix("sha256:").is_some_and(is_sha256) {
            return Err(pictures::unknown(format!("There is no picture {:?}.", self.config.picture)));
        }
        let files = ready!(self.context.library.poll(&self.config.picture)?);
        self.picture = Some(Picture::kept(&files, self.config.size as usize)?);
        Ok(Poll::Ready(()))
    }
}
