//! What the demos of diffusion models share: their settings, the classes that are asked for, and the loss by time.

use super::{HistogramSeries, Panel, Slider, Values, View, values};
use crate::error::{Error, Result};
use crate::generate::{DiffusionSampler, SamplerKind};
use crate::nn::AdamWOptions;
use crate::train::{DiffusionOptions, LossByTime, NoiseSchedule, Objective, Predict, Process, TimeDistribution};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
    #[schemars(title = "Noise schedule (DDPM)", extend("x-group" = "objective", "x-when" = { "objective": ["ddpm"] }, "x-more" = true))]
    pub schedule: NoiseSchedule,
    /// How often each time is trained on.
    #[schemars(title = "Times in training", extend("x-group" = "objective", "x-more" = true))]
    pub times: TimeDistribution,
}

/// How often a conditional model is not told anything but the time.
const DROP: f64 = 0.1;

impl DiffusionSettings {
    pub fn process(&self) -> Process {
        Process::new(self.objective, self.schedule, self.predict)
    }

    /// Options of a step of a network that is told so many features.
    pub fn options(&self, features: usize, adam: impl Into<AdamWOptions>) -> DiffusionOptions {
        DiffusionOptions { times: self.times, features, drop: DROP, adam: adam.into() }
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
    #[schemars(title = "Eta (DDIM)", range(min = 0.0, max = 1.0), extend("x-group" = "sampling", "x-live" = true, "x-replayed" = true, "x-step" = 0.05, "x-when" = { "sampler": ["ddim"] }, "x-more" = true))]
    pub eta: f64,
    /// How far a conditional model is pushed toward its class: 1 for not at all.
    #[schemars(title = "Guidance", range(min = 0.0, max = 8.0), extend("x-group" = "sampling", "x-live" = true, "x-replayed" = true, "x-step" = 0.1, "x-when" = { "conditional": [true] }))]
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

/// The class that each of `n` samples is asked for: the chosen one (from 1 on), or, with 0, all in turn. `None` where the network is
/// told no classes.
pub fn asked(chosen: u32, classes: usize, n: usize) -> Vec<Option<u8>> {
    let chosen = chosen_class(chosen, classes);
    (0..n).map(|i| (classes > 0).then(|| chosen.unwrap_or((i % classes.max(1)) as u8))).collect()
}

/// The chosen class, from 1 on in the settings; `None` for all of them.
pub fn chosen_class(chosen: u32, classes: usize) -> Option<u8> {
    (chosen as usize).checked_sub(1).filter(|class| *class < classes).map(|class| class as u8)
}

/// The slider of the time that is shown, which takes the action [`chosen_time`].
pub fn time_slider(time: f64) -> View {
    let slider = Slider {
        id: "time".into(),
        title: "Time: 1 is noise, 0 is data".into(),
        value: time as f32,
        low: 0.0,
        high: 1.0,
        step: None,
        weight: None,
        play: Some(0.0),
    };
    View::Sliders { action: "time".into(), sliders: vec![slider] }
}

/// The action `time`: values of the config with the time that was chosen.
///
/// # Errors
/// `BadCommand` where it is no number.
pub fn chosen_time(args: &Value) -> Result<Values> {
    let time = args.get("value").and_then(Value::as_f64).filter(|v| v.is_finite());
    let time = time.ok_or_else(|| Error::bad_command("The time is a number from 0 to 1."))?;
    Ok(values(json!({ "time": time.clamp(0.0, 1.0) })))
}

/// The panel of the loss by time, once there is one.
pub fn loss_by_time(losses: &LossByTime) -> Option<Panel> {
    let counts = losses.means();
    let series = vec![HistogramSeries { label: "loss".into(), counts }];
    let view = View::Histogram { series, low: 0.0, high: 1.0, categories: Vec::new() };
    (!losses.is_empty()).then(|| Panel::new("loss_by_time", "Loss by time", vec![view]))
}
