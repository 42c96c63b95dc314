//! One step of a variational autoencoder: it maximises a bound of the data's likelihood, the ELBO (Kingma and Welling 2013,
//! arXiv 1312.6114, section 2): how well a picture is told from its latent, less what the latent tells (KL).

use super::curves::Losses;
use super::trainer::Trainer;
use crate::models::vae::Vae;
use crate::nn::{Adam, AdamOptions};
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::activation::{log_sigmoid, sigmoid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a pixel is taken to scatter around what the decoder says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Likelihood {
    /// A coin whose bias is the pixel's brightness: binary cross entropy.
    Bernoulli,
    /// A bell curve of a fixed width: squared error.
    Gaussian,
}

/// What may change from step to step.
#[derive(Debug, Clone, Copy)]
pub struct VaeOptions {
    pub likelihood: Likelihood,
    /// Standard deviation of the Gaussian likelihood, for pixels in [0, 1].
    pub sigma: f64,
    /// Weight of the KL term (Higgins et al. 2017); 1 is the ELBO.
    pub beta: f64,
    pub lr: f64,
}

/// The two terms of the negative ELBO, in nats: `[B, 1]` and, for each dimension of the latent, `[B, latent]`.
pub struct Terms {
    pub reconstruction: Tensor<2>,
    pub kl: Tensor<2>,
}

/// Losses of a step.
pub const VAE_LOSSES: &[&str] = &["reconstruction", "kl"];

impl Terms {
    /// # Shapes
    /// `x` pictures in [0, 1], flat, `[B, n]`; `noise` standard normal, `[B, latent]`. The latent is drawn as
    /// `mean + exp(logvar / 2) * noise` (the reparameterisation), so that gradients reach the encoder.
    pub fn new(model: &Vae, options: VaeOptions, x: Tensor<2>, noise: Tensor<2>) -> Self {
        let (mean, logvar) = model.encoder.forward(x.clone());
        let z = mean.clone() + (logvar.clone() * 0.5).exp() * noise;
        let logits = model.decoder.forward(z);
        Self { reconstruction: negative_log_likelihood(options, logits, x), kl: kl(mean, logvar) }
    }
}

/// KL divergence of N(mean, exp(logvar)) from the standard normal distribution, in nats, for each number: `[B, latent]`.
pub fn kl(mean: Tensor<2>, logvar: Tensor<2>) -> Tensor<2> {
    (mean.square() + logvar.clone().exp() - logvar - 1.0) * 0.5
}

/// Nats for each picture `[B, 1]`, from the decoder's logits and pictures in [0, 1], `[B, n]`.
fn negative_log_likelihood(options: VaeOptions, logits: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
    match options.likelihood {
        // log(1 + exp(l)) - x l, without overflow.
        Likelihood::Bernoulli => (-log_sigmoid(-logits.clone()) - x * logits).sum_dim(1),
        Likelihood::Gaussian => {
            let n = x.dims()[1] as f64;
            let constant = n * (options.sigma * std::f64::consts::TAU.sqrt()).ln();
            (sigmoid(logits) - x).square().sum_dim(1) / (2.0 * options.sigma * options.sigma) + constant
        }
    }
}

/// One update on pictures and noise as [`Terms::new`] takes them, with autodiff. Nothing is read back.
pub fn vae_step(trainer: &mut Trainer<Vae>, options: VaeOptions, x: Tensor<2>, noise: Tensor<2>) -> Losses {
    let adam = AdamOptions { lr: options.lr, beta1: 0.9, beta2: 0.999 };
    trainer.prepare(1, adam);
    let terms = Terms::new(&trainer.model, options, x, noise);
    let reconstruction = terms.reconstruction.mean();
    let kl = terms.kl.sum_dim(1).mean();
    trainer.update(&(reconstruction.clone() + kl.clone() * options.beta), adam, false);
    vec![("reconstruction", reconstruction.inner().into()), ("kl", kl.inner().into())]
}

/// What can be seen of damaged pictures, and how sure it is.
#[derive(Debug, Clone, Copy)]
pub struct Restoration {
    /// Channels, height and width of a whole picture.
    pub shape: [usize; 3],
    /// What is seen is the mean of `factor` x `factor` pixels; 1 where every pixel is seen by itself.
    pub factor: usize,
    /// Standard deviation of what is seen.
    pub sigma: f64,
    /// Steps of the search, and its learning rate.
    pub steps: usize,
    pub lr: f64,
}

/// What latents are before anything is seen: normal, each number with this standard deviation.
#[derive(Debug, Clone)]
pub struct Prior {
    /// `[B, latent]`.
    pub mean: Tensor<2>,
    pub deviation: f64,
}

#[derive(Module, Debug)]
struct Latents {
    z: Param<Tensor<2>>,
}

impl Restoration {
    /// The latents whose pictures agree best with what is seen, found by Adam from `start`: the
    /// most probable ones under a normal prior and a Gaussian likelihood of the visible pixels.
    ///
    /// # Shapes
    /// `seen` in [0, 1] and `weights` (0 where nothing is seen) `[B, C (H / factor) (W / factor)]`, the prior's mean and `start`
    /// `[B, latent]`, all without autodiff; returns `[B, latent]`.
    pub fn run(&self, model: &Vae, [seen, weights]: [Tensor<2>; 2], prior: Prior, start: Tensor<2>) -> Tensor<2> {
        let still = model.clone().no_grad();
        let (seen, weights, mean) = (seen.autodiff(), weights.autodiff(), prior.mean.autodiff());
        let mut latents = Latents { z: Param::from_tensor(start.autodiff().require_grad()) };
        let mut adam = Adam::default();
        for _ in 0..self.steps {
            let z = latents.z.val();
            let drawn = self.observe(sigmoid(still.decoder.forward(z.clone())));
            let error = ((drawn - seen.clone()).square() * weights.clone()).sum();
            let unlikely = (z - mean.clone()).square().sum() / (2.0 * prior.deviation * prior.deviation);
            let loss = error / (2.0 * self.sigma * self.sigma) + unlikely;
            let options = AdamOptions { lr: self.lr, beta1: 0.9, beta2: 0.999 };
            (latents, _) = adam.step(latents, loss.backward(), options, false);
        }
        latents.z.val().inner()
    }

    /// Whole pictures `[B, C H W]` as they are seen.
    pub fn observe(&self, whole: Tensor<2>) -> Tensor<2> {
        let ([b, _], [c, h, w], f) = (whole.dims(), self.shape, self.factor);
        if f == 1 {
            return whole;
        }
        let blocks: Tensor<5> = whole.reshape([b * c, h / f, f, w / f, f]);
        let means = blocks.mean_dim(4).mean_dim(2);
        means.reshape([b, c * (h / f) * (w / f)])
    }
}
