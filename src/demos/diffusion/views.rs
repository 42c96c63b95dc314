//! A grid of samples, some of them between noise and data, real pictures that become noise, and what steps and guidance do.

use super::config::{ChainView, Config};
use super::demo::{Diffusion, SHOWN, SIDE};
use super::edit::{BETWEEN, REPAIRED, STRENGTHS};
use super::network::Network;
use crate::data::Shape;
use crate::demos::denoising::{loss_by_time, time_slider};
use crate::demos::settings::Damage;
use crate::demos::training::{Run, Task};
use crate::demos::{Figure, Panel, View};
use crate::device::flat;
use crate::error::{Error, Result};
use crate::generate::DiffusionSampler;
use crate::nn::upload;
use burn::tensor::Tensor;

/// Samples that are shown between noise and data, and real pictures.
const ROWS: usize = 6;
/// Times at which they are shown, from noise to data.
const COLUMNS: usize = 10;
/// The table: numbers of steps, and guidance.
const STEPS: [usize; 6] = [1, 2, 4, 8, 16, 32];
const GUIDANCE: [f64; 4] = [0.0, 1.0, 2.0, 4.0];
/// Samples whose most similar training pictures are shown.
const COMPARED: usize = 8;

/// Panels whose pictures are still on the device: all of them are read at once.
#[derive(Default)]
struct Plan {
    tensors: Vec<Tensor<1>>,
    panels: Vec<Box<dyn FnOnce(Vec<f32>) -> Panel>>,
}

impl Plan {
    /// A panel of pictures `[n, C H W]`.
    fn add(&mut self, pictures: Tensor<2>, panel: impl FnOnce(Vec<f32>) -> Panel + 'static) {
        self.tensors.push(flat(pictures));
        self.panels.push(Box::new(panel));
    }
}

impl Diffusion {
    pub async fn panels(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        let (config, model) = (run.config.clone(), self.trainer.sampler());
        let (samples, mut plan) = self.plan(&config, &model)?;
        let (times, losses) = self.last.take().unzip();
        plan.tensors.extend([flat(samples)]);
        plan.tensors.extend(losses);
        let mut values = run.read(plan.tensors).await?.into_iter();
        let planned: Vec<Panel> = plan.panels.into_iter().zip(values.by_ref()).map(|(panel, v)| panel(v)).collect();
        let samples = values.next().ok_or_else(|| Error::internal("The samples were not read back."))?;
        if let (Some(times), Some(losses)) = (times, values.next()) {
            self.loss_by_time.push(&times, &losses);
        }

        let mut panels = vec![self.samples_panel(&config, &samples)];
        let figures = self.latest_figures(run);
        if !figures.is_empty() {
            panels.push(Panel::figures(figures));
        }
        if config.nearest {
            panels.push(self.nearest_panel(run, &samples));
        }
        if config.drawing && self.pad.pixels.is_empty() {
            panels.push(Panel::new("drawing", DRAWING, vec![self.pad.view(self.shape)]));
        }
        panels.extend(planned);
        panels.push(run.losses("losses", "Loss", Self::LOSSES));
        panels.extend(loss_by_time(&self.loss_by_time));
        if self.evaluates(run) {
            panels.push(run.measured("quality", "Quality of the samples"));
        }
        Ok(panels)
    }

    /// The samples at the time that is shown, and the panels that need pictures of their own.
    fn plan(&self, config: &Config, model: &Network) -> Result<(Tensor<2>, Plan)> {
        let (shape, told) = (self.shape, self.asked(config, SHOWN));
        let mut way: Vec<(f64, Tensor<2>, Tensor<2>)> = Vec::new();
        let (sampler, guidance) = (self.sampler(config), config.sampling.guidance);
        self.run(model, sampler, self.start.clone(), &told, guidance, |chain| {
            way.push((chain.time(), chain.x.clone(), chain.data.clone()));
        });
        let last = way.len() - 1;
        let shown = |at: usize| match config.chain {
            // What is predicted at a time is known after the step from there; at the end it is the sample.
            ChainView::Predicted if at < last => way[at + 1].2.clone(),
            _ => way[at].1.clone(),
        };
        let at = (0..=last).rfind(|&at| way[at].0 >= config.time).unwrap_or(0);
        let samples = self.decode(shown(at))?;

        let mut plan = Plan::default();
        if config.drawing && !self.pad.pixels.is_empty() {
            let pad = self.pad.view(shape);
            plan.add(self.sdedit(model, config, &told[0])?, move |values| {
                let pictures = View::pictures(&values, shape, STRENGTHS.len(), false);
                Panel::new("drawing", DRAWING, vec![pad, pictures])
            });
        }
        if let Some(originals) = self.originals(config) {
            self.plan_repair(&mut plan, config, model, originals)?;
        }
        // As many columns as there are, however many steps.
        let columns = (0..COLUMNS).map(|column| shown((column * last).div_ceil(COLUMNS - 1)).narrow(0, 0, ROWS));
        let chain = self.decode(Tensor::cat(columns.collect(), 0))?; // (COLUMNS ROWS, C H W)
        plan.add(chain, move |values| Panel::new("chain", "From noise to data", vec![rows(&values, shape)]));
        if config.table {
            plan.add(self.table(model, config)?, move |values| {
                let table = View::pictures(&values, shape, STEPS.len(), false);
                Panel::new("table", "Steps (1 to 32) against guidance (0 to 4)", vec![table])
            });
        }
        if config.between {
            let ends = [told[0].clone(), told[1].clone()];
            plan.add(self.between(model, config, ends)?, move |values| {
                let pictures = View::pictures(&values, shape, BETWEEN, false);
                Panel::new("between", "From the first sample to the second", vec![pictures])
            });
        }
        if self.real.pixels.len() >= ROWS * shape.len() {
            let title = "Real pictures on their way to noise";
            plan.add(self.forward()?, move |values| Panel::new("forward", title, vec![rows(&values, shape)]));
        }
        Ok((samples, plan))
    }

    /// The grid, what is not known of the words, and the slider of the time.
    fn samples_panel(&self, config: &Config, samples: &[f32]) -> Panel {
        let mut views = vec![View::pictures(samples, self.shape, SIDE, config.time == 0.0)];
        let unknown = self.unknown(config);
        if !unknown.is_empty() {
            let words = unknown.join(", ");
            let text = format!("Never seen in training, and left out: {words}.");
            views.push(View::Note { code: "unknown-words".into(), text, args: vec![("words".into(), words)] });
        }
        views.push(time_slider(config.time));
        Panel::new("samples", "Samples", views)
    }

    /// Held-out pictures to be repaired, where they are wanted and here.
    fn originals(&self, config: &Config) -> Option<&[f32]> {
        let wanted = config.repair && config.damage != Damage::None;
        self.held_out.as_ref().filter(|_| wanted)?.pixels.get(..REPAIRED * self.shape.len())
    }

    fn plan_repair(&self, plan: &mut Plan, config: &Config, model: &Network, originals: &[f32]) -> Result<()> {
        let (shape, size, damaged) = (self.shape, self.shape.len(), self.damaged(config, originals));
        let repaired = self.repaired(model, config, &damaged)?;
        let broken = upload(damaged.pixels.clone(), [REPAIRED, size], &self.device);
        let by_vae = self.is_latent();
        let encoded = if by_vae { Some(self.decode(self.encode(broken)?)?) } else { None };
        let originals = originals.to_vec();
        plan.add(Tensor::cat(encoded.into_iter().chain([repaired]).collect(), 0), move |values| {
            let (encoded, repaired) = values.split_at(values.len() - REPAIRED * size);
            let error = |id: &str, title: &str, pixels: &[f32]| {
                Figure::new(id, title, damaged.error(&originals, pixels), 4, None)
            };
            let mut figures = vec![error("error_repaired", "Error (diffusion)", repaired)];
            let mut names = vec!["original", "damaged"];
            if by_vae {
                names.push("encoded");
                figures.push(error("error_encoded", "Error (encoding)", encoded));
            }
            names.push("repaired");
            let pixels = [&originals[..], &damaged.shown(), encoded, repaired].concat();
            let mut grid = View::pictures(&pixels, shape, REPAIRED, false);
            if let View::Images { rows, .. } = &mut grid {
                *rows = names.into_iter().map(String::from).collect();
            }
            Panel::new("repair", "Damaged and repaired", vec![grid, View::Figures { figures }])
        });
        Ok(())
    }

    /// The first samples, and below each the most similar training picture.
    fn nearest_panel(&mut self, run: &Run<Self>, samples: &[f32]) -> Panel {
        let size = self.shape.len();
        let samples = &samples[..COMPARED * size];
        // The search takes too long to be made anew for each picture of a run.
        let (step, period) = (run.step(), run.config.run.evaluate);
        let stale = |at: u32, of: &[f32]| at / period != step / period || at == step && of != samples;
        if self.compared.as_ref().is_none_or(|(at, of, found)| stale(*at, of) || found.contains(&None)) {
            self.compared = Some((step, samples.to_vec(), run.data.nearest(samples)));
        }
        let (mut pixels, mut captions) = (Vec::new(), Vec::new());
        if let Some((_, samples, found)) = &self.compared {
            pixels.extend(samples);
            captions.resize(COMPARED, String::new());
            for nearest in found {
                pixels.extend(nearest.as_ref().map_or_else(|| vec![0.0; size], |nearest| nearest.pixels.clone()));
                let names = nearest.as_ref().and_then(|n| self.captions.as_ref()?.names(n.place as usize));
                captions.push(names.map(|names| names.join(" · ")).unwrap_or_default());
            }
        }
        let mut grid = View::pictures(&pixels, self.shape, COMPARED, false);
        if let View::Images { rows, captions: texts, .. } = &mut grid {
            *rows = ["sample", "nearest"].map(String::from).into();
            *texts = captions;
        }
        Panel::new("nearest", "Samples, and the most similar pictures of the training set", vec![grid])
    }

    /// Real pictures at each of the times.
    fn forward(&self) -> Result<Tensor<2>> {
        let n = self.shape.len();
        let real = upload(self.real.pixels[..ROWS * n].to_vec(), [ROWS, n], &self.device);
        let (data, noise) = (self.encode(real)?, self.start.clone().narrow(0, 0, ROWS));
        let at = |column: usize| {
            let [a, b] = self.process.shares(column as f64 / (COLUMNS - 1) as f64);
            data.clone() * a + noise.clone() * b
        };
        self.decode(Tensor::cat((0..COLUMNS).map(at).collect(), 0))
    }

    /// A sample for each guidance and number of steps.
    fn table(&self, model: &Network, config: &Config) -> Result<Tensor<2>> {
        let told = self.asked(config, 1);
        let mut cells = Vec::new();
        // Told nothing, there is nothing to be guided to.
        let guidance = if self.features > 0 { &GUIDANCE[..] } else { &[1.0] };
        for &guidance in guidance {
            for steps in STEPS {
                let sampler = DiffusionSampler { steps, ..self.sampler(config) };
                let noise = self.start.clone().narrow(0, 0, 1);
                cells.push(self.run(model, sampler, noise, &told, guidance, |_| {}));
            }
        }
        self.decode(Tensor::cat(cells, 0))
    }
}

const DRAWING: &str = "From your drawing, with more and more noise";

/// A row for each picture, from values `[COLUMNS, ROWS, picture]`.
fn rows(values: &[f32], shape: Shape) -> View {
    let n = shape.len();
    let cell = |row: usize, column: usize| &values[(column * ROWS + row) * n..][..n];
    let rows: Vec<f32> = (0..ROWS * COLUMNS).flat_map(|i| cell(i / COLUMNS, i % COLUMNS).to_vec()).collect();
    View::pictures(&rows, shape, COLUMNS, false)
}
