//! A grid of samples, their way from noise to data, the way of real pictures to noise, and what steps and guidance do.

use super::config::{Config, Way};
use super::demo::{Diffusion, SHOWN, SIDE};
use crate::data::Shape;
use crate::demos::training::{Run, Task};
use crate::demos::{HistogramSeries, Panel, View};
use crate::error::{Error, Result};
use crate::generate::{Chain, DiffusionSampler};
use crate::nn::upload;
use burn::tensor::Tensor;

/// Samples whose way is shown, and real pictures.
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
        let labels = self.asked(config.class, SHOWN);
        let mut way = Vec::new();
        let (sampler, guidance) = (self.sampler(&config), config.sampling.guidance);
        let samples = self.run(&model, sampler, self.start.clone(), &labels, guidance, |chain| {
            way.push(first(match config.way {
                Way::Noisy => chain.x.clone(),
                Way::Predicted => chain.data.clone(),
            }));
        });
        // At each time as many columns as there are, however many steps; what was predicted at a step is known after it.
        let last = way.len() - 1;
        let shown = (0..COLUMNS).map(|column| way[(column * last).div_ceil(COLUMNS - 1)].clone());
        let shown: Tensor<2> = Tensor::cat(shown.collect(), 0); // (COLUMNS ROWS, n)

        let mut tensors = vec![self.flat(samples)?, self.flat(shown)?];
        let real = self.real.pixels.len() / self.shape.len();
        if real >= ROWS {
            tensors.push(self.forward()?);
        }
        if config.table {
            tensors.push(self.table(&config)?);
        }
        let (times, losses) = self.last.take().unzip();
        tensors.extend(losses);
        let mut values = run.read(tensors).await?.into_iter();
        let mut next = || values.next().ok_or_else(|| Error::internal("A view was not read back."));
        let (grid, shown) = (next()?, next()?);
        let forward = if real >= ROWS { vec![pictures(&next()?, self.shape)] } else { Vec::new() };
        let table =
            if config.table { vec![View::pictures(&next()?, self.shape, STEPS.len(), false)] } else { Vec::new() };
        if let Some(times) = times {
            self.loss_by_time.push(&times, &next()?);
        }
        let series = vec![HistogramSeries { label: "loss".into(), counts: self.loss_by_time.means() }];
        let by_time = View::Histogram { series, low: 0.0, high: 1.0, categories: Vec::new() };
        let mut panels = vec![
            Panel::new("samples", "Samples", vec![View::pictures(&grid, self.shape, SIDE, true)]),
            Panel::figures(self.latest_figures(run)),
            Panel::new("way", "From noise to data", vec![pictures(&shown, self.shape)]),
            Panel::new("table", "Steps (1 to 32) against guidance (0 to 4)", table),
            Panel::new("forward", "Real pictures on their way to noise", forward),
            run.losses("losses", "Loss", Self::LOSSES),
            Panel::new("loss_by_time", "Loss by time", if run.step() > 0 { vec![by_time] } else { Vec::new() }),
        ];
        if self.evaluates(run) {
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
    fn table(&self, config: &Config) -> Result<Tensor<1>> {
        let model = self.trainer.sampler();
        let labels = self.asked(config.class, 1);
        let mut cells = Vec::new();
        for guidance in GUIDANCE {
            for steps in STEPS {
                let sampler = DiffusionSampler { steps, ..self.sampler(config) };
                let noise = self.start.clone().narrow(0, 0, 1);
                cells.push(self.run(&model, sampler, noise, &labels, guidance, |_: &Chain| {}));
            }
        }
        self.flat(Tensor::cat(cells, 0))
    }
}

fn first(samples: Tensor<2>) -> Tensor<2> {
    samples.narrow(0, 0, ROWS)
}

/// A row for each picture, from values `[COLUMNS, ROWS, picture]`.
fn pictures(values: &[f32], shape: Shape) -> View {
    let n = shape.len();
    let cell = |row: usize, column: usize| &values[(column * ROWS + row) * n..][..n];
    let rows: Vec<f32> = (0..ROWS * COLUMNS).flat_map(|i| cell(i / COLUMNS, i % COLUMNS).to_vec()).collect();
    View::pictures(&rows, shape, COLUMNS, false)
}
