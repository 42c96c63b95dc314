//! A normalizing flow on points in the plane, or on digits: an invertible map between noise and data, and so an exact density.

mod config;
mod demo;
mod digits;
mod task;
mod views;

use super::drawing;
use super::training::Training;
use super::{ConfigType, Does, Entry, Family, Needs, Title, WasmModule};
use crate::data::mnist::Mnist;
use config::{Config, Space};
use demo::RealNvpDemo;
use digits::DigitFlow;

pub const ENTRY: Entry = Entry {
    name: "realnvp",
    family: Family::Flow,
    title: Title { en: "Normalizing flow", zh: "标准化流" },
    does: Does::Trains,
    needs: Needs { bytes: 0, model: false, gpu: false },
    module: WasmModule::Training,
    opens: &[],
    config: ConfigType { settle: drawing::settle, ..ConfigType::of::<Config>() },
    actions: drawing::actions,
    build: |values, context| {
        let config: Config = super::config(values)?;
        let seed = u64::from(config.run.seed);
        Ok(match config.space {
            Space::Points => {
                let mut data = config.points.open(seed);
                let task = RealNvpDemo::new(&config, &mut data, &context)?;
                Box::new(Training::new(task, config, data, &context))
            }
            Space::Digits => {
                let data = Mnist::new(context.source.clone(), seed);
                Box::new(Training::new(DigitFlow::new(&config, &context), config, data, &context))
            }
        })
    },
    // `time taskset -c 0 kiln train "realnvp" --device cpu --steps 2000 --out out`: 6.6 ms of one core a step.
    steps: Some(18_000),
};
