//! A small classifier of digits. Its weights ship with the page, where they judge what a GAN draws.

mod config;
mod demo;
mod task;
mod views;

use super::training::Training;
use super::{ConfigType, Does, Entry, Family, Needs, Title, WasmModule};
use crate::data::mnist::Mnist;
use config::Config;
use demo::ClassifierDemo;

pub const ENTRY: Entry = Entry {
    name: "classifier",
    family: Family::Classifier,
    title: Title { en: "Classifier", zh: "分类器" },
    does: Does::Trains,
    needs: Needs { bytes: 1_632_378, model: false, gpu: false },
    module: WasmModule::Training,
    opens: &[],
    config: ConfigType::of::<Config>(),
    actions: Vec::new,
    build: |values, context| {
        let config: Config = super::config(values)?;
        let data = Mnist::new(context.source.clone(), u64::from(config.run.seed));
        let task = ClassifierDemo::new(&config, &context);
        Ok(Box::new(Training::new(task, config, data, &context)))
    },
    // `time taskset -c 0 kiln train "classifier" --device cpu --steps 600 --out out`: 6.2 ms of one core a step.
    steps: Some(20_000),
};
