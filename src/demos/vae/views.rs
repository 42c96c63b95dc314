//! What the variational autoencoder shows: what has changed since the last time, its curves and figures.

use super::cache::{ALIVE, MapKey, ModelKey};
use super::demo::VaeDemo;
use super::measure::TESTED;
use crate::demos::training::{Run, Task};
use crate::demos::views::{Figure, HistogramSeries, Panel, View};
use crate::device::{flat, read};
use crate::error::Result;
use crate::train::kl;

/// Held-out pictures that are shown as points.
const POINTS: usize = 400;

impl VaeDemo {
    /// Everything that is drawn, or what has changed of it.
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
        let mut panels = vec![self.plane(run, mapped).await?, self.chosen().await?, self.drawn().await?];
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
        figures.extend(self.latest_figures(run));
        let tested = self.held_out.as_ref().map_or(0, |h| (h.pixels.len() / self.shape.len()).min(TESTED));
        let counts = self.cache.kl.clone();
        let categories = (1..=counts.len()).map(|dim| dim.to_string()).collect();
        let series = vec![HistogramSeries { label: "kl".into(), counts }];
        let high = self.cache.kl.len() as f32;
        Ok(vec![
            Panel::figures(figures),
            Panel::new(
                "dimensions",
                "Information in each dimension (KL, nats)",
                vec![View::Histogram { series, low: 0.0, high, categories }],
            ),
            run.losses("losses", "Loss at each step: reconstruction and KL", Self::LOSSES),
            run.measured("test", &format!("Test on unseen pictures, the first {tested}")),
        ])
    }
}
