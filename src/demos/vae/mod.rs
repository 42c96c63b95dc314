//! A variational autoencoder: trained in the tab or begun from shipped weights, looked into, walked through, and made to
//! mend pictures.

mod actions;
mod cache;
mod config;
mod demo;
mod inpaint;
mod latent_views;
mod measure;
mod picture_views;
mod task;
mod views;

use super::training::Training;
use super::{Action, ConfigType, Does, Entry, Family, FileKind, Needs, Opens, Title, WasmModule, pictures};
use config::Config;
use demo::VaeDemo;

pub const ENTRY: Entry = Entry {
    name: "vae",
    family: Family::Vae,
    title: Title { en: "VAE", zh: "VAE" },
    does: Does::Trains,
    needs: Needs { bytes: 3_593_444, model: false, gpu: true },
    module: WasmModule::Training,
    opens: &[Opens { kind: FileKind::Pictures, key: "data", side: 32 }],
    config: ConfigType { settle: config::settle, ..ConfigType::of::<Config>() },
    actions: || {
        [
            Action::buttons_of("repair", &[("restore", "Repair by search")]),
            Action::buttons_of("reconstructions", &[("other_pictures", "Other pictures")]),
            Action::buttons_of("pad", &[("edit_a", "Copy A to the pad")]),
            Action::buttons_of("chosen", &[("random_latent", "Random latent")]),
        ]
        .concat()
    },
    build: |values, context| {
        let config: Config = super::config(values)?;
        let data = pictures::open(&config.pictures.data, &context, u64::from(config.run.seed))?;
        let task = VaeDemo::new(&config, data.shape(), &context);
        Ok(Box::new(Training::new(task, config, data, &context)))
    },
    // `time taskset -c 0 kiln train "vae?start=scratch" --device cpu --steps 120 --out out`: 33.0 ms of one core a step.
    steps: Some(3_500),
};
