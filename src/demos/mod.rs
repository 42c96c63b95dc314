//! One experiment a file or folder: its config (= its link = its controls), what it does in a step, what it shows.
//!
//! A new demo is one file here, one line in [`registry`], and one lesson a language in `www/lessons/`. The page is not touched: it
//! draws what the schema, the views and the registry say.
//!
//! A larger demo is a folder, whose files have the same names in each: `mod.rs` is its entry, `config.rs` its config, `demo.rs` what a
//! running one holds, `task.rs` what it is asked to do, `actions.rs` what a person may do with it, `views.rs` what it shows. None
//! imports from one that imports from it (`tests/house.rs`): `demo.rs` knows nothing of `task.rs`, `actions.rs` and `views.rs`, which
//! add their methods to it.

mod autoencoder;
mod classifier;
mod damage;
mod dcgan;
mod denoising;
mod diffusion;
mod diffusion2d;
mod drawing;
mod entry;
mod gan;
mod gan2d;
mod gpt;
mod pad;
pub mod pictures;
mod realnvp;
pub mod registry;
pub mod settings;
mod shipped_vae;
mod text;
mod text_view;
pub mod training;
mod vae;
pub mod views;

pub use entry::{ConfigType, Does, Entry, Family, FileKind, Needs, Opens, Title, WasmModule};
pub use views::{
    Action, Candidate, Figure, Floats, HistogramSeries, Mark, Panel, PointSet, ShortText, Slider, Token, View,
};

use crate::data::{Shape, Source};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::poll::Poll;
use crate::weights::{Checkpoint, Library};
use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::rc::Rc;

/// What a demo is built with.
#[derive(Clone)]
pub struct Context {
    /// With autodiff.
    pub device: Device,
    pub source: Rc<dyn Source>,
    /// Pretrained models.
    pub library: Rc<dyn Library>,
    /// Milliseconds from some beginning: for figures of speed, never for what is computed.
    pub clock: Rc<dyn Fn() -> f64>,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    Done,
    /// There is nothing more to do: the run pauses.
    Ended,
}

/// Samples of a trained model: `[N, C, H, W]` in [-1, 1], or `[N, 2]` points.
pub struct Samples {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl Samples {
    /// Pictures of one shape, one after the other.
    pub fn pictures(shape: Shape, values: Vec<f32>) -> Self {
        let Shape { channels, height, width } = shape;
        Self { shape: vec![values.len() / shape.len(), channels, height, width], values }
    }
}

/// Milliseconds that a step of a pretrained model works on what takes long, before it looks at what the person wants.
pub const TIME_SLICE_MS: f64 = 50.0;

/// The values of a config, by key.
pub type Values = Map<String, Value>;

/// A running experiment.
#[async_trait(?Send)]
pub trait Demo {
    /// Training steps taken.
    fn steps(&self) -> u32;

    /// Whether a run may begin by itself when its link is opened; else it waits for the person.
    fn begins(&self) -> bool {
        true
    }

    /// From now on `prepare` may fetch what needs the person's consent, too: a pretrained model.
    fn allow_fetch(&mut self) {}

    /// What is done without a training step before the views are whole: data that arrives, a picture that is decoded anew.
    /// Called again until it is ready.
    async fn prepare(&mut self) -> Result<Poll<()>> {
        Ok(Poll::Ready(()))
    }

    /// One training step; reads back only what its own figures need. While it is pending nothing has changed.
    async fn step(&mut self) -> Result<Poll<Stepped>>;

    /// Gives up what `step` waits for; the next step asks for it again.
    fn cancel(&mut self) {}

    /// What the page draws now, with one readback; all of the curves with `fresh`.
    async fn views(&mut self, fresh: bool) -> Result<Vec<Panel>>;

    /// Takes over a config in which only live values differ.
    ///
    /// # Errors
    /// Where it does not accept them; nothing has changed then.
    fn set(&mut self, values: &Values) -> Result<()>;

    /// One of its actions; returns values of the config that it changes. They may be refused: what the action itself has changed
    /// must make sense without them.
    async fn act(&mut self, name: &str, args: &Value) -> Result<Values> {
        let _ = args;
        Err(no_action(name))
    }

    async fn save(&mut self) -> Result<Checkpoint>;

    /// Files that stand beside the one of [`Demo::save`], so that other programs open it: by their names, in JSON.
    fn companions(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// Goes on where a checkpoint was taken.
    ///
    /// # Errors
    /// `BadFile`, `ShapeMismatch`; nothing has changed then: all of the file is read before any of it is taken over.
    fn load(&mut self, file: &Checkpoint) -> Result<()>;

    /// Draws `n` samples from the model.
    async fn sample(&mut self, n: usize, seed: u64) -> Result<Samples> {
        let _ = (n, seed);
        Err(Error::bad_command("This model does not draw samples."))
    }

    /// How good the model is on everything that was held out; may take minutes.
    async fn measure(&mut self) -> Result<Vec<Figure>> {
        Err(Error::bad_command("This demo has nothing to measure."))
    }
}

/// Something that the person should know of a link. The page keys translations on `note.CODE`, with the arguments filled in.
pub struct Note {
    pub code: &'static str,
    pub text: String,
    pub args: Vec<(&'static str, String)>,
}

/// The refusal of an action that a demo does not have.
pub fn no_action(name: &str) -> Error {
    Error::bad_command(format!("This demo has no action {name:?}."))
}

/// Values of a config from a JSON object.
pub fn values(object: Value) -> Values {
    match object {
        Value::Object(values) => values,
        _ => Values::new(),
    }
}

/// A config from values that the link codec has checked.
///
/// # Errors
/// `BadCommand` where one is not valid all the same.
pub fn config<C: DeserializeOwned>(values: &Values) -> Result<C> {
    serde_json::from_value(Value::Object(values.clone()))
        .map_err(|e| Error::bad_command(format!("A value is not valid: {e}.")))
}
