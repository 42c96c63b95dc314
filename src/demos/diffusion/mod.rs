//! Diffusion and flow matching on pictures: in the latent space of a VAE, as in Stable Diffusion, or on pixels.

mod config;
mod demo;
mod task;
mod views;

use super::training::Training;
use super::{ConfigType, Context, Demo, Does, Entry, Family, Needs, Title, Values, WasmModule, pictures};
use crate::error::{Error, Result};
use config::Config;
use demo::Diffusion;

pub const ENTRY: Entry = Entry {
    name: "diffusion",
    family: Family::Diffusion,
    title: Title { en: "Diffusion on pictures", zh: "图片扩散" },
    does: Does::Trains,
    needs: Needs { bytes: 2_342_510, model: false, gpu: false },
    module: WasmModule::Training,
    opens: &[],
    config: ConfigType { settle: config::settle, ..ConfigType::of::<Config>() },
    actions: Vec::new,
    build,
    // `time taskset -c 0 kiln train "diffusion" --device cpu --steps 1500 --out out`: 26.8 ms of one core a step.
    steps: Some(4_500),
};

fn build(values: &Values, context: Context) -> Result<Box<dyn Demo>> {
    let config: Config = super::config(values)?;
    let data = pictures::open(&config.pictures.data, &context, u64::from(config.run.seed))?;
    let classes = if config.conditional { data.classes().len() } else { 0 };
    if config.conditional && classes == 0 {
        return Err(Error::unsupported("A conditional model needs classes, and these pictures have none."));
    }
    let task = Diffusion::new(&config, data.shape(), classes, &context);
    Ok(Box::new(Training::new(task, config, data, &context)))
}
