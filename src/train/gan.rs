//! One step of a generative adversarial network (Goodfellow et al. 2014, arXiv 1406.2661): the discriminator learns to
//! tell real samples from generated ones, the generator to be taken for real.

use super::curves::{Curves, Reading};
use super::loss::{GanLoss, discriminator_loss, generator_loss};
use crate::error::{Error, Result};
use crate::models::{Discriminator, Generator};
use crate::nn::{Adam, AdamOptions};
use crate::weights::{Checkpoint, load_module, save_module};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who learns.
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

/// Both networks with their optimizers, and the curves of their game.
pub struct Gan<G, D> {
    pub generator: G,
    pub discriminator: D,
    pub adam_generator: Adam,
    pub adam_discriminator: Adam,
    pub device: Device,
    pub step: u32,
    pub curves: Curves,
}

/// The curves of a game, in the order in which they are recorded.
pub const SERIES: [&str; 4] = ["discriminator", "generator", "gradient_discriminator", "gradient_generator"];

impl<G: Generator, D: Discriminator> Gan<G, D> {
    pub fn new(generator: G, discriminator: D, device: Device) -> Self {
        Self {
            generator,
            discriminator,
            adam_generator: Adam::default(),
            adam_discriminator: Adam::default(),
            curves: Curves::new(&SERIES, &device),
            device,
            step: 0,
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
    ) -> Result<()> {
        // Uploads come first: on WebGPU each would end a submission.
        self.adam_discriminator.prepare(discriminator.len(), options.discriminator(), &self.device);
        self.adam_generator.prepare(usize::from(generator.is_some()), options.generator(), &self.device);
        // A player without an update has neither loss nor gradient.
        let mut row = vec![Reading::Absent; SERIES.len()];
        for input in discriminator {
            let (loss, norm) = self.update_discriminator(options, input)?;
            (row[0], row[2]) = (loss.into(), norm.into());
        }
        if let Some(input) = generator {
            let (loss, norm) = self.update_generator(options, input);
            (row[1], row[3]) = (loss.into(), norm.into());
        }
        self.step += 1;
        self.curves.push(self.step, row);
        Ok(())
    }

    fn update_discriminator(
        &mut self,
        options: GanOptions,
        input: StepInput,
    ) -> Result<(Tensor<1>, Option<Tensor<1>>)> {
        let still = self.generator.clone().no_grad();
        let fake = perturb(still.forward(input.z, input.classes.clone()).detach(), input.noise);
        let logits_real = self.discriminator.forward(input.real.clone(), input.classes.clone());
        let logits_fake = self.discriminator.forward(fake.clone(), input.classes);
        let mut loss = discriminator_loss(options.loss, logits_real, logits_fake);
        if let (GanLoss::Wasserstein, Some(mix)) = (options.loss, input.mix) {
            let between = input.real * mix.clone() + fake * (-mix + 1.0);
            let gradient = self.discriminator.input_gradient(between).ok_or_else(|| {
                Error::bad_command("This discriminator has no gradient penalty: choose another loss.")
            })?;
            let norm = (gradient.square().sum_dim(1) + 1e-12).sqrt();
            loss = loss + (norm - 1.0).square().mean() * options.penalty;
        }
        let adam = options.discriminator();
        let (module, norm) =
            self.adam_discriminator.step(self.discriminator.clone(), loss.backward(), adam, options.norms);
        self.discriminator = module;
        Ok((loss.inner(), norm))
    }

    fn update_generator(&mut self, options: GanOptions, input: StepInput) -> (Tensor<1>, Option<Tensor<1>>) {
        // Without gradients the discriminator's weight gradients, which nobody uses, are not computed.
        let still = self.discriminator.clone().no_grad();
        let fake = perturb(self.generator.forward(input.z, input.classes.clone()), input.noise);
        let loss = generator_loss(options.loss, still.forward(fake, input.classes));
        let adam = options.generator();
        let (module, norm) = self.adam_generator.step(self.generator.clone(), loss.backward(), adam, options.norms);
        self.generator = module;
        (loss.inner(), norm)
    }

    /// Samples without gradients, `[B, features]`.
    pub fn sample(&self, z: Tensor<2>, classes: Option<Tensor<2>>) -> Tensor<2> {
        self.generator.valid().forward(z.inner(), classes.map(Tensor::inner))
    }

    /// Logits without gradients, `[B, 1]`.
    pub fn judge(&self, x: Tensor<2>, classes: Option<Tensor<2>>) -> Tensor<2> {
        self.discriminator.valid().forward(x.inner(), classes.map(Tensor::inner))
    }

    pub async fn save(&mut self) -> Result<Checkpoint> {
        self.curves.flush(Vec::new()).await?;
        let mut checkpoint = Checkpoint::default();
        save_module(&self.generator, Some(&self.adam_generator), "generator", &mut checkpoint).await?;
        save_module(&self.discriminator, Some(&self.adam_discriminator), "discriminator", &mut checkpoint).await?;
        self.curves.save(self.step, &mut checkpoint)?;
        Ok(checkpoint)
    }

    pub fn load(&mut self, file: &Checkpoint) -> Result<()> {
        let mut adam = Adam::default();
        let generator = load_module(self.generator.clone(), Some(&mut adam), "generator", file, &self.device)?;
        let mut adam_d = Adam::default();
        let discriminator =
            load_module(self.discriminator.clone(), Some(&mut adam_d), "discriminator", file, &self.device)?;
        self.step = self.curves.load(file)?;
        (self.generator, self.adam_generator) = (generator, adam);
        (self.discriminator, self.adam_discriminator) = (discriminator, adam_d);
        Ok(())
    }
}

fn perturb(samples: Tensor<2>, noise: Option<Tensor<2>>) -> Tensor<2> {
    match noise {
        Some(noise) => samples + noise,
        None => samples,
    }
}
