//! Training steps of both GANs, W1 (DCGAN) and W2 (points in the plane): the very step that the page's demos take.

use crate::with;
use burn::tensor::Tensor;
use kiln::device::{Device, read};
use kiln::models::dcgan::DcganConfig;
use kiln::models::mlp_gan::MlpConfig;
use kiln::models::{Discriminator, Generator};
use kiln::nn::upload;
use kiln::rng::{Purpose, Stream};
use kiln::train::{Gan, GanLoss, GanOptions, Losses, StepInput, scalars};
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

#[wasm_bindgen]
pub struct GanStep {
    gan: Box<dyn Game>,
    device: Device,
    /// Of the last step.
    losses: Losses,
}

#[wasm_bindgen]
impl GanStep {
    /// `workload` `w1` or `w2`; the parameters of both networks in the order in which their layers stand, in PyTorch's layouts.
    pub async fn open(workload: String, generator: Vec<f32>, discriminator: Vec<f32>) -> Result<GanStep, JsError> {
        let device = crate::device().await?.device;
        let (given, mut blank) = ([generator, discriminator], Stream::new(0, Purpose::Weights));
        let gan = if workload == "w1" {
            let config = DcganConfig { latent: 64, width: 64, classes: 0, channels: 1, side: 28 };
            game(config.generator(&mut blank, &device), config.discriminator(&mut blank, &device), given, &device)
        } else {
            let config = MlpConfig { latent: 2, width: 128, depth: 2 };
            game(config.generator(&mut blank, &device), config.discriminator(&mut blank, &device), given, &device)
        };
        Ok(Self { gan, device, losses: Losses::new() })
    }

    /// One update of the discriminator, then one of the generator on another latent. `real` and the latents are
    /// `[batch, features]`.
    pub fn step(&mut self, batch: usize, real: Vec<f32>, z: Vec<f32>, z2: Vec<f32>) -> Result<(), JsError> {
        let up = |values: Vec<f32>| {
            let features = values.len() / batch;
            upload(values, [batch, features], &self.device)
        };
        let input = |real: Tensor<2>, z: Tensor<2>| StepInput { real, z, noise: None, classes: None, mix: None };
        let real = up(real);
        let (first, second) = (input(real.clone(), up(z)), input(real, up(z2)));
        self.losses = self.gan.step(first, second)?;
        Ok(())
    }

    /// Losses of the discriminator and of the generator at the last step.
    pub async fn losses(&mut self) -> Result<Vec<f32>, JsError> {
        Ok(read(scalars(&self.losses)).await?.into_iter().flatten().collect())
    }
}

/// A pair of networks with the parameters given.
fn game<G, D>(generator: G, discriminator: D, given: [Vec<f32>; 2], device: &Device) -> Box<dyn Game>
where
    G: Generator + 'static,
    D: Discriminator + 'static,
{
    let [first, second] = given;
    Box::new(Gan::new(with(generator, first, device), with(discriminator, second, device), device.clone()))
}

/// Either pair of networks.
trait Game {
    fn step(&mut self, discriminator: StepInput, generator: StepInput) -> kiln::error::Result<Losses>;
}

impl<G: Generator, D: Discriminator> Game for Gan<G, D> {
    fn step(&mut self, discriminator: StepInput, generator: StepInput) -> kiln::error::Result<Losses> {
        let options = GanOptions {
            loss: GanLoss::Nonsaturating,
            lr_generator: 2e-4,
            lr_discriminator: 2e-4,
            beta1: 0.5,
            beta2: 0.999,
            penalty: 0.0,
            norms: false,
        };
        Gan::step(self, options, vec![discriminator], Some(generator))
    }
}
