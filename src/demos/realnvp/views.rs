//! Noise on its way to data through the couplings, the density, the way of one point, and where real points go in the latent space.

use super::demo::{CELLS, MESH, RealNvpDemo, SHOWN};
use crate::data::points::EXTENT;
use crate::demos::training::{Run, Task};
use crate::demos::{Figure, Floats, Panel, PointSet, Slider, View};
use crate::error::{Error, Result};
use crate::nn::upload;
use burn::tensor::Tensor;

const BOUNDS: [f32; 4] = [-EXTENT, -EXTENT, EXTENT, EXTENT];
/// Of the latent plane.
const LATENT_BOUNDS: [f32; 4] = [-4.0, -4.0, 4.0, 4.0];

impl RealNvpDemo {
    pub async fn panels(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        let (config, model) = (run.config.clone(), self.trainer.sampler());
        let points = self.draw(self.start.clone(), config.passed());
        let density = model.log_density(self.cells.clone()).reshape([CELLS * CELLS]).exp();
        let (latent, _) = model.forward(upload(self.real_shown.clone(), [SHOWN, 2], &self.device));
        let mut tensors = vec![points, density, latent.reshape([2 * SHOWN])];
        let chosen = config.point();
        if let Some(point) = chosen {
            let x = upload(point.to_vec(), [1, 2], &self.device);
            let way = Tensor::cat(model.way(x.clone()), 0); // (couplings + 1, 2)
            tensors.push(way.reshape([2 * (config.couplings as usize + 1)]));
            tensors.push(model.log_density(x).reshape([1]));
        }
        let mut read = run.read(tensors).await?.into_iter();
        let mut next = || read.next().ok_or_else(|| Error::internal("A view was not read back."));
        let (points, density, latent) = (next()?, next()?, next()?);
        // The way of the chosen point, latent first, and its log density.
        let way = if chosen.is_some() { Some((next()?, next()?)) } else { None };

        let (points, grid) = points.split_at(2 * SHOWN);
        let set = |role: &str, xy: &[f32]| PointSet { role: role.into(), xy: Floats(xy.to_vec()) };
        let mut plane = Vec::new();
        if config.density {
            plane.push(View::density(density, CELLS, BOUNDS));
        }
        if config.grid {
            let side = MESH as u32;
            plane.push(View::Mesh2d { columns: side, rows: side, xy: Floats(grid.to_vec()), bounds: BOUNDS });
        }
        let mut sets = vec![set("real", &self.real_shown), set("generated", points)];
        let mut latents = vec![set("real", &latent)];
        let mut figures = self.latest_figures(run);
        if let Some((way, log_density)) = way {
            sets.extend(chosen.map(|point| set("chosen", &point)));
            latents.push(set("chosen", &way[..2]));
            let log_density = log_density.first().copied().unwrap_or(f32::NAN);
            figures.push(Figure::new("chosen", "Log density at the chosen point (nats)", log_density, 2, None));
            plane.push(View::Paths2d { length: config.couplings + 1, xy: Floats(way), bounds: BOUNDS });
        }
        plane.push(View::Points2d { sets, bounds: BOUNDS, drag: Some("choose".into()) });
        plane.push(View::Sliders {
            action: "pass".into(),
            sliders: vec![Slider {
                id: "passed".into(),
                title: "Couplings passed".into(),
                value: config.passed() as f32,
                low: 0.0,
                high: config.couplings as f32,
                step: Some(1.0),
                weight: None,
                play: Some(config.couplings as f32),
            }],
        });
        let latent = View::Points2d { sets: latents, bounds: LATENT_BOUNDS, drag: None };
        Ok(vec![
            Panel::new("plane", "From noise to data", plane),
            Panel::figures(figures),
            run.losses("losses", "Negative log-likelihood (nats)", Self::LOSSES),
            run.measured("quality", "Unseen points"),
            Panel::new("latent", "Real points in the latent space", vec![latent]),
        ])
    }
}
