//! A GAN of two small fully connected networks on points in the plane: the whole game fits in one picture.

mod config;

use super::panel::{Action, Figure, Floats, Panel, PointSet, View};
use super::{Context, Demo, Does, Entry, Family, Needs, Stepped, Title, Values, WasmModule, defaults, schema, settled};
use crate::data::points::{self, EXTENT, Points, Shape};
use crate::device::{Device, read};
use crate::error::{Error, Result};
use crate::models::mlp_gan::{MlpConfig, MlpDiscriminator, MlpGenerator};
use crate::nn::upload;
use crate::rng::{Purpose, Stream};
use crate::train::{Gan, GanLoss, GanOptions, History, Players, StepInput, cells, divergence, modes_covered};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use config::Config;
use serde_json::{Value, json};

pub const ENTRY: Entry = Entry {
    name: "gan2d",
    family: Family::Gan,
    title: Title { en: "GAN in 2D", zh: "二维 GAN" },
    does: Does::Trains,
    needs: Needs { bytes: 0, model: false, gpu: false },
    module: WasmModule::Training,
    opens: &[],
    schema: schema::<Config>,
    defaults: defaults::<Config>,
    actions,
    build: |values, context| Ok(Box::new(Gan2d::new(super::config(values)?, context))),
    // `time taskset -c 0 kiln train "gan2d" --device cpu --steps 3000 --out out`: 0.70 ms of one core a step.
    steps: Some(150_000),
    settle: settled,
};

fn actions() -> Vec<Action> {
    let action = |name: &str, title: &str, draws| Action { name: name.into(), title: title.into(), draws };
    vec![
        action("train_both", "Both players", false),
        action("train_discriminator", "Discriminator only", false),
        action("train_generator", "Generator only", false),
        action("draw", "Draw points", true),
        action("clear", "Clear points", false),
    ]
}

/// Points shown, points measured, and how often they are.
const SHOWN: usize = 400;
const MEASURED: usize = 2000;
const MEASURE_EVERY: u32 = 50;
/// Cells on a side of the discriminator's field and of the latent mesh.
const FIELD: usize = 32;
const MESH: usize = 13;
const BOUNDS: [f32; 4] = [-EXTENT, -EXTENT, EXTENT, EXTENT];

struct Gan2d {
    config: Config,
    gan: Gan<MlpGenerator, MlpDiscriminator>,
    data: Points,
    noise: Stream,
    device: Device,
    quality: History,
    /// Fixed: latents and real points that are shown and measured.
    z_measured: Tensor<2>,
    z_mesh: Tensor<2>,
    field: Tensor<2>,
    real_shown: Vec<f32>,
    real_cells: Vec<f32>,
}

impl Gan2d {
    fn new(config: Config, context: Context) -> Self {
        let (seed, device) = (u64::from(config.seed), context.device);
        let mut weights = Stream::new(seed, Purpose::Weights);
        let sizes =
            MlpConfig { latent: config.latent as usize, width: config.width as usize, depth: config.depth as usize };
        let generator = sizes.generator(&mut weights, &device);
        let discriminator = sizes.discriminator(&mut weights, &device);
        let drawn = points::decode(&config.points);
        let plain = device.clone().inner();
        let mut sampling = Stream::new(seed, Purpose::Sampling);
        let mut measured = Points::new(config.data, drawn.clone(), seed ^ 0x5eed);
        Self {
            gan: Gan::new(generator, discriminator, device.clone()),
            data: Points::new(config.data, drawn, seed),
            noise: Stream::new(seed, Purpose::Noise),
            quality: History::new(&["divergence", "modes"]),
            z_measured: upload(sampling.normal(MEASURED * sizes.latent), [MEASURED, sizes.latent], &plain),
            z_mesh: upload(mesh(sizes.latent), [MESH * MESH, sizes.latent], &plain),
            field: upload(lattice(FIELD, EXTENT), [FIELD * FIELD, 2], &plain),
            real_shown: measured.draw(SHOWN),
            real_cells: cells(&measured.draw(20_000)),
            device: plain,
            config,
        }
    }

    fn options(&self) -> GanOptions {
        GanOptions {
            loss: self.config.loss,
            lr_generator: self.config.lr_g,
            lr_discriminator: self.config.lr_d,
            beta1: self.config.beta1,
            beta2: self.config.beta2,
            penalty: 1.0,
            norms: false,
        }
    }

    /// Everything one update needs.
    fn input(&mut self) -> StepInput {
        let (n, latent, sigma) = (self.config.batch as usize, self.config.latent as usize, self.config.noise as f32);
        let (noise, device) = (&mut self.noise, &self.device);
        let mut real = self.data.draw(n);
        let fake = (sigma > 0.0).then(|| {
            real.iter_mut().zip(noise.normal(n * 2)).for_each(|(x, e)| *x += sigma * e);
            let values = noise.normal(n * 2).into_iter().map(|e| sigma * e).collect();
            upload(values, [n, 2], device).autodiff()
        });
        let mix = (self.config.loss == GanLoss::Wasserstein)
            .then(|| noise.uniform(n, 0.5).into_iter().map(|u| u + 0.5).collect());
        StepInput {
            real: upload(real, [n, 2], device).autodiff(),
            z: upload(noise.normal(n * latent), [n, latent], device).autodiff(),
            noise: fake,
            classes: None,
            mix: mix.map(|mix| upload(mix, [n, 1], device).autodiff()),
        }
    }

    /// Jensen-Shannon divergence on the grid and modes covered; NaN where the data have no modes.
    async fn quality(&mut self) -> Result<[f32; 2]> {
        let drawn = self.gan.sample(self.z_measured.clone(), None).reshape([MEASURED * 2]);
        let mut read = self.gan.curves.flush(vec![drawn]).await?;
        let drawn = read.pop().unwrap_or_default();
        let modes = self.data.modes();
        let covered = if modes.is_empty() { f32::NAN } else { modes_covered(&drawn, &modes) };
        Ok([divergence(&cells(&drawn), &self.real_cells), covered])
    }
}

#[async_trait(?Send)]
impl Demo for Gan2d {
    fn steps(&self) -> u32 {
        self.gan.step
    }

    async fn step(&mut self) -> Result<Stepped> {
        let players = self.config.players;
        let updates = if players == Players::Generator { 0 } else { self.config.d_steps };
        let discriminator = (0..updates).map(|_| self.input()).collect();
        let generator = (players != Players::Discriminator).then(|| self.input());
        self.gan.step(self.options(), discriminator, generator)?;
        if self.gan.step.is_multiple_of(MEASURE_EVERY) {
            let quality = self.quality().await?;
            self.quality.push(self.gan.step, &quality);
        }
        Ok(Stepped::Done)
    }

    async fn views(&mut self, fresh: bool) -> Result<Vec<Panel>> {
        let shown = self.z_measured.clone().narrow(0, 0, SHOWN);
        let field = self.gan.judge(self.field.clone(), None);
        let critic = matches!(self.config.loss, GanLoss::Wasserstein | GanLoss::Leastsquares | GanLoss::Hinge);
        let field = if critic { field } else { sigmoid(field) };
        let tensors = vec![
            self.gan.sample(shown, None).reshape([SHOWN * 2]),
            self.gan.sample(self.z_mesh.clone(), None).reshape([MESH * MESH * 2]),
            field.reshape([FIELD * FIELD]),
        ];
        let [points, mesh, field] = <[Vec<f32>; 3]>::try_from(self.gan.curves.flush(tensors).await?)
            .map_err(|_| Error::internal("A view was not read back."))?;
        let finite = field.iter().copied().filter(|v| v.is_finite());
        let (low, high) = match self.config.loss {
            GanLoss::Nonsaturating | GanLoss::Minimax => (0.0, 1.0),
            _ => finite.fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(v), b.max(v))),
        };
        let (cells, side) = (FIELD as u32, MESH as u32);
        let set = |role: &str, xy: Vec<f32>| PointSet { role: role.into(), xy: Floats(xy) };
        let plane = vec![
            View::Field2d { columns: cells, rows: cells, values: Floats(field), low, high, bounds: BOUNDS },
            View::Mesh2d { columns: side, rows: side, xy: Floats(mesh), bounds: BOUNDS },
            View::Points2d {
                sets: vec![set("real", self.real_shown.clone()), set("generated", points)],
                bounds: BOUNDS,
                drag: None,
            },
        ];
        let modes = self.data.modes().len() as f32;
        let figures = [
            Figure::of_curve("divergence", "Jensen-Shannon divergence", &self.quality, 0, None),
            Figure::of_curve("modes", "Modes covered", &self.quality, 1, Some(modes)),
            Figure::measured_at(&self.quality),
        ];
        let figures = figures.into_iter().flatten().collect();
        let losses = self.gan.curves.history.unseen(fresh);
        let quality = self.quality.unseen(fresh);
        Ok(vec![
            Panel::new("plane", "Real and generated points, the discriminator's surface, the bent latent grid", plane),
            Panel::new("figures", "Figures", vec![View::Figures { figures }]),
            Panel::new("losses", "Losses", vec![View::curves(&losses, &self.gan.curves.history, &[0, 1], fresh)]),
            Panel::new(
                "quality",
                "Quality of 2,000 generated points",
                vec![View::curves(&quality, &self.quality, &[0, 1], fresh)],
            ),
        ])
    }

    fn set(&mut self, values: &Values) -> Result<()> {
        self.config = super::config(values)?;
        Ok(())
    }

    async fn act(&mut self, name: &str, args: &Value) -> Result<Values> {
        let change = match name {
            "train_both" => json!({ "players": "both" }),
            "train_discriminator" => json!({ "players": "discriminator" }),
            "train_generator" => json!({ "players": "generator" }),
            "clear" => json!({ "points": "", "data": self.config.undrawn(), "before": Shape::Ring }),
            "draw" => {
                let list = args.get("points").and_then(Value::as_array).cloned().unwrap_or_default();
                let numbers: Vec<f32> = list.iter().filter_map(Value::as_f64).map(|v| v as f32).collect();
                if numbers.len() < 2 || numbers.len() != list.len() || numbers.iter().any(|v| !v.is_finite()) {
                    return Err(Error::bad_command("Drawing needs points: [x, y, x, y, ...]."));
                }
                let drawn: Vec<[f32; 2]> = numbers.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
                let mut all = points::decode(&self.config.points);
                all.extend(drawn);
                json!({ "points": points::encode(&all), "data": Shape::Drawn, "before": self.config.undrawn() })
            }
            _ => return Err(Error::bad_command(format!("This demo has no action {name:?}."))),
        };
        Ok(change.as_object().cloned().unwrap_or_default())
    }

    async fn save(&mut self) -> Result<Checkpoint> {
        let mut file = self.gan.save().await?;
        self.quality.save("quality", &mut file);
        file.set_text("rng.noise", self.noise.position());
        file.set_text("rng.data", self.data.stream().position());
        Ok(file)
    }

    fn load(&mut self, file: &Checkpoint) -> Result<()> {
        let (noise, data) = (file.text("rng.noise")?, file.text("rng.data")?);
        let mut quality = self.quality.clone();
        quality.load("quality", file)?;
        self.gan.load(file)?;
        self.quality = quality;
        self.noise.seek(noise);
        self.data.stream().seek(data);
        Ok(())
    }

    async fn sample(&mut self, n: usize, seed: u64) -> Result<super::Samples> {
        let latent = self.config.latent as usize;
        let z = upload(Stream::new(seed, Purpose::Sampling).normal(n * latent), [n, latent], &self.device);
        let values = read(vec![self.gan.sample(z, None).reshape([n * 2])]).await?.pop().unwrap_or_default();
        Ok(super::Samples { shape: vec![n, 2], values })
    }

    /// As every so many steps of a run.
    async fn measure(&mut self) -> Result<Vec<Figure>> {
        let [divergence, modes] = self.quality().await?;
        let all = self.data.modes().len() as f32;
        let mut figures =
            vec![Figure::new("divergence", "Jensen-Shannon divergence of 2,000 points", divergence, 3, None)];
        figures.extend((all > 0.0).then(|| Figure::new("modes", "Modes covered", modes, 0, Some(all))));
        Ok(figures)
    }
}

/// `n` x `n` points of a square of half width `extent`, row by row upwards, x and y alternating.
fn lattice(n: usize, extent: f32) -> Vec<f32> {
    let at = move |i: usize| ((i as f32 + 0.5) / n as f32 * 2.0 - 1.0) * extent;
    (0..n * n).flat_map(|k| [at(k % n), at(k / n)]).collect()
}

/// Latents on a lattice of two standard deviations in the first two dimensions, 0 in the others.
fn mesh(latent: usize) -> Vec<f32> {
    lattice(MESH, 2.0).chunks_exact(2).flat_map(|p| (0..latent).map(|i| p.get(i).copied().unwrap_or(0.0))).collect()
}
