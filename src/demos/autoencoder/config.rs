//! The settings of the autoencoder demo: its link, its controls, its flags.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A pretrained autoencoder encodes a picture and decodes it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// A model from the list, hub:owner/name, a URL, or your own files.
    #[schemars(title = "Model", length(max = 2000), extend("x-group" = "model", "x-text" = true, "x-model" = "image_autoencoder"))]
    pub model: String,
    /// Your own picture; empty for one that Kiln draws.
    #[schemars(title = "Picture", length(max = 200), extend("x-group" = "data", "x-text" = true, "x-pictures" = 0))]
    pub picture: String,
    /// At most this many pixels on the longer side of the picture; larger takes longer.
    #[schemars(title = "Size", range(min = 64, max = 1024), extend("x-group" = "data", "x-step" = 64, "x-unit" = "pixels"))]
    pub size: u32,
    /// The channel of the latent that you can paint on.
    #[schemars(title = "Channel", range(min = 0, max = 63), extend("x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub channel: u32,
    /// Of the noise, and of the picture that Kiln draws.
    #[schemars(title = "Seed", range(min = 0, max = 999_999), extend("x-group" = "run", "x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub seed: u32,
    /// What was changed in the latent.
    #[schemars(title = "Edits", length(max = 16_000), extend("x-hidden" = true, "x-text" = true, "x-live" = true, "x-replayed" = true))]
    pub edits: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { model: "taesd".into(), picture: String::new(), size: 256, channel: 0, seed: 1, edits: String::new() }
    }
}
