//! The plane of the latents, the chosen latent and the pad: what is drawn anew while a pointer moves.

use super::cache::ALIVE;
use super::config::LIMIT;
use super::demo::VaeDemo;
use crate::compare::max_abs;
use crate::demos::training::Run;
use crate::demos::views::{Floats, Panel, PointSet, Slider, View};
use crate::device::read_one;
use crate::error::Result;

/// Pictures on a side of the map of the plane.
const MAP: usize = 15;
/// With so many numbers most drawn digits come back as themselves.
const FAITHFUL: usize = 16;

impl VaeDemo {
    pub async fn plane(&self, run: &Run<Self>, mapped: bool) -> Result<Panel> {
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
            let values = read_one(self.decode(self.latents(latents))).await?;
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

    pub async fn chosen(&self) -> Result<Panel> {
        let picture = read_one(self.decode(self.latents(self.z.clone()))).await?;
        let most = max_abs(&self.cache.kl).max(ALIVE);
        let slider = |(i, value): (usize, &f32)| Slider {
            id: "latent".into(),
            title: format!("z{}", i + 1),
            value: *value,
            low: -LIMIT / 2.0,
            high: LIMIT / 2.0,
            step: None,
            weight: self.cache.kl.get(i).map(|kl| (kl / most).clamp(0.0, 1.0)),
            play: None,
        };
        let sliders = self.z.iter().map(|v| v.clamp(-LIMIT / 2.0, LIMIT / 2.0)).collect::<Vec<_>>();
        let views = vec![
            View::pictures(&picture, self.shape, 1, false),
            View::Sliders { action: "slide".into(), sliders: sliders.iter().enumerate().map(slider).collect() },
        ];
        Ok(Panel::new("chosen", "The chosen latent, decoded", views))
    }

    pub async fn drawn(&self) -> Result<Panel> {
        let mut views = vec![self.pad.view(self.shape)];
        if !self.pad.latent.is_empty() {
            let values = read_one(self.decode(self.latents(self.pad.latent.clone()))).await?;
            views.push(View::pictures(&values, self.shape, 1, false));
            if self.z.len() < FAITHFUL {
                let numbers = self.z.len().to_string();
                let text = format!(
                    "A latent of size {numbers} is small: a drawing may come back as another digit. At size {FAITHFUL} most are right."
                );
                let args = vec![("numbers".into(), numbers), ("enough".into(), FAITHFUL.to_string())];
                views.push(View::Note { code: "small-latent".into(), text, args });
            }
        }
        Ok(Panel::new("pad", "Draw or erase, and see the reconstruction", views))
    }
}
