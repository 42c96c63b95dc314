//! A small classifier of digits. Its classes count modes, and its features are those of the Frechet classifier distance.
//!
//! A LeNet (LeCun et al. 1998) with strided convolutions: 42,490 parameters, of which 48 features before the last layer.

use crate::nn::{Activation, Conv2d, Conv2dConfig, Linear};
use crate::rng::Stream;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// Features before the last layer.
pub const FEATURES: usize = 48;

#[derive(Module, Debug)]
pub struct Classifier {
    pub c1: Conv2d,
    pub c2: Conv2d,
    pub fc1: Linear,
    pub fc2: Linear,
}

impl Classifier {
    pub fn new(weights: &mut Stream, device: &Device) -> Self {
        let halving = |inputs: usize, outputs: usize| {
            Conv2dConfig::new([inputs, outputs], [5, 5]).with_stride([2, 2]).with_padding([2, 2]).with_gain(6.0)
        };
        Self {
            c1: halving(1, 8).init(weights, device),
            c2: halving(8, 16).init(weights, device),
            fc1: Linear::new(16 * 49, FEATURES, 6.0, true, weights, device),
            fc2: Linear::new(FEATURES, 10, 3.0, true, weights, device),
        }
    }

    /// # Shapes
    /// Pictures `[B, 784]` to features `[B, 48]` and logits `[B, 10]`.
    pub fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let [b, _] = x.dims();
        let h = self.c1.forward(x.reshape([b, 1, 28, 28]), Activation::RELU); // (B, 8, 14, 14)
        let h = self.c2.forward(h, Activation::RELU); // (B, 16, 7, 7)
        let features = self.fc1.forward(h.flatten(1, 3), Activation::RELU);
        let logits = self.fc2.forward(features.clone(), Activation::Identity);
        (features, logits)
    }
}
