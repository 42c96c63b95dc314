//! Settings that several demos share: each is flattened into their configs, and so into their links and controls.

use crate::data::points::{self, Distribution, Points};
use crate::generate::{DiffusionSampler, SamplerKind};
use crate::rng::{Purpose, Stream};
use crate::train::{NoiseSchedule, Objective, Players, Predict, Process, TimeDistribution};
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
    #[schemars(title = "Steps between checks", range(min = 20, max = 5000), extend("x-group" = "run", "x-live" = true, "x-replayed" = true, "x-step" = 10))]
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
    #[schemars(title = "Data", extend("x-group" = "data"))]
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
    #[schemars(title = "Adam beta 1", range(min = 0.0, max = 0.99), extend("x-group" = "game", "x-live" = true, "x-step" = 0.01))]
    pub beta1: f64,
    /// Adam's decay rate for its average of past squared gradients.
    #[schemars(title = "Adam beta 2", range(min = 0.0, max = 0.9999), extend("x-group" = "game", "x-live" = true, "x-step" = 0.0001))]
    pub beta2: f64,
    /// Discriminator updates per generator update.
    #[schemars(title = "Discriminator steps", range(min = 1, max = 10), extend("x-group" = "game", "x-live" = true))]
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

/// What a diffusion model learns.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct DiffusionSettings {
    /// The path from data to noise: straight lines (flow matching), or 1,000 small steps of noise (DDPM).
    #[schemars(title = "Objective", extend("x-group" = "objective"))]
    pub objective: Objective,
    /// What the network is asked for. Each of the three follows from any other.
    #[schemars(title = "Network predicts", extend("x-group" = "objective"))]
    pub predict: Predict,
    /// How fast DDPM adds noise.
    #[schemars(title = "Noise schedule (DDPM)", extend("x-group" = "objective"))]
    pub schedule: NoiseSchedule,
    /// How often each time is trained on.
    #[schemars(title = "Times in training", extend("x-group" = "objective"))]
    pub times: TimeDistribution,
}

impl DiffusionSettings {
    pub fn process(&self) -> Process {
        Process::new(self.objective, self.schedule, self.predict)
    }
}

impl Default for DiffusionSettings {
    fn default() -> Self {
        Self {
            objective: Objective::Flow,
            predict: Predict::Velocity,
            schedule: NoiseSchedule::Cosine,
            times: TimeDistribution::Uniform,
        }
    }
}

/// How a diffusion model draws.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SamplerSettings {
    /// How each step from noise to data is taken.
    #[schemars(title = "Sampler", extend("x-group" = "sampling", "x-live" = true, "x-replayed" = true))]
    pub sampler: SamplerKind,
    /// Steps from noise to data.
    #[schemars(title = "Sampler steps", range(min = 1, max = 100), extend("x-group" = "sampling", "x-live" = true, "x-replayed" = true))]
    pub steps: u32,
    /// New noise in each step of DDIM: 0 for none, 1 for as much as DDPM.
    #[schemars(title = "Eta (DDIM)", range(min = 0.0, max = 1.0), extend("x-group" = "sampling", "x-live" = true, "x-replayed" = true, "x-step" = 0.05))]
    pub eta: f64,
    /// How far a conditional model is pushed toward its class: 1 for not at all.
    #[schemars(title = "Guidance", range(min = 0.0, max = 8.0), extend("x-group" = "sampling", "x-live" = true, "x-replayed" = true, "x-step" = 0.1))]
    pub guidance: f64,
}

impl Default for SamplerSettings {
    fn default() -> Self {
        Self { sampler: SamplerKind::Euler, steps: 20, eta: 0.0, guidance: 1.0 }
    }
}

impl SamplerSettings {
    /// `limit` as [`DiffusionSampler`] takes it.
    pub fn sampler(&self, limit: f32) -> DiffusionSampler {
        DiffusionSampler { kind: self.sampler, steps: self.steps as usize, eta: self.eta, limit: Some(limit) }
    }
}
