//! What the GAN on points shows.

use super::demo::{FIELD, Gan2d, MESH, SHOWN};
use crate::data::points::EXTENT;
use crate::demos::training::{Run, Task};
use crate::demos::views::{Floats, Panel, PointSet, View};
use crate::error::{Error, Result};
use crate::train::GanLoss;
use burn::tensor::activation::sigmoid;

const BOUNDS: [f32; 4] = [-EXTENT, -EXTENT, EXTENT, EXTENT];

impl Gan2d {
    /// Everything that is drawn, with one readback.
    pub async fn panels(&self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
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
        Ok(vec![
            Panel::new("plane", "Real and generated points", plane),
            Panel::figures(self.latest_figures(run)),
            run.losses("losses", "Losses", &["discriminator", "generator"]),
            run.measured("quality", "Quality of 2,000 generated points"),
        ])
    }
}
