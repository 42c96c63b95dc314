//! The settings of diffusion on pictures: its link, its controls, its flags.

use crate::demos::denoising::{DiffusionSettings, SamplerSettings};
use crate::demos::settings::{OptimizerSettings, PictureSettings, RunSettings, Settings};
use crate::demos::{Note, Values};
use crate::train::{Predict, TimeDistribution};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Diffusion and flow matching on handwritten digits, or on other small pictures.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    #[serde(flatten)]
    pub run: RunSettings,
    /// What noise is added to: the 16 numbers that the trained VAE makes of a digit, or the pixels themselves.
    #[schemars(title = "Space", extend("x-group" = "model"))]
    pub space: Space,
    #[serde(flatten)]
    pub pictures: PictureSettings,
    #[serde(flatten)]
    pub diffusion: DiffusionSettings,
    /// Tell the network which digit it is, so that you can ask for one; for emoji, which group.
    #[schemars(title = "Class-conditional", extend("x-group" = "model"))]
    pub conditional: bool,
    /// Units in each layer; on pixels twice as many.
    #[schemars(title = "Width", range(min = 32, max = 1024), extend("x-group" = "model", "x-step" = 32))]
    pub width: u32,
    /// Residual blocks.
    #[schemars(title = "Depth", range(min = 1, max = 8), extend("x-group" = "model"))]
    pub depth: u32,
    #[serde(flatten)]
    pub optimizer: OptimizerSettings,
    #[serde(flatten)]
    pub sampling: SamplerSettings,
    /// The class that a conditional model draws; 0 for all in turn. For digits, 1 is the digit 0.
    #[schemars(title = "Class (0: all)", range(min = 0, max = 10), extend("x-group" = "sampling", "x-live" = true, "x-replayed" = true))]
    pub class: u32,
    /// Samples between noise and data: as noisy as they are, or the pictures that the network predicts from them.
    #[schemars(title = "Between noise and data", extend("x-group" = "view", "x-live" = true, "x-replayed" = true))]
    pub chain: ChainView,
    /// One digit for each of some numbers of steps, from the same noise, with more guidance from row to row.
    #[schemars(title = "Steps against guidance", extend("x-group" = "view", "x-live" = true, "x-replayed" = true))]
    pub table: bool,
}

/// What noise is added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Space {
    Latent,
    Pixels,
}

/// What is shown of pictures between noise and data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum ChainView {
    Noisy,
    Predicted,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            run: RunSettings { seed: 1, evaluate: 300 },
            space: Space::Latent,
            pictures: PictureSettings { data: "mnist".into(), batch: 128 },
            diffusion: DiffusionSettings {
                predict: Predict::Data,
                times: TimeDistribution::Logitnormal,
                ..DiffusionSettings::default()
            },
            conditional: true,
            width: 256,
            depth: 3,
            optimizer: OptimizerSettings { lr: 0.001 },
            sampling: SamplerSettings::default(),
            class: 0,
            chain: ChainView::Noisy,
            table: false,
        }
    }
}

impl Settings for Config {
    fn run(&self) -> &RunSettings {
        &self.run
    }
}

/// Pictures for which no VAE ships are learnt in pixels, and a person's own have no classes.
pub fn settle(values: &mut Values) -> Option<Note> {
    let config: Config = crate::demos::config(values).ok()?;
    let pictures = &config.pictures.data;
    let classless = config.conditional && pictures.starts_with("sha256:");
    if classless {
        values.insert("conditional".into(), false.into());
    }
    if config.space == Space::Latent && pictures != "mnist" {
        values.insert("space".into(), "pixels".into());
        let text = "There is a trained VAE for digits only: noise is added to the pixels of these pictures.";
        return Some(Note { code: "no-latents", text: text.into(), args: Vec::new() });
    }
    classless.then(|| Note {
        code: "no-classes",
        text: "Your own pictures have no classes, so the networks are not told any.".into(),
        args: Vec::new(),
    })
}
