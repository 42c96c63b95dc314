//! A pretrained autoencoder takes a picture apart into a small latent and puts it together again; the latent can be turned,
//! painted and disturbed, and is decoded anew.

mod actions;
mod config;
mod demo;
mod edits;
mod opening;
mod passes;
mod scene;
mod task;
mod views;

use super::{Action, ConfigType, Does, Entry, Family, FileKind, Needs, Opens, Title, WasmModule};
use config::Config;
use demo::AutoencoderDemo;

pub const ENTRY: Entry = Entry {
    name: "autoencoder",
    family: Family::Vae,
    title: Title { en: "Autoencoder", zh: "自编码器" },
    does: Does::Edits,
    needs: Needs { bytes: 9_793_292, model: true, gpu: true },
    module: WasmModule::Pretrained,
    opens: &[
        Opens { kind: FileKind::ImageAutoencoder, key: "model", side: 0 },
        Opens { kind: FileKind::Picture, key: "picture", side: 0 },
    ],
    config: ConfigType::of::<Config>(),
    actions: || Action::buttons_of("latent", &[("reset_latent", "Reset the latent"), ("noise", "Add noise")]),
    build: |values, context| Ok(Box::new(AutoencoderDemo::new(super::config(values)?, context))),
    steps: None,
};
