//! The settings of the GAN on points: its link, its controls, its flags.

use crate::demos::settings::{GanSettings, PointSettings, RunSettings, Settings, Speed};
use crate::train::GanLoss;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A GAN on points in the plane.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("x-aliases" = { "lr": ["lr_g", "lr_d"] }))]
pub struct Config {
    #[serde(flatten)]
    pub run: RunSettings,
    #[serde(flatten)]
    pub points: PointSettings,
    /// The loss that each network minimises.
    #[schemars(title = "Loss", extend("x-group" = "game"))]
    pub loss: GanLoss,
    /// Units in each hidden layer.
    #[schemars(title = "Width", range(min = 4, max = 256), extend("x-group" = "model", "x-step" = 4))]
    pub width: u32,
    /// Hidden layers in each network.
    #[schemars(title = "Depth", range(min = 1, max = 5), extend("x-group" = "model"))]
    pub depth: u32,
    /// How many random numbers the generator takes as input.
    #[schemars(title = "Latent size", range(min = 1, max = 64), extend("x-group" = "model"))]
    pub latent: u32,
    /// Real points in each step, and as many generated ones.
    #[schemars(title = "Batch size", range(min = 4, max = 1024), extend("x-group" = "data", "x-step" = 4))]
    pub batch: u32,
    #[serde(flatten)]
    pub gan: GanSettings,
    /// How fast to run: slow takes two steps per second, full as many as the device can.
    #[schemars(title = "Speed", extend("x-group" = "run", "x-live" = true, "x-replayed" = true))]
    pub speed: Speed,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            run: RunSettings { seed: 1, evaluate: 50 },
            points: PointSettings::default(),
            loss: GanLoss::Nonsaturating,
            width: 64,
            depth: 2,
            latent: 2,
            batch: 128,
            gan: GanSettings::new(0.001, 0.001, 0.1),
            speed: Speed::Full,
        }
    }
}

impl Settings for Config {
    fn run(&self) -> &RunSettings {
        &self.run
    }
}
