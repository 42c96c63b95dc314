//! A demo in the registry: what the page is told of it before any module is here, and how a session builds it.

use super::{Action, Context, Demo, Note, Values};
use crate::error::Result;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde_json::Value;

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
    pub config: ConfigType,
    #[serde(skip)]
    pub actions: fn() -> Vec<Action>,
    #[serde(skip)]
    pub build: fn(&Values, Context) -> Result<Box<dyn Demo>>,
    /// Training steps that `kiln train` takes where none are named: about two minutes of one core. `None` where nothing is
    /// trained.
    #[serde(skip)]
    pub steps: Option<u32>,
}

/// What a session must know of the type of a demo's config.
#[derive(Debug, Clone, Copy)]
pub struct ConfigType {
    /// Its JSON schema.
    pub schema: fn() -> Value,
    /// The values of a link that names these and nothing else: some may follow others, as the size of a network follows what it is to
    /// learn. Those that others follow have the values of an empty link.
    pub defaults: fn(&Values) -> Values,
    /// Values of empty links when checkpoints did not hold them yet, where they are others now, or where there was no such setting.
    pub earlier_defaults: &'static [(&'static str, &'static str)],
    /// Changes values that ask for what there is not to what they come to, and says so.
    pub settle: fn(&mut Values) -> Option<Note>,
}

impl ConfigType {
    /// Of a config whose defaults have always been the same, and whose every value can be had.
    pub const fn of<C: Default + Serialize + JsonSchema>() -> Self {
        Self { schema: schema::<C>, defaults: defaults::<C>, earlier_defaults: &[], settle: |_| None }
    }
}

fn schema<C: JsonSchema>() -> Value {
    schema_for!(C).to_value()
}

fn defaults<C: Default + Serialize>(_: &Values) -> Values {
    match serde_json::to_value(C::default()) {
        Ok(Value::Object(values)) => values,
        _ => Values::new(),
    }
}

/// What kind of model it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Family {
    Gan,
    Vae,
    Diffusion,
    Flow,
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
