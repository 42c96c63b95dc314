//! Which demos there are, and what the page knows of each before any module is here.

use super::{Action, Context, Demo, Note, Values, autoencoder, classifier, dcgan, diffusion, diffusion2d, gan2d, text, vae};
use crate::error::Result;
use serde::Serialize;
use serde_json::Value;

/// All demos; the first is opened by an empty link.
pub const DEMOS: &[Entry] =
    &[
    gan2d::ENTRY,
    dcgan::ENTRY,
    vae::ENTRY,
    diffusion2d::ENTRY,
    diffusion::ENTRY,
    autoencoder::ENTRY,
    text::ENTRY,
    classifier::ENTRY,
];

/// A demo in the registry. What is serialized is what the page is told: in `Event::Hello`, and in `www/demos.json` while no
/// module is here yet.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(rename = "Demo"))]
pub struct Entry {
    /// Its name in links.
    pub name: &'static str,
    pub family: Family,
    pub title: Title,
    pub does: Does,
    pub needs: Needs,
    pub module: WasmModule,
    /// The files that are opened here when a person drops them while another demo is open; no two demos open the same kind.
    pub opens: &'static [Opens],
    #[serde(skip)]
    pub schema: fn() -> Value,
    #[serde(skip)]
    pub defaults: fn() -> Values,
    #[serde(skip)]
    pub actions: fn() -> Vec<Action>,
    #[serde(skip)]
    pub build: fn(&Values, Context) -> Result<Box<dyn Demo>>,
    /// Values that empty links had when checkpoints did not hold their values yet, where they are others now.
    #[serde(skip)]
    pub earlier_defaults: &'static [(&'static str, &'static str)],
    /// Training steps that `kiln train` takes where none are named: about two minutes of one core. `None` where nothing is
    /// trained.
    #[serde(skip)]
    pub steps: Option<u32>,
    /// Changes values that ask for what there is not to what they come to, and says so.
    #[serde(skip)]
    pub settle: fn(&mut Values) -> Option<Note>,
}

/// What kind of model it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Family {
    Gan,
    Vae,
    Diffusion,
    Language,
    Classifier,
}

/// What the picker calls it.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Title {
    pub en: &'static str,
    pub zh: &'static str,
}

/// What its steps are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Does {
    /// Training steps.
    Trains,
    /// Tokens of a pretrained model.
    Writes,
    /// Nothing runs on its own: a pretrained model answers what the person does.
    Edits,
}

/// What it needs beside its module.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Needs {
    /// Bytes that are asked for up to its first step, with the settings of an empty link.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub bytes: u64,
    /// A pretrained model, which is not fetched before the person agrees.
    pub model: bool,
    /// Without a GPU it is so slow that a person waits for it.
    pub gpu: bool,
}

/// The module of the CPU that it is part of; the GPU's module holds all demos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum WasmModule {
    /// Models that are trained in the tab.
    Training,
    /// Pretrained models.
    Pretrained,
}

/// A kind of files that a demo opens, and how.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Opens {
    pub kind: FileKind,
    /// The setting that names them.
    pub key: &'static str,
    /// The side in pixels to which pictures are scaled; 0 where they are kept as they are, or where it is no picture.
    pub side: u32,
}

/// What a person may drop on the page. `x-model` of the schema and `kind` in `www/weights/models.json` use the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum FileKind {
    /// A GGUF file, or a folder of safetensors with its config and tokenizer.
    LanguageModel,
    /// The autoencoder of a latent diffusion model.
    ImageAutoencoder,
    /// A set of pictures.
    Pictures,
    /// One picture, kept whole.
    Picture,
}
