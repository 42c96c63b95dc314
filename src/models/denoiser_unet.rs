//! A small U-Net that denoises pictures (Ronneberger et al. 2015, arXiv 1505.04597; for diffusion Ho et al. 2020, arXiv 2006.11239): residual
//! blocks at 16 x 16 and 8 x 8, attention at 8 x 8, and joins from the way down to the way up. Time and class scale and shift the
//! channels of each block.
//!
//! Pictures of 28 x 28 are padded to 32 x 32 by the first convolution and cropped by the last transposed one, as in the VAE.

use super::denoiser::Denoiser;
use crate::error::Result;
use crate::nn::{
    Activation, Attention, AttentionConfig, Conv2d, Conv2dConfig, ConvTranspose2d, GroupNorm, Linear, ops::bias_act,
};
use crate::rng::Stream;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

#[derive(Debug, Clone, Copy)]
pub struct DenoiserUnetConfig {
    /// Channels, height and width: 28 x 28 or 32 x 32.
    pub shape: [usize; 3],
    /// Numbers in the condition, see [`super::denoiser::condition`].
    pub condition: usize,
    /// Channels at 16 x 16, a multiple of 8; twice as many at 8 x 8.
    pub width: usize,
    /// Units between the condition and the scales and shifts.
    pub embedding: usize,
}

const GROUPS: usize = 8;
const HEADS: usize = 2;

#[derive(Module, Debug)]
pub struct DenoiserUnet {
    pub condition: Linear,
    pub down1: Conv2d,
    pub block1: ResidualBlock,
    pub down2: Conv2d,
    pub block2: ResidualBlock,
    pub norm: GroupNorm,
    pub attention: Attention,
    pub block3: ResidualBlock,
    pub up2: ConvTranspose2d,
    pub block4: ResidualBlock,
    pub up1: ConvTranspose2d,
    pub output: Conv2d,
    #[module(skip)]
    shape: [usize; 3],
}

/// `x + conv(silu(norm(conv(silu(norm(x)))) (1 + scale) + shift))`; where the channels change, `x` goes through a 1 x 1 convolution.
#[derive(Module, Debug)]
pub struct ResidualBlock {
    pub norm1: GroupNorm,
    pub conv1: Conv2d,
    pub norm2: GroupNorm,
    pub conv2: Conv2d,
    pub modulation: Linear,
    pub shortcut: Option<Conv2d>,
}

impl DenoiserUnetConfig {
    /// # Errors
    /// `Unsupported` for a width that is no multiple of 8.
    pub fn init(&self, weights: &mut Stream, device: &Device) -> Result<DenoiserUnet> {
        let Self { shape, condition, width: w, embedding } = *self;
        let [channels, side, _] = shape;
        let edge = 1 + (32 - side.min(32)) / 2;
        let halving = |inputs, outputs, padding, weights: &mut Stream| {
            let config = Conv2dConfig::new([inputs, outputs], [4, 4]).with_stride([2, 2]);
            config.with_padding([padding; 2]).with_gain(3.0).init(weights, device)
        };
        Ok(DenoiserUnet {
            condition: Linear::new(condition, embedding, 3.0, true, weights, device),
            down1: halving(channels, w, edge, weights),
            block1: ResidualBlock::new([w, w], embedding, weights, device)?,
            down2: halving(w, 2 * w, 1, weights),
            block2: ResidualBlock::new([2 * w, 2 * w], embedding, weights, device)?,
            norm: GroupNorm::new(GROUPS, 2 * w, device)?,
            attention: AttentionConfig::new(2 * w, HEADS).init(weights, device)?,
            block3: ResidualBlock::new([2 * w, 2 * w], embedding, weights, device)?,
            up2: ConvTranspose2d::doubling(2 * w, w, 3.0, true, weights, device),
            block4: ResidualBlock::new([2 * w, w], embedding, weights, device)?,
            up1: ConvTranspose2d::doubling(w, w, 3.0, true, weights, device).padded(edge),
            // Small, so that the first predictions are near zero.
            output: Conv2dConfig::new([w + channels, channels], [3, 3])
                .with_padding([1, 1])
                .with_gain(0.03)
                .init(weights, device),
            shape,
        })
    }
}

impl ResidualBlock {
    fn new([inputs, outputs]: [usize; 2], embedding: usize, weights: &mut Stream, device: &Device) -> Result<Self> {
        let conv = |inputs, gain, weights: &mut Stream| {
            Conv2dConfig::new([inputs, outputs], [3, 3]).with_padding([1, 1]).with_gain(gain).init(weights, device)
        };
        Ok(Self {
            norm1: GroupNorm::new(GROUPS, inputs, device)?,
            conv1: conv(inputs, 3.0, weights),
            norm2: GroupNorm::new(GROUPS, outputs, device)?,
            conv2: conv(outputs, 0.3, weights),
            modulation: Linear::new(embedding, 2 * outputs, 1.0, true, weights, device),
            shortcut: (inputs != outputs)
                .then(|| Conv2dConfig::new([inputs, outputs], [1, 1]).with_gain(3.0).init(weights, device)),
        })
    }

    /// # Shapes
    /// `x` `[B, in, H, W]`, `condition` `[B, embedding]`; returns `[B, out, H, W]`.
    fn forward(&self, x: Tensor<4>, condition: &Tensor<2>) -> Tensor<4> {
        let [b, _] = condition.dims();
        let silu = |x: Tensor<4>| bias_act(x, None, Activation::Silu);
        let h = self.conv1.forward(silu(self.norm1.forward(x.clone())), Activation::Identity);
        let [_, channels, _, _] = h.dims();
        let modulation = self.modulation.forward(condition.clone(), Activation::Identity); // (B, 2 out)
        let part = |k: usize| modulation.clone().narrow(1, k * channels, channels).reshape([b, channels, 1, 1]);
        let h = self.norm2.forward(h) * (part(0) + 1.0) + part(1);
        let h = self.conv2.forward(silu(h), Activation::Identity);
        match &self.shortcut {
            Some(shortcut) => shortcut.forward(x, Activation::Identity) + h,
            None => x + h,
        }
    }
}

impl Denoiser for DenoiserUnet {
    fn forward(&self, x: Tensor<2>, condition: Tensor<2>) -> Tensor<2> {
        let ([b, _], [c, height, width]) = (x.dims(), self.shape);
        let condition = self.condition.forward(condition, Activation::Silu); // (B, embedding)
        let x: Tensor<4> = x.reshape([b, c, height, width]);
        let h = self.down1.forward(x.clone(), Activation::Identity); // (B, w, 16, 16)
        let skip = self.block1.forward(h, &condition);
        let h = self.down2.forward(skip.clone(), Activation::Identity); // (B, 2w, 8, 8)
        let h = self.attend(self.block2.forward(h, &condition));
        let h = self.up2.forward(self.block3.forward(h, &condition), Activation::Identity); // (B, w, 16, 16)
        let h = self.block4.forward(Tensor::cat(vec![h, skip], 1), &condition); // (B, w, 16, 16)
        let h = self.up1.forward(h, Activation::Silu); // (B, w, H, W)
        self.output.forward(Tensor::cat(vec![h, x], 1), Activation::Identity).flatten(1, 3) // (B, C H W)
    }
}

impl DenoiserUnet {
    /// `x` and what each place attends to.
    fn attend(&self, x: Tensor<4>) -> Tensor<4> {
        let [b, c, h, w] = x.dims();
        let places: Tensor<3> = self.norm.forward(x.clone()).reshape([b, c, h * w]).swap_dims(1, 2); // (B, H W, C)
        x + self.attention.forward(places).swap_dims(1, 2).reshape([b, c, h, w])
    }
}
