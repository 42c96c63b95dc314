//! The game: two networks, and the points at which they are looked at.

use super::config::Config;
use crate::data::Dataset;
use crate::data::points::{EXTENT, Points, lattice};
use crate::demos::Context;
use crate::demos::training::Run;
use crate::error::Result;
use crate::models::mlp_gan::{MlpConfig, MlpDiscriminator, MlpGenerator};
use crate::nn::upload;
use crate::rng::Purpose;
use crate::train::{Gan, GanLoss, StepInput, cells};
use burn::tensor::Tensor;

/// Points shown, and points measured.
pub const SHOWN: usize = 400;
pub const MEASURED: usize = 2000;
/// Cells on a side of the discriminator's field and of the latent mesh.
pub const FIELD: usize = 32;
pub const MESH: usize = 13;

/// The running demo.
pub struct Gan2d {
    pub gan: Gan<MlpGenerator, MlpDiscriminator>,
    /// Fixed: latents and real points that are shown and measured.
    pub z_measured: Tensor<2>,
    pub z_mesh: Tensor<2>,
    pub field: Tensor<2>,
    pub real_shown: Vec<f32>,
    pub real_cells: Vec<f32>,
}

impl Gan2d {
    pub fn new(config: &Config, data: &mut Points, context: &Context) -> Result<Self> {
        let (device, plain) = (&context.device, context.device.clone().inner());
        let mut weights = config.run.stream(Purpose::Weights);
        let sizes =
            MlpConfig { latent: config.latent as usize, width: config.width as usize, depth: config.depth as usize };
        let (generator, discriminator) =
            (sizes.generator(&mut weights, device), sizes.discriminator(&mut weights, device));
        let z = config.run.stream(Purpose::Sampling).normal(MEASURED * sizes.latent);
        let real = data.held_out()?.ready().unwrap_or_default().xy;
        Ok(Self {
            gan: Gan::new(generator, discriminator, device.clone()),
            z_measured: upload(z, [MEASURED, sizes.latent], &plain),
            z_mesh: upload(mesh(sizes.latent), [MESH * MESH, sizes.latent], &plain),
            field: upload(lattice(FIELD, EXTENT), [FIELD * FIELD, 2], &plain),
            real_shown: real[..2 * SHOWN].to_vec(),
            real_cells: cells(&real[2 * SHOWN..]),
        })
    }

    /// Everything that one update needs. The generator's has real points, too: they keep the streams in step.
    pub fn input(&self, run: &mut Run<Self>, mut real: Vec<f32>) -> StepInput {
        let (n, latent, sigma) = (real.len() / 2, run.config.latent as usize, run.config.gan.noise as f32);
        let (noise, device) = (&mut run.noise, &run.device);
        let fake = (sigma > 0.0).then(|| {
            real.iter_mut().zip(noise.normal(n * 2)).for_each(|(x, e)| *x += sigma * e);
            let values = noise.normal(n * 2).into_iter().map(|e| sigma * e).collect();
            upload(values, [n, 2], device).autodiff()
        });
        let mix = (run.config.loss == GanLoss::Wasserstein)
            .then(|| noise.uniform(n, 0.5).into_iter().map(|u| u + 0.5).collect());
        StepInput {
            real: upload(real, [n, 2], device).autodiff(),
            z: upload(noise.normal(n * latent), [n, latent], device).autodiff(),
            noise: fake,
            classes: None,
            mix: mix.map(|mix| upload(mix, [n, 1], device).autodiff()),
        }
    }
}

/// Latents on a lattice of two standard deviations in the first two dimensions, 0 in the others.
fn mesh(latent: usize) -> Vec<f32> {
    lattice(MESH, 2.0).chunks_exact(2).flat_map(|p| (0..latent).map(|i| p.get(i).copied().unwrap_or(0.0))).collect()
}
