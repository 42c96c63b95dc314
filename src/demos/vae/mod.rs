//! A variational autoencoder: trained in the tab or begun from shipped weights, looked into, walked through, and made to
//! mend pictures.

mod config;
mod measure;
mod mending;
mod pad;
mod views;

use super::panel::{Action, Panel};
use super::{
    Context, Demo, Does, Entry, Family, Figure, FileKind, Needs, Opens, Preparing, Samples, Stepped, Title, Values,
    WasmModule, defaults, pictures, schema,
};
use crate::data::{Batch, Pictures, Shape, Source};
use crate::device::{Device, read};
use crate::error::{Error, Result};
use crate::models::vae::VaeConfig;
use crate::nn::upload;
use crate::rng::{Purpose, Stream};
use crate::train::{History, Terms, Trainer};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use config::{Config, LIMIT, written};
use mending::Mended;
use pad::Pad;
use serde_json::{Value, json};
use std::rc::Rc;
use views::Shown;

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
    actions,
    build,
    // `time taskset -c 0 kiln train "vae?start=scratch" --device cpu --steps 120 --out out`: 33.0 ms of one core a step.
    steps: Some(3_500),
    settle: config::settle,
};

fn actions() -> Vec<Action> {
    [
        ("restore", "Mend by searching"),
        ("other_pictures", "Other pictures"),
        ("edit_a", "Put A on the pad"),
        ("random_latent", "Random latent"),
    ]
    .map(|(name, title)| Action { name: name.into(), title: title.into(), draws: false })
    .into()
}

fn build(values: &Values, context: Context) -> Result<Box<dyn Demo>> {
    Ok(Box::new(Autoencoder::new(super::config(values)?, context)?))
}

/// Held-out pictures shown at once.
const SHOWN: usize = 10;
/// Held-out pictures that a test takes in while training goes on.
const TESTED: usize = 500;

struct Autoencoder {
    config: Config,
    trainer: Trainer,
    data: Box<dyn Pictures>,
    shape: Shape,
    source: Rc<dyn Source>,
    device: Device,
    noise: Stream,
    /// The shipped weights that are still to come.
    weights: Option<String>,
    held_out: Option<Batch>,
    tests: History,
    /// The chosen latent.
    z: Vec<f32>,
    pad: Pad,
    /// Which of A, B and C the next chosen picture becomes.
    slot: usize,
    /// Random latents that the person asks for.
    wander: Stream,
    mended: Option<Mended>,
    shown: Shown,
}

impl Autoencoder {
    fn new(config: Config, context: Context) -> Result<Self> {
        let seed = u64::from(config.seed);
        let data = pictures::open(&config.data, &context, seed)?;
        let shape = data.shape();
        let sizes = VaeConfig {
            shape: [shape.channels, shape.height, shape.width],
            latent: config.latent as usize,
            width: config.width as usize,
        };
        let model = sizes.init(&mut Stream::new(seed, Purpose::Weights), &context.device);
        Ok(Self {
            trainer: Trainer::new(model, context.device.clone()),
            data,
            shape,
            source: context.source,
            device: context.device.inner(),
            noise: Stream::new(seed, Purpose::Noise),
            weights: config.weights(),
            held_out: None,
            tests: History::new(&["elbo", "reconstruction", "kl"]),
            z: config.z(),
            pad: Pad::default(),
            slot: 0,
            wander: Stream::new(seed, Purpose::Sampling),
            mended: None,
            shown: Shown::default(),
            config,
        })
    }

    /// Pictures in [-1, 1] as the network takes them, `[n, C H W]` in [0, 1].
    fn upload(&self, pixels: &[f32]) -> Tensor<2> {
        let n = self.shape.len();
        let values = pixels.iter().map(|v| (v + 1.0) / 2.0).collect();
        upload(values, [pixels.len() / n, n], &self.device)
    }

    fn latents(&self, z: Vec<f32>) -> Tensor<2> {
        let latent = self.config.latent as usize;
        upload(z.clone(), [z.len() / latent, latent], &self.device)
    }

    /// Means, log variances `[n, latent]` of pictures, without gradients.
    fn encode(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        self.trainer.model.valid().encoder.forward(x)
    }

    /// Pictures in [-1, 1] of latents, flat, ready to be read.
    fn decode(&self, z: Tensor<2>) -> Tensor<1> {
        flat(sigmoid(self.trainer.model.valid().decoder.forward(z))) * 2.0 - 1.0
    }

    /// The held-out pictures that are shown: where fewer are left, the last ones.
    fn examples(&self) -> &[f32] {
        let Some(held_out) = &self.held_out else { return &[] };
        let (n, all) = (self.shape.len(), held_out.pixels.len() / self.shape.len());
        let first = (self.config.from as usize).min(all.saturating_sub(SHOWN));
        &held_out.pixels[first * n..(first + SHOWN).min(all) * n]
    }

    /// The ELBO and its terms in nats, over the first `n` held-out pictures.
    async fn test(&self, n: usize) -> Result<Option<[f32; 3]>> {
        let Some(held_out) = &self.held_out else { return Ok(None) };
        let (len, latent) = (self.shape.len(), self.config.latent as usize);
        let mut noise = Stream::new(u64::from(self.config.seed), Purpose::Sampling);
        let (model, options) = (self.trainer.model.valid(), self.config.options(u32::MAX));
        let (mut sums, mut count) = ([0.0f64; 2], 0);
        let all = &held_out.pixels[..held_out.pixels.len().min(n * len)];
        for chunk in all.chunks(TESTED * len) {
            let x = self.upload(chunk);
            let b = chunk.len() / len;
            let terms = Terms::new(&model, options, x, self.latents(noise.normal(b * latent)));
            for (sum, value) in sums.iter_mut().zip(read(vec![flat(terms.reconstruction), flat(terms.kl)]).await?) {
                *sum += value.iter().map(|v| f64::from(*v)).sum::<f64>();
            }
            count += b;
        }
        let [reconstruction, kl] = sums.map(|sum| (sum / count.max(1) as f64) as f32);
        Ok(Some([-(reconstruction + kl), reconstruction, kl]))
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

fn values(object: Value) -> Values {
    match object {
        Value::Object(values) => values,
        _ => Values::new(),
    }
}

#[async_trait(?Send)]
impl Demo for Autoencoder {
    fn steps(&self) -> u32 {
        self.trainer.step
    }

    /// Trained weights are there to be looked at first.
    fn begins(&self) -> bool {
        self.weights.is_none()
    }

    /// The held-out pictures and the shipped weights.
    async fn prepare(&mut self) -> Result<Option<Preparing>> {
        if self.held_out.is_none() {
            match self.data.held_out()? {
                Ok(batch) => self.held_out = Some(batch),
                Err(waiting) => return Ok(Some(waiting.into())),
            }
        }
        let Some(path) = self.weights.clone() else { return Ok(None) };
        let Some(file) = self.source.poll(&path) else {
            let (done, total) = self.source.progress(&path);
            return Ok(Some(Preparing { what: path, done, total, bytes: true }));
        };
        self.trainer.load_weights(&Checkpoint::from_bytes(&file?)?)?;
        (self.weights, self.mended) = (None, None);
        Ok(None)
    }

    async fn step(&mut self) -> Result<Stepped> {
        if let Some(waiting) = self.prepare().await? {
            return Ok(waiting.into());
        }
        let (n, latent) = (self.config.batch as usize, self.config.latent as usize);
        let batch = match self.data.batch(n)? {
            Ok(batch) => batch,
            Err(waiting) => return Ok(waiting.into()),
        };
        let noise = self.noise.normal(n * latent);
        let noise = self.latents(noise).autodiff();
        let options = self.config.options(self.trainer.step + 1);
        let x = self.upload(&batch.pixels).autodiff();
        self.trainer.step(options, x, noise);
        if self.trainer.step.is_multiple_of(self.config.evaluate)
            && let Some(test) = self.test(TESTED).await?
        {
            self.tests.push(self.trainer.step, &test);
        }
        if self.trainer.step.is_multiple_of(32) {
            // A readback now and then: WebGPU has no other brake on what is submitted.
            self.trainer.curves.flush(Vec::new()).await?;
        }
        self.mended = None;
        Ok(Stepped::Done)
    }

    async fn views(&mut self, fresh: bool) -> Result<Vec<Panel>> {
        match self.held_out.is_some() && self.weights.is_none() {
            true => self.panels(fresh).await,
            false => Ok(Vec::new()),
        }
    }

    fn set(&mut self, values: &Values) -> Result<()> {
        let config: Config = super::config(values)?;
        if (config.damage, config.amount, config.from) != (self.config.damage, self.config.amount, self.config.from) {
            self.mended = None;
        }
        self.z = config.z();
        self.config = config;
        Ok(())
    }

    async fn act(&mut self, name: &str, args: &Value) -> Result<Values> {
        let index = || args.get("index").and_then(Value::as_u64).map(|i| i as usize);
        let number = |key: &str| args.get(key).and_then(Value::as_f64).map(|v| (v as f32).clamp(-LIMIT, LIMIT));
        let missing = || Error::bad_command(format!("The action {name:?} lacks a number."));
        let mut z = self.z.clone();
        match name {
            "move" => {
                let (x, y) = number("x").zip(number("y")).ok_or_else(missing)?;
                let [across, up] = self.config.plane();
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
                let index = index().ok_or_else(missing)? % (self.examples().len() / self.shape.len()).max(1);
                self.pick(index).await
            }
            "draw" => self.draw(args).await,
            "edit_a" => self.edit().await,
            "restore" => self.restore().await,
            "other_pictures" => {
                let all = self.held_out.as_ref().map_or(0, |h| h.pixels.len() / self.shape.len());
                let next = self.config.from as usize + SHOWN;
                Ok(values(json!({ "from": if next + SHOWN > all { 0 } else { next } })))
            }
            "random_latent" => {
                let z = self.wander.normal(z.len());
                Ok(self.choose(&z))
            }
            _ => Err(Error::bad_command(format!("This demo has no action {name:?}."))),
        }
    }

    async fn save(&mut self) -> Result<Checkpoint> {
        let mut file = self.trainer.save().await?;
        self.tests.save("tests", &mut file);
        self.pad.save(&mut file);
        if self.weights.is_none() {
            file.set_text("started", true);
        }
        file.set_text("rng.noise", self.noise.position());
        file.set_text("data.place", self.data.place());
        Ok(file)
    }

    fn load(&mut self, file: &Checkpoint) -> Result<()> {
        let noise = file.text("rng.noise")?;
        let place = file.text("data.place")?;
        let mut tests = self.tests.clone();
        tests.load("tests", file)?;
        let pad = self.pad.loaded(file, self.shape)?;
        self.trainer.load(file)?;
        (self.tests, self.pad) = (tests, pad);
        self.noise.seek(noise);
        self.data.seek(place);
        // A run that was saved before its weights came still waits for them.
        if file.texts.contains_key("started") {
            self.weights = None;
        }
        Ok(())
    }

    async fn sample(&mut self, n: usize, seed: u64) -> Result<Samples> {
        self.prepare().await?;
        let z = Stream::new(seed, Purpose::Sampling).normal(n * self.config.latent as usize);
        let values = read(vec![self.decode(self.latents(z))]).await?.pop().unwrap_or_default();
        let Shape { channels, height, width } = self.shape;
        Ok(Samples { shape: vec![n, channels, height, width], values })
    }

    async fn measure(&mut self) -> Result<Vec<Figure>> {
        self.figures_of_all().await
    }
}
