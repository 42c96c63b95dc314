//! The latent space of the VAE of digits that ships: 16 numbers for a digit.

use crate::data::Source;
use crate::data::mnist::SHAPE;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::models::vae::{Vae, VaeConfig};
use crate::poll::Poll;
use crate::ready;
use crate::rng::{Purpose, Stream};
use crate::weights::{Checkpoint, load_module};
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;

const FILE: &str = "www/weights/vae-mnist-16.safetensors";
/// Numbers in a latent.
pub const LATENT: usize = 16;
const WIDTH: usize = 16;

/// The VAE, whose weights may still be on their way.
#[derive(Default)]
pub struct Latents(Option<Vae>);

impl Latents {
    /// Fetches the weights, unless they are here.
    ///
    /// # Errors
    /// `Fetch`, `BadFile`, `ShapeMismatch`.
    pub fn poll(&mut self, source: &dyn Source, device: &Device) -> Result<Poll<()>> {
        if self.0.is_none() {
            let file = Checkpoint::from_bytes(&ready!(source.poll(FILE)?))?;
            let shape = [SHAPE.channels, SHAPE.height, SHAPE.width];
            let sizes = VaeConfig { shape, latent: LATENT, width: WIDTH };
            let blank = sizes.init(&mut Stream::new(0, Purpose::Weights), device);
            self.0 = Some(load_module(blank, None, "vae", &file, device)?);
        }
        Ok(Poll::Ready(()))
    }

    /// The means of the latents of digits in [-1, 1], `[n, 784]` to `[n, LATENT]`.
    ///
    /// # Errors
    /// Where the weights are not here.
    pub fn encode(&self, digits: Tensor<2>) -> Result<Tensor<2>> {
        Ok(self.vae()?.encoder.forward((digits + 1.0) / 2.0).0)
    }

    /// Back to digits in [-1, 1].
    ///
    /// # Errors
    /// As [`Latents::encode`].
    pub fn decode(&self, latents: Tensor<2>) -> Result<Tensor<2>> {
        Ok(sigmoid(self.vae()?.decoder.forward(latents)) * 2.0 - 1.0)
    }

    fn vae(&self) -> Result<&Vae> {
        self.0.as_ref().ok_or_else(|| Error::internal("The VAE is not here."))
    }
}
