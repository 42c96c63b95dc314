//! TAESD, the tiny autoencoder for Stable Diffusion (Bohan 2023, github.com/madebyollin/taesd): distilled from
//! Stable Diffusion's own, no norms, no attention, no sampling.
//!
//! Reference: `AutoencoderTiny` of `diffusers`. With width 64, 1-3-3-3 blocks in the encoder and 3-3-3-1 in the decoder, and
//! 4 latent channels: encoder 1,222,532 and decoder 1,222,531 parameters.

use super::autoencoder_block::{BlockKind, BlockSpec, ConvSpec};

/// The configuration of an AutoencoderTiny, all of whose stages have the same width.
#[derive(Debug, Clone, PartialEq)]
pub struct TinyConfig {
    pub width: usize,
    pub latent: usize,
    /// Residual blocks at each resolution, in the order in which they run.
    pub encoder: Vec<usize>,
    pub decoder: Vec<usize>,
}

impl TinyConfig {
    /// From pixels in [-1, 1] to the latent.
    pub fn encoder(&self) -> Vec<BlockSpec> {
        let (w, name, mut at) = (self.width, |at: usize| format!("encoder.layers.{at}"), 1);
        let mut blocks = vec![BlockSpec::without_norms(BlockKind::Affine(0.5, 0.5), vec![])];
        for (stage, &count) in self.encoder.iter().enumerate() {
            if stage == 0 {
                blocks.push(BlockSpec::without_norms(BlockKind::Conv, vec![ConvSpec::new(name(0), 3, w)]));
            } else {
                let conv = ConvSpec { stride: 2, bias: false, ..ConvSpec::new(name(at), w, w) };
                blocks.push(BlockSpec::without_norms(BlockKind::Conv, vec![conv]));
                at += 1;
            }
            blocks.extend((at..at + count).map(|at| self.block(name(at))));
            at += count;
        }
        blocks.push(BlockSpec::without_norms(BlockKind::Conv, vec![ConvSpec::new(name(at), w, self.latent)]));
        blocks
    }

    /// From the latent to pixels, about in [-1, 1].
    pub fn decoder(&self) -> Vec<BlockSpec> {
        // Layer 1 is an activation, and one before each convolution but the last is an upsampling: they have no weights.
        let (w, name, mut at) = (self.width, |at: usize| format!("decoder.layers.{at}"), 2);
        let first = BlockSpec::without_norms(BlockKind::ConvRelu, vec![ConvSpec::new(name(0), self.latent, w)]);
        let mut blocks = vec![BlockSpec::without_norms(BlockKind::SoftClamp, vec![]), first];
        for (stage, &count) in self.decoder.iter().enumerate() {
            blocks.extend((at..at + count).map(|at| self.block(name(at))));
            at += count;
            if stage + 1 < self.decoder.len() {
                let conv = ConvSpec { bias: false, ..ConvSpec::new(name(at + 1), w, w) };
                blocks.push(BlockSpec::without_norms(BlockKind::Upsample, vec![conv]));
                at += 2;
            }
        }
        blocks.push(BlockSpec::without_norms(BlockKind::Conv, vec![ConvSpec::new(name(at), w, 3)]));
        blocks.push(BlockSpec::without_norms(BlockKind::Affine(2.0, -1.0), vec![]));
        blocks
    }

    fn block(&self, name: String) -> BlockSpec {
        let conv = |i: usize| ConvSpec::new(format!("{name}.conv.{i}"), self.width, self.width);
        BlockSpec::without_norms(BlockKind::TinyBlock, vec![conv(0), conv(2), conv(4)])
    }
}
