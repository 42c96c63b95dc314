//! The network, the space in which it works, and the chains that are shown and judged.

use super::config::{Config, Space};
use super::network::Network;
use crate::data::captions::Captions;
use crate::data::emoji;
use crate::data::{Batch, Nearest, Pictures, Shape, Source};
use crate::demos::Context;
use crate::demos::pad::Pad;
use crate::demos::shipped_vae::ShippedVae;
use crate::device::Device;
use crate::error::Result;
use crate::generate::{Chain, DiffusionSampler, SamplerKind, guided};
use crate::models::denoiser::Told;
use crate::nn::upload;
use crate::poll::Poll;
use crate::ready;
use crate::rng::{Purpose, Stream};
use crate::train::{CHUNK, CHUNKS, LossByTime, Process, Referee, Trainer};
use crate::weights::Checkpoint;
use burn::tensor::Tensor;
use std::rc::Rc;

/// Pictures on a side of the grid.
pub const SIDE: usize = 8;
pub const SHOWN: usize = SIDE * SIDE;
/// The decay of the average of weights that is drawn from.
const DECAY: f64 = 0.995;
/// Steps of the sampler that is judged, whatever the one that shows has; on pixels fewer would spoil what the small network draws, and
/// more would take a U-Net minutes.
const JUDGED_STEPS: usize = 10;
const JUDGED_STEPS_PIXELS: usize = 20;

pub struct Diffusion {
    pub trainer: Trainer<Network>,
    pub process: Process,
    /// Numbers that the network is told beside the time; 0 for none.
    pub features: usize,
    /// Classes of the pictures; 0 where the network is told none.
    pub classes: usize,
    /// Words for what the network is told; `None` where they are still to come, or where there are none.
    pub captions: Option<Captions>,
    pub shape: Shape,
    pub source: Rc<dyn Source>,
    pub device: Device,
    /// Where noise is added to latents.
    pub vae: Option<ShippedVae>,
    /// The shipped weights that are still to come.
    pub weights: Option<String>,
    pub referee: Option<Referee>,
    /// Fixed: the noise of the grid, and of the evaluation.
    pub start: Tensor<2>,
    pub judged: Vec<Tensor<2>>,
    seed: u64,
    /// Samples that were compared with the training set, and what was found, with the step after which that was.
    pub compared: Option<(u32, Vec<f32>, Vec<Option<Nearest>>)>,
    /// Held-out pictures, where something is done with them.
    pub held_out: Option<Batch>,
    pub pad: Pad,
    /// Pictures of the last step.
    pub real: Batch,
    pub loss_by_time: LossByTime,
    /// Times of the last step's pictures, and their losses on the device.
    pub last: Option<(Vec<f32>, Tensor<1>)>,
}

impl Diffusion {
    /// # Errors
    /// `Unsupported`, see [`Network::new`].
    pub fn new(config: &Config, data: &dyn Pictures, context: &Context) -> Result<Self> {
        let (shape, name) = (data.shape(), &*config.pictures.data);
        let classes = if config.conditional { data.classes().len() } else { 0 };
        let (captions, features) = match name {
            _ if classes == 0 => (None, 0),
            "emoji" => (None, emoji::FEATURES),
            _ => (Some(Captions::digits()), classes),
        };
        let (seed, device) = (u64::from(config.run.seed), context.device.clone().inner());
        let vae = ShippedVae::of(name).filter(|_| config.space == Space::Latent);
        let inputs = vae.as_ref().map_or(shape.len(), ShippedVae::latent);
        let model = Network::new(config, inputs, shape, features, &context.device)?;
        let mut sampling = config.run.stream(Purpose::Sampling);
        let mut noise = |n: usize| upload(sampling.normal(n * inputs), [n, inputs], &device);
        Ok(Self {
            trainer: Trainer::new("denoiser", model, context.device.clone()).with_ema(DECAY),
            process: config.diffusion.process(),
            features,
            classes,
            captions,
            shape,
            source: context.source.clone(),
            vae,
            weights: config.weights(),
            referee: None,
            start: noise(SHOWN),
            judged: (0..CHUNKS).map(|_| noise(CHUNK)).collect(),
            device,
            seed,
            compared: None,
            held_out: None,
            pad: Pad::default(),
            real: Batch::default(),
            loss_by_time: LossByTime::default(),
            last: None,
        })
    }

    /// Fetches the captions, the VAE and the shipped weights where there are any.
    pub fn arrive(&mut self) -> Result<Poll<()>> {
        if self.features > 0 && self.captions.is_none() {
            self.captions = Some(ready!(emoji::captions(&*self.source)?));
        }
        if let Some(vae) = &mut self.vae {
            ready!(vae.arrive(&*self.source, &self.device)?);
        }
        if let Some(path) = &self.weights {
            let file = Checkpoint::from_bytes(&ready!(self.source.poll(path)?))?;
            self.trainer.load_weights(&file)?;
            self.weights = None;
        }
        Ok(Poll::Ready(()))
    }

    /// Whether all that the views need is here.
    pub fn arrived(&self) -> bool {
        let told = self.features == 0 || self.captions.is_some();
        told && self.weights.is_none() && self.vae.as_ref().is_none_or(ShippedVae::arrived)
    }

    /// Whether noise is added to latents, not to pixels.
    pub fn is_latent(&self) -> bool {
        self.vae.is_some()
    }

    /// Pictures in [-1, 1], `[n, C H W]`, as the network is to learn them.
    pub fn encode(&self, pictures: Tensor<2>) -> Result<Tensor<2>> {
        match &self.vae {
            Some(vae) => vae.encode(pictures),
            None => Ok(pictures),
        }
    }

    /// Back to pictures in [-1, 1], `[n, C H W]`.
    pub fn decode(&self, samples: Tensor<2>) -> Result<Tensor<2>> {
        match &self.vae {
            Some(vae) => vae.decode(samples),
            None => Ok(samples.clamp(-1.0, 1.0)),
        }
    }

    /// Predicted data are kept within this distance of 0.
    fn limit(&self) -> f32 {
        if self.vae.is_some() { 5.0 } else { 1.0 }
    }

    /// A sampler of the settings.
    pub fn sampler(&self, config: &Config) -> DiffusionSampler {
        config.sampling.sampler(self.limit())
    }

    /// The sampler that is judged: always the same, so that figures of different settings can be compared.
    pub fn judge_sampler(&self) -> DiffusionSampler {
        let of_pixels = matches!(self.trainer.model, Network::Mlp(_)) && !self.is_latent();
        let steps = if of_pixels { JUDGED_STEPS_PIXELS } else { JUDGED_STEPS };
        DiffusionSampler { kind: SamplerKind::Heun, steps, eta: 0.0, limit: Some(self.limit()) }
    }

    /// Goes from noise to data; `each` is shown the chain before every step and at the end.
    pub fn run(
        &self,
        model: &Network,
        sampler: DiffusionSampler,
        noise: Tensor<2>,
        told: &[Told],
        guidance: f64,
        each: impl FnMut(&Chain),
    ) -> Tensor<2> {
        self.follow(Chain::new(&self.process, sampler, noise), model, told, guidance, each)
    }

    /// Goes to the end of a chain, as [`Self::run`].
    pub fn follow(
        &self,
        mut chain: Chain,
        model: &Network,
        told: &[Told],
        guidance: f64,
        mut each: impl FnMut(&Chain),
    ) -> Tensor<2> {
        let mut stream = Stream::new(self.seed, Purpose::Sampler);
        let predict = |x: &Tensor<2>, time: f64| guided(model, x, time, told, self.features, guidance);
        while !chain.ended() {
            each(&chain);
            chain.step(&predict, &mut |n| stream.normal(n));
        }
        each(&chain);
        chain.x
    }
}
