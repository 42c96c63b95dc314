//! The settings of diffusion on pictures: its link, its controls, its flags.

use crate::demos::denoising::{DiffusionSettings, SamplerSettings};
use crate::demos::settings::{
    Damage, OptimizerSettings, PictureSettings, RunSettings, Settings, Start, no_trained_weights,
};
use crate::demos::shipped_vae::has_vae;
use crate::demos::{Note, Values};
use crate::train::{Objective, Predict, TimeDistribution};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Diffusion and flow matching on handwritten digits, or on other small pictures.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    #[serde(flatten)]
    pub run: RunSettings,
    /// What noise is added to, and by which network it is removed: the few numbers that a trained VAE makes of a picture; the pixels;
    /// or the pixels, by a convolutional U-Net, which is slow without a GPU.
    #[schemars(title = "Space", extend("x-group" = "model"))]
    pub space: Space,
    /// Start from trained weights, or from random ones.
    #[schemars(title = "Start", extend("x-group" = "model"))]
    pub start: Start,
    #[serde(flatten)]
    pub pictures: PictureSettings,
    #[serde(flatten)]
    pub diffusion: DiffusionSettings,
    /// Tell the network which digit it is, so that you can ask for one; for emoji, the words of a name, or the group.
    #[schemars(title = "Class-conditional", extend("x-group" = "model"))]
    pub conditional: bool,
    /// Units in each layer; on pixels twice as many. A U-Net has an eighth as many channels.
    #[schemars(title = "Width", range(min = 32, max = 1024), extend("x-group" = "model", "x-step" = 32))]
    pub width: u32,
    /// Residual blocks.
    #[schemars(title = "Depth", range(min = 1, max = 8), extend("x-group" = "model", "x-when" = { "space": ["latent", "pixels"] }))]
    pub depth: u32,
    #[serde(flatten)]
    pub optimizer: OptimizerSettings,
    #[serde(flatten)]
    pub sampling: SamplerSettings,
    /// What to draw, in English or Chinese: the name of an emoji, or of a digit. `*` and a number weigh a word: red*2 heart.
    #[schemars(title = "Words", length(max = 80), extend("x-group" = "sampling", "x-live" = true, "x-replayed" = true, "x-text" = true, "x-suggestions" = ["red heart", "smiling cat", "红色的花", "蓝色 汽车", "three", "七"], "x-when" = { "conditional": [true] }))]
    pub words: String,
    /// The class that a conditional model draws where there are no words; 0 for all in turn. For digits, 1 is the digit 0.
    #[schemars(title = "Class (0: all)", range(min = 0, max = 10), extend("x-group" = "sampling", "x-live" = true, "x-replayed" = true, "x-when" = { "conditional": [true] }))]
    pub class: u32,
    /// Samples between noise and data: as noisy as they are, or the pictures that the network predicts from them.
    #[schemars(title = "Between noise and data", extend("x-group" = "view", "x-live" = true, "x-replayed" = true))]
    pub chain: ChainView,
    /// One digit for each of some numbers of steps, from the same noise, with more guidance from row to row.
    #[schemars(title = "Steps against guidance", extend("x-group" = "view", "x-live" = true, "x-replayed" = true))]
    pub table: bool,
    /// Pictures between the first two samples: from noises between theirs.
    #[schemars(title = "Between two samples", extend("x-group" = "view", "x-live" = true, "x-replayed" = true))]
    pub between: bool,
    /// The most similar pictures of the training set: does the model copy?
    #[schemars(title = "Nearest training pictures", extend("x-group" = "view", "x-live" = true, "x-replayed" = true))]
    pub nearest: bool,
    /// Damaged pictures, repaired by the model without any training for it.
    #[schemars(title = "Repair", extend("x-group" = "repair", "x-live" = true, "x-replayed" = true))]
    pub repair: bool,
    /// How the pictures are damaged.
    #[schemars(title = "Damage", extend("x-group" = "repair", "x-live" = true, "x-replayed" = true, "x-when" = { "repair": [true] }))]
    pub damage: Damage,
    /// How strong the noise or how large the hole; above the middle, Shrink leaves a quarter of the side instead of half.
    #[schemars(title = "Amount", range(min = 0.05, max = 0.95), extend("x-group" = "repair", "x-live" = true, "x-replayed" = true, "x-step" = 0.05, "x-when" = { "repair": [true] }))]
    pub amount: f64,
    /// A drawing of yours to start from: noise is added to it, and removed by the model.
    #[schemars(title = "Start from a drawing", extend("x-group" = "repair", "x-live" = true, "x-replayed" = true))]
    pub drawing: bool,
    /// The time that is shown of the samples: 1 is noise, 0 is the sample.
    #[schemars(title = "Time", range(min = 0.0, max = 1.0), extend("x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub time: f64,
}

/// What noise is added to, and by which network it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Space {
    Latent,
    Pixels,
    Unet,
}

/// What is shown of pictures between noise and data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum ChainView {
    Noisy,
    Predicted,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            run: RunSettings { seed: 1, evaluate: 300 },
            space: Space::Latent,
            start: Start::Pretrained,
            pictures: PictureSettings { data: "mnist".into(), batch: 128 },
            diffusion: DiffusionSettings {
                predict: Predict::Data,
                times: TimeDistribution::Logitnormal,
                ..DiffusionSettings::default()
            },
            conditional: true,
            width: 256,
            depth: 3,
            optimizer: OptimizerSettings { lr: 0.001 },
            sampling: SamplerSettings::default(),
            words: String::new(),
            class: 0,
            chain: ChainView::Noisy,
            table: false,
            between: false,
            nearest: false,
            repair: false,
            damage: Damage::Hole,
            amount: 0.5,
            drawing: false,
            time: 0.0,
        }
    }
}

impl Settings for Config {
    fn run(&self) -> &RunSettings {
        &self.run
    }
}

/// Weights that ship: space, pictures, file. All with the other defaults.
const SHIPPED: [(Space, &str, &str); 3] = [
    (Space::Latent, "mnist", "www/weights/diffusion-mnist-latent.safetensors"),
    (Space::Latent, "emoji", "www/weights/diffusion-emoji-latent.safetensors"),
    (Space::Unet, "mnist", "www/weights/diffusion-mnist-unet.safetensors"),
];

impl Config {
    /// The first setting for whose value no weights ship.
    fn unshipped(&self) -> Option<&'static str> {
        let (shipped, pictures) = (Self::default(), &self.pictures.data);
        let (ours, theirs) = (&self.diffusion, &shipped.diffusion);
        let differs = [
            ("space", !SHIPPED.iter().any(|(space, ..)| *space == self.space)),
            ("data", !SHIPPED.iter().any(|(space, data, _)| *space == self.space && data == pictures)),
            ("objective", ours.objective != theirs.objective),
            ("predict", ours.predict != theirs.predict),
            ("schedule", ours.objective == Objective::Ddpm && ours.schedule != theirs.schedule),
            ("conditional", self.conditional != shipped.conditional),
            ("width", self.width != shipped.width),
            ("depth", self.space != Space::Unet && self.depth != shipped.depth),
        ];
        differs.into_iter().find(|(_, differs)| *differs).map(|(key, _)| key)
    }

    /// The shipped weights that it starts with.
    pub fn weights(&self) -> Option<String> {
        let pretrained = self.start == Start::Pretrained && self.unshipped().is_none();
        let shipped = |&&(space, data, _): &&(Space, &str, &str)| space == self.space && data == self.pictures.data;
        SHIPPED.iter().find(shipped).filter(|_| pretrained).map(|(.., path)| (*path).into())
    }
}

/// Pictures for which no VAE ships are learnt in pixels, and a person's own have no classes; without shipped weights a run starts from
/// scratch.
pub fn settle(values: &mut Values) -> Option<Note> {
    let config: Config = crate::demos::config(values).ok()?;
    let classless = config.conditional && config.pictures.data.starts_with("sha256:");
    if classless {
        values.insert("conditional".into(), false.into());
    }
    let latentless = config.space == Space::Latent && !has_vae(&config.pictures.data);
    if latentless {
        values.insert("space".into(), "pixels".into());
    }
    let unshipped = untrained(values);
    if latentless {
        let text =
            "There is a trained VAE for digits and for emoji only: noise is added to the pixels of these pictures.";
        return Some(Note { code: "no-latents", text: text.into(), args: Vec::new() });
    }
    if classless {
        let text = "Your own pictures have no classes, so the networks are not told any.";
        return Some(Note { code: "no-classes", text: text.into(), args: Vec::new() });
    }
    unshipped
}

/// Where no trained weights ship for what a link asks for, it starts from scratch.
fn untrained(values: &mut Values) -> Option<Note> {
    let config: Config = crate::demos::config(values).ok()?;
    let key = config.unshipped().filter(|_| config.start == Start::Pretrained)?;
    let note = no_trained_weights(values, key);
    values.insert("start".into(), "scratch".into());
    Some(note)
}
