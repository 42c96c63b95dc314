//! The networks that the demo can train, behind one type.

use super::config::{Config, Space};
use crate::data::Shape;
use crate::device::Device;
use crate::error::Result;
use crate::models::denoiser::{Denoiser, TIME_FEATURES};
use crate::models::denoiser_mlp::{DenoiserMlp, DenoiserMlpConfig};
use crate::models::denoiser_unet::{DenoiserUnet, DenoiserUnetConfig};
use crate::rng::Purpose;
use burn::module::Module;
use burn::tensor::Tensor;

/// One of the networks.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are two or three of them")]
pub enum Network {
    Mlp(DenoiserMlp),
    Unet(DenoiserUnet),
}

/// Units between the condition and the blocks: words need more than classes do, and pixels more than latents.
fn embedding(space: Space, words: bool) -> usize {
    match space {
        Space::Pixels => 256,
        Space::Latent if !words => 64,
        _ => 128,
    }
}

impl Network {
    /// The network of a config for samples of `inputs` numbers, told `features` beside the time.
    ///
    /// # Errors
    /// `Unsupported` where the sizes of a U-Net do not fit each other.
    pub fn new(config: &Config, inputs: usize, shape: Shape, features: usize, device: &Device) -> Result<Self> {
        let (weights, condition) = (&mut config.run.stream(Purpose::Weights), TIME_FEATURES + features);
        let (width, depth) = (config.width as usize, config.depth as usize);
        let embedding = embedding(config.space, features > 10);
        let mlp = |width| DenoiserMlpConfig { inputs, condition, width, depth, embedding };
        Ok(match config.space {
            Space::Latent if shape.channels == 1 => Self::Mlp(mlp(width).init(weights, device)),
            Space::Latent => Self::Mlp(mlp(3 * width / 2).init(weights, device)),
            Space::Pixels => Self::Mlp(mlp(2 * width).init(weights, device)),
            Space::Unet => {
                let shape = [shape.channels, shape.height, shape.width];
                // An eighth, and a multiple of 8 for the group norms.
                let width = (width / 64).max(1) * 8;
                let sizes = DenoiserUnetConfig { shape, condition, width, embedding };
                Self::Unet(sizes.init(weights, device)?)
            }
        })
    }
}

impl Denoiser for Network {
    fn forward(&self, x: Tensor<2>, condition: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Mlp(network) => network.forward(x, condition),
            Self::Unet(network) => network.forward(x, condition),
        }
    }
}
