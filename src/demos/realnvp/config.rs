//! The settings of the normalizing flow: its link, its controls, its flags; and the network and optimizer that they come to.

use crate::data::points::EXTENT;
use crate::demos::Context;
use crate::demos::settings::{OptimizerSettings, PointSettings, RunSettings, Settings, Speed};
use crate::models::realnvp::{CouplingKind, RealNvp, RealNvpConfig};
use crate::nn::{AdamOptions, AdamWOptions};
use crate::rng::Purpose;
use crate::train::Trainer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A normalizing flow on points in the plane, or on digits.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    #[serde(flatten)]
    pub run: RunSettings,
    /// What is learnt: points in the plane, or the 16 numbers that the trained VAE makes of a handwritten digit.
    #[schemars(title = "Space", extend("x-group" = "data"))]
    pub space: Space,
    #[serde(flatten)]
    pub points: PointSettings,
    /// Points or digits in each step.
    #[schemars(title = "Batch size", range(min = 8, max = 1024), extend("x-group" = "data", "x-step" = 8))]
    pub batch: u32,
    /// How a coupling moves a number: by a scale and a shift, or by a curve that bends (a spline).
    #[schemars(title = "Coupling", extend("x-group" = "model"))]
    pub coupling: CouplingKind,
    /// Couplings, one after the other: each moves one half of the numbers by what the other half is.
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
    /// The chosen point of the plane, whose way through the couplings is shown: x and y, separated by a comma.
    #[schemars(title = "Chosen point", length(max = 40), extend("x-hidden" = true, "x-text" = true, "x-live" = true, "x-replayed" = true))]
    pub point: String,
    /// How fast to run: slow takes two steps per second, full as many as the device can.
    #[schemars(title = "Speed", extend("x-group" = "run", "x-live" = true, "x-replayed" = true))]
    pub speed: Speed,
}

/// What a flow learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Space {
    Points,
    Digits,
}

/// The decay of the average of weights that is drawn from and measured.
const DECAY: f64 = 0.998;

impl Default for Config {
    fn default() -> Self {
        Self {
            run: RunSettings { seed: 1, evaluate: 250 },
            space: Space::Points,
            points: PointSettings::default(),
            batch: 256,
            coupling: CouplingKind::Affine,
            couplings: 8,
            width: 64,
            optimizer: OptimizerSettings { lr: 0.002 },
            density: true,
            grid: true,
            passed: 16,
            point: String::new(),
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
    /// A fresh flow on `inputs` numbers.
    pub fn trainer(&self, inputs: usize, context: &Context) -> Trainer<RealNvp> {
        let (coupling, couplings, width) = (self.coupling, self.couplings as usize, self.width as usize);
        let sizes = RealNvpConfig { inputs, coupling, couplings, width };
        let model = sizes.init(&mut self.run.stream(Purpose::Weights), &context.device);
        Trainer::new("flow", model, context.device.clone()).with_ema(DECAY)
    }

    /// The optimizer of a step.
    pub fn adam(&self) -> AdamWOptions {
        let adam = AdamOptions { lr: self.optimizer.lr, beta1: 0.9, beta2: 0.999 };
        AdamWOptions { adam, decay: 0.0, clip: Some(5.0) }
    }

    /// Couplings that the points that are shown have passed.
    pub fn passed(&self) -> usize {
        self.passed.min(self.couplings) as usize
    }

    /// The chosen point, inside the plane; `None` where none is chosen.
    pub fn point(&self) -> Option<[f32; 2]> {
        let (x, y) = self.point.split_once(',')?;
        let number = |text: &str| text.trim().parse().ok().filter(|v: &f32| v.is_finite());
        Some([number(x)?, number(y)?].map(|v| v.clamp(-EXTENT, EXTENT)))
    }
}
