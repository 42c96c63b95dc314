//! A variational autoencoder: trained in the tab or begun from shipped weights, looked into, walked through, and made to
//! mend pictures.

mod config;
mod inpaint;
mod measure;
mod pad;
mod views;

use super::training::{Run, Task, Training, no_action};
use super::views::{Action, Figure, Panel};
use super::{
    Context, Demo, Does, Entry, Family, FileKind, Needs, Opens, Samples, Title, Values, WasmModule, defaults, pictures,
    schema, values,
};
use crate::data::{Batch, Dataset, Pictures, Shape, Source};
use crate::device::{Device, read};
use crate::error::{Error, Result};
use crate::models::vae::{Vae, VaeConfig};
use crate::nn::upload;
use crate::poll::Poll;
use crate::ready;
use crate::rng::{Purpose, Stream};
use crate::train::{Losses, Terms, Trainer, VAE_LOSSES, vae_step};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use config::{Config, LIMIT, written};
use inpaint::Mended;
use pad::Pad;
use serde_json::{Value, json};
use std::rc::Rc;
use views::Cache;

pub const ENTRY: Entry = Entry {
    name: "vae",
    family: Family::Vae,
    title: Title { en: "VAE", zh: "VAE" },
    does: Does::Trains,
    needs: Needs { bytes: 3_593_444, model: false, gpu: true },
    module: WasmModule::Training,
    opens: &[Opens { kind: FileKind::Pictures, key: "data", side: 32 }],
    schema: schema::<Config>,
    defaults: defaults::<Config>,
    earlier_defaults: &[],
    actions,
    build,
    // `time taskset -c 0 kiln train "vae?start=scratch" --device cpu --steps 120 --out out`: 33.0 ms of one core a step.
    steps: Some(3_500),
    settle: config::settle,
};

fn actions() -> Vec<Action> {
    [
        ("restore", "Repair by search"),
        ("other_pictures", "Other pictures"),
        ("edit_a", "Copy A to the pad"),
        ("random_latent", "Random latent"),
    ]
    .map(|(name, title)| Action { name: name.into(), title: title.into(), draws: false })
    .into()
}

fn build(values: &Values, context: Context) -> Result<Box<dyn Demo>> {
    let config: Config = super::config(values)?;
    let data = pictures::open(&config.pictures.data, &context, u64::from(config.run.seed))?;
    let task = VaeDemo::new(&config, data.shape(), &context);
    Ok(Box::new(Training::new(task, config, data, &context)))
}

/// Held-out pictures shown at once.
const SHOWN: usize = 10;
/// Held-out pictures that a test takes in while training goes on.
const TESTED: usize = 500;

struct VaeDemo {
    trainer: Trainer<Vae>,
    shape: Shape,
    latent: usize,
    source: Rc<dyn Source>,
    device: Device,
    /// The shipped weights that are still to come.
    weights: Option<String>,
    held_out: Option<Batch>,
    /// The chosen latent.
    z: Vec<f32>,
    pad: Pad,
    /// Which of A, B and C the next chosen picture becomes.
    slot: usize,
    /// Random latents that the person asks for.
    wander: Stream,
    mended: Option<Mended>,
    cache: Cache,
}

impl VaeDemo {
    fn new(config: &Config, shape: Shape, context: &Context) -> Self {
        let (seed, latent) = (u64::from(config.run.seed), config.latent as usize);
        let sizes =
            VaeConfig { shape: [shape.channels, shape.height, shape.width], latent, width: config.width as usize };
        let model = sizes.init(&mut Stream::new(seed, Purpose::Weights), &context.device);
        Self {
            trainer: Trainer::new("vae", model, context.device.clone()),
            shape,
            latent,
            source: context.source.clone(),
            device: context.device.clone().inner(),
            weights: config.weights(),
            held_out: None,
            z: config.z(),
            pad: Pad::default(),
            slot: 0,
            wander: Stream::new(seed, Purpose::Sampling),
            mended: None,
            cache: Cache::default(),
        }
    }

    /// Pictures in [-1, 1] as the network takes them, `[n, C H W]` in [0, 1].
    fn upload(&self, pixels: &[f32]) -> Tensor<2> {
        let n = self.shape.len();
        let values = pixels.iter().map(|v| (v + 1.0) / 2.0).collect();
        upload(values, [pixels.len() / n, n], &self.device)
    }

    fn latents(&self, z: Vec<f32>) -> Tensor<2> {
        let n = z.len() / self.latent;
        upload(z, [n, self.latent], &self.device)
    }

    /// Means, log variances `[n, latent]` of pictures, without gradients.
    fn encode(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        self.trainer.sampler().encoder.forward(x)
    }

    /// Pictures in [-1, 1] of latents, flat, ready to be read.
    fn decode(&self, z: Tensor<2>) -> Tensor<1> {
        flat(sigmoid(self.trainer.sampler().decoder.forward(z))) * 2.0 - 1.0
    }

    /// The held-out pictures that are shown: where fewer are left, the last ones.
    fn examples(&self, config: &Config) -> &[f32] {
        let Some(held_out) = &self.held_out else { return &[] };
        let (n, all) = (self.shape.len(), held_out.pixels.len() / self.shape.len());
        let first = (config.from as usize).min(all.saturating_sub(SHOWN));
        &held_out.pixels[first * n..(first + SHOWN).min(all) * n]
    }

    /// The ELBO and its terms in nats, over the first `n` held-out pictures.
    async fn test(&self, config: &Config, n: usize) -> Result<[f32; 3]> {
        let held_out = self.held_out.as_ref().ok_or_else(|| Error::internal("The held-out pictures are not here."))?;
        let len = self.shape.len();
        let mut noise = Stream::new(u64::from(config.run.seed), Purpose::Sampling);
        let (model, options) = (self.trainer.sampler(), config.options(u32::MAX));
        let (mut sums, mut count) = ([0.0f64; 2], 0);
        let all = &held_out.pixels[..held_out.pixels.len().min(n * len)];
        for chunk in all.chunks(TESTED * len) {
            let x = self.upload(chunk);
            let b = chunk.len() / len;
            let terms = Terms::new(&model, options, x, self.latents(noise.normal(b * self.latent)));
            for (sum, value) in sums.iter_mut().zip(read(vec![flat(terms.reconstruction), flat(terms.kl)]).await?) {
                *sum += value.iter().map(|v| f64::from(*v)).sum::<f64>();
            }
            count += b;
        }
        let [reconstruction, kl] = sums.map(|sum| (sum / count.max(1) as f64) as f32);
        Ok([-(reconstruction + kl), reconstruction, kl])
    }

    /// Values of the config that put `z` in the link.
    fn choose(&self, z: &[f32]) -> Values {
        values(json!({ "z": written(z) }))
    }
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let n = tensor.dims().iter().product::<usize>();
    tensor.reshape([n])
}

#[async_trait(?Send)]
impl Task for VaeDemo {
    type Config = Config;
    type Data = Box<dyn Pictures>;
    type Evaluation = ();

    const LOSSES: &'static [&'static str] = VAE_LOSSES;
    const MEASURES: &'static [&'static str] = &["elbo", "reconstruction", "kl"];

    /// Trained weights are there to be looked at first.
    fn begins(&self) -> bool {
        self.weights.is_none()
    }

    /// The held-out pictures and the shipped weights.
    fn prepare(&mut self, run: &mut Run<Self>) -> Result<Poll<()>> {
        if self.held_out.is_none() {
            self.held_out = Some(ready!(run.data.held_out()?));
        }
        if let Some(path) = &self.weights {
            let file = Checkpoint::from_bytes(&ready!(self.source.poll(path)?))?;
            self.trainer.load_weights(&file)?;
            (self.weights, self.mended) = (None, None);
        }
        Ok(Poll::Ready(()))
    }

    fn examples(&self, run: &Run<Self>) -> usize {
        run.config.pictures.batch as usize
    }

    fn step(&mut self, run: &mut Run<Self>, batch: Batch) -> Result<Losses> {
        let noise = run.noise.normal(run.config.pictures.batch as usize * self.latent);
        let (noise, x) = (self.latents(noise).autodiff(), self.upload(&batch.pixels).autodiff());
        self.mended = None;
        Ok(vae_step(&mut self.trainer, run.config.options(run.step() + 1), x, noise))
    }

    fn evaluation(&self, _run: &Run<Self>) {}

    async fn evaluate(&mut self, run: &mut Run<Self>, (): &mut ()) -> Result<Option<Vec<f32>>> {
        Ok(Some(self.test(&run.config, TESTED).await?.to_vec()))
    }

    async fn views(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        match self.held_out.is_some() && self.weights.is_none() {
            true => self.panels(run).await,
            false => Ok(Vec::new()),
        }
    }

    fn changed(&mut self, run: &Run<Self>, old: &Config) {
        let config = &run.config;
        if (config.damage, config.amount, config.from) != (old.damage, old.amount, old.from) {
            self.mended = None;
        }
        self.z = config.z();
    }

    async fn act(&mut self, run: &mut Run<Self>, name: &str, args: &Value) -> Result<Values> {
        let config = &run.config;
        let index = || args.get("index").and_then(Value::as_u64).map(|i| i as usize);
        let number = |key: &str| args.get(key).and_then(Value::as_f64).map(|v| (v as f32).clamp(-LIMIT, LIMIT));
        let missing = || Error::bad_command(format!("The action {name:?} needs a number."));
        let mut z = self.z.clone();
        match name {
            "move" => {
                let (x, y) = number("x").zip(number("y")).ok_or_else(missing)?;
                let [across, up] = config.plane();
                // Where both are the same dimension, left to right counts, as on the map.
                (z[up], z[across]) = (y, x);
                Ok(self.choose(&z))
            }
            "slide" => {
                let (index, value) = index().zip(number("value")).ok_or_else(missing)?;
                *z.get_mut(index).ok_or_else(missing)? = value;
                Ok(self.choose(&z))
            }
            "pick" => {
                // The second row shows the same pictures again.
                let index = index().ok_or_else(missing)? % (self.examples(config).len() / self.shape.len()).max(1);
                self.pick(config, index).await
            }
            "draw" => self.draw(args).await,
            "edit_a" => self.edit(config).await,
            "restore" => self.restore(config).await,
            "other_pictures" => {
                let all = self.held_out.as_ref().map_or(0, |h| h.pixels.len() / self.shape.len());
                let next = config.from as usize + SHOWN;
                Ok(values(json!({ "from": if next + SHOWN > all { 0 } else { next } })))
            }
            "random_latent" => {
                let z = self.wander.normal(z.len());
                Ok(self.choose(&z))
            }
            _ => Err(no_action(name)),
        }
    }

    async fn save(&mut self, file: &mut Checkpoint) -> Result<()> {
        self.trainer.save(file).await?;
        self.pad.save(file);
        if self.weights.is_none() {
            file.set_text("started", true);
        }
        Ok(())
    }

    fn load(&mut self, _run: &Run<Self>, file: &Checkpoint) -> Result<()> {
        let pad = self.pad.loaded(file, self.shape)?;
        (self.trainer, self.pad) = (self.trainer.loaded(file)?, pad);
        // A run that was saved before its weights came still waits for them.
        if file.texts.contains_key("started") {
            self.weights = None;
        }
        Ok(())
    }

    async fn sample(&mut self, run: &mut Run<Self>, n: usize, seed: u64) -> Result<Samples> {
        self.arrived(run)?;
        let z = Stream::new(seed, Purpose::Sampling).normal(n * self.latent);
        let drawn = read(vec![self.decode(self.latents(z))]).await?.pop().unwrap_or_default();
        let Shape { channels, height, width } = self.shape;
        Ok(Samples { shape: vec![n, channels, height, width], values: drawn })
    }

    fn figures(&self, _run: &Run<Self>, measures: &dyn Fn(&str) -> Option<f32>) -> Vec<Figure> {
        measures("elbo")
            .map(|v| Figure::of_curve("elbo", "ELBO on unseen pictures (nats)", v, None))
            .into_iter()
            .collect()
    }

    async fn measure(&mut self, run: &mut Run<Self>) -> Result<Vec<Figure>> {
        self.figures_of_all(run).await
    }
}
