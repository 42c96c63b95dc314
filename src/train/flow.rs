//! Normalizing flows are trained by maximum likelihood (Rezende and Mohamed 2015, arXiv 1505.05770): the density of the data is known exactly,
//! so its logarithm is the objective.

use super::curves::Losses;
use super::trainer::Trainer;
use crate::models::realnvp::RealNvp;
use crate::nn::AdamWOptions;
use burn::tensor::Tensor;

/// Losses of a step.
pub const FLOW_LOSSES: &[&str] = &["nll"];

/// One update on data `[B, n]` without autodiff: the mean negative log-likelihood, in nats. Nothing is read back.
pub fn flow_step(trainer: &mut Trainer<RealNvp>, options: AdamWOptions, data: Tensor<2>) -> Losses {
    trainer.prepare(1, options);
    let loss = -trainer.model.log_density(data.autodiff()).mean();
    trainer.update(&loss, options, false);
    vec![("nll", loss.inner().into())]
}
