//! The settings of the picture GAN: its link, its controls, its flags.

use crate::train::{GanLoss, Players};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A GAN on handwritten digits, or on other small pictures.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("x-aliases" = { "lr": ["lr_g", "lr_d"] }))]
pub struct Config {
    /// The same seed gives the same run.
    #[schemars(title = "Seed", range(min = 0, max = 999_999), extend("x-group" = "run", "x-hidden" = true))]
    pub seed: u32,
    /// Convolutions as in DCGAN, or the fully connected pair of the usual tutorials.
    #[schemars(title = "Model", extend("x-group" = "model"))]
    pub model: Model,
    /// Channels at half the side of the convolutional pair; 64 is the size of the papers, 16 suits a CPU.
    #[schemars(title = "Width", range(min = 4, max = 128), extend("x-group" = "model", "x-step" = 4, "x-presets" = [16, 32, 64]))]
    pub width: u32,
    /// Numbers that the generator starts from.
    #[schemars(title = "Latent size", range(min = 2, max = 256), extend("x-group" = "model"))]
    pub latent: u32,
    /// Tell both networks which digit it is, so that you can ask for one; of emoji, which group.
    #[schemars(title = "Conditional", extend("x-group" = "model"))]
    pub conditional: bool,
    /// The digit that a conditional model draws; of emoji, the group with this number, from 0.
    #[schemars(title = "Digit", extend("x-group" = "model", "x-live" = true, "x-replayed" = true))]
    pub digit: Digit,
    /// What is learnt from: mnist, emoji, or pictures of your own.
    #[schemars(title = "Pictures", length(max = 80), extend("x-group" = "data", "x-text" = true, "x-pictures" = 32, "examples" = ["mnist", "emoji"]))]
    pub data: String,
    /// Pictures of each kind in a step.
    #[schemars(title = "Batch", range(min = 8, max = 256), extend("x-group" = "data", "x-step" = 8))]
    pub batch: u32,
    /// What the two players minimise.
    #[schemars(title = "Loss", extend("x-group" = "game"))]
    pub loss: Loss,
    /// Adam's step size for the generator.
    #[schemars(title = "Generator learning rate", range(min = 0.000_001, max = 0.1), extend("x-group" = "game", "x-live" = true, "x-log" = true))]
    pub lr_g: f64,
    /// Adam's step size for the discriminator.
    #[schemars(title = "Discriminator learning rate", range(min = 0.000_001, max = 0.1), extend("x-group" = "game", "x-live" = true, "x-log" = true))]
    pub lr_d: f64,
    /// Adam's memory of past gradients.
    #[schemars(title = "Adam beta 1", range(min = 0.0, max = 0.99), extend("x-group" = "game", "x-live" = true, "x-step" = 0.01))]
    pub beta1: f64,
    /// Adam's memory of past squared gradients.
    #[schemars(title = "Adam beta 2", range(min = 0.0, max = 0.9999), extend("x-group" = "game", "x-live" = true, "x-step" = 0.0001))]
    pub beta2: f64,
    /// Discriminator updates for each of the generator.
    #[schemars(title = "Discriminator steps", range(min = 1, max = 10), extend("x-group" = "game", "x-live" = true))]
    pub d_steps: u32,
    /// Noise on real and generated pictures alike: it keeps the discriminator from being too sure.
    #[schemars(title = "Instance noise", range(min = 0.0, max = 1.0), extend("x-group" = "game", "x-live" = true, "x-step" = 0.01))]
    pub noise: f64,
    /// Steps between two looks at mode collapse and quality; for digits alone.
    #[schemars(title = "Evaluate every", range(min = 20, max = 5000), extend("x-group" = "run", "x-live" = true, "x-replayed" = true, "x-step" = 10))]
    pub evaluate: u32,
    /// Who learns.
    #[schemars(title = "Players", extend("x-hidden" = true, "x-live" = true))]
    pub players: Players,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    Conv,
    Dense,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Digit {
    #[serde(rename = "all")]
    All,
    #[serde(rename = "0")]
    Zero,
    #[serde(rename = "1")]
    One,
    #[serde(rename = "2")]
    Two,
    #[serde(rename = "3")]
    Three,
    #[serde(rename = "4")]
    Four,
    #[serde(rename = "5")]
    Five,
    #[serde(rename = "6")]
    Six,
    #[serde(rename = "7")]
    Seven,
    #[serde(rename = "8")]
    Eight,
    #[serde(rename = "9")]
    Nine,
}

/// The losses that suit a discriminator with batch norm. The gradient penalty of the Wasserstein loss does not: it is a
/// norm for each sample, and batch norm ties the samples together (Gulrajani et al. 2017, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    Nonsaturating,
    Minimax,
    Leastsquares,
    Hinge,
}

impl From<Loss> for GanLoss {
    fn from(loss: Loss) -> Self {
        match loss {
            Loss::Nonsaturating => GanLoss::Nonsaturating,
            Loss::Minimax => GanLoss::Minimax,
            Loss::Leastsquares => GanLoss::Leastsquares,
            Loss::Hinge => GanLoss::Hinge,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            model: Model::Conv,
            width: 16,
            latent: 64,
            conditional: false,
            digit: Digit::All,
            data: "mnist".into(),
            batch: 32,
            loss: Loss::Nonsaturating,
            lr_g: 0.001,
            lr_d: 0.0005,
            beta1: 0.5,
            beta2: 0.999,
            d_steps: 1,
            noise: 0.1,
            evaluate: 100,
            players: Players::Both,
        }
    }
}
