//! A GAN of two small fully connected networks on points in the plane: the whole game fits in one picture.

mod config;

use super::gan::{choose_players, player_actions};
use super::training::{Run, Task, Training, no_action};
use super::views::{Action, Figure, Floats, Panel, PointSet, View};
use super::{
    Context, Does, Entry, Family, Needs, Samples, Title, Values, WasmModule, defaults, schema, settled, values,
};
use crate::data::Dataset;
use crate::data::points::{self, Distribution, EXTENT, PointBatch, Points};
use crate::device::read;
use crate::error::{Error, Result};
use crate::models::mlp_gan::{MlpConfig, MlpDiscriminator, MlpGenerator};
use crate::nn::upload;
use crate::rng::{Purpose, Stream};
use crate::train::{GAN_LOSSES, Gan, GanLoss, Losses, StepInput, cells, divergence, modes_covered};
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
    earlier_defaults: &[],
    actions: || {
        let action = |name: &str, title: &str, draws| Action { name: name.into(), title: title.into(), draws };
        [player_actions(), vec![action("draw", "Draw points", true), action("clear", "Clear points", false)]].concat()
    },
    build: |values, context| {
        let config: Config = super::config(values)?;
        let mut data = Points::new(config.data, points::decode(&config.points), u64::from(config.run.seed));
        let task = Gan2d::new(&config, &mut data, &context)?;
        Ok(Box::new(Training::new(task, config, data, &context)))
    },
    // `time taskset -c 0 kiln train "gan2d" --device cpu --steps 3000 --out out`: 0.70 ms of one core a step.
    steps: Some(150_000),
    settle: settled,
};

/// Points shown, and points measured.
const SHOWN: usize = 400;
const MEASURED: usize = 2000;
/// Cells on a side of the discriminator's field and of the latent mesh.
const FIELD: usize = 32;
const MESH: usize = 13;
const BOUNDS: [f32; 4] = [-EXTENT, -EXTENT, EXTENT, EXTENT];

struct Gan2d {
    gan: Gan<MlpGenerator, MlpDiscriminator>,
    /// Fixed: latents and real points that are shown and measured.
    z_measured: Tensor<2>,
    z_mesh: Tensor<2>,
    field: Tensor<2>,
    real_shown: Vec<f32>,
    real_cells: Vec<f32>,
}

impl Gan2d {
    fn new(config: &Config, data: &mut Points, context: &Context) -> Result<Self> {
        let (seed, device, plain) = (u64::from(config.run.seed), &context.device, context.device.clone().inner());
        let mut weights = Stream::new(seed, Purpose::Weights);
        let sizes =
            MlpConfig { latent: config.latent as usize, width: config.width as usize, depth: config.depth as usize };
        let (generator, discriminator) =
            (sizes.generator(&mut weights, device), sizes.discriminator(&mut weights, device));
        let z = Stream::new(seed, Purpose::Sampling).normal(MEASURED * sizes.latent);
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
    fn input(&self, run: &mut Run<Self>, mut real: Vec<f32>) -> StepInput {
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

#[async_trait(?Send)]
impl Task for Gan2d {
    type Config = Config;
    type Data = Points;
    type Evaluation = ();

    const LOSSES: &'static [&'static str] = GAN_LOSSES;
    const MEASURES: &'static [&'static str] = &["divergence", "modes"];

    fn examples(&self, run: &Run<Self>) -> usize {
        let gan = &run.config.gan;
        run.config.batch as usize * (gan.discriminator_updates() + gan.generator_updates())
    }

    fn step(&mut self, run: &mut Run<Self>, PointBatch { xy: real, .. }: PointBatch) -> Result<Losses> {
        let inputs = real.chunks(2 * run.config.batch as usize).map(|real| self.input(run, real.to_vec()));
        let mut inputs: Vec<StepInput> = inputs.collect();
        let generator = inputs.split_off(run.config.gan.discriminator_updates()).pop();
        self.gan.step(run.config.gan.options(run.config.loss, 1.0, false), inputs, generator)
    }

    fn evaluation(&self, _run: &Run<Self>) {}

    /// Jensen-Shannon divergence on the grid and modes covered; NaN where the data have no modes.
    async fn evaluate(&mut self, run: &mut Run<Self>, (): &mut ()) -> Result<Option<Vec<f32>>> {
        let drawn = self.gan.sample(self.z_measured.clone(), None).reshape([MEASURED * 2]);
        let drawn = run.curves.flush(vec![drawn]).await?.pop().unwrap_or_default();
        let modes = run.data.modes();
        let covered = if modes.is_empty() { f32::NAN } else { modes_covered(&drawn, &modes) };
        Ok(Some(vec![divergence(&cells(&drawn), &self.real_cells), covered]))
    }

    async fn views(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        let shown = self.z_measured.clone().narrow(0, 0, SHOWN);
        let field = self.gan.judge(self.field.clone(), None);
        let probability = matches!(run.config.loss, GanLoss::Nonsaturating | GanLoss::Minimax);
        let field = if probability { sigmoid(field) } else { field };
        let tensors = vec![
            self.gan.sample(shown, None).reshape([SHOWN * 2]),
            self.gan.sample(self.z_mesh.clone(), None).reshape([MESH * MESH * 2]),
            field.reshape([FIELD * FIELD]),
        ];
        let [points, mesh, field] = <[Vec<f32>; 3]>::try_from(run.read(tensors).await?)
            .map_err(|_| Error::internal("A view was not read back."))?;
        let finite = field.iter().copied().filter(|v| v.is_finite());
        let (low, high) = match probability {
            true => (0.0, 1.0),
            false => finite.fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(v), b.max(v))),
        };
        let (cells, side) = (FIELD as u32, MESH as u32);
        let set = |role: &str, xy: Vec<f32>| PointSet { role: role.into(), xy: Floats(xy) };
        let sets = vec![set("real", self.real_shown.clone()), set("generated", points)];
        let plane = vec![
            View::Field2d { columns: cells, rows: cells, values: Floats(field), low, high, bounds: BOUNDS },
            View::Mesh2d { columns: side, rows: side, xy: Floats(mesh), bounds: BOUNDS },
            View::Points2d { sets, bounds: BOUNDS, drag: None },
        ];
        let mut figures = self.figures(run, &|name| run.measures.last(name));
        figures.extend(run.measured_at());
        Ok(vec![
            Panel::new("plane", "Real and generated points", plane),
            Panel::new("figures", "Metrics", vec![View::Figures { figures }]),
            Panel::new("losses", "Losses", vec![run.losses(&["discriminator", "generator"])]),
            Panel::new("quality", "Quality of 2,000 generated points", vec![run.measured(Self::MEASURES)]),
        ])
    }

    async fn act(&mut self, run: &mut Run<Self>, name: &str, args: &Value) -> Result<Values> {
        let config = &run.config;
        Ok(match name {
            "clear" => values(json!({ "points": "", "data": config.undrawn(), "before": Distribution::Ring })),
            "draw" => {
                let list = args.get("points").and_then(Value::as_array).cloned().unwrap_or_default();
                let numbers: Vec<f32> = list.iter().filter_map(Value::as_f64).map(|v| v as f32).collect();
                if numbers.len() < 2 || numbers.len() != list.len() || numbers.iter().any(|v| !v.is_finite()) {
                    return Err(Error::bad_command("Drawing needs points: [x, y, x, y, ...]."));
                }
                let mut all = points::decode(&config.points);
                all.extend(numbers.chunks_exact(2).map(|p| [p[0], p[1]]));
                let (drawn, before) = (points::encode(&all), config.undrawn());
                values(json!({ "points": drawn, "data": Distribution::Drawn, "before": before }))
            }
            _ => choose_players(name).ok_or_else(|| no_action(name))?,
        })
    }

    async fn save(&mut self, file: &mut Checkpoint) -> Result<()> {
        self.gan.save(file).await
    }

    fn load(&mut self, _run: &Run<Self>, file: &Checkpoint) -> Result<()> {
        self.gan.load(file)
    }

    async fn sample(&mut self, run: &mut Run<Self>, n: usize, seed: u64) -> Result<Samples> {
        let latent = run.config.latent as usize;
        let z = upload(Stream::new(seed, Purpose::Sampling).normal(n * latent), [n, latent], &run.device);
        let drawn = read(vec![self.gan.sample(z, None).reshape([n * 2])]).await?.pop().unwrap_or_default();
        Ok(Samples { shape: vec![n, 2], values: drawn })
    }

    fn figures(&self, run: &Run<Self>, measures: &dyn Fn(&str) -> Option<f32>) -> Vec<Figure> {
        let modes = run.data.modes().len() as f32;
        let divergence =
            measures("divergence").map(|v| Figure::of_curve("divergence", "Jensen-Shannon divergence", v, None));
        // NaN where the data have no modes.
        let covered = measures("modes").filter(|v| v.is_finite());
        divergence
            .into_iter()
            .chain(covered.map(|v| Figure::of_curve("modes", "Modes covered", v, Some(modes))))
            .collect()
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
