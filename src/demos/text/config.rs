//! The settings of the text demo: its link, its controls, its flags.

use crate::demos::settings::Speed;
use crate::generate::SamplerConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Suggested questions, offered while nothing has been asked.
const EXAMPLES: [&str; 3] = ["Why is the sky blue?", "Write a short poem about rain.", "What is a neural network?"];

/// A pretrained transformer that writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// A model from the list, hub:owner/name/file, a URL, or your own file.
    #[schemars(title = "Model", length(max = 2000), extend("x-group" = "model", "x-text" = true, "x-model" = "language_model"))]
    pub model: String,
    /// The text to continue; in a chat the person's messages, separated by U+001E.
    #[schemars(title = "Prompt", length(max = 8000), extend("x-hidden" = true, "x-text" = true, "x-live" = true, "x-replayed" = true, "examples" = EXAMPLES))]
    pub prompt: String,
    /// Wraps each message in the chat format that the model was trained on; off, the model just continues the text.
    #[schemars(title = "Chat", extend("x-group" = "model", "x-live" = true, "x-replayed" = true))]
    pub chat: bool,
    /// Instructions at the start of the chat, such as who the model should be; empty keeps the model's own.
    #[schemars(title = "System message", length(max = 4000), extend("x-group" = "model", "x-text" = true, "x-live" = true, "x-replayed" = true, "x-when" = { "chat": [true] }, "x-more" = true))]
    pub system: String,
    /// Always takes the most likely token instead of drawing one at random.
    #[schemars(title = "Greedy", extend("x-group" = "sampling", "x-live" = true))]
    pub greedy: bool,
    /// Below 1 favours the most likely tokens more, above 1 is more random; 0 is greedy.
    #[schemars(title = "Temperature", range(min = 0.0, max = 2.0), extend("x-group" = "sampling", "x-live" = true, "x-step" = 0.05, "x-when" = { "greedy": [false] }))]
    pub temperature: f64,
    /// Draws only from this many of the most likely tokens; 0 means all.
    #[schemars(title = "Top-k", range(min = 0, max = 200), extend("x-group" = "sampling", "x-live" = true, "x-when" = { "greedy": [false] }))]
    pub top_k: u32,
    /// Draws only from the most likely tokens that together reach this probability.
    #[schemars(title = "Top-p", range(min = 0.01, max = 1.0), extend("x-group" = "sampling", "x-live" = true, "x-step" = 0.01, "x-when" = { "greedy": [false] }))]
    pub top_p: f64,
    /// Drops tokens whose probability is below this fraction of the most likely one's.
    #[schemars(title = "Min-p", range(min = 0.0, max = 1.0), extend("x-group" = "sampling", "x-live" = true, "x-step" = 0.01, "x-when" = { "greedy": [false] }, "x-more" = true))]
    pub min_p: f64,
    /// Makes tokens that have already appeared less likely; 1 turns it off.
    #[schemars(title = "Repetition penalty", range(min = 1.0, max = 2.0), extend("x-group" = "sampling", "x-live" = true, "x-step" = 0.01, "x-more" = true))]
    pub repetition_penalty: f64,
    /// The same seed gives the same text.
    #[schemars(title = "Seed", range(min = 0, max = 999_999), extend("x-group" = "sampling", "x-live" = true, "x-replayed" = true))]
    pub seed: u32,
    /// An answer ends after at most this many tokens.
    #[schemars(title = "Maximum length", range(min = 1, max = 4096), extend("x-group" = "stopping", "x-live" = true, "x-replayed" = true, "x-unit" = "tokens"))]
    pub max_tokens: u32,
    /// Writing stops when one of these texts appears; one per line.
    #[schemars(title = "Stop texts", length(max = 500), extend("x-group" = "stopping", "x-text" = true, "x-live" = true, "x-more" = true))]
    pub stop: String,
    /// How many tokens the model can see at once.
    #[schemars(title = "Context length", range(min = 16, max = 8192), extend("x-group" = "stopping", "x-step" = 16, "x-unit" = "tokens", "x-more" = true))]
    pub context: u32,
    /// What to do when the context is full: stop, or drop the older half and continue.
    #[schemars(title = "When the context is full", extend("x-group" = "stopping", "x-live" = true, "x-more" = true))]
    pub full: Full,
    /// Tokens that the person chose, and seeds that changed along the way.
    #[schemars(title = "Edits", length(max = 4000), extend("x-hidden" = true, "x-text" = true, "x-live" = true, "x-replayed" = true))]
    pub edits: String,
    /// Shows what the selected token attends to.
    #[schemars(title = "Attention", extend("x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub attention: bool,
    /// Shows what each layer would have predicted.
    #[schemars(title = "Logit lens", extend("x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub lens: bool,
    /// The layer whose attention is shown.
    #[schemars(title = "Layer", range(min = 0, max = 511), extend("x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub layer: u32,
    /// The head whose attention is shown.
    #[schemars(title = "Head", range(min = 0, max = 511), extend("x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub head: u32,
    /// How fast to write: slow is two tokens per second, full as many as the device can.
    #[schemars(title = "Speed", extend("x-group" = "run", "x-live" = true, "x-replayed" = true))]
    pub speed: Speed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Full {
    Stop,
    Slide,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: "smollm2-135m".into(),
            prompt: String::new(),
            chat: true,
            system: String::new(),
            greedy: false,
            temperature: 0.7,
            top_k: 40,
            top_p: 0.95,
            min_p: 0.0,
            repetition_penalty: 1.0,
            seed: 1,
            max_tokens: 200,
            stop: String::new(),
            context: 1024,
            full: Full::Stop,
            edits: String::new(),
            attention: false,
            lens: false,
            layer: 0,
            head: 0,
            speed: Speed::Full,
        }
    }
}

/// Separates the person's messages in a chat.
pub const TURN: char = '\u{1e}';

impl Config {
    /// The person's turns; outside a chat the whole prompt.
    pub fn turns(&self) -> Vec<&str> {
        if self.chat { self.prompt.split(TURN).collect() } else { vec![&self.prompt] }
    }

    pub fn sampling(&self, seed_change: u64) -> SamplerConfig {
        SamplerConfig {
            greedy: self.greedy,
            temperature: self.temperature as f32,
            top_k: self.top_k as usize,
            top_p: self.top_p as f32,
            min_p: self.min_p as f32,
            repetition_penalty: self.repetition_penalty as f32,
            seed: u64::from(self.seed) + seed_change,
        }
    }

    pub fn stops(&self) -> Vec<String> {
        self.stop.lines().filter(|l| !l.is_empty()).map(str::to_string).collect()
    }
}
