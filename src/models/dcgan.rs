//! DCGAN for small square pictures (Radford, Metz and Chintala 2015, arXiv 1511.06434).
//!
//! Reference: W1 of the bench. At width 64 and 28 x 28 pictures of one channel: generator 535,809 and discriminator 138,817
//! parameters. The conditional form feeds the class to the generator with the latent (Mirza and Osindero 2014, arXiv 1411.1784) and projects it
//! onto the discriminator's features (Miyato and Koyama 2018, arXiv 1802.05637).

use super::{Discriminator, Generator};
use crate::nn::{Activation, BatchNorm2d, Conv2d, Conv2dConfig, ConvTranspose2d, Linear};
use crate::rng::Stream;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// The slope of the discriminator's leaky ReLU.
const SLOPE: f32 = 0.2;

#[derive(Debug, Clone, Copy)]
pub struct DcganConfig {
    pub latent: usize,
    /// Channels at half the side; twice as many at a quarter.
    pub width: usize,
    /// Classes that both networks are conditioned on; 0 for none.
    pub classes: usize,
    /// Channels of a picture: 1 or 3.
    pub channels: usize,
    /// Side of a picture, a multiple of 4.
    pub side: usize,
}

#[derive(Module, Debug)]
pub struct DcganGenerator {
    pub fc: Linear,
    pub bn1: BatchNorm2d,
    pub ct1: ConvTranspose2d,
    pub bn2: BatchNorm2d,
    pub ct2: ConvTranspose2d,
}

#[derive(Module, Debug)]
pub struct DcganDiscriminator {
    pub c1: Conv2d,
    pub c2: Conv2d,
    pub bn: BatchNorm2d,
    pub fc: Linear,
    pub embed: Option<Linear>,
}

impl DcganConfig {
    /// Features between the convolutions and the linear layer.
    fn features(&self) -> usize {
        2 * self.width * (self.side / 4).pow(2)
    }

    pub fn generator(&self, weights: &mut Stream, device: &Device) -> DcganGenerator {
        let w = self.width;
        DcganGenerator {
            fc: Linear::new(self.latent + self.classes, self.features(), 3.0, false, weights, device),
            bn1: BatchNorm2d::new(2 * w, device),
            ct1: ConvTranspose2d::doubling(2 * w, w, 3.0, false, weights, device),
            bn2: BatchNorm2d::new(w, device),
            ct2: ConvTranspose2d::doubling(w, self.channels, 3.0, true, weights, device),
        }
    }

    pub fn discriminator(&self, weights: &mut Stream, device: &Device) -> DcganDiscriminator {
        let w = self.width;
        let halving = |inputs: usize, outputs: usize| {
            Conv2dConfig::new([inputs, outputs], [4, 4]).with_stride([2, 2]).with_padding([1, 1]).with_gain(3.0)
        };
        DcganDiscriminator {
            c1: halving(self.channels, w).init(weights, device),
            c2: halving(w, 2 * w).with_bias(false).init(weights, device),
            bn: BatchNorm2d::new(2 * w, device),
            fc: Linear::new(self.features(), 1, 3.0, true, weights, device),
            embed: (self.classes > 0).then(|| Linear::new(self.classes, self.features(), 0.01, false, weights, device)),
        }
    }
}

impl Generator for DcganGenerator {
    fn forward(&self, z: Tensor<2>, classes: Option<Tensor<2>>) -> Tensor<2> {
        let [b, _] = z.dims();
        let z = match classes {
            Some(classes) => Tensor::cat(vec![z, classes], 1), // (B, latent + classes)
            None => z,
        };
        let h = self.fc.forward(z, Activation::Identity); // (B, 2w s s), s a quarter of the side: 7 or 8
        let channels = self.bn1.weight.val().dims()[0];
        let s = (h.dims()[1] / channels).isqrt();
        let h = self.bn1.forward(h.reshape([b, channels, s, s]), 0.0);
        let h = self.bn2.forward(self.ct1.forward(h, Activation::Identity), 0.0); // (B, w, 2s, 2s)
        self.ct2.forward(h, Activation::Tanh).flatten(1, 3) // (B, C, 4s, 4s), flat
    }
}

impl Discriminator for DcganDiscriminator {
    fn forward(&self, x: Tensor<2>, classes: Option<Tensor<2>>) -> Tensor<2> {
        let [b, pixels] = x.dims();
        let channels = self.c1.weight.val().dims()[1];
        let side = (pixels / channels).isqrt();
        let h = self.c1.forward(x.reshape([b, channels, side, side]), Activation::LeakyRelu(SLOPE)); // (B, w, side / 2, side / 2)
        let h = self.bn.forward(self.c2.forward(h, Activation::Identity), SLOPE); // (B, 2w, side / 4, side / 4)
        let h: Tensor<2> = h.flatten(1, 3);
        let logits = self.fc.forward(h.clone(), Activation::Identity); // (B, 1)
        match (&self.embed, classes) {
            (Some(embed), Some(classes)) => logits + (embed.forward(classes, Activation::Identity) * h).sum_dim(1),
            _ => logits,
        }
    }
}
