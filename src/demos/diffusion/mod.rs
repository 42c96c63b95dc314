//! Diffusion and flow matching on pictures: in the latent space of a VAE, as in Stable Diffusion, or on pixels.

mod config;
mod demo;
mod edit;
mod network;
mod recall;
mod task;
mod told;
mod views;

use super::training::Training;
use super::{ConfigType, Context, Demo, Does, Entry, Family, Needs, Title, Values, WasmModule, pictures};
use crate::error::{Error, Result};
use config::{Config, Space};
use demo::Diffusion;

pub const ENTRY: Entry = Entry {
    name: "diffusion",
    family: Family::Diffusion,
    title: Title { en: "Diffusion on pictures", zh: "图片扩散" },
    does: Does::Trains,
    needs: Needs { bytes: 3_574_014, model: false, gpu: false },
    module: WasmModule::Training,
    opens: &[],
    config: ConfigType {
        // No weights shipped.
        earlier_defaults: &[("start", "scratch")],
        settle: config::settle,
        ..ConfigType::of::<Config>()
    },
    actions: Vec::new,
    build,
    // `time taskset -c 0 kiln train "diffusion" --device cpu --steps 1500 --out out`: 26.8 ms of one core a step.
    steps: Some(4_500),
};

fn build(values: &Values, context: Context) -> Result<Box<dyn Demo>> {
    let config: Config = super::config(values)?;
    // The VAE of emoji knows those that seed 1 does not hold out: names are judged by pictures that nothing has seen.
    let split = if config.pictures.data == "emoji" && config.space == Space::Latent { 1 } else { config.run.seed };
    let data = pictures::open(&config.pictures.data, &context, u64::from(split))?;
    if config.conditional && data.classes().is_empty() {
        return Err(Error::unsupported("A conditional model needs classes, and these pictures have none."));
    }
    let task = Diffusion::new(&config, &*data, &context)?;
    Ok(Box::new(Training::new(task, config, data, &context)))
}
