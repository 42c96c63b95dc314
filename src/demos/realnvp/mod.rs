//! A normalizing flow on points in the plane: an invertible map between noise and data, and so an exact density.

mod config;
mod demo;
mod task;
mod views;

use super::drawing::drawing_actions;
use super::training::Training;
use super::{ConfigType, Does, Entry, Family, Needs, Title, WasmModule};
use config::Config;
use demo::RealNvpDemo;

pub const ENTRY: Entry = Entry {
    name: "realnvp",
    family: Family::Flow,
    title: Title { en: "Normalizing flow", zh: "标准化流" },
    does: Does::Trains,
    needs: Needs { bytes: 0, model: false, gpu: false },
    module: WasmModule::Training,
    opens: &[],
    config: ConfigType::of::<Config>(),
    actions: drawing_actions,
    build: |values, context| {
        let config: Config = super::config(values)?;
        let mut data = config.points.open(u64::from(config.run.seed));
        let task = RealNvpDemo::new(&config, &mut data, &context)?;
        Ok(Box::new(Training::new(task, config, data, &context)))
    },
    // `time taskset -c 0 kiln train "realnvp" --device cpu --steps 2000 --out out`: 6.6 ms of one core a step.
    steps: Some(18_000),
};
