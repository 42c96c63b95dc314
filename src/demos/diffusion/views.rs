//! A grid of samples, some of them between noise and data, real pictures that become noise, and what steps and guidance do.

use super::config::{ChainView, Config};
use super::demo::{Diffusion, SHOWN, SIDE};
use crate::data::Shape;
use crate::demos::denoising::{asked, loss_by_time};
use crate::demos::training::{Run, Task};
use crate::demos::{Panel, View};
use crate::error::{Error, Result};
use crate::generate::{Chain, DiffusionSampler};
use crate::models::denoiser_mlp::DenoiserMlp;
use crate::nn::upload;
use burn::tensor::Tensor;

/// Samples that are shown between noise and data, and real pictures.
const ROWS: usize = 6;
/// Times at which they are shown, from noise to data.
const COLUMNS: usize = 10;
/// The table: numbers of steps, and guidance.
const STEPS: [usize; 6] = [1, 2, 4, 8, 16, 32];
const GUIDANCE: [f64; 4] = [0.0, 1.0, 2.0, 4.0];

impl Diffusion {
    pub async fn panels(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        let config = run.config.clone();
        let model = self.trainer.sampler();
        let labels = asked(config.class, self.classes, SHOWN);
        let (mut noisy, mut predicted) = (Vec::new(), Vec::new());
        let (sampler, guidance) = (self.sampler(&config), config.sampling.guidance);
        let samples = self.run(&model, sampler, self.start.clone(), &labels, guidance, |chain| {
            noisy.push(first(chain.x.clone()));
            predicted.push(first(chain.data.clone()));
        });
        // What is predicted at a time is known after the step from there; at the end it is the sample.
        predicted.remove(0);
        predicted.extend(noisy.last().cloned());
        let chain = if config.chain == ChainView::Noisy { noisy } else { predicted };
        // As many columns as there are, however many steps.
        let last = chain.len() - 1;
        let shown = (0..COLUMNS).map(|column| chain[(column * last).div_ceil(COLUMNS - 1)].clone());
        let shown: Tensor<2> = Tensor::cat(shown.collect(), 0); // (COLUMNS ROWS, n)

        let mut tensors = vec![self.flat(samples)?, self.flat(shown)?];
        let real = self.real.pixels.len() / self.shape.len();
        if real >= ROWS {
            tensors.push(self.forward()?);
        }
        if config.table {
            tensors.push(self.table(&model, &config)?);
        }
        let (times, losses) = self.last.take().unzip();
        tensors.extend(losses);
        let mut values = run.read(tensors).await?.into_iter();
        let mut next = || values.next().ok_or_else(|| Error::internal("A view was not read back."));
        let (grid, shown) = (next()?, next()?);
        let forward = if real >= ROWS { Some(next()?) } else { None };
        let table = if config.table { Some(next()?) } else { None };
        if let Some(times) = times {
            self.loss_by_time.push(&times, &next()?);
        }
        let evaluates = self.evaluates(run);
        let mut panels = vec![Panel::new("samples", "Samples", vec![View::pictures(&grid, self.shape, SIDE, true)])];
        if evaluates {
            panels.push(Panel::figures(self.latest_figures(run)));
        }
        panels.push(Panel::new("chain", "From noise to data", vec![rows(&shown, self.shape)]));
        panels.extend(table.map(|values| {
            let table = View::pictures(&values, self.shape, STEPS.len(), false);
            Panel::new("table", "Steps (1 to 32) against guidance (0 to 4)", vec![table])
        }));
        let title = "Real pictures on their way to noise";
        panels.extend(forward.map(|values| Panel::new("forward", title, vec![rows(&values, self.shape)])));
        panels.push(run.losses("losses", "Loss", Self::LOSSES));
        panels.extend(loss_by_time(&self.loss_by_time));
        if evaluates {
            panels.push(run.measured("quality", "Quality of 1,024 samples"));
        }
        Ok(panels)
    }

    /// Pictures of samples `[n, size]`, ready to be read.
    fn flat(&self, samples: Tensor<2>) -> Result<Tensor<1>> {
        let pictures = self.decode(samples)?;
        let n = pictures.dims().iter().product::<usize>();
        Ok(pictures.reshape([n]))
    }

    /// Real pictures at each of the times.
    fn forward(&self) -> Result<Tensor<1>> {
        let n = self.shape.len();
        let real = upload(self.real.pixels[..ROWS * n].to_vec(), [ROWS, n], &self.device);
        let (data, noise) = (self.encode(real)?, first(self.start.clone()));
        let at = |column: usize| {
            let [a, b] = self.process.shares(column as f64 / (COLUMNS - 1) as f64);
            data.clone() * a + noise.clone() * b
        };
        self.flat(Tensor::cat((0..COLUMNS).map(at).collect(), 0))
    }

    /// A sample for each guidance and number of steps.
    fn table(&self, model: &DenoiserMlp, config: &Config) -> Result<Tensor<1>> {
        let labels = asked(config.class, self.classes, 1);
        let mut cells = Vec::new();
        // Without classes there is nothing to be guided to.
        let guidance = if self.classes > 0 { &GUIDANCE[..] } else { &[1.0] };
        for &guidance in guidance {
            for steps in STEPS {
                let sampler = DiffusionSampler { steps, ..self.sampler(config) };
                let noise = self.start.clone().narrow(0, 0, 1);
                cells.push(self.run(model, sampler, noise, &labels, guidance, |_: &Chain| {}));
            }
        }
        self.flat(Tensor::cat(cells, 0))
    }
}

fn first(samples: Tensor<2>) -> Tensor<2> {
    samples.narrow(0, 0, ROWS)
}

/// A row for each picture, from values `[COLUMNS, ROWS, picture]`.
fn rows(values: &[f32], shape: Shape) -> View {
    let n = shape.len();
    let cell = |row: usize, column: usize| &values[(column * ROWS + row) * n..][..n];
    let rows: Vec<f32> = (0..ROWS * COLUMNS).flat_map(|i| cell(i / COLUMNS, i % COLUMNS).to_vec()).collect();
    View::pictures(&rows, shape, COLUMNS, false)
}
