//! One canvas for the way from noise to data, with a slider for the time between; figures and curves beside it.

use super::demo::{ARROWS, Diffusion2d, MESH, SHOWN};
use super::density::CELLS;
use crate::data::points::EXTENT;
use crate::demos::denoising::{asked, loss_by_time, time_slider};
use crate::demos::training::{Run, Task};
use crate::demos::{Figure, Floats, Panel, PointSet, View};
use crate::error::{Error, Result};
use crate::generate::SamplerKind;

const BOUNDS: [f32; 4] = [-EXTENT, -EXTENT, EXTENT, EXTENT];
/// The time over which the arrows look ahead.
const AHEAD: f64 = 0.08;
/// Points whose whole paths are drawn.
const PATHS: usize = 32;

impl Diffusion2d {
    pub async fn panels(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        let config = run.config.clone();
        let network = self.shown_network(&config, run.step() > 0);
        let way = self.trajectory(&config, network.as_ref());
        let steps = way.data.len();
        // The step whose samples are shown, and the part of it that has passed.
        let at = (0..steps).rfind(|&k| way.times[k] >= config.time).unwrap_or(0);
        let part = ((way.times[at] - config.time) / (way.times[at + 1] - way.times[at]).abs()).clamp(0.0, 1.0) as f32;
        // Nothing moves at time 0: the arrows of the last step are left.
        let time = config.time.max(way.times[steps - 1]);
        let arrows =
            self.arrows(&config, network.as_ref(), time, (time - AHEAD).max(0.0)).reshape([2 * ARROWS * ARROWS]);
        let last = self.last.take();
        let (times, losses) = last.unzip();
        let expected = way.data[at].clone();
        let density = config.density.then(|| self.density(&config, network.as_ref(), config.time));
        let tensors = way.x.into_iter().chain([expected, arrows]).chain(density).chain(losses).collect();
        let mut values = run.read(tensors).await?.into_iter();
        let x: Vec<Vec<f32>> = values.by_ref().take(steps + 1).collect();
        let missing = || Error::internal("A view was not read back.");
        let (expected, arrows) = (values.next().ok_or_else(missing)?, values.next().ok_or_else(missing)?);
        let density = if config.density { values.next() } else { None };
        if let (Some(times), Some(losses)) = (times, values.next()) {
            self.loss_by_time.push(&times, &losses);
        }

        let now: Vec<f32> = x[at].iter().zip(&x[at + 1]).map(|(from, to)| from + (to - from) * part).collect();
        let (now, grid) = now.split_at(2 * SHOWN);
        let point = |k: usize, i: usize| [x[k][2 * i], x[k][2 * i + 1]];
        let paths = (0..PATHS).flat_map(|i| (0..=steps).flat_map(move |k| [k, i])).collect::<Vec<_>>();
        let paths = paths.chunks_exact(2).flat_map(|k| point(k[0], k[1])).collect();
        let set = |role: &str, xy: Vec<f32>| PointSet { role: role.into(), xy: Floats(xy) };
        let mut sets = vec![set("real", self.real_shown.clone())];
        if config.time > 0.0 {
            sets.push(set("predicted", expected[..2 * SHOWN].to_vec()));
        }
        sets.extend(self.shown(config.class, now));
        let mut plane: Vec<View> = density.map(|values| View::density(values, CELLS, BOUNDS)).into_iter().collect();
        // A sampler that adds noise at each step tears the grid apart.
        let smooth = match config.sampling.sampler {
            SamplerKind::Euler | SamplerKind::Heun => true,
            SamplerKind::Ddim => config.sampling.eta == 0.0,
            SamplerKind::Ddpm => false,
        };
        let side = MESH as u32;
        if smooth && config.grid {
            plane.push(View::Mesh2d { columns: side, rows: side, xy: Floats(grid.to_vec()), bounds: BOUNDS });
        }
        if config.arrows {
            let (columns, rows) = (ARROWS as u32, ARROWS as u32);
            plane.push(View::Arrows2d { columns, rows, xy: Floats(arrows), bounds: BOUNDS });
        }
        if config.paths {
            plane.push(View::Paths2d { length: steps as u32 + 1, xy: Floats(paths), bounds: BOUNDS });
        }
        plane.push(View::Points2d { sets, bounds: BOUNDS, drag: None });
        plane.push(time_slider(config.time));

        let mut figures = self.latest_figures(run);
        let straightness = (0..SHOWN).map(|i| straightness(&(0..=steps).map(|k| point(k, i)).collect::<Vec<_>>()));
        let straightness = straightness.sum::<f32>() / SHOWN as f32;
        figures.push(Figure::new("straightness", "Straightness of paths", straightness, 3, Some(1.0)));
        let mut panels = vec![
            Panel::new("plane", "From noise to data", plane),
            Panel::figures(figures),
            run.losses("losses", "Loss", Self::LOSSES),
            run.measured("quality", "Quality of 2,000 generated points"),
        ];
        panels.extend(loss_by_time(&self.loss_by_time));
        Ok(panels)
    }

    /// Points by their classes where the network is told them.
    fn shown(&self, class: u32, xy: &[f32]) -> Vec<PointSet> {
        if self.classes == 0 {
            return vec![PointSet { role: "generated".into(), xy: Floats(xy.to_vec()) }];
        }
        let labels = asked(class, self.classes, SHOWN);
        let of = |colour: usize| -> Vec<f32> {
            let rows = xy.chunks_exact(2).zip(&labels);
            rows.filter(|(_, l)| l.is_some_and(|l| usize::from(l) % 10 == colour))
                .flat_map(|(p, _)| p.to_vec())
                .collect()
        };
        let sets = (0..self.classes.min(10)).map(|c| PointSet { role: format!("class-{c}"), xy: Floats(of(c)) });
        sets.filter(|set| !set.xy.0.is_empty()).collect()
    }
}

/// The distance from end to end of a path over its length: 1 for a straight one.
fn straightness(path: &[[f32; 2]]) -> f32 {
    let distance = |a: [f32; 2], b: [f32; 2]| ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt();
    let length: f32 = path.windows(2).map(|p| distance(p[0], p[1])).sum();
    if length > 0.0 { distance(path[0], path[path.len() - 1]) / length } else { 1.0 }
}
