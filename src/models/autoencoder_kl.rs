//! The autoencoder of latent diffusion (Rombach et al. 2022, arXiv 2112.10752), Stable Diffusion's among others.
//!
//! Reference: `AutoencoderKL` of `diffusers`. Stable Diffusion's has widths 128, 256, 512, 512, two layers a block and 4 latent
//! channels: encoder 34,163,592, decoder 49,490,179, in all 83,653,863 parameters.

use super::autoencoder::{Act, ConvPart, Part};

/// The sizes of an AutoencoderKL.
#[derive(Debug, Clone, PartialEq)]
pub struct KlSizes {
    /// Channels of each block, the one at the picture's own size first.
    pub widths: Vec<usize>,
    /// Residual layers of a block; the decoder has one more.
    pub layers: usize,
    pub latent: usize,
    /// Groups of each norm.
    pub groups: usize,
    /// In the middle of encoder and decoder.
    pub attention: bool,
    /// A 1 x 1 convolution after the encoder, and one before the decoder.
    pub quant: bool,
    pub post_quant: bool,
}

impl KlSizes {
    /// From pixels in [-1, 1] to the mean of the latent and, in as many channels more, the logarithm of its variance.
    pub fn encoder(&self) -> Vec<Part> {
        let (mut from, z, last) = (self.widths[0], 2 * self.latent, self.widths.len() - 1);
        let mut parts = vec![Part::of(Act::Plain, vec![ConvPart::new("encoder.conv_in", 3, from)])];
        for (i, &width) in self.widths.iter().enumerate() {
            let name = format!("encoder.down_blocks.{i}");
            for layer in 0..self.layers {
                parts.push(self.resnet(format!("{name}.resnets.{layer}"), from, width));
                from = width;
            }
            if i < last {
                let conv = ConvPart { stride: 2, ..ConvPart::new(format!("{name}.downsamplers.0.conv"), width, width) };
                parts.push(Part::of(Act::Halve, vec![conv]));
            }
        }
        self.middle("encoder", from, &mut parts);
        parts.push(self.out("encoder", from, z));
        if self.quant {
            parts.push(Part::of(Act::Plain, vec![ConvPart::point("quant_conv", z, z)]));
        }
        parts
    }

    /// From the latent to pixels, about in [-1, 1].
    pub fn decoder(&self) -> Vec<Part> {
        let (last, mut parts) = (self.widths.len() - 1, Vec::new());
        let mut from = self.widths[last];
        if self.post_quant {
            parts.push(Part::of(Act::Plain, vec![ConvPart::point("post_quant_conv", self.latent, self.latent)]));
        }
        parts.push(Part::of(Act::Plain, vec![ConvPart::new("decoder.conv_in", self.latent, from)]));
        self.middle("decoder", from, &mut parts);
        for (i, &width) in self.widths.iter().rev().enumerate() {
            let name = format!("decoder.up_blocks.{i}");
            for layer in 0..=self.layers {
                parts.push(self.resnet(format!("{name}.resnets.{layer}"), from, width));
                from = width;
            }
            if i < last {
                let conv = ConvPart::new(format!("{name}.upsamplers.0.conv"), width, width);
                parts.push(Part::of(Act::Double, vec![conv]));
            }
        }
        parts.push(self.out("decoder", from, 3));
        parts
    }

    fn resnet(&self, name: String, from: usize, to: usize) -> Part {
        let part = |part: &str| format!("{name}.{part}");
        let mut convs = vec![ConvPart::new(part("conv1"), from, to), ConvPart::new(part("conv2"), to, to)];
        if from != to {
            convs.push(ConvPart::point(part("conv_shortcut"), from, to));
        }
        Part::new(Act::Resnet, self.groups, vec![(part("norm1"), from), (part("norm2"), to)], convs)
    }

    fn middle(&self, side: &str, width: usize, parts: &mut Vec<Part>) {
        let name = format!("{side}.mid_block");
        parts.push(self.resnet(format!("{name}.resnets.0"), width, width));
        if self.attention {
            let part = |part: &str| format!("{name}.attentions.0.{part}");
            let convs = ["to_q", "to_k", "to_v", "to_out.0"].map(|c| ConvPart::point(part(c), width, width));
            parts.push(Part::new(Act::Attention, self.groups, vec![(part("group_norm"), width)], convs.into()));
        }
        parts.push(self.resnet(format!("{name}.resnets.1"), width, width));
    }

    fn out(&self, side: &str, from: usize, to: usize) -> Part {
        let conv = ConvPart::new(format!("{side}.conv_out"), from, to);
        Part::new(Act::Out, self.groups, vec![(format!("{side}.conv_norm_out"), from)], vec![conv])
    }
}
