//! The VAEs that ship, as the codec of models that work in a latent space: pictures to latents and back.

use crate::data::album::COLOUR;
use crate::data::mnist::SHAPE;
use crate::data::{Shape, Source};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::models::vae::{Vae, VaeConfig};
use crate::poll::Poll;
use crate::ready;
use crate::rng::{Purpose, Stream};
use crate::train::{Prior, Restoration};
use crate::weights::{Checkpoint, load_module};
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;

/// A VAE whose weights may still be on their way.
pub struct ShippedVae {
    path: &'static str,
    sizes: VaeConfig,
    vae: Option<Vae>,
}

/// Numbers in the latent of a digit.
pub const DIGIT_LATENT: usize = 16;

/// Path, shape of a picture, numbers in a latent.
type Shipped = (&'static str, Shape, usize);
const DIGITS: Shipped = ("www/weights/vae-mnist-16.safetensors", SHAPE, DIGIT_LATENT);
const EMOJI: Shipped = ("www/weights/vae-emoji-64.safetensors", COLOUR, 64);
const WIDTH: usize = 16;

/// Whether a VAE ships for a set of pictures.
pub fn has_vae(data: &str) -> bool {
    ShippedVae::of(data).is_some()
}

impl ShippedVae {
    /// The VAE of a set of pictures, where one ships.
    pub fn of(data: &str) -> Option<Self> {
        match data {
            "mnist" => Some(Self::digits()),
            "emoji" => Some(Self::new(EMOJI)),
            _ => None,
        }
    }

    /// The VAE of digits.
    pub fn digits() -> Self {
        Self::new(DIGITS)
    }

    fn new((path, Shape { channels, height, width }, latent): Shipped) -> Self {
        Self { path, sizes: VaeConfig { shape: [channels, height, width], latent, width: WIDTH }, vae: None }
    }

    /// Numbers in a latent.
    pub fn latent(&self) -> usize {
        self.sizes.latent
    }

    /// Fetches the weights where they are not here yet.
    ///
    /// # Errors
    /// `Fetch`, `BadFile`, `ShapeMismatch`.
    pub fn arrive(&mut self, source: &dyn Source, device: &Device) -> Result<Poll<()>> {
        if self.vae.is_none() {
            let file = Checkpoint::from_bytes(&ready!(source.poll(self.path)?))?;
            let blank = self.sizes.init(&mut Stream::new(0, Purpose::Weights), device);
            self.vae = Some(load_module(blank, None, "vae", &file, device)?);
        }
        Ok(Poll::Ready(()))
    }

    pub fn arrived(&self) -> bool {
        self.vae.is_some()
    }

    fn vae(&self) -> Result<&Vae> {
        self.vae.as_ref().ok_or_else(|| Error::internal("The VAE is not here."))
    }

    /// Pictures in [-1, 1], `[n, C H W]`, to the means of their latents, `[n, latent]`.
    pub fn encode(&self, pictures: Tensor<2>) -> Result<Tensor<2>> {
        Ok(self.vae()?.encoder.forward((pictures + 1.0) / 2.0).0)
    }

    /// Latents that agree with what is seen of pictures in [-1, 1], near those that the prior says: see [`Restoration::run`].
    pub fn restore(&self, search: &Restoration, [seen, weights]: [Tensor<2>; 2], prior: Prior) -> Result<Tensor<2>> {
        let start = prior.mean.clone();
        Ok(search.run(self.vae()?, [(seen + 1.0) / 2.0, weights], prior, start))
    }

    /// Latents `[n, latent]` to pictures in [-1, 1], `[n, C H W]`.
    pub fn decode(&self, latents: Tensor<2>) -> Result<Tensor<2>> {
        Ok(sigmoid(self.vae()?.decoder.forward(latents)) * 2.0 - 1.0)
    }
}
