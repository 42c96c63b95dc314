//! One network a file: paper, reference and parameter count at the top.

pub mod autoencoder;
pub mod autoencoder_block;
pub mod autoencoder_kl;
pub mod autoencoder_tiny;
pub mod classifier;
pub mod dcgan;
pub mod denoiser;
pub mod denoiser_mlp;
pub mod denoiser_unet;
pub mod dense_gan;
pub mod gpt;
pub mod gpt2;
pub mod gpt_neox;
pub mod language_model;
pub mod llama;
pub mod mlp_gan;
pub mod pretrained;
pub mod realnvp;
pub mod spline;
pub mod transformer;
pub mod vae;

use burn::module::Module;
use burn::tensor::Tensor;

/// A generator of samples from latents.
pub trait Generator: Module + 'static {
    /// # Shapes
    /// `z` `[B, latent]`, `classes` one-hot `[B, 10]` for a conditional model; returns flat samples `[B, features]`.
    fn forward(&self, z: Tensor<2>, classes: Option<Tensor<2>>) -> Tensor<2>;
}

/// Distinguishes real samples from generated ones; a critic under the Wasserstein loss.
pub trait Discriminator: Module + 'static {
    /// # Shapes
    /// `x` flat samples `[B, features]`; returns logits `[B, 1]`.
    fn forward(&self, x: Tensor<2>, classes: Option<Tensor<2>>) -> Tensor<2>;

    /// The gradient of the logit with respect to the input, `[B, features]`, in operations that can be differentiated themselves: burn
    /// has no second derivatives. `None` where the network does not offer it.
    fn input_gradient(&self, _x: Tensor<2>) -> Option<Tensor<2>> {
        None
    }
}
