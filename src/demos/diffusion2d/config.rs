//! The settings of diffusion on points: its link, its controls, its flags.

use crate::demos::denoising::{DiffusionSettings, SamplerSettings};
use crate::demos::settings::{OptimizerSettings, PointSettings, RunSettings, Settings, Speed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Diffusion and flow matching on points in the plane.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    #[serde(flatten)]
    pub run: RunSettings,
    #[serde(flatten)]
    pub points: PointSettings,
    /// Points in each step.
    #[schemars(title = "Batch size", range(min = 8, max = 1024), extend("x-group" = "data", "x-step" = 8))]
    pub batch: u32,
    #[serde(flatten)]
    pub diffusion: DiffusionSettings,
    /// Tell the network which mode or which moon a point is from, so that you can ask for one.
    #[schemars(title = "Class-conditional", extend("x-group" = "model"))]
    pub conditional: bool,
    /// Units in each layer.
    #[schemars(title = "Width", range(min = 8, max = 256), extend("x-group" = "model", "x-step" = 8))]
    pub width: u32,
    /// Residual blocks.
    #[schemars(title = "Depth", range(min = 1, max = 6), extend("x-group" = "model"))]
    pub depth: u32,
    #[serde(flatten)]
    pub optimizer: OptimizerSettings,
    #[serde(flatten)]
    pub sampling: SamplerSettings,
    /// The class that a conditional model draws; 0 for all of them.
    #[schemars(title = "Class (0: all)", range(min = 0, max = 25), extend("x-group" = "sampling", "x-live" = true, "x-replayed" = true, "x-when" = { "conditional": [true] }))]
    pub class: u32,
    /// The network's field, or the exact one of 500 points of the data: where it leads is known without any training.
    #[schemars(title = "Field", extend("x-group" = "view", "x-live" = true, "x-replayed" = true))]
    pub field: Field,
    /// Arrows: where the points at this time are going.
    #[schemars(title = "Arrows", extend("x-group" = "view", "x-live" = true, "x-replayed" = true))]
    pub arrows: bool,
    /// The whole paths of some points.
    #[schemars(title = "Paths", extend("x-group" = "view", "x-live" = true, "x-replayed" = true))]
    pub paths: bool,
    /// A square grid of noise that is carried along. Samplers that add noise tear it apart: with them it is not drawn.
    #[schemars(title = "Grid", extend("x-group" = "view", "x-live" = true, "x-replayed" = true))]
    pub grid: bool,
    /// The density of the points at this time as colour. On a CPU each picture then takes longer.
    #[schemars(title = "Density", extend("x-group" = "view", "x-live" = true, "x-replayed" = true))]
    pub density: bool,
    /// The time that is shown: 1 is noise, 0 is data.
    #[schemars(title = "Time", range(min = 0.0, max = 1.0), extend("x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub time: f64,
    /// How fast to run: slow takes two steps per second, full as many as the device can.
    #[schemars(title = "Speed", extend("x-group" = "run", "x-live" = true, "x-replayed" = true))]
    pub speed: Speed,
}

/// Whose field is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    Network,
    Exact,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            run: RunSettings { seed: 1, evaluate: 250 },
            points: PointSettings::default(),
            batch: 256,
            diffusion: DiffusionSettings::default(),
            conditional: false,
            width: 64,
            depth: 3,
            optimizer: OptimizerSettings { lr: 0.002 },
            sampling: SamplerSettings::default(),
            class: 0,
            field: Field::Network,
            arrows: true,
            paths: true,
            grid: false,
            density: false,
            time: 0.0,
            speed: Speed::Full,
        }
    }
}

impl Settings for Config {
    fn run(&self) -> &RunSettings {
        &self.run
    }
}
