//! A language model that learns in the tab: a transformer that predicts the next character.

mod config;
mod demo;
mod task;
mod views;
mod writing;

use super::training::Training;
use super::{Action, ConfigType, Does, Entry, Family, Needs, Title, Values, WasmModule, values};
use config::Config;
use demo::GptDemo;
use serde_json::json;

pub const ENTRY: Entry = Entry {
    name: "gpt",
    family: Family::Language,
    title: Title { en: "GPT from scratch", zh: "从零训练 GPT" },
    does: Does::Trains,
    needs: Needs { bytes: 27_407, model: false, gpu: false },
    module: WasmModule::Training,
    opens: &[],
    config: ConfigType { defaults: following, ..ConfigType::of::<Config>() },
    actions: || Action::buttons(&[("choose", "Choose a character")]),
    build: |values, context| {
        let config: Config = super::config(values)?;
        let data = config.open(context.source.clone());
        let task = GptDemo::new(&config, &*data, &context)?;
        Ok(Box::new(Training::new(task, config, data, &context)))
    },
    // `time taskset -c 0 kiln train "gpt" --device cpu --steps 1500 --out out`: 20 ms of one core a step. nanoGPT's number for a CPU.
    steps: Some(2000),
};

/// The other settings follow the text.
fn following(given: &Values) -> Values {
    let first = Config::default().data;
    let data = given.get("data").cloned().and_then(|data| serde_json::from_value(data).ok()).unwrap_or(first);
    let mut values = values(json!(Config::of(data)));
    values.insert("data".into(), json!(first));
    values
}
