//! The settings of the picture GAN: its link, its controls, its flags.

use crate::demos::settings::{GanSettings, PictureSettings, RunSettings, Settings};
use crate::demos::{Note, Values};
use crate::train::GanLoss;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A GAN on handwritten digits, or on other small pictures.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("x-aliases" = { "lr": ["lr_g", "lr_d"] }))]
pub struct Config {
    #[serde(flatten)]
    pub run: RunSettings,
    /// Convolutional networks as in DCGAN, or the fully connected ones of many tutorials.
    #[schemars(title = "Model", extend("x-group" = "model"))]
    pub model: Model,
    /// Channels of the convolutional networks at half the picture's size; 64 is usual on a GPU, 16 suits a CPU.
    #[schemars(title = "Width", range(min = 4, max = 128), extend("x-group" = "model", "x-step" = 4, "x-presets" = [16, 32, 64]))]
    pub width: u32,
    /// How many random numbers the generator takes as input.
    #[schemars(title = "Latent size", range(min = 2, max = 256), extend("x-group" = "model", "x-more" = true))]
    pub latent: u32,
    /// Tell both networks which digit it is, so that you can ask for one; for emoji, which group.
    #[schemars(title = "Conditional", extend("x-group" = "model"))]
    pub conditional: bool,
    /// The digit that a conditional model generates; for emoji, the number of the group, from 0.
    #[schemars(title = "Digit", extend("x-group" = "model", "x-live" = true, "x-replayed" = true, "x-when" = { "conditional": [true] }))]
    pub digit: Digit,
    #[serde(flatten)]
    pub pictures: PictureSettings,
    /// The loss that each network minimises.
    #[schemars(title = "Loss", extend("x-group" = "game"))]
    pub loss: Loss,
    #[serde(flatten)]
    pub gan: GanSettings,
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
            run: RunSettings { seed: 1, evaluate: 100 },
            model: Model::Conv,
            width: 16,
            latent: 64,
            conditional: true,
            digit: Digit::All,
            pictures: PictureSettings { data: "mnist".into(), batch: 16 },
            loss: Loss::Nonsaturating,
            gan: GanSettings::new(0.001, 0.0005, 0.0),
        }
    }
}

/// A person's own pictures have no classes: the networks are told none, and the person is told why.
pub fn settle(values: &mut Values) -> Option<Note> {
    let config: Config = crate::demos::config(values).ok()?;
    if !config.conditional || !config.pictures.data.starts_with("sha256:") {
        return None;
    }
    values.insert("conditional".into(), false.into());
    let text = "Your own pictures have no classes, so the networks are not told any.".into();
    Some(Note { code: "no-classes", text, args: Vec::new() })
}

impl Settings for Config {
    fn run(&self) -> &RunSettings {
        &self.run
    }
}
