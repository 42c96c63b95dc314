//! Settings that several demos share: each is flattened into their configs, and so into their links and controls.

use super::{Note, Values};
use crate::data::points::{self, Distribution, Points};
use crate::rng::{Purpose, Stream};
use crate::train::Players;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The config of a demo that trains.
pub trait Settings: Clone + Default + Serialize + DeserializeOwned + JsonSchema + 'static {
    fn run(&self) -> &RunSettings;
}

/// What every training has.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RunSettings {
    /// The same seed gives the same run.
    #[schemars(title = "Seed", range(min = 0, max = 999_999), extend("x-group" = "run", "x-hidden" = true))]
    pub seed: u32,
    /// Steps between two evaluations.
    #[schemars(title = "Steps between checks", range(min = 20, max = 5000), extend("x-group" = "run", "x-live" = true, "x-replayed" = true, "x-step" = 10, "x-more" = true))]
    pub evaluate: u32,
}

impl RunSettings {
    /// Its random numbers for a purpose.
    pub fn stream(&self, purpose: Purpose) -> Stream {
        Stream::new(u64::from(self.seed), purpose)
    }
}

/// Points in the plane to learn from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PointSettings {
    /// The data to imitate.
    #[schemars(title = "Data", extend("x-group" = "data", "x-when" = { "space": ["points"] }))]
    pub data: Distribution,
    /// Points drawn by hand, four characters each.
    #[schemars(title = "Drawn points", extend("x-hidden" = true, "x-pattern" = "points"))]
    pub points: String,
    /// The data set chosen before points were drawn; clearing the points brings it back.
    #[schemars(title = "Data before drawing", extend("x-hidden" = true))]
    pub before: Distribution,
}

impl Default for PointSettings {
    fn default() -> Self {
        Self { data: Distribution::Ring, points: String::new(), before: Distribution::Ring }
    }
}

impl PointSettings {
    /// The points, in the order of `seed`.
    pub fn open(&self, seed: u64) -> Points {
        Points::new(self.data, points::decode(&self.points), seed)
    }

    /// The data without what was drawn.
    pub fn undrawn(&self) -> Distribution {
        match (self.data, self.before) {
            (Distribution::Drawn, Distribution::Drawn) => Distribution::Ring,
            (Distribution::Drawn, before) => before,
            (data, _) => data,
        }
    }
}

/// Pictures to learn from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PictureSettings {
    /// Handwritten digits, emoji, or your own pictures.
    #[schemars(title = "Pictures", length(max = 80), extend("x-group" = "data", "x-text" = true, "x-pictures" = 32, "examples" = ["mnist", "emoji"]))]
    pub data: String,
    /// Pictures in each step.
    #[schemars(title = "Batch size", range(min = 8, max = 256), extend("x-group" = "data", "x-step" = 8))]
    pub batch: u32,
}

/// The optimizer of a single network.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OptimizerSettings {
    /// Adam's step size.
    #[schemars(title = "Learning rate", range(min = 0.000_001, max = 0.1), extend("x-group" = "objective", "x-live" = true, "x-log" = true))]
    pub lr: f64,
}

/// The two players of a GAN.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct GanSettings {
    /// Adam's step size for the generator.
    #[schemars(title = "Generator learning rate", range(min = 0.000_001, max = 0.1), extend("x-group" = "game", "x-live" = true, "x-log" = true))]
    pub lr_g: f64,
    /// Adam's step size for the discriminator.
    #[schemars(title = "Discriminator learning rate", range(min = 0.000_001, max = 0.1), extend("x-group" = "game", "x-live" = true, "x-log" = true))]
    pub lr_d: f64,
    /// Adam's decay rate for its average of past gradients.
    #[schemars(title = "Adam beta 1", range(min = 0.0, max = 0.99), extend("x-group" = "game", "x-live" = true, "x-step" = 0.01, "x-more" = true))]
    pub beta1: f64,
    /// Adam's decay rate for its average of past squared gradients.
    #[schemars(title = "Adam beta 2", range(min = 0.0, max = 0.9999), extend("x-group" = "game", "x-live" = true, "x-step" = 0.0001, "x-more" = true))]
    pub beta2: f64,
    /// Discriminator updates per generator update.
    #[schemars(title = "Discriminator steps", range(min = 1, max = 10), extend("x-group" = "game", "x-live" = true, "x-more" = true))]
    pub d_steps: u32,
    /// Noise on real and generated samples alike: it keeps the discriminator from being too sure.
    #[schemars(title = "Instance noise", range(min = 0.0, max = 1.0), extend("x-group" = "game", "x-live" = true, "x-step" = 0.01))]
    pub noise: f64,
    /// Which networks learn.
    #[schemars(title = "Players", extend("x-hidden" = true, "x-live" = true))]
    pub players: Players,
}

impl GanSettings {
    /// Adam as in the DCGAN paper, with these learning rates of generator and discriminator, and this instance noise.
    pub fn new(lr_g: f64, lr_d: f64, noise: f64) -> Self {
        Self { lr_g, lr_d, beta1: 0.5, beta2: 0.999, d_steps: 1, noise, players: Players::Both }
    }
}

/// Steps a second that the session takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Speed {
    Slow,
    Medium,
    Fast,
    Full,
}

/// What a run begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    Pretrained,
    Scratch,
}

/// How pictures are damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Damage {
    None,
    Noise,
    Hole,
    Shrink,
}

/// That no trained weights ship for the value of `key`.
pub fn no_trained_weights(values: &Values, key: &'static str) -> Note {
    let value = values.get(key).map_or_else(String::new, |v| v.as_str().map_or_else(|| v.to_string(), Into::into));
    let text = format!("There are no trained weights for {key}={value}; training starts from scratch.");
    Note { code: "no-trained-weights", text, args: vec![("key", key.into()), ("value", value)] }
}
