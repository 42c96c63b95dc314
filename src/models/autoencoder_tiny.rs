//! TAESD, the tiny autoencoder for Stable Diffusion (Bohan 2023, github.com/madebyollin/taesd): distilled from
//! Stable Diffusion's own, no norms, no attention, no sampling.
//!
//! Reference: `AutoencoderTiny` of `diffusers`. With width 64, 1-3-3-3 blocks on the way in and 3-3-3-1 on the way out, and
//! 4 latent channels: encoder 1,222,532 and decoder 1,222,531 parameters.

use super::autoencoder::{Act, ConvPart, Part};

/// The sizes of an AutoencoderTiny: all of its stages have one width.
#[derive(Debug, Clone, PartialEq)]
pub struct TinySizes {
    pub width: usize,
    pub latent: usize,
    /// Blocks at each size of the picture, in the order in which it passes them.
    pub encoder: Vec<usize>,
    pub decoder: Vec<usize>,
}

impl TinySizes {
    /// From pixels in [-1, 1] to the latent.
    pub fn encoder(&self) -> Vec<Part> {
        let (w, name, mut at) = (self.width, |at: usize| format!("encoder.layers.{at}"), 1);
        let mut parts = vec![Part::of(Act::Affine(0.5, 0.5), vec![])];
        for (stage, &blocks) in self.encoder.iter().enumerate() {
            if stage == 0 {
                parts.push(Part::of(Act::Plain, vec![ConvPart::new(name(0), 3, w)]));
            } else {
                let conv = ConvPart { stride: 2, bias: false, ..ConvPart::new(name(at), w, w) };
                parts.push(Part::of(Act::Plain, vec![conv]));
                at += 1;
            }
            parts.extend((at..at + blocks).map(|at| self.block(name(at))));
            at += blocks;
        }
        parts.push(Part::of(Act::Plain, vec![ConvPart::new(name(at), w, self.latent)]));
        parts
    }

    /// From the latent to pixels, about in [-1, 1].
    pub fn decoder(&self) -> Vec<Part> {
        // Layer 1 is an activation, and one before each convolution but the last is an upsampling: they have no weights.
        let (w, name, mut at) = (self.width, |at: usize| format!("decoder.layers.{at}"), 2);
        let first = Part::of(Act::Relu, vec![ConvPart::new(name(0), self.latent, w)]);
        let mut parts = vec![Part::of(Act::Bend, vec![]), first];
        for (stage, &blocks) in self.decoder.iter().enumerate() {
            parts.extend((at..at + blocks).map(|at| self.block(name(at))));
            at += blocks;
            if stage + 1 < self.decoder.len() {
                let conv = ConvPart { bias: false, ..ConvPart::new(name(at + 1), w, w) };
                parts.push(Part::of(Act::Double, vec![conv]));
                at += 2;
            }
        }
        parts.push(Part::of(Act::Plain, vec![ConvPart::new(name(at), w, 3)]));
        parts.push(Part::of(Act::Affine(2.0, -1.0), vec![]));
        parts
    }

    fn block(&self, name: String) -> Part {
        let conv = |i: usize| ConvPart::new(format!("{name}.conv.{i}"), self.width, self.width);
        Part::of(Act::TinyBlock, vec![conv(0), conv(2), conv(4)])
    }
}
