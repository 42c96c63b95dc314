//! The settings of the language model: its link, its controls, its flags.

use crate::data::Source;
use crate::data::text::{Corpus, CorpusFile, ProblemKind, Problems, Text};
use crate::demos::settings::{OptimizerSettings, RunSettings, Settings, Speed};
use crate::models::gpt::{GptConfig, NormPlace, Positions};
use crate::nn::Activation;
use crate::nn::{AdamOptions, AdamWOptions, Decay, Schedule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// A transformer that learns to write, from nothing.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    #[serde(flatten)]
    pub run: RunSettings,
    /// What it learns to write: answers to small problems, names, or a text. The other settings follow it, until you change them.
    #[schemars(title = "Text", extend("x-group" = "data"))]
    pub data: Data,
    /// The sum is written from its last digit to its first.
    #[schemars(title = "Sum backwards", extend("x-group" = "data", "x-when" = { "data": ["add"] }))]
    pub backwards: bool,
    /// How long a problem is: characters to copy, reverse or sort, digits of a number, brackets.
    #[schemars(title = "Length of a problem", range(min = 2, max = 12), extend("x-group" = "data", "x-when" = { "data": ["copy", "reverse", "sort", "add", "brackets"] }))]
    pub length: u32,
    /// Rows of text in each step.
    #[schemars(title = "Batch size", range(min = 1, max = 256), extend("x-group" = "data"))]
    pub batch: u32,
    /// Characters that the model sees at most. A problem is always seen whole.
    #[schemars(title = "Context", range(min = 4, max = 256), extend("x-group" = "model", "x-step" = 4, "x-when" = { "data": ["names", "shakespeare", "tang"] }))]
    pub context: u32,
    /// Blocks of attention and MLP, one after the other.
    #[schemars(title = "Layers", range(min = 1, max = 12), extend("x-group" = "model"))]
    pub layers: u32,
    /// Heads of each attention; the width is shared among them.
    #[schemars(title = "Heads", range(min = 1, max = 12), extend("x-group" = "model"))]
    pub heads: u32,
    /// Numbers that stand for each character on its way through the layers.
    #[schemars(title = "Width", range(min = 8, max = 768), extend("x-group" = "model", "x-step" = 8))]
    pub width: u32,
    /// How the model knows where in the text a character stands.
    #[schemars(title = "Positions", extend("x-group" = "model"))]
    pub positions: Positions,
    /// Whether each part normalises what it reads, or what it has written.
    #[schemars(title = "Layer norm", extend("x-group" = "model", "x-more" = true))]
    pub norm: NormPlace,
    /// The activation of the MLP.
    #[schemars(title = "Activation", extend("x-group" = "model", "x-more" = true))]
    pub activation: MlpActivation,
    /// The last layer uses the weights of the first: what a character means as input and as output is one thing.
    #[schemars(title = "Tied embeddings", extend("x-group" = "model", "x-more" = true))]
    pub tied: bool,
    /// The share of numbers that are set to 0 while training, so that the model cannot lean on any one of them.
    #[schemars(title = "Dropout", range(min = 0.0, max = 0.5), extend("x-group" = "objective", "x-live" = true, "x-step" = 0.05, "x-more" = true))]
    pub dropout: f64,
    #[serde(flatten)]
    pub optimizer: OptimizerSettings,
    /// Steps in which the learning rate rises from 0.
    #[schemars(title = "Warm-up steps", range(min = 0, max = 2000), extend("x-group" = "objective", "x-live" = true, "x-step" = 10, "x-more" = true))]
    pub warmup: u32,
    /// Steps after which the learning rate has fallen to a tenth, along half a cosine. It stays there.
    #[schemars(title = "Decay steps", range(min = 100, max = 50_000), extend("x-group" = "objective", "x-live" = true, "x-step" = 100, "x-more" = true))]
    pub decay: u32,
    /// How much each weight is drawn towards 0 (AdamW).
    #[schemars(title = "Weight decay", range(min = 0.0, max = 1.0), extend("x-group" = "objective", "x-live" = true, "x-step" = 0.01, "x-more" = true))]
    pub weight_decay: f64,
    /// The beginning that the model continues.
    #[schemars(title = "Prompt", length(max = 200), extend("x-group" = "sampling", "x-live" = true, "x-replayed" = true, "x-text" = true))]
    pub prompt: String,
    /// Below 1 the likeliest characters are drawn more often, above 1 less often; 0 always takes the likeliest.
    #[schemars(title = "Temperature", range(min = 0.0, max = 2.0), extend("x-group" = "sampling", "x-live" = true, "x-replayed" = true, "x-step" = 0.05))]
    pub temperature: f64,
    /// Show where the chosen character looks.
    #[schemars(title = "Attention", extend("x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub attention: bool,
    /// The layer whose attention is shown, from 0 on.
    #[schemars(title = "Layer shown", range(min = 0, max = 11), extend("x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub layer: u32,
    /// The head whose attention is shown, from 0 on.
    #[schemars(title = "Head shown", range(min = 0, max = 11), extend("x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub head: u32,
    /// How fast to run: slow takes two steps per second, full as many as the device can.
    #[schemars(title = "Speed", extend("x-group" = "run", "x-live" = true, "x-replayed" = true))]
    pub speed: Speed,
}

/// What is learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Data {
    Copy,
    Reverse,
    Sort,
    Add,
    Modular,
    Brackets,
    Names,
    Shakespeare,
    Tang,
}

/// The activation of an MLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum MlpActivation {
    Gelu,
    Relu,
    Silu,
}

impl From<MlpActivation> for Activation {
    fn from(activation: MlpActivation) -> Self {
        match activation {
            MlpActivation::Gelu => Self::GeluTanh,
            MlpActivation::Relu => Self::RELU,
            MlpActivation::Silu => Self::Silu,
        }
    }
}

const NAMES: CorpusFile =
    CorpusFile { name: "names", lines: true, prompts: &["", "", "", "a", "mar", "jo", "x", "th"] };
const SHAKESPEARE: CorpusFile =
    CorpusFile { name: "shakespeare", lines: false, prompts: &["ROMEO:\n", "To be, or not", "The king "] };
const TANG: CorpusFile = CorpusFile { name: "tang", lines: false, prompts: &["\n\n", "明月", "春", "不"] };

impl Default for Config {
    fn default() -> Self {
        Self::of(Data::Names)
    }
}

impl Settings for Config {
    fn run(&self) -> &RunSettings {
        &self.run
    }
}

impl Config {
    /// The settings of a link that names nothing but the text.
    pub fn of(data: Data) -> Self {
        let config = Self {
            run: RunSettings { seed: 1, evaluate: 100 },
            data,
            backwards: false,
            length: 8,
            batch: 64,
            context: 16,
            layers: 2,
            heads: 2,
            width: 64,
            positions: Positions::Learned,
            norm: NormPlace::Pre,
            activation: MlpActivation::Gelu,
            tied: true,
            dropout: 0.0,
            optimizer: OptimizerSettings { lr: 0.003 },
            warmup: 20,
            decay: 1000,
            weight_decay: 0.0,
            prompt: String::new(),
            temperature: 0.8,
            attention: true,
            layer: 0,
            head: 0,
            speed: Speed::Full,
        };
        match data {
            Data::Copy | Data::Reverse | Data::Brackets => config,
            Data::Sort => Self {
                run: RunSettings { seed: 1, evaluate: 50 },
                length: 6,
                layers: 3,
                heads: 3,
                width: 48,
                decay: 200,
                ..config
            },
            Data::Add => Self { length: 3, heads: 8, decay: 1500, ..config },
            Data::Modular => Self { heads: 4, width: 128, decay: 5000, weight_decay: 1.0, ..config },
            Data::Names => Self { batch: 32, heads: 4, decay: 1500, weight_decay: 0.1, ..config },
            // nanoGPT's setting for a CPU.
            Data::Shakespeare => Self {
                run: RunSettings { seed: 1, evaluate: 200 },
                batch: 12,
                context: 64,
                layers: 4,
                heads: 4,
                width: 128,
                optimizer: OptimizerSettings { lr: 0.001 },
                warmup: 100,
                decay: 2000,
                weight_decay: 0.1,
                ..config
            },
            Data::Tang => Self {
                batch: 32,
                context: 32,
                layers: 4,
                heads: 4,
                width: 128,
                optimizer: OptimizerSettings { lr: 0.002 },
                warmup: 100,
                decay: 3000,
                weight_decay: 0.1,
                ..config
            },
        }
    }

    /// The text, in the order of the seed.
    pub fn open(&self, source: Rc<dyn Source>) -> Box<dyn Text> {
        let (seed, size) = (u64::from(self.run.seed), self.length as usize);
        let problems = |kind| -> Box<dyn Text> { Box::new(Problems::new(kind, size, seed)) };
        let corpus = |file| -> Box<dyn Text> { Box::new(Corpus::new(source, file, self.context as usize, seed)) };
        match self.data {
            Data::Copy => problems(ProblemKind::Copy),
            Data::Reverse => problems(ProblemKind::Reverse),
            Data::Sort => problems(ProblemKind::Sort),
            Data::Add => problems(ProblemKind::Add { backwards: self.backwards }),
            Data::Modular => problems(ProblemKind::Modular),
            Data::Brackets => problems(ProblemKind::Brackets),
            Data::Names => corpus(NAMES),
            Data::Shakespeare => corpus(SHAKESPEARE),
            Data::Tang => corpus(TANG),
        }
    }

    /// The network for a vocabulary and rows of so many tokens.
    pub fn network(&self, vocabulary: usize, context: usize) -> GptConfig {
        GptConfig {
            vocabulary,
            context,
            layers: self.layers as usize,
            heads: self.heads as usize,
            width: self.width as usize,
            positions: self.positions,
            norm: self.norm,
            activation: self.activation.into(),
            tied: self.tied,
        }
    }

    /// The optimizer of the step after `done` steps: nanoGPT's betas and clipping.
    pub fn optimizer(&self, done: u32) -> AdamWOptions {
        let schedule = Schedule { decay: Decay::Cosine, warmup: self.warmup, steps: self.decay, floor: 0.1 };
        let adam = AdamOptions { lr: self.optimizer.lr * schedule.factor(done), beta1: 0.9, beta2: 0.99 };
        AdamWOptions { adam, decay: self.weight_decay, clip: Some(1.0) }
    }

    /// Characters that a model writes after a beginning.
    pub fn longest(&self) -> usize {
        match self.data {
            Data::Names => 24,
            Data::Shakespeare => 120,
            Data::Tang => 48,
            _ => 16,
        }
    }
}
