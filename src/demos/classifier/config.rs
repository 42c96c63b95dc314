//! The settings of the classifier: its link, its controls, its flags.

use crate::demos::settings::{OptimizerSettings, RunSettings, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A classifier of handwritten digits.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    #[serde(flatten)]
    pub run: RunSettings,
    /// Digits in each step.
    #[schemars(title = "Batch size", range(min = 8, max = 512), extend("x-group" = "data", "x-step" = 8))]
    pub batch: u32,
    #[serde(flatten)]
    pub optimizer: OptimizerSettings,
}

impl Default for Config {
    fn default() -> Self {
        let (run, optimizer) = (RunSettings { seed: 1, evaluate: 500 }, OptimizerSettings { lr: 0.001 });
        Self { run, batch: 64, optimizer }
    }
}

impl Settings for Config {
    fn run(&self) -> &RunSettings {
        &self.run
    }
}
