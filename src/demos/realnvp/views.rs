//! Noise on its way to data through the couplings, the density, and where real points go in the latent space.

use super::demo::{CELLS, MESH, RealNvpDemo, SHOWN};
use crate::data::points::EXTENT;
use crate::demos::training::{Run, Task};
use crate::demos::{Floats, Panel, PointSet, Slider, View};
use crate::error::{Error, Result};
use crate::nn::upload;

const BOUNDS: [f32; 4] = [-EXTENT, -EXTENT, EXTENT, EXTENT];
/// Of the latent plane.
const LATENT_BOUNDS: [f32; 4] = [-4.0, -4.0, 4.0, 4.0];

impl RealNvpDemo {
    pub async fn panels(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        let (config, model) = (run.config.clone(), self.trainer.sampler());
        let points = self.draw(self.start.clone(), config.passed());
        let density = model.log_density(self.cells.clone()).reshape([CELLS * CELLS]).exp();
        let (latent, _) = model.forward(upload(self.real_shown.clone(), [SHOWN, 2], &self.device));
        let tensors = vec![points, density, latent.reshape([2 * SHOWN])];
        let [points, density, latent] = <[Vec<f32>; 3]>::try_from(run.read(tensors).await?)
            .map_err(|_| Error::internal("A view was not read back."))?;
        let (points, grid) = points.split_at(2 * SHOWN);
        let set = |role: &str, xy: &[f32]| PointSet { role: role.into(), xy: Floats(xy.to_vec()) };
        let mut plane = Vec::new();
        if config.density {
            let most = density.iter().copied().filter(|v| v.is_finite()).max_by(f32::total_cmp).unwrap_or(1.0);
            // A field without a middle: none of it takes the colour of low values.
            let (columns, rows, high) = (CELLS as u32, CELLS as u32, most.max(f32::MIN_POSITIVE));
            plane.push(View::Field2d { columns, rows, values: Floats(density), low: -high, high, bounds: BOUNDS });
        }
        if config.grid {
            let side = MESH as u32;
            plane.push(View::Mesh2d { columns: side, rows: side, xy: Floats(grid.to_vec()), bounds: BOUNDS });
        }
        let sets = vec![set("real", &self.real_shown), set("generated", points)];
        plane.push(View::Points2d { sets, bounds: BOUNDS, drag: None });
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
        let latent = View::Points2d { sets: vec![set("real", &latent)], bounds: LATENT_BOUNDS, drag: None };
        Ok(vec![
            Panel::new("plane", "From noise to data", plane),
            Panel::figures(self.latest_figures(run)),
            run.losses("losses", "Negative log-likelihood (nats)", Self::LOSSES),
            run.measured("quality", "Unseen points"),
            Panel::new("latent", "Real points in the latent space", vec![latent]),
        ])
    }
}
