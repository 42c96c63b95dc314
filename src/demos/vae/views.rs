//! What the variational autoencoder shows. While only the chosen latent moves, only what hangs on it is drawn anew.

use super::config::{Config, Damage, LIMIT};
use super::inpaint::MENDED;
use super::{TESTED, VaeDemo, flat};
use crate::compare::max_abs;
use crate::demos::training::{Run, Task};
use crate::demos::views::{Figure, Floats, HistogramSeries, Mark, Panel, PointSet, Slider, View};
use crate::device::read;
use crate::error::Result;
use crate::rng::{Purpose, Stream};
use crate::train::kl;
use burn::tensor::Tensor;

/// Pictures on a side of the map of the plane, and of the grid of samples.
const MAP: usize = 15;
const GRID: usize = 6;
/// Held-out pictures that are shown as points.
const POINTS: usize = 400;
/// Pictures from A to B.
const BETWEEN: usize = 9;
/// A dimension that tells less than this, in nats, has collapsed onto the prior.
const ALIVE: f32 = 0.01;

/// What the page has been sent, and what was read for it.
#[derive(Default)]
pub struct Cache {
    model: Option<ModelKey>,
    map: Option<MapKey>,
    /// Means of the points `[POINTS, latent]`, and the KL of each dimension, averaged over them.
    means: Vec<f32>,
    kl: Vec<f32>,
}

/// What the pictures hang on, apart from the chosen latent.
#[derive(PartialEq)]
struct ModelKey {
    step: u32,
    choice: [u32; 4],
    damage: Damage,
    amount: f64,
    mended: bool,
}

/// What the map hangs on: the step, the plane, and the dimensions that it does not show.
#[derive(PartialEq)]
struct MapKey {
    step: u32,
    plane: [usize; 2],
    span: f64,
    others: Vec<f32>,
}

/// Tensors that are read together, and what each was for.
#[derive(Default)]
struct Reading(Vec<Tensor<1>>);

impl Reading {
    fn add(&mut self, tensor: Tensor<1>) -> usize {
        self.0.push(tensor);
        self.0.len() - 1
    }
}

impl VaeDemo {
    pub async fn panels(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        let (c, fresh) = (&run.config, run.fresh());
        let model = ModelKey {
            step: run.step(),
            choice: [c.from, c.a, c.b, c.c],
            damage: c.damage,
            amount: c.amount,
            mended: self.mended.is_some(),
        };
        let map = self.map_key(run);
        let trained = fresh || self.cache.model.as_ref().is_none_or(|m| m.step != model.step);
        let whole = fresh || self.cache.model.as_ref() != Some(&model);
        let mapped = fresh || self.cache.map.as_ref() != Some(&map);
        if trained {
            self.look().await?;
            self.read_pad().await?;
        }
        let mut panels = vec![self.plane(run, mapped).await?, self.chosen().await?];
        panels.extend(self.drawn().await?);
        if whole {
            panels.extend(self.pictures(&run.config).await?);
            panels.extend(self.curves(run).await?);
        }
        (self.cache.model, self.cache.map) = (Some(model), Some(map));
        Ok(panels)
    }

    fn map_key(&self, run: &Run<Self>) -> MapKey {
        let plane = run.config.plane();
        let others = self.z.iter().enumerate().filter(|(dim, _)| !plane.contains(dim)).map(|(_, v)| *v).collect();
        MapKey { step: run.step(), plane, span: run.config.span, others }
    }

    /// Encodes the points anew.
    async fn look(&mut self) -> Result<()> {
        let Some(held_out) = &self.held_out else { return Ok(()) };
        let some = &held_out.pixels[..held_out.pixels.len().min(POINTS * self.shape.len())];
        let (mean, logvar) = self.encode(self.upload(some));
        let divergence = kl(mean.clone(), logvar).mean_dim(0);
        let mut values = read(vec![flat(mean), flat(divergence)]).await?.into_iter();
        self.cache.means = values.next().unwrap_or_default();
        self.cache.kl = values.next().unwrap_or_default();
        Ok(())
    }

    async fn plane(&self, run: &Run<Self>, mapped: bool) -> Result<Panel> {
        let ([across, up], span) = (run.config.plane(), run.config.span as f32);
        let bounds = [-span, -span, span, span];
        let mut views = Vec::new();
        if mapped {
            let mut latents = Vec::with_capacity(MAP * MAP * self.z.len());
            for cell in 0..MAP * MAP {
                let at = |i: usize| ((i as f32 + 0.5) / MAP as f32 * 2.0 - 1.0) * span;
                let mut z = self.z.clone();
                z[up] = -at(cell / MAP);
                z[across] = at(cell % MAP);
                latents.extend(z);
            }
            let values = read(vec![self.decode(self.latents(latents))]).await?.pop().unwrap_or_default();
            views.push(View::Map2d {
                columns: MAP as u32,
                rows: MAP as u32,
                width: self.shape.width as u32,
                height: self.shape.height as u32,
                channels: self.shape.channels as u32,
                pixels: self.shape.bytes(&values),
                bounds,
            });
        }
        let labels = self.held_out.as_ref().map_or(&[][..], |h| &h.labels);
        let points = self.cache.means.chunks_exact(self.z.len()).map(|z| [z[across], z[up]]);
        let mut sets = Vec::new();
        match run.data.classes().len() {
            0 => sets.push(PointSet { role: "real".into(), xy: Floats(points.flatten().collect()) }),
            classes => {
                for class in 0..classes {
                    let of_class = points.clone().zip(labels).filter(|(_, l)| usize::from(**l) == class);
                    let xy = Floats(of_class.flat_map(|(p, _)| p).collect());
                    sets.push(PointSet { role: format!("class-{class}"), xy });
                }
            }
        }
        sets.push(PointSet { role: "chosen".into(), xy: Floats(vec![self.z[across], self.z[up]]) });
        views.push(View::Points2d { sets, bounds, drag: Some("move".into()) });
        Ok(Panel::new("plane", "The latent plane: drag to explore it", views))
    }

    async fn chosen(&self) -> Result<Panel> {
        let picture = read(vec![self.decode(self.latents(self.z.clone()))]).await?.pop().unwrap_or_default();
        let most = max_abs(&self.cache.kl).max(ALIVE);
        let slider = |(i, value): (usize, &f32)| Slider {
            id: "latent".into(),
            title: format!("z{}", i + 1),
            value: *value,
            low: -LIMIT / 2.0,
            high: LIMIT / 2.0,
            weight: self.cache.kl.get(i).map(|kl| (kl / most).clamp(0.0, 1.0)),
        };
        let sliders = self.z.iter().map(|v| v.clamp(-LIMIT / 2.0, LIMIT / 2.0)).collect::<Vec<_>>();
        let views = vec![
            View::pictures(&picture, self.shape, 1, false),
            View::Sliders { action: "slide".into(), sliders: sliders.iter().enumerate().map(slider).collect() },
        ];
        Ok(Panel::new("chosen", "The chosen latent, decoded", views))
    }

    async fn drawn(&self) -> Result<Option<Panel>> {
        let mut views = vec![self.pad.view(self.shape)];
        if !self.pad.latent.is_empty() {
            let picture = self.decode(self.latents(self.pad.latent.clone()));
            let values = read(vec![picture]).await?.pop().unwrap_or_default();
            views.push(View::pictures(&values, self.shape, 1, false));
        }
        Ok(Some(Panel::new("pad", "Draw or erase, and see the reconstruction", views)))
    }

    /// Everything that hangs on the model and the chosen pictures.
    async fn pictures(&self, config: &Config) -> Result<Vec<Panel>> {
        let (n, latent) = (self.shape.len(), self.z.len());
        let examples = self.examples(config);
        let count = examples.len() / n;
        let mut reading = Reading::default();
        let (means, _) = self.encode(self.upload(examples));
        let again = reading.add(self.decode(means.clone()));
        let means = read(vec![flat(means)]).await?.pop().unwrap_or_default();
        let z = |index: u32| &means[index.min(count as u32 - 1) as usize * latent..][..latent];
        let [a, b, c] = [config.a, config.b, config.c].map(z);
        let mix = |at: usize| {
            let t = at as f32 / (BETWEEN - 1) as f32;
            a.iter().zip(b).map(move |(a, b)| a + (b - a) * t)
        };
        let between = reading.add(self.decode(self.latents((0..BETWEEN).flat_map(mix).collect())));
        let sum = a.iter().zip(b).zip(c).map(|((a, b), c)| a - b + c);
        let terms = a.iter().chain(b).chain(c).copied().chain(sum).collect();
        let arithmetic = reading.add(self.decode(self.latents(terms)));
        let noise = Stream::new(u64::from(config.run.seed), Purpose::Sampling).normal(GRID * GRID * latent);
        let samples = reading.add(self.decode(self.latents(noise)));
        let damaged = (config.damage != Damage::None).then(|| self.damaged(config));
        let mended = damaged.as_ref().map(|d| {
            let encoded = reading.add(self.decode(self.encode(self.upload(&d.pixels)).0));
            let found = self.mended.as_ref().map(|m| reading.add(self.decode(self.latents(m.0.clone()))));
            (encoded, found)
        });
        let values = read(reading.0).await?;

        let mut panels = Vec::new();
        let mut inputs = examples.to_vec();
        inputs.extend(&values[again]);
        let mark = |(index, text): (u32, &str)| Mark { index, text: text.into() };
        let last = (count as u32).saturating_sub(1);
        let chosen = [(config.a, "A"), (config.b, "B"), (config.c, "C")].map(|(i, text)| (i.min(last), text));
        panels.push(Panel::new(
            "reconstructions",
            "Unseen pictures (top) and their reconstructions. Click to choose A, then B, then C",
            vec![self.grid(&inputs, count, &["input", "reconstruction"], Some("pick"), chosen.map(mark).into())],
        ));
        if let (Some(damaged), Some((encoded, found))) = (damaged, mended) {
            let original = &examples[..damaged.pixels.len()];
            let error = |id: &str, title: &str, pixels: &[f32]| {
                Figure::new(id, title, damaged.error(original, pixels), 4, None)
            };
            let mut figures = vec![error("error_encoded", "Error (encoding)", &values[encoded])];
            let mut rows = vec!["original", "damaged", "encoded"];
            let mut pixels = [original, &damaged.shown(), &values[encoded]].concat();
            if let Some(found) = found {
                rows.push("searched");
                pixels.extend(&values[found]);
                figures.push(error("error_searched", "Error (search)", &values[found]));
            }
            let grid = self.grid(&pixels, count.min(MENDED), &rows, None, Vec::new());
            panels.push(Panel::new("repair", "Damaged and repaired", vec![grid, View::Figures { figures }]));
        }
        panels.push(Panel::new(
            "interpolation",
            "From A to B",
            vec![View::pictures(&values[between], self.shape, BETWEEN, false)],
        ));
        panels.push(Panel::new(
            "arithmetic",
            "A, B, C, and A − B + C",
            vec![View::pictures(&values[arithmetic], self.shape, 4, false)],
        ));
        panels.push(Panel::new(
            "samples",
            "Random samples (same random numbers each time)",
            vec![View::pictures(&values[samples], self.shape, GRID, true)],
        ));
        Ok(panels)
    }

    fn grid(&self, pixels: &[f32], columns: usize, rows: &[&str], action: Option<&str>, chosen: Vec<Mark>) -> View {
        let mut view = View::pictures(pixels, self.shape, columns, false);
        if let View::Images { rows: labels, pick, marks, .. } = &mut view {
            *labels = rows.iter().map(|r| (*r).into()).collect();
            *pick = action.map(Into::into);
            *marks = chosen;
        }
        view
    }

    async fn curves(&self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        run.read(Vec::new()).await?;
        let history = &run.curves.history;
        let active = self.cache.kl.iter().filter(|kl| **kl > ALIVE).count() as f32;
        let mut figures = vec![Figure::new("active", "Active dimensions", active, 0, Some(self.cache.kl.len() as f32))];
        let beta = run.config.options(run.step().max(1)).beta as f32;
        // Of the last step's pictures; the others are of held-out ones.
        if let (Some(reconstruction), Some(kl)) = (history.last("reconstruction"), history.last("kl")) {
            figures.insert(
                0,
                Figure::new("step_loss", "Loss at the last step (nats)", reconstruction + beta * kl, 1, None),
            );
            figures.push(Figure::new("beta", "Current beta", beta, 2, None));
        }
        figures.extend(self.figures(run, &|name| run.measures.last(name)));
        figures.extend(run.measured_at());
        let tested = self.held_out.as_ref().map_or(0, |h| (h.pixels.len() / self.shape.len()).min(TESTED));
        let counts = self.cache.kl.clone();
        let categories = (1..=counts.len()).map(|dim| dim.to_string()).collect();
        let series = vec![HistogramSeries { label: "kl".into(), counts }];
        let high = self.cache.kl.len() as f32;
        Ok(vec![
            Panel::new("figures", "Metrics", vec![View::Figures { figures }]),
            Panel::new(
                "dimensions",
                "Information in each dimension (KL, nats)",
                vec![View::Histogram { series, low: 0.0, high, categories }],
            ),
            Panel::new("losses", "Loss at each step: reconstruction and KL", vec![run.losses(Self::LOSSES)]),
            Panel::new(
                "test",
                &format!("Test on unseen pictures, the first {tested}"),
                vec![run.measured(Self::MEASURES)],
            ),
        ])
    }
}
