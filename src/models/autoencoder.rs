//! Pretrained autoencoders of pictures, for inference: an encoder and a decoder, each a list of blocks that run one after the other.
//! Between two blocks progress can be shown, and a run be cancelled.

use super::autoencoder_block::BlockSpec;
use super::autoencoder_kl::KlConfig;
use super::autoencoder_tiny::TinyConfig;

/// The network of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Family {
    Tiny(TinyConfig),
    Kl(KlConfig),
}

/// What the rest of Kiln needs to know of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    pub family: Family,
    /// Channels of the latent.
    pub latent: usize,
    /// Downsampling in each direction: pixels of the picture for one of the latent.
    pub factor: usize,
    /// The largest side, in pixels, that is encoded or decoded at once; a multiple of 4 times `factor`.
    pub tile: usize,
    /// `(latent - shift) * scale` has a variance of about one, as diffusion models expect.
    pub scale: f32,
    pub shift: f32,
}

impl Architecture {
    /// The blocks of the encoder and of the decoder.
    pub fn blocks(&self) -> [Vec<BlockSpec>; 2] {
        match &self.family {
            Family::Tiny(sizes) => [sizes.encoder(), sizes.decoder()],
            Family::Kl(sizes) => [sizes.encoder(), sizes.decoder()],
        }
    }
}
