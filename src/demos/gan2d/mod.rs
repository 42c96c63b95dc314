//! A GAN of two small fully connected networks on points in the plane: the whole game fits in one picture.

mod config;
mod demo;
mod task;
mod views;

use super::drawing;
use super::gan::player_actions;
use super::training::Training;
use super::{ConfigType, Does, Entry, Family, Needs, Title, WasmModule};
use config::Config;
use demo::Gan2d;

pub const ENTRY: Entry = Entry {
    name: "gan2d",
    family: Family::Gan,
    title: Title { en: "GAN in 2D", zh: "二维 GAN" },
    does: Does::Trains,
    needs: Needs { bytes: 0, model: false, gpu: false },
    module: WasmModule::Training,
    opens: &[],
    config: ConfigType { settle: drawing::settle, ..ConfigType::of::<Config>() },
    actions: || [player_actions(), drawing::actions()].concat(),
    build: |values, context| {
        let config: Config = super::config(values)?;
        let mut data = config.points.open(u64::from(config.run.seed));
        let task = Gan2d::new(&config, &mut data, &context)?;
        Ok(Box::new(Training::new(task, config, data, &context)))
    },
    // `time taskset -c 0 kiln train "gan2d" --device cpu --steps 3000 --out out`: 0.70 ms of one core a step.
    steps: Some(150_000),
};
