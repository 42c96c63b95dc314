//! DCGAN for 28 x 28 pictures of one channel (Radford, Metz and Chintala 2015, arXiv 1511.06434).
//!
//! Reference: W1 of the bench. At width 64: generator 535,809 and discriminator 138,817 parameters. The conditional
//! form feeds the class to the generator beside the latent (Mirza and Osindero 2014, arXiv 1411.1784) and projects it
//! onto the discriminator's features (Miyato and Koyama 2018, arXiv 1802.05637).

use super::{Discriminator, Generator};
use crate::nn::{BatchNorm2d, Conv2d, ConvTranspose2d, Linear};
use crate::rng::Stream;
use burn::module::Module;
use burn::tensor::activation::{leaky_relu, relu, tanh};
use burn::tensor::{Device, Tensor};

#[derive(Debug, Clone, Copy)]
pub struct DcganConfig {
    pub latent: usize,
    /// Channels at 14 x 14; twice as many at 7 x 7.
    pub width: usize,
    /// Classes that are told to both networks; 0 for none.
    pub classes: usize,
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
    pub fn generator(&self, weights: &mut Stream, device: &Device) -> DcganGenerator {
        let w = self.width;
        DcganGenerator {
            fc: Linear::new(self.latent + self.classes, 2 * w * 49, 3.0, false, weights, device),
            bn1: BatchNorm2d::new(2 * w, device),
            ct1: ConvTranspose2d::doubling(2 * w, w, 3.0, false, weights, device),
            bn2: BatchNorm2d::new(w, device),
            ct2: ConvTranspose2d::doubling(w, 1, 3.0, true, weights, device),
        }
    }

    pub fn discriminator(&self, weights: &mut Stream, device: &Device) -> DcganDiscriminator {
        let w = self.width;
        DcganDiscriminator {
            c1: Conv2d::halving([1, w, 4], 1, 3.0, true, weights, device),
            c2: Conv2d::halving([w, 2 * w, 4], 1, 3.0, false, weights, device),
            bn: BatchNorm2d::new(2 * w, device),
            fc: Linear::new(2 * w * 49, 1, 3.0, true, weights, device),
            embed: (self.classes > 0).then(|| Linear::new(self.classes, 2 * w * 49, 0.01, false, weights, device)),
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
        let h = self.fc.forward(z); // (B, 2w 7 7)
        let channels = self.bn1.weight.val().dims()[0];
        let h = relu(self.bn1.forward(h.reshape([b, channels, 7, 7])));
        let h = relu(self.bn2.forward(self.ct1.forward(h))); // (B, w, 14, 14)
        tanh(self.ct2.forward(h)).reshape([b, 784]) // (B, 1, 28, 28), flat
    }
}

impl Discriminator for DcganDiscriminator {
    fn forward(&self, x: Tensor<2>, classes: Option<Tensor<2>>) -> Tensor<2> {
        let [b, _] = x.dims();
        let h = leaky_relu(self.c1.forward(x.reshape([b, 1, 28, 28])), 0.2); // (B, w, 14, 14)
        let h = leaky_relu(self.bn.forward(self.c2.forward(h)), 0.2); // (B, 2w, 7, 7)
        let h: Tensor<2> = h.flatten(1, 3);
        let logits = self.fc.forward(h.clone()); // (B, 1)
        match (&self.embed, classes) {
            (Some(embed), Some(classes)) => logits + (embed.forward(classes) * h).sum_dim(1),
            _ => logits,
        }
    }
}
