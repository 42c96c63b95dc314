//! A network that is trained: its weights, its optimizer, the running average of its weights, and their checkpoint.

use crate::error::Result;
use crate::nn::{Adam, AdamWOptions, Ema};
use crate::weights::{AVERAGE, Checkpoint, load_module, save_module};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// One network with all that its training needs. A GAN has two.
pub struct Trainer<M> {
    /// The weights of the last step, with gradients.
    pub model: M,
    adam: Adam,
    average: Option<Average<M>>,
    /// The first part of its tensors' names in a checkpoint.
    name: &'static str,
    device: Device,
}

struct Average<M> {
    ema: Ema<M>,
    decay: f64,
}

impl<M: Module> Trainer<M> {
    /// `device` is one with autodiff, on which `model` is.
    pub fn new(name: &'static str, model: M, device: Device) -> Self {
        Self { model, adam: Adam::default(), average: None, name, device }
    }

    /// Samples are drawn from a running average of the weights with this decay.
    pub fn with_ema(mut self, decay: f64) -> Self {
        self.average = Some(Average { ema: Ema::new(self.model.clone(), 0), decay });
        self
    }

    /// Uploads what the next `updates` updates use. On WebGPU an upload ends a submission: those of a training step are to come before
    /// its first operation.
    pub fn prepare(&mut self, updates: usize, options: impl Into<AdamWOptions>) {
        self.adam.prepare(updates, options, &self.device);
    }

    /// One update that makes `loss` smaller; with `norm` the norm of the gradients is returned. Nothing is read back.
    pub fn update(&mut self, loss: &Tensor<1>, options: impl Into<AdamWOptions>, norm: bool) -> Option<Tensor<1>> {
        let gradients = loss.backward();
        let (model, norm) = self.adam.step(self.model.clone(), gradients, options, norm);
        self.model = model;
        if let Some(Average { ema, decay }) = &mut self.average {
            ema.update(&self.model, *decay);
        }
        norm
    }

    /// The network that samples are drawn from, without gradients: the average where there is one.
    pub fn sampler(&self) -> M {
        match &self.average {
            Some(Average { ema, .. }) => ema.module.valid(),
            None => self.model.valid(),
        }
    }

    /// Adds weights, optimizer and average to a checkpoint.
    ///
    /// # Errors
    /// `DeviceLost`.
    pub async fn save(&self, file: &mut Checkpoint) -> Result<()> {
        save_module(&self.model, Some(&self.adam), self.name, file).await?;
        if let Some(Average { ema, .. }) = &self.average {
            save_module(&ema.module, None, &self.average_name(), file).await?;
            file.set_text(&format!("{}.updates", self.average_name()), ema.updates);
        }
        Ok(())
    }

    /// Takes over the weights of a file, and nothing else; an average begins at them.
    ///
    /// # Errors
    /// `BadFile`, `ShapeMismatch`; nothing has changed then.
    pub fn load_weights(&mut self, file: &Checkpoint) -> Result<()> {
        self.model = load_module(self.model.clone(), None, self.name, file, &self.device)?;
        if let Some(Average { ema, .. }) = &mut self.average {
            *ema = Ema::new(self.model.clone(), 0);
        }
        Ok(())
    }

    /// This trainer as it was when a checkpoint was saved. From a file of weights alone, a fresh one with them; from a checkpoint that
    /// has no average, the average begins at its weights.
    ///
    /// # Errors
    /// `BadFile`, `ShapeMismatch`.
    pub fn loaded(&self, file: &Checkpoint) -> Result<Self> {
        let mut adam = Adam::default();
        let model = load_module(self.model.clone(), Some(&mut adam), self.name, file, &self.device)?;
        let average = match &self.average {
            Some(Average { decay, .. }) => Some(Average { ema: self.loaded_average(&model, file)?, decay: *decay }),
            None => None,
        };
        Ok(Self { model, adam, average, name: self.name, device: self.device.clone() })
    }

    fn loaded_average(&self, model: &M, file: &Checkpoint) -> Result<Ema<M>> {
        let updates = format!("{}.updates", self.average_name());
        if !file.texts.contains_key(&updates) {
            return Ok(Ema::new(model.clone(), 0));
        }
        let module = load_module(model.clone(), None, &self.average_name(), file, &self.device)?;
        Ok(Ema::new(module, file.count(&updates)?))
    }

    fn average_name(&self) -> String {
        format!("{AVERAGE}{}", self.name)
    }
}
