//! The network, the space in which it works, and the chains that are shown and judged.

use super::config::{Config, Space};
use crate::data::{Batch, Shape, Source};
use crate::demos::Context;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::generate::{Chain, DiffusionSampler, SamplerKind, guided};
use crate::models::denoiser::TIME_FEATURES;
use crate::models::denoiser_mlp::{DenoiserMlp, DenoiserMlpConfig};
use crate::models::vae::{Vae, VaeConfig};
use crate::nn::upload;
use crate::poll::Poll;
use crate::ready;
use crate::rng::{Purpose, Stream};
use crate::train::{CHUNK, CHUNKS, LossByTime, Process, Referee, Trainer};
use crate::weights::{Checkpoint, load_module};
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use std::rc::Rc;

/// Pictures on a side of the grid.
pub const SIDE: usize = 8;
pub const SHOWN: usize = SIDE * SIDE;
/// The decay of the average of weights that is drawn from.
const DECAY: f64 = 0.995;
/// Steps of the sampler that is judged, whatever the one that shows has.
const JUDGED_STEPS: usize = 10;
/// The VAE of digits that ships, and its sizes.
const VAE: &str = "www/weights/vae-mnist-16.safetensors";
const LATENT: usize = 16;
const VAE_WIDTH: usize = 16;

pub struct Diffusion {
    pub trainer: Trainer<DenoiserMlp>,
    pub process: Process,
    /// Classes that the network is told; 0 for none.
    pub classes: usize,
    pub shape: Shape,
    pub source: Rc<dyn Source>,
    pub device: Device,
    codec: Codec,
    pub referee: Option<Referee>,
    /// Fixed: the noise of the grid, and of the evaluation.
    pub start: Tensor<2>,
    pub judged: Vec<Tensor<2>>,
    seed: u64,
    /// Pictures of the last step.
    pub real: Batch,
    pub loss_by_time: LossByTime,
    /// Times of the last step's pictures, and their losses on the device.
    pub last: Option<(Vec<f32>, Tensor<1>)>,
}

/// What noise is added to.
#[expect(clippy::large_enum_variant, reason = "there is one")]
enum Codec {
    Pixels,
    /// The latent of a VAE, whose weights may still be on their way.
    Latent(Option<Vae>),
}

impl Diffusion {
    pub fn new(config: &Config, shape: Shape, classes: usize, context: &Context) -> Self {
        let (seed, device) = (u64::from(config.run.seed), context.device.clone().inner());
        let (codec, inputs, width) = match config.space {
            Space::Latent => (Codec::Latent(None), LATENT, config.width as usize),
            Space::Pixels => (Codec::Pixels, shape.len(), 2 * config.width as usize),
        };
        let sizes =
            DenoiserMlpConfig { inputs, condition: TIME_FEATURES + classes, width, depth: config.depth as usize };
        let model = sizes.init(&mut config.run.stream(Purpose::Weights), &context.device);
        let mut sampling = config.run.stream(Purpose::Sampling);
        let mut noise = |n: usize| upload(sampling.normal(n * inputs), [n, inputs], &device);
        Self {
            trainer: Trainer::new("denoiser", model, context.device.clone()).with_ema(DECAY),
            process: config.diffusion.process(),
            classes,
            shape,
            source: context.source.clone(),
            codec,
            referee: None,
            start: noise(SHOWN),
            judged: (0..CHUNKS).map(|_| noise(CHUNK)).collect(),
            device,
            seed,
            real: Batch::default(),
            loss_by_time: LossByTime::default(),
            last: None,
        }
    }

    /// Fetches the VAE where there is one.
    pub fn arrive(&mut self) -> Result<Poll<()>> {
        if let Codec::Latent(vae @ None) = &mut self.codec {
            let file = Checkpoint::from_bytes(&ready!(self.source.poll(VAE)?))?;
            let Shape { channels, height, width } = self.shape;
            let sizes = VaeConfig { shape: [channels, height, width], latent: LATENT, width: VAE_WIDTH };
            let blank = sizes.init(&mut Stream::new(0, Purpose::Weights), &self.device);
            *vae = Some(load_module(blank, None, "vae", &file, &self.device)?);
        }
        Ok(Poll::Ready(()))
    }

    /// Whether all that the views need is here.
    pub fn arrived(&self) -> bool {
        !matches!(self.codec, Codec::Latent(None))
    }

    /// Pictures in [-1, 1], `[n, C H W]`, as the network is to learn them.
    pub fn encode(&self, pictures: Tensor<2>) -> Result<Tensor<2>> {
        match &self.codec {
            Codec::Pixels => Ok(pictures),
            Codec::Latent(Some(vae)) => Ok(vae.encoder.forward((pictures + 1.0) / 2.0).0),
            Codec::Latent(None) => Err(Error::internal("The VAE is not here.")),
        }
    }

    /// Back to pictures in [-1, 1], `[n, C H W]`.
    pub fn decode(&self, samples: Tensor<2>) -> Result<Tensor<2>> {
        match &self.codec {
            Codec::Pixels => Ok(samples.clamp(-1.0, 1.0)),
            Codec::Latent(Some(vae)) => Ok(sigmoid(vae.decoder.forward(samples)) * 2.0 - 1.0),
            Codec::Latent(None) => Err(Error::internal("The VAE is not here.")),
        }
    }

    /// Predicted data are kept within this distance of 0.
    fn limit(&self) -> f32 {
        match self.codec {
            Codec::Pixels => 1.0,
            Codec::Latent(_) => 5.0,
        }
    }

    /// A sampler of the settings.
    pub fn sampler(&self, config: &Config) -> DiffusionSampler {
        config.sampling.sampler(self.limit())
    }

    /// Goes from noise to data; `each` is shown the chain before every step and at the end.
    pub fn run(
        &self,
        model: &DenoiserMlp,
        sampler: DiffusionSampler,
        noise: Tensor<2>,
        labels: &[Option<u8>],
        guidance: f64,
        mut each: impl FnMut(&Chain),
    ) -> Tensor<2> {
        let (mut chain, mut stream) =
            (Chain::new(&self.process, sampler, noise), Stream::new(self.seed, Purpose::Sampler));
        let predict = |x: &Tensor<2>, time: f64| guided(model, x, time, labels, self.classes, guidance);
        while !chain.ended() {
            each(&chain);
            chain.step(&predict, &mut |n| stream.normal(n));
        }
        each(&chain);
        chain.x
    }

    /// Pictures to be judged or saved: always drawn in the same way, without guidance.
    pub fn draw(&self, model: &DenoiserMlp, noise: Tensor<2>, labels: &[Option<u8>]) -> Result<Tensor<2>> {
        let (kind, steps) = (SamplerKind::Heun, JUDGED_STEPS);
        let sampler = DiffusionSampler { kind, steps, eta: 0.0, limit: Some(self.limit()) };
        self.decode(self.run(model, sampler, noise, labels, 1.0, |_| {}))
    }
}
