//! What the demos of GANs share: their settings as options of a step, and the choice of who learns.

use super::settings::GanSettings;
use super::{Action, Values, values};
use crate::train::{GanLoss, GanOptions, Players};
use serde_json::json;

impl GanSettings {
    pub fn options(&self, loss: GanLoss, penalty: f64, norms: bool) -> GanOptions {
        GanOptions {
            loss,
            lr_generator: self.lr_g,
            lr_discriminator: self.lr_d,
            beta1: self.beta1,
            beta2: self.beta2,
            penalty,
            norms,
        }
    }

    /// Updates of the discriminator in the next step.
    pub fn discriminator_updates(&self) -> usize {
        if self.players == Players::Generator { 0 } else { self.d_steps as usize }
    }

    /// Updates of the generator in the next step.
    pub fn generator_updates(&self) -> usize {
        usize::from(self.players != Players::Discriminator)
    }
}

/// The actions that choose who learns.
pub fn player_actions() -> Vec<Action> {
    Action::buttons(&[
        ("train_both", "Both networks"),
        ("train_discriminator", "Discriminator only"),
        ("train_generator", "Generator only"),
    ])
}

/// What one of [`player_actions`] changes; `None` for another action.
pub fn choose_players(action: &str) -> Option<Values> {
    let players = action.strip_prefix("train_")?;
    ["both", "discriminator", "generator"].contains(&players).then(|| values(json!({ "players": players })))
}
