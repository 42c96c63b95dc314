//! A GAN that learns to draw handwritten digits from MNIST, watched for mode collapse by a classifier; or other pictures,
//! which no classifier of ours knows.

mod config;
mod demo;
mod task;
mod views;

use super::gan::player_actions;
use super::training::Training;
use super::{ConfigType, Context, Demo, Does, Entry, Family, Needs, Title, Values, WasmModule, pictures};
use crate::error::{Error, Result};
use crate::models::dcgan::DcganConfig;
use crate::models::dense_gan::DenseConfig;
use crate::rng::Purpose;
use crate::train::Gan;
use config::{Config, Model};
use demo::PictureGan;

pub const ENTRY: Entry = Entry {
    name: "dcgan",
    family: Family::Gan,
    title: Title { en: "GAN on pictures", zh: "图片 GAN" },
    does: Does::Trains,
    needs: Needs { bytes: 1_809_250, model: false, gpu: true },
    module: WasmModule::Training,
    opens: &[],
    config: ConfigType {
        earlier_defaults: &[("conditional", "false"), ("batch", "32"), ("noise", "0.1")],
        settle: config::settle,
        ..ConfigType::of::<Config>()
    },
    actions: player_actions,
    build,
    // `time taskset -c 0 kiln train "dcgan" --device cpu --steps 200 --out out`: 13.0 ms of one core a step.
    steps: Some(9_000),
};

fn build(values: &Values, context: Context) -> Result<Box<dyn Demo>> {
    let c: Config = super::config(values)?;
    let mut weights = c.run.stream(Purpose::Weights);
    let (latent, width, device) = (c.latent as usize, c.width as usize, context.device.clone());
    let data = pictures::open(&c.pictures.data, &context, u64::from(c.run.seed))?;
    let (shape, classes) = (data.shape(), if c.conditional { data.classes().len() } else { 0 });
    if c.conditional && classes == 0 {
        return Err(Error::unsupported("A conditional model needs classes, and these pictures have none."));
    }
    Ok(match c.model {
        Model::Conv => {
            let sizes = DcganConfig { latent, width, classes, channels: shape.channels, side: shape.height };
            let (g, d) = (sizes.generator(&mut weights, &device), sizes.discriminator(&mut weights, &device));
            let task = PictureGan::new(&c, Gan::new(g, d, device), shape, &context);
            Box::new(Training::new(task, c, data, &context))
        }
        Model::Dense => {
            let sizes = DenseConfig { latent, classes, pixels: shape.len() };
            let (g, d) = (sizes.generator(&mut weights, &device), sizes.discriminator(&mut weights, &device));
            let task = PictureGan::new(&c, Gan::new(g, d, device), shape, &context);
            Box::new(Training::new(task, c, data, &context))
        }
    })
}
