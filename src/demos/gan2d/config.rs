//! The settings of the GAN on points: its link, its controls, its flags.

use crate::data::points::Shape;
use crate::demos::Speed;
use crate::train::{GanLoss, Players};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A GAN on points in the plane.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("x-aliases" = { "lr": ["lr_g", "lr_d"] }))]
pub struct Config {
    /// The same seed gives the same run.
    #[schemars(title = "Seed", range(min = 0, max = 999_999), extend("x-group" = "run", "x-hidden" = true))]
    pub seed: u32,
    /// The data for the generator to imitate.
    #[schemars(title = "Data", extend("x-group" = "data"))]
    pub data: Shape,
    /// Points drawn by hand, four characters each.
    #[schemars(title = "Drawn points", extend("x-hidden" = true, "x-pattern" = "points"))]
    pub points: String,
    /// The data set chosen before points were drawn; clearing the points brings it back.
    #[schemars(title = "Data before drawing", extend("x-hidden" = true))]
    pub before: Shape,
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
    /// Adam's step size for the generator.
    #[schemars(title = "Generator learning rate", range(min = 0.000_001, max = 0.1), extend("x-group" = "game", "x-live" = true, "x-log" = true))]
    pub lr_g: f64,
    /// Adam's step size for the discriminator.
    #[schemars(title = "Discriminator learning rate", range(min = 0.000_001, max = 0.1), extend("x-group" = "game", "x-live" = true, "x-log" = true))]
    pub lr_d: f64,
    /// Adam's decay rate for its average of past gradients.
    #[schemars(title = "Adam beta 1", range(min = 0.0, max = 0.99), extend("x-group" = "game", "x-live" = true, "x-step" = 0.01))]
    pub beta1: f64,
    /// Adam's decay rate for its average of past squared gradients.
    #[schemars(title = "Adam beta 2", range(min = 0.0, max = 0.9999), extend("x-group" = "game", "x-live" = true, "x-step" = 0.0001))]
    pub beta2: f64,
    /// Discriminator updates per generator update.
    #[schemars(title = "Discriminator steps", range(min = 1, max = 10), extend("x-group" = "game", "x-live" = true))]
    pub d_steps: u32,
    /// Noise added to real and generated points alike, so that the discriminator does not become too confident.
    #[schemars(title = "Instance noise", range(min = 0.0, max = 1.0), extend("x-group" = "game", "x-live" = true, "x-step" = 0.01))]
    pub noise: f64,
    /// Which networks learn.
    #[schemars(title = "Players", extend("x-hidden" = true, "x-live" = true))]
    pub players: Players,
    /// How fast to run: slow takes two steps per second, full as many as the device can.
    #[schemars(title = "Speed", extend("x-group" = "run", "x-live" = true, "x-replayed" = true))]
    pub speed: Speed,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            data: Shape::Ring,
            points: String::new(),
            before: Shape::Ring,
            loss: GanLoss::Nonsaturating,
            width: 64,
            depth: 2,
            latent: 2,
            batch: 128,
            lr_g: 0.001,
            lr_d: 0.001,
            beta1: 0.5,
            beta2: 0.999,
            d_steps: 1,
            noise: 0.1,
            players: Players::Both,
            speed: Speed::Full,
        }
    }
}

impl Config {
    /// The data without what was drawn.
    pub fn undrawn(&self) -> Shape {
        match (self.data, self.before) {
            (Shape::Drawn, Shape::Drawn) => Shape::Ring,
            (Shape::Drawn, before) => before,
            (data, _) => data,
        }
    }
}
