//! One step of a generative adversarial network (Goodfellow et al. 2014, arXiv 1406.2661): the discriminator learns to
//! tell real samples from generated ones, the generator to be taken for real.

use super::curves::Losses;
use super::loss::{GanLoss, discriminator_loss, generator_loss};
use super::trainer::Trainer;
use crate::error::{Error, Result};
use crate::models::{Discriminator, Generator};
use crate::nn::AdamOptions;
use crate::weights::Checkpoint;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which networks learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Players {
    Both,
    Discriminator,
    Generator,
}

/// What may change from step to step.
#[derive(Debug, Clone, Copy)]
pub struct GanOptions {
    pub loss: GanLoss,
    pub lr_generator: f64,
    pub lr_discriminator: f64,
    pub beta1: f64,
    pub beta2: f64,
    /// Weight of the gradient penalty under the Wasserstein loss.
    pub penalty: f64,
    /// Whether this step measures gradient norms.
    pub norms: bool,
}

impl GanOptions {
    fn discriminator(self) -> AdamOptions {
        AdamOptions { lr: self.lr_discriminator, beta1: self.beta1, beta2: self.beta2 }
    }

    fn generator(self) -> AdamOptions {
        AdamOptions { lr: self.lr_generator, beta1: self.beta1, beta2: self.beta2 }
    }
}

/// Random numbers and data of one update, from the CPU streams.
pub struct StepInput {
    /// Real samples `[B, features]` (used by the discriminator), noise included.
    pub real: Tensor<2>,
    /// Latents `[B, latent]`.
    pub z: Tensor<2>,
    /// Instance noise for generated samples `[B, features]` (Sonderby et al. 2016, arXiv 1610.04490).
    pub noise: Option<Tensor<2>>,
    /// One-hot classes `[B, C]` of a conditional model.
    pub classes: Option<Tensor<2>>,
    /// Mixing weights `[B, 1]` in [0, 1] of the gradient penalty.
    pub mix: Option<Tensor<2>>,
}

/// Both networks.
pub struct Gan<G, D> {
    pub generator: Trainer<G>,
    pub discriminator: Trainer<D>,
}

/// Losses and gradient norms of a step.
pub const GAN_LOSSES: &[&str] = &["discriminator", "generator", "gradient_discriminator", "gradient_generator"];

impl<G: Generator, D: Discriminator> Gan<G, D> {
    pub fn new(generator: G, discriminator: D, device: Device) -> Self {
        Self {
            generator: Trainer::new("generator", generator, device.clone()),
            discriminator: Trainer::new("discriminator", discriminator, device),
        }
    }

    /// One step: an update of the discriminator for each of its inputs, then one of the generator where it has one.
    /// Nothing is read back.
    ///
    /// # Errors
    /// `BadCommand` for the Wasserstein loss with a discriminator that has no input gradient.
    pub fn step(
        &mut self,
        options: GanOptions,
        discriminator: Vec<StepInput>,
        generator: Option<StepInput>,
    ) -> Result<Losses> {
        // Uploads come first: on WebGPU each would end a submission.
        self.discriminator.prepare(discriminator.len(), options.discriminator());
        self.generator.prepare(usize::from(generator.is_some()), options.generator());
        // A player without an update has neither loss nor gradient.
        let mut losses = Losses::new();
        for input in discriminator {
            let (loss, norm) = self.update_discriminator(options, input)?;
            losses.extend([("discriminator", loss.into()), ("gradient_discriminator", norm.into())]);
        }
        if let Some(input) = generator {
            let (loss, norm) = self.update_generator(options, input);
            losses.extend([("generator", loss.into()), ("gradient_generator", norm.into())]);
        }
        Ok(losses)
    }

    fn update_discriminator(
        &mut self,
        options: GanOptions,
        input: StepInput,
    ) -> Result<(Tensor<1>, Option<Tensor<1>>)> {
        let frozen = self.generator.model.clone().no_grad();
        let fake = perturb(frozen.forward(input.z, input.classes.clone()).detach(), input.noise);
        let logits_real = self.discriminator.model.forward(input.real.clone(), input.classes.clone());
        let logits_fake = self.discriminator.model.forward(fake.clone(), input.classes);
        let mut loss = discriminator_loss(options.loss, logits_real, logits_fake);
        if let (GanLoss::Wasserstein, Some(mix)) = (options.loss, input.mix) {
            let between = input.real * mix.clone() + fake * (-mix + 1.0);
            let gradient = self.discriminator.model.input_gradient(between).ok_or_else(|| {
                Error::bad_command("This discriminator has no gradient penalty: choose another loss.")
            })?;
            let norm = (gradient.square().sum_dim(1) + 1e-12).sqrt();
            loss = loss + (norm - 1.0).square().mean() * options.penalty;
        }
        let norm = self.discriminator.update(&loss, options.discriminator(), options.norms);
        Ok((loss.inner(), norm))
    }

    fn update_generator(&mut self, options: GanOptions, input: StepInput) -> (Tensor<1>, Option<Tensor<1>>) {
        // Without gradients the discriminator's weight gradients, which nobody uses, are not computed.
        let frozen = self.discriminator.model.clone().no_grad();
        let fake = perturb(self.generator.model.forward(input.z, input.classes.clone()), input.noise);
        let loss = generator_loss(options.loss, frozen.forward(fake, input.classes));
        let norm = self.generator.update(&loss, options.generator(), options.norms);
        (loss.inner(), norm)
    }

    /// Samples without gradients, `[B, features]`.
    pub fn sample(&self, z: Tensor<2>, classes: Option<Tensor<2>>) -> Tensor<2> {
        self.generator.sampler().forward(z.inner(), classes.map(Tensor::inner))
    }

    /// Logits without gradients, `[B, 1]`.
    pub fn judge(&self, x: Tensor<2>, classes: Option<Tensor<2>>) -> Tensor<2> {
        self.discriminator.model.valid().forward(x.inner(), classes.map(Tensor::inner))
    }

    /// Both networks with their optimizers, as [`Trainer::save`].
    pub async fn save(&self, file: &mut Checkpoint) -> Result<()> {
        self.generator.save(file).await?;
        self.discriminator.save(file).await
    }

    /// # Errors
    /// As [`Trainer::loaded`]; nothing has changed then.
    pub fn load(&mut self, file: &Checkpoint) -> Result<()> {
        (self.generator, self.discriminator) = (self.generator.loaded(file)?, self.discriminator.loaded(file)?);
        Ok(())
    }
}

fn perturb(samples: Tensor<2>, noise: Option<Tensor<2>>) -> Tensor<2> {
    match noise {
        Some(noise) => samples + noise,
        None => samples,
    }
}
