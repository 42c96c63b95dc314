//! A GAN of two small fully connected networks on points in the plane: the whole game fits in one picture.

use super::panel::{Action, Figure, Floats, Panel, PointSet, View};
use super::{Context, Demo, Entry, Stepped, Values, config, defaults, schema};
use crate::data::points::{self, EXTENT, Points, Shape};
use crate::device::{Device, read};
use crate::error::{Error, Result};
use crate::models::mlp_gan::{MlpConfig, MlpDiscriminator, MlpGenerator};
use crate::nn::upload;
use crate::rng::{Purpose, Stream};
use crate::train::{Gan, GanLoss, GanOptions, History, Players, StepInput};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub const ENTRY: Entry = Entry {
    name: "gan2d",
    schema: schema::<Config>,
    defaults: defaults::<Config>,
    actions,
    build: |values, context| Ok(Box::new(Gan2d::new(config(values)?, context))),
};

/// A GAN on points in the plane.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// The same seed gives the same run.
    #[schemars(title = "Seed", range(min = 0, max = 999_999), extend("x-group" = "run", "x-hidden" = true))]
    seed: u32,
    /// What the generator is to imitate.
    #[schemars(title = "Data", extend("x-group" = "data"))]
    data: Shape,
    /// Points drawn by hand, four characters each.
    #[schemars(title = "Drawn points", extend("x-hidden" = true, "x-pattern" = "points"))]
    points: String,
    /// What the two players minimise.
    #[schemars(title = "Loss", extend("x-group" = "game"))]
    loss: GanLoss,
    /// Units of each hidden layer.
    #[schemars(title = "Width", range(min = 4, max = 256), extend("x-group" = "model", "x-step" = 4))]
    width: u32,
    /// Hidden layers of each network.
    #[schemars(title = "Depth", range(min = 1, max = 5), extend("x-group" = "model"))]
    depth: u32,
    /// Numbers that the generator starts from.
    #[schemars(title = "Latent size", range(min = 1, max = 64), extend("x-group" = "model"))]
    latent: u32,
    /// Points of each kind in a step.
    #[schemars(title = "Batch", range(min = 4, max = 1024), extend("x-group" = "data", "x-step" = 4))]
    batch: u32,
    /// Adam's step size for the generator.
    #[schemars(title = "Generator learning rate", range(min = 0.000_001, max = 0.1), extend("x-group" = "game", "x-live" = true, "x-log" = true))]
    lr_g: f64,
    /// Adam's step size for the discriminator.
    #[schemars(title = "Discriminator learning rate", range(min = 0.000_001, max = 0.1), extend("x-group" = "game", "x-live" = true, "x-log" = true))]
    lr_d: f64,
    /// Adam's memory of past gradients.
    #[schemars(title = "Adam beta 1", range(min = 0.0, max = 0.99), extend("x-group" = "game", "x-live" = true, "x-step" = 0.01))]
    beta1: f64,
    /// Adam's memory of past squared gradients.
    #[schemars(title = "Adam beta 2", range(min = 0.0, max = 0.9999), extend("x-group" = "game", "x-live" = true, "x-step" = 0.0001))]
    beta2: f64,
    /// Discriminator updates for each of the generator.
    #[schemars(title = "Discriminator steps", range(min = 1, max = 10), extend("x-group" = "game", "x-live" = true))]
    d_steps: u32,
    /// Noise on real and generated points alike: it keeps the discriminator from being too sure.
    #[schemars(title = "Instance noise", range(min = 0.0, max = 1.0), extend("x-group" = "game", "x-live" = true, "x-step" = 0.01))]
    noise: f64,
    /// Who learns.
    #[schemars(title = "Players", extend("x-hidden" = true, "x-live" = true))]
    players: Players,
    /// How fast to go: slow takes two steps a second, full as many as the device can.
    #[schemars(title = "Speed", extend("x-group" = "run", "x-live" = true))]
    speed: Speed,
}

/// Steps a second that the session takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Speed {
    Slow,
    Medium,
    Fast,
    Full,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            data: Shape::Ring,
            points: String::new(),
            loss: GanLoss::Nonsaturating,
            width: 64,
            depth: 2,
            latent: 2,
            batch: 128,
            lr_g: 0.001,
            lr_d: 0.001,
            beta1: 0.5,
            beta2: 0.999,
            d_steps: 1,
            noise: 0.1,
            players: Players::Both,
            speed: Speed::Full,
        }
    }
}

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
/// Cells on a side of the discriminator's field, of the latent mesh, and of the histogram for the divergence.
const FIELD: usize = 32;
const MESH: usize = 13;
const CELLS: usize = 24;
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

    /// Jensen-Shannon divergence on the grid and modes covered, every so many steps.
    async fn measure(&mut self) -> Result<()> {
        let drawn = self.gan.sample(self.z_measured.clone(), None).reshape([MEASURED * 2]);
        let mut read = self.gan.flush(vec![drawn]).await?;
        let drawn = read.pop().unwrap_or_default();
        let covered = modes_covered(&drawn, &self.data.modes());
        self.quality.push(self.gan.step, &[divergence(&cells(&drawn), &self.real_cells), covered]);
        Ok(())
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
        self.gan.step(self.options(), discriminator, generator);
        if self.gan.step.is_multiple_of(MEASURE_EVERY) {
            self.measure().await?;
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
        let [points, mesh, field] = <[Vec<f32>; 3]>::try_from(self.gan.flush(tensors).await?)
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
            },
        ];
        let modes = self.data.modes().len() as f32;
        let mut figures = Vec::new();
        if let Some(value) = self.quality.last(0) {
            figures.push(Figure::new("divergence", "Jensen-Shannon divergence", value, 3, None));
        }
        if let (Some(value), true) = (self.quality.last(1), modes > 0.0) {
            figures.push(Figure::new("modes", "Modes covered", value, 0, Some(modes)));
        }
        let losses = self.gan.history.unseen(fresh);
        let quality = self.quality.unseen(fresh);
        Ok(vec![
            Panel::new("plane", "Real and generated points, the discriminator's surface, the bent latent grid", plane),
            Panel::new("figures", "Figures", vec![View::Figures { figures }]),
            Panel::new("losses", "Losses", vec![View::curves(&losses, &self.gan.history, &[0, 1], fresh)]),
            Panel::new("quality", "Quality", vec![View::curves(&quality, &self.quality, &[0, 1], fresh)]),
        ])
    }

    fn set(&mut self, values: &Values) -> Result<()> {
        self.config = config(values)?;
        Ok(())
    }

    async fn act(&mut self, name: &str, args: &Value) -> Result<Values> {
        let change = match name {
            "train_both" => json!({ "players": "both" }),
            "train_discriminator" => json!({ "players": "discriminator" }),
            "train_generator" => json!({ "players": "generator" }),
            "clear" => json!({ "points": "", "data": "ring" }),
            "draw" => {
                let list = args.get("points").and_then(Value::as_array).cloned().unwrap_or_default();
                let numbers: Vec<f32> = list.iter().filter_map(Value::as_f64).map(|v| v as f32).collect();
                if numbers.len() < 2 || numbers.len() != list.len() || numbers.iter().any(|v| !v.is_finite()) {
                    return Err(Error::bad_command("Drawing needs points: [x, y, x, y, ...]."));
                }
                let drawn: Vec<[f32; 2]> = numbers.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
                let mut all = points::decode(&self.config.points);
                all.extend(drawn);
                json!({ "points": points::encode(&all), "data": "drawn" })
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
        self.quality.load("quality", file)?;
        self.gan.load(file)?;
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

/// Shares of points in the cells of a grid; what lies outside counts to the nearest cell.
fn cells(xy: &[f32]) -> Vec<f32> {
    let mut counts = vec![0.0; CELLS * CELLS];
    let cell = |v: f32| (((v / EXTENT + 1.0) / 2.0 * CELLS as f32) as usize).min(CELLS - 1);
    for p in xy.chunks_exact(2) {
        counts[cell(p[1]) * CELLS + cell(p[0])] += 2.0 / xy.len() as f32;
    }
    counts
}

/// Jensen-Shannon divergence in nats: 0 for equal distributions, ln 2 = 0.693 for disjoint ones.
fn divergence(p: &[f32], q: &[f32]) -> f32 {
    let half = |a: f32, m: f32| if a > 0.0 { 0.5 * a * (a / m).ln() } else { 0.0 };
    p.iter().zip(q).map(|(&p, &q)| half(p, 0.5 * (p + q)) + half(q, 0.5 * (p + q))).sum()
}

/// Modes that hold at least a quarter of their fair share of the points within four standard deviations.
fn modes_covered(xy: &[f32], modes: &[[f32; 2]]) -> f32 {
    let fair = xy.len() as f32 / 2.0 / modes.len().max(1) as f32;
    let near = |m: &[f32; 2]| {
        xy.chunks_exact(2).filter(|p| (p[0] - m[0]).hypot(p[1] - m[1]) < 4.0 * points::SIGMA).count() as f32
    };
    modes.iter().filter(|m| near(m) >= 0.25 * fair).count() as f32
}
