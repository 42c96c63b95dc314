//! The flow on digits: it learns the density of the 16 numbers that the VAE which ships makes of a digit.

use super::config::Config;
use crate::data::mnist::{CLASSES, Mnist, PIXELS, SHAPE};
use crate::data::{Batch, Dataset, Source};
use crate::demos::drawing::draw;
use crate::demos::shipped_vae::{DIGIT_LATENT, ShippedVae};
use crate::demos::training::{Measured, Run, Task};
use crate::demos::{Context, Figure, Panel, Samples, Values, View, no_action};
use crate::device::{Device, read_one};
use crate::error::{Error, Result};
use crate::models::realnvp::RealNvp;
use crate::nn::upload;
use crate::poll::Poll;
use crate::ready;
use crate::rng::{Purpose, Stream};
use crate::train::{FLOW_LOSSES, Losses, Moments, Trainer, flow_step};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use burn::tensor::Tensor;
use serde_json::Value;
use std::rc::Rc;

/// Samples on a side of their grid.
const SIDE: usize = 8;
/// Held-out digits that are measured.
const MEASURED: usize = 1000;
/// Digits of each class that are shown, from the likeliest to the least likely of those that are measured.
const RANKED: usize = 10;

pub struct DigitFlow {
    trainer: Trainer<RealNvp>,
    vae: ShippedVae,
    source: Rc<dyn Source>,
    device: Device,
    /// Fixed: the latents of the grid of samples.
    start: Tensor<2>,
    held_out: Option<HeldOut>,
}

/// Digits that are never trained on.
struct HeldOut {
    pixels: Vec<f32>,
    labels: Vec<u8>,
    latents: Tensor<2>,
    /// The negative log-likelihood of the normal distribution with the mean and the covariance of their latents, in nats; known from the
    /// first evaluation on.
    gaussian: Option<f32>,
}

impl DigitFlow {
    pub fn new(config: &Config, context: &Context) -> Self {
        let device = context.device.clone().inner();
        let noise = config.run.stream(Purpose::Sampling).normal(SIDE * SIDE * DIGIT_LATENT);
        Self {
            trainer: config.trainer(DIGIT_LATENT, context),
            vae: ShippedVae::digits(),
            source: context.source.clone(),
            start: upload(noise, [SIDE * SIDE, DIGIT_LATENT], &device),
            held_out: None,
            device,
        }
    }

    /// Digits in [-1, 1], `[n, 784]`, that become of latents of the flow.
    fn draw(&self, noise: Tensor<2>) -> Result<Tensor<2>> {
        let model = self.trainer.sampler();
        self.vae.decode(model.inverse(noise, model.couplings.len()))
    }

    /// The logarithms of the densities of the held-out digits.
    fn log_densities(&self, held_out: &HeldOut) -> Tensor<1> {
        self.trainer.sampler().log_density(held_out.latents.clone()).reshape([MEASURED])
    }

    fn held_out(&self) -> Result<&HeldOut> {
        self.held_out.as_ref().ok_or_else(|| Error::internal("The unseen digits are not here."))
    }
}

#[async_trait(?Send)]
impl Task for DigitFlow {
    type Config = Config;
    type Data = Mnist;
    type Evaluation = ();

    const NOISE: bool = false;
    const LOSSES: &'static [&'static str] = FLOW_LOSSES;
    const MEASURES: &'static [&'static str] = &["nll_digits"];

    fn prepare(&mut self, run: &mut Run<Self>) -> Result<Poll<()>> {
        ready!(self.vae.arrive(&*self.source, &self.device)?);
        if self.held_out.is_none() {
            let Batch { mut pixels, mut labels, .. } = ready!(run.data.held_out()?);
            // A tenth of what came.
            pixels.truncate(MEASURED * PIXELS);
            pixels.shrink_to_fit();
            labels.truncate(MEASURED);
            let latents = self.vae.encode(upload(pixels.clone(), [MEASURED, PIXELS], &self.device))?;
            self.held_out = Some(HeldOut { pixels, labels, latents, gaussian: None });
        }
        Ok(Poll::Ready(()))
    }

    fn examples(&self, run: &Run<Self>) -> usize {
        run.config.batch as usize
    }

    fn step(&mut self, run: &mut Run<Self>, Batch { pixels, labels, .. }: Batch) -> Result<Losses> {
        let digits = upload(pixels, [labels.len(), PIXELS], &run.device);
        let latents = self.vae.encode(digits)?;
        Ok(flow_step(&mut self.trainer, run.config.adam(), latents))
    }

    fn evaluation(&self, _run: &Run<Self>) {}

    /// Nats of held-out digits.
    async fn evaluate(&mut self, run: &mut Run<Self>, (): &mut ()) -> Result<Option<Vec<f32>>> {
        let held_out = self.held_out()?;
        let latents = held_out.latents.clone().reshape([MEASURED * DIGIT_LATENT]);
        let mut read = run.curves.flush(vec![self.log_densities(held_out), latents]).await?;
        let latents = read.pop().unwrap_or_default();
        let nats = read.pop().unwrap_or_default().iter().map(|v| f64::from(-v)).sum::<f64>() / MEASURED as f64;
        if let Some(HeldOut { gaussian: gaussian @ None, .. }) = &mut self.held_out {
            let mut moments = Moments::new(DIGIT_LATENT);
            moments.add(&latents);
            *gaussian = Some(moments.gaussian().entropy() as f32);
        }
        Ok(Some(vec![nats as f32]))
    }

    async fn views(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        let losses = |run: &Run<Self>| run.losses("losses", "Negative log-likelihood (nats)", Self::LOSSES);
        let Some(held_out) = &self.held_out else {
            run.read(Vec::new()).await?;
            return Ok(vec![losses(run)]);
        };
        let samples = self.draw(self.start.clone())?.reshape([SIDE * SIDE * PIXELS]);
        let tensors = vec![samples, self.log_densities(held_out)];
        let [samples, log_densities] = <[Vec<f32>; 2]>::try_from(run.read(tensors).await?)
            .map_err(|_| Error::internal("A view was not read back."))?;
        Ok(vec![
            Panel::new("samples", "Samples", vec![View::digits(&samples, SIDE, true)]),
            Panel::new(
                "ranked",
                "Unseen digits, the likeliest first (log density, nats)",
                vec![held_out.ranked(&log_densities)],
            ),
            Panel::figures(self.latest_figures(run)),
            losses(run),
            run.measured("unseen", "Likelihood of 1,000 unseen digits"),
        ])
    }

    async fn act(&mut self, run: &mut Run<Self>, name: &str, args: &Value) -> Result<Values> {
        draw(name, args, &run.config.points).ok_or_else(|| no_action(name))?
    }

    async fn save(&mut self, file: &mut Checkpoint) -> Result<()> {
        self.trainer.save(file).await
    }

    fn load(&mut self, _run: &Run<Self>, file: &Checkpoint) -> Result<()> {
        self.trainer = self.trainer.loaded(file)?;
        Ok(())
    }

    async fn sample(&mut self, run: &mut Run<Self>, n: usize, seed: u64) -> Result<Samples> {
        let missing = || Error::internal("The VAE is not here.");
        self.vae.arrive(&*self.source, &self.device)?.ready().ok_or_else(missing)?;
        let noise =
            upload(Stream::new(seed, Purpose::Sampling).normal(n * DIGIT_LATENT), [n, DIGIT_LATENT], &run.device);
        let values = read_one(self.draw(noise)?.reshape([n * PIXELS])).await?;
        Ok(Samples::pictures(SHAPE, values))
    }

    fn figures(&self, _run: &Run<Self>, measured: &Measured) -> Vec<Figure> {
        let nats = measured.figure("nll_digits", "Negative log-likelihood of unseen digits (nats)", None);
        let gaussian = self.held_out.as_ref().and_then(|held_out| held_out.gaussian);
        let title = "Under the normal distribution that fits them best (nats)";
        nats.into_iter().chain(gaussian.map(|v| Figure::new("gaussian", title, v, 3, None))).collect()
    }
}

impl HeldOut {
    /// A row for each class, from its likeliest digit to its least likely one, at equal distances in that order. Each row is named by the
    /// log densities of both ends.
    fn ranked(&self, log_densities: &[f32]) -> View {
        let (mut pixels, mut names) = (Vec::new(), Vec::new());
        for class in 0..CLASSES {
            let of_class = |i: &usize| usize::from(self.labels[*i]) == class;
            let mut order: Vec<usize> = (0..MEASURED).filter(of_class).collect();
            // What is no number is the least likely.
            let key = |i: usize| if log_densities[i].is_nan() { f32::NEG_INFINITY } else { log_densities[i] };
            order.sort_by(|a, b| key(*b).total_cmp(&key(*a)));
            let last = order.len().saturating_sub(1);
            let shown: Vec<usize> = (0..RANKED).filter_map(|k| order.get(k * last / (RANKED - 1)).copied()).collect();
            pixels.extend(shown.iter().flat_map(|i| &self.pixels[i * PIXELS..(i + 1) * PIXELS]));
            names.extend(
                shown
                    .first()
                    .zip(shown.last())
                    .map(|(first, last)| format!("{:.1} … {:.1}", log_densities[*first], log_densities[*last])),
            );
        }
        let mut view = View::digits(&pixels, RANKED, false);
        if let View::Images { rows, .. } = &mut view {
            *rows = names;
        }
        view
    }
}
