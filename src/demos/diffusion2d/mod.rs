//! Diffusion and flow matching on points in the plane: the whole way from noise to data in one picture.

mod config;
mod demo;
mod density;
mod task;
mod views;

use super::drawing;
use super::training::Training;
use super::{ConfigType, Does, Entry, Family, Needs, Title, WasmModule};
use config::Config;
use demo::Diffusion2d;

pub const ENTRY: Entry = Entry {
    name: "diffusion2d",
    family: Family::Diffusion,
    title: Title { en: "Diffusion in 2D", zh: "二维扩散" },
    does: Does::Trains,
    needs: Needs { bytes: 0, model: false, gpu: false },
    module: WasmModule::Training,
    opens: &[],
    config: ConfigType { settle: drawing::settle, ..ConfigType::of::<Config>() },
    actions: drawing::actions,
    build: |values, context| {
        let config: Config = super::config(values)?;
        let mut data = config.points.open(u64::from(config.run.seed));
        let task = Diffusion2d::new(&config, &mut data, &context)?;
        Ok(Box::new(Training::new(task, config, data, &context)))
    },
    // `time taskset -c 0 kiln train "diffusion2d" --device cpu --steps 1000 --out out`: 6.1 ms of one core a step.
    steps: Some(20_000),
};
