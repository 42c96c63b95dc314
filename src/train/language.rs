//! One step of a language model that predicts the next token: cross entropy with the token that follows (Bengio et al. 2003).

use super::curves::Losses;
use super::trainer::Trainer;
use crate::models::gpt::{Gpt, Noise};
use crate::nn::ops::cross_entropy;
use crate::nn::{AdamWOptions, upload, upload_ids};
use burn::tensor::{Device, Int, Tensor};

/// Losses of a step: nats a token, and the norm of the gradients before they are clipped.
pub const LANGUAGE_LOSSES: &[&str] = &["loss", "gradient_norm"];

/// Rows of tokens on a device.
pub struct TokenBatch {
    /// `[B, T]`.
    pub inputs: Tensor<2, Int>,
    /// The token after each, `[B T]`.
    pub targets: Tensor<1, Int>,
    /// How much each prediction counts; they sum to 1, `[B T]`.
    pub weights: Tensor<1>,
}

impl TokenBatch {
    /// From rows of `length` tokens, flat; `weights` are 1 where a prediction counts and 0 where it does not.
    pub fn new(length: usize, inputs: Vec<i32>, targets: Vec<i32>, weights: Vec<f32>, device: &Device) -> Self {
        let (n, rows) = (inputs.len(), inputs.len() / length.max(1));
        let counted = weights.iter().sum::<f32>().max(1.0);
        Self {
            inputs: upload_ids(inputs, [rows, length], device),
            targets: upload_ids(targets, [n], device),
            weights: upload(weights.into_iter().map(|w| w / counted).collect(), [n], device),
        }
    }
}

/// One update. Nothing is read back.
pub fn language_step(trainer: &mut Trainer<Gpt>, options: AdamWOptions, batch: TokenBatch, noise: Noise) -> Losses {
    trainer.prepare(1, options);
    let logits = trainer.model.forward(batch.inputs, noise);
    let loss = (cross_entropy(logits, batch.targets) * batch.weights.autodiff()).sum();
    let norm = trainer.update(&loss, options, true);
    vec![("loss", loss.inner().into()), ("gradient_norm", norm.into())]
}

/// For each token of a batch its loss in nats, and whether the likeliest prediction is right, 1 or 0: `[B T]` each. `model` is without
/// gradients.
pub fn losses_of(model: &Gpt, batch: TokenBatch) -> [Tensor<1>; 2] {
    let logits = model.forward(batch.inputs, None);
    let likeliest: Tensor<1, Int> = logits.clone().argmax(1).squeeze_dim(1);
    let right = likeliest.equal(batch.targets.clone()).float();
    [cross_entropy(logits, batch.targets), right]
}
