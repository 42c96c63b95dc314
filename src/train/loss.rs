//! Losses on logits.

use crate::nn::ops::softplus_mean;
use burn::tensor::Tensor;
use burn::tensor::activation::{log_softmax, relu};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the two players minimise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum GanLoss {
    /// Cross entropy; the generator maximises log D(G(z)) (Goodfellow et al. 2014, arXiv 1406.2661, section 3).
    Nonsaturating,
    /// The game as first written: the generator minimises log(1 - D(G(z))).
    Minimax,
    /// Least squares (Mao et al. 2016, arXiv 1611.04076).
    Leastsquares,
    /// The Wasserstein distance with a gradient penalty (Gulrajani et al. 2017, arXiv 1704.00028).
    Wasserstein,
    /// Hinge (Lim and Ye 2017, arXiv 1705.02894).
    Hinge,
}

/// The discriminator's loss from logits of real and generated samples, `[B, 1]` each; without the gradient penalty.
pub fn discriminator_loss(loss: GanLoss, real: Tensor<2>, fake: Tensor<2>) -> Tensor<1> {
    match loss {
        GanLoss::Nonsaturating | GanLoss::Minimax => softplus_mean(real, -1.0) + softplus_mean(fake, 1.0),
        GanLoss::Leastsquares => ((real - 1.0).square().mean() + fake.square().mean()) * 0.5,
        GanLoss::Wasserstein => fake.mean() - real.mean(),
        GanLoss::Hinge => relu(-real + 1.0).mean() + relu(fake + 1.0).mean(),
    }
}

/// The generator's loss from logits of generated samples, `[B, 1]`.
pub fn generator_loss(loss: GanLoss, fake: Tensor<2>) -> Tensor<1> {
    match loss {
        GanLoss::Nonsaturating => softplus_mean(fake, -1.0),
        GanLoss::Minimax => -softplus_mean(fake, 1.0),
        GanLoss::Leastsquares => (fake - 1.0).square().mean() * 0.5,
        GanLoss::Wasserstein | GanLoss::Hinge => -fake.mean(),
    }
}

/// Mean cross entropy of logits `[B, C]` against one-hot classes `[B, C]`, in nats.
pub fn cross_entropy(logits: Tensor<2>, classes: Tensor<2>) -> Tensor<1> {
    let [b, _] = logits.dims();
    -(log_softmax(logits, 1) * classes).sum() / b as f64
}
