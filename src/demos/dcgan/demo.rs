//! The game on pictures: two networks, what judges them, and what they are fed.

use super::config::Config;
use crate::data::{Batch, Shape, Source};
use crate::demos::Context;
use crate::demos::training::Run;
use crate::device::Device;
use crate::models::{Discriminator, Generator};
use crate::nn::{one_hot, upload};
use crate::rng::{Purpose, Stream};
use crate::train::{CHUNK, CHUNKS, Gan, Referee, StepInput};
use burn::tensor::Tensor;
use std::rc::Rc;

/// Pictures shown on a side of the sample grid.
pub const SIDE: usize = 8;
pub const SHOWN: usize = SIDE * SIDE;

/// The running demo.
pub struct PictureGan<G, D> {
    pub gan: Gan<G, D>,
    pub shape: Shape,
    pub source: Rc<dyn Source>,
    pub device: Device,
    /// Judges digits; of other pictures there is no judge.
    pub referee: Option<Referee>,
    /// Digits of each class at the latest evaluation.
    pub classes: Vec<f32>,
    /// Fixed: latents of the grid, and of the evaluation.
    pub z_shown: Tensor<2>,
    pub z_judged: Vec<Tensor<2>>,
    /// The last real batch, for the pictures and the histogram.
    pub real: Batch,
}

impl<G: Generator, D: Discriminator> PictureGan<G, D> {
    pub fn new(config: &Config, gan: Gan<G, D>, shape: Shape, context: &Context) -> Self {
        let latent = config.latent as usize;
        let device = context.device.clone().inner();
        let mut sampling = config.run.stream(Purpose::Sampling);
        let mut latents = |n: usize| upload(sampling.normal(n * latent), [n, latent], &device);
        let (z_shown, z_judged) = (latents(SHOWN), (0..CHUNKS).map(|_| latents(CHUNK)).collect());
        let (referee, classes, real) = (None, Vec::new(), Batch::default());
        Self { gan, shape, source: context.source.clone(), referee, classes, z_shown, z_judged, real, device }
    }

    /// Classes that both networks are told; 0 for none.
    pub fn told(run: &Run<Self>) -> usize {
        if run.config.conditional { run.data.classes().len() } else { 0 }
    }

    /// What a conditional model is told of pictures of these classes.
    pub fn tell(&self, run: &Run<Self>, labels: &[u8]) -> Option<Tensor<2>> {
        let told = Self::told(run);
        (told > 0).then(|| one_hot(labels, told, &self.device))
    }

    /// Classes for `n` drawn pictures: the chosen one, or all in turn.
    pub fn asked(&self, run: &Run<Self>, n: usize, turn: bool) -> Option<Tensor<2>> {
        let told = Self::told(run);
        let chosen = (run.config.digit as u8).checked_sub(1).filter(|c| !turn && usize::from(*c) < told);
        let label = |i: usize| chosen.unwrap_or((i % told.max(1)) as u8);
        self.tell(run, &(0..n).map(label).collect::<Vec<_>>())
    }

    /// Everything one update needs; `batch` is empty for a generator's update.
    pub fn input(&self, run: &mut Run<Self>, batch: Option<Batch>) -> StepInput {
        let (n, latent) = (run.config.pictures.batch as usize, run.config.latent as usize);
        let (sigma, pixels, told) = (run.config.gan.noise as f32, self.shape.len(), Self::told(run));
        let instance =
            |stream: &mut Stream| stream.normal(n * pixels).into_iter().map(|v| v * sigma).collect::<Vec<_>>();
        let z = upload(run.noise.normal(n * latent), [n, latent], &self.device);
        let of_generator = batch.is_none();
        let Batch { pixels: mut real, mut labels, .. } =
            batch.unwrap_or_else(|| Batch { pixels: vec![0.0; n * pixels], ..Batch::default() });
        let noise = (sigma > 0.0).then(|| {
            if !of_generator {
                real.iter_mut().zip(instance(&mut run.noise)).for_each(|(x, e)| *x += e);
            }
            upload(instance(&mut run.noise), [n, pixels], &self.device).autodiff()
        });
        if of_generator && told > 0 {
            labels = (0..n).map(|_| run.noise.below(told) as u8).collect();
        }
        let real = upload(real, [n, pixels], &self.device).autodiff();
        StepInput { real, z: z.autodiff(), noise, classes: self.tell(run, &labels).map(Tensor::autodiff), mix: None }
    }
}
