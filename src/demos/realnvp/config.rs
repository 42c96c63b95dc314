//! The settings of the normalizing flow on points: its link, its controls, its flags.

use crate::demos::settings::{OptimizerSettings, PointSettings, RunSettings, Settings, Speed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A normalizing flow on points in the plane.
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
    /// Couplings, one after the other: each moves one coordinate by what the other one is.
    #[schemars(title = "Couplings", range(min = 1, max = 16), extend("x-group" = "model"))]
    pub couplings: u32,
    /// Units in both hidden layers of each coupling.
    #[schemars(title = "Width", range(min = 8, max = 128), extend("x-group" = "model", "x-step" = 8))]
    pub width: u32,
    #[serde(flatten)]
    pub optimizer: OptimizerSettings,
    /// The density as colour.
    #[schemars(title = "Density", extend("x-group" = "view", "x-live" = true, "x-replayed" = true))]
    pub density: bool,
    /// A square grid of noise, carried along.
    #[schemars(title = "Grid", extend("x-group" = "view", "x-live" = true, "x-replayed" = true))]
    pub grid: bool,
    /// How many couplings the points that are shown have passed; 16 for all.
    #[schemars(title = "Couplings passed", range(min = 0, max = 16), extend("x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub passed: u32,
    /// How fast to run: slow takes two steps per second, full as many as the device can.
    #[schemars(title = "Speed", extend("x-group" = "run", "x-live" = true, "x-replayed" = true))]
    pub speed: Speed,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            run: RunSettings { seed: 1, evaluate: 250 },
            points: PointSettings::default(),
            batch: 256,
            couplings: 8,
            width: 64,
            optimizer: OptimizerSettings { lr: 0.002 },
            density: true,
            grid: true,
            passed: 16,
            speed: Speed::Full,
        }
    }
}

impl Settings for Config {
    fn run(&self) -> &RunSettings {
        &self.run
    }
}

impl Config {
    /// Couplings that the points that are shown have passed.
    pub fn passed(&self) -> usize {
        self.passed.min(self.couplings) as usize
    }
}
