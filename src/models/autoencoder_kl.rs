//! The autoencoder of latent diffusion (Rombach et al. 2022, arXiv 2112.10752), Stable Diffusion's among others.
//!
//! Reference: `AutoencoderKL` of `diffusers`. Stable Diffusion's has widths 128, 256, 512, 512, two layers a block and 4 latent
//! channels: encoder 34,163,592, decoder 49,490,179, in all 83,653,863 parameters.

use super::autoencoder_block::{BlockKind, BlockSpec, ConvSpec};

/// The configuration of an AutoencoderKL.
#[derive(Debug, Clone, PartialEq)]
pub struct KlConfig {
    /// Channels at each resolution, the full one first.
    pub widths: Vec<usize>,
    /// Residual blocks at each resolution; the decoder has one more.
    pub layers: usize,
    pub latent: usize,
    /// Groups of the norms.
    pub groups: usize,
    /// Whether there is attention in the middle of encoder and decoder.
    pub attention: bool,
    /// Whether there is a 1 x 1 convolution after the encoder, and one before the decoder.
    pub quant: bool,
    pub post_quant: bool,
}

impl KlConfig {
    /// From pixels in [-1, 1] to the mean of the latent, followed by as many channels of its log-variance.
    pub fn encoder(&self) -> Vec<BlockSpec> {
        let (mut from, z, last) = (self.widths[0], 2 * self.latent, self.widths.len() - 1);
        let mut blocks =
            vec![BlockSpec::without_norms(BlockKind::Conv, vec![ConvSpec::new("encoder.conv_in", 3, from)])];
        for (i, &width) in self.widths.iter().enumerate() {
            let name = format!("encoder.down_blocks.{i}");
            for layer in 0..self.layers {
                blocks.push(self.resnet(format!("{name}.resnets.{layer}"), from, width));
                from = width;
            }
            if i < last {
                let conv = ConvSpec { stride: 2, ..ConvSpec::new(format!("{name}.downsamplers.0.conv"), width, width) };
                blocks.push(BlockSpec::without_norms(BlockKind::Downsample, vec![conv]));
            }
        }
        self.middle("encoder", from, &mut blocks);
        blocks.push(self.conv_out("encoder", from, z));
        if self.quant {
            blocks.push(BlockSpec::without_norms(BlockKind::Conv, vec![ConvSpec::point("quant_conv", z, z)]));
        }
        blocks
    }

    /// From the latent to pixels, about in [-1, 1].
    pub fn decoder(&self) -> Vec<BlockSpec> {
        let (last, mut blocks) = (self.widths.len() - 1, Vec::new());
        let mut from = self.widths[last];
        if self.post_quant {
            blocks.push(BlockSpec::without_norms(
                BlockKind::Conv,
                vec![ConvSpec::point("post_quant_conv", self.latent, self.latent)],
            ));
        }
        blocks
            .push(BlockSpec::without_norms(BlockKind::Conv, vec![ConvSpec::new("decoder.conv_in", self.latent, from)]));
        self.middle("decoder", from, &mut blocks);
        for (i, &width) in self.widths.iter().rev().enumerate() {
            let name = format!("decoder.up_blocks.{i}");
            for layer in 0..=self.layers {
                blocks.push(self.resnet(format!("{name}.resnets.{layer}"), from, width));
                from = width;
            }
            if i < last {
                let conv = ConvSpec::new(format!("{name}.upsamplers.0.conv"), width, width);
                blocks.push(BlockSpec::without_norms(BlockKind::Upsample, vec![conv]));
            }
        }
        blocks.push(self.conv_out("decoder", from, 3));
        blocks
    }

    fn resnet(&self, name: String, from: usize, to: usize) -> BlockSpec {
        let part = |part: &str| format!("{name}.{part}");
        let mut convs = vec![ConvSpec::new(part("conv1"), from, to), ConvSpec::new(part("conv2"), to, to)];
        if from != to {
            convs.push(ConvSpec::point(part("conv_shortcut"), from, to));
        }
        BlockSpec::new(BlockKind::Resnet, self.groups, vec![(part("norm1"), from), (part("norm2"), to)], convs)
    }

    fn middle(&self, side: &str, width: usize, blocks: &mut Vec<BlockSpec>) {
        let name = format!("{side}.mid_block");
        blocks.push(self.resnet(format!("{name}.resnets.0"), width, width));
        if self.attention {
            let part = |part: &str| format!("{name}.attentions.0.{part}");
            let convs = ["to_q", "to_k", "to_v", "to_out.0"].map(|c| ConvSpec::point(part(c), width, width));
            blocks.push(BlockSpec::new(
                BlockKind::Attention,
                self.groups,
                vec![(part("group_norm"), width)],
                convs.into(),
            ));
        }
        blocks.push(self.resnet(format!("{name}.resnets.1"), width, width));
    }

    fn conv_out(&self, side: &str, from: usize, to: usize) -> BlockSpec {
        let conv = ConvSpec::new(format!("{side}.conv_out"), from, to);
        BlockSpec::new(BlockKind::NormSiluConv, self.groups, vec![(format!("{side}.conv_norm_out"), from)], vec![conv])
    }
}
