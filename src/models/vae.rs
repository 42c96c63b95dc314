//! A convolutional variational autoencoder (Kingma and Welling 2013, arXiv 1312.6114; Rezende et al. 2014, arXiv 1401.4082).
//!
//! Three strided convolutions to 4 x 4, a mean and a log variance for each dimension of the latent; the decoder mirrors them.
//! Pictures of 28 x 28 are padded to 32 x 32 by the first convolution and cropped by the last. At width 16, one channel and
//! two dimensions: 45,428 parameters in the encoder, 44,337 in the decoder. Pixels are in [0, 1].

use crate::nn::{Activation, Conv2d, Conv2dConfig, ConvTranspose2d, Linear};
use crate::rng::Stream;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

#[derive(Debug, Clone, Copy)]
pub struct VaeConfig {
    /// Channels, height and width: 28 x 28 or 32 x 32.
    pub shape: [usize; 3],
    pub latent: usize,
    /// Channels at 16 x 16; twice as many at 8 x 8, four times at 4 x 4.
    pub width: usize,
}

#[derive(Module, Debug)]
pub struct Vae {
    pub encoder: Encoder,
    pub decoder: Decoder,
}

#[derive(Module, Debug)]
pub struct Encoder {
    pub c1: Conv2d,
    pub c2: Conv2d,
    pub c3: Conv2d,
    pub mean: Linear,
    pub logvar: Linear,
    #[module(skip)]
    shape: [usize; 3],
}

#[derive(Module, Debug)]
pub struct Decoder {
    pub fc: Linear,
    pub ct1: ConvTranspose2d,
    pub ct2: ConvTranspose2d,
    pub ct3: ConvTranspose2d,
}

/// A strided convolution, which halves the picture with padding 1.
fn halving(inputs: usize, outputs: usize, padding: usize, weights: &mut Stream, device: &Device) -> Conv2d {
    let config = Conv2dConfig::new([inputs, outputs], [4, 4]).with_stride([2, 2]).with_padding([padding; 2]);
    config.init(weights, device)
}

impl VaeConfig {
    pub fn init(&self, weights: &mut Stream, device: &Device) -> Vae {
        let (w, latent) = (self.width, self.latent);
        let [channels, side, _] = self.shape;
        // 28 x 28 becomes 16 x 16 with three pixels more on each side, 32 x 32 with one.
        let edge = 1 + (32 - side.min(32)) / 2;
        Vae {
            encoder: Encoder {
                c1: halving(channels, w, edge, weights, device),
                c2: halving(w, 2 * w, 1, weights, device),
                c3: halving(2 * w, 4 * w, 1, weights, device),
                mean: Linear::new(64 * w, latent, 1.0, true, weights, device),
                logvar: Linear::new(64 * w, latent, 0.1, true, weights, device),
                shape: self.shape,
            },
            decoder: Decoder {
                fc: Linear::new(latent, 64 * w, 1.0, true, weights, device),
                ct1: ConvTranspose2d::doubling(4 * w, 2 * w, 1.0, true, weights, device),
                ct2: ConvTranspose2d::doubling(2 * w, w, 1.0, true, weights, device),
                ct3: ConvTranspose2d::doubling(w, channels, 1.0, true, weights, device).padded(edge),
            },
        }
    }
}

impl Encoder {
    /// # Shapes
    /// Pictures in [0, 1], flat, `[B, C H W]`, to means and log variances `[B, latent]`.
    pub fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let [b, _] = x.dims();
        let [c, h, w] = self.shape;
        let h = self.c1.forward(x.reshape([b, c, h, w]), Activation::RELU); // (B, w, 16, 16)
        let h = self.c2.forward(h, Activation::RELU); // (B, 2w, 8, 8)
        let h: Tensor<2> = self.c3.forward(h, Activation::RELU).flatten(1, 3); // (B, 4w 4 4)
        (self.mean.forward(h.clone(), Activation::Identity), self.logvar.forward(h, Activation::Identity))
    }
}

impl Decoder {
    /// # Shapes
    /// Latents `[B, latent]` to logits of pictures, flat, `[B, C H W]`: their sigmoid is in [0, 1].
    pub fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        let [b, _] = z.dims();
        let h = self.fc.forward(z, Activation::RELU); // (B, 4w 4 4)
        let channels = h.dims()[1] / 16;
        let h = self.ct1.forward(h.reshape([b, channels, 4, 4]), Activation::RELU); // (B, 2w, 8, 8)
        let h = self.ct2.forward(h, Activation::RELU); // (B, w, 16, 16)
        self.ct3.forward(h, Activation::Identity).flatten(1, 3) // (B, C, H, W), flat
    }
}
