//! What the picture GAN shows.

use super::{PictureGan, SHOWN, SIDE};
use crate::demos::training::{Run, Task};
use crate::demos::views::{Figure, HistogramSeries, Panel, View};
use crate::error::{Error, Result};
use crate::models::{Discriminator, Generator};
use crate::nn::upload;

/// Bins of the histogram of the discriminator's output.
const BINS: usize = 20;

impl<G: Generator, D: Discriminator> PictureGan<G, D> {
    /// Everything that is drawn, with one readback.
    pub async fn panels(&self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        let samples = self.gan.sample(self.z_shown.clone(), self.asked(run, SHOWN, false));
        let size = self.shape.len();
        let mut tensors = vec![samples.clone().reshape([SHOWN * size])];
        let n = (self.real.pixels.len() / size).min(SHOWN);
        if n > 0 {
            let real = upload(self.real.pixels[..n * size].to_vec(), [n, size], &self.device);
            let classes = self.tell(run, self.real.labels.get(..n).unwrap_or_default());
            tensors.push(self.gan.judge(real, classes).reshape([n]));
            tensors.push(self.gan.judge(samples, self.asked(run, SHOWN, false)).reshape([SHOWN]));
        }
        let read = run.read(tensors).await?;
        let drawn = read.first().ok_or_else(|| Error::internal("The samples were not read back."))?;
        let mut panels = vec![
            Panel::new(
                "samples",
                "64 generated pictures, always from the same random numbers",
                vec![View::pictures(drawn, self.shape, SIDE, true)],
            ),
            Panel::new(
                "real",
                "Real pictures",
                vec![View::pictures(&self.real.pixels[..n.min(16) * size], self.shape, SIDE, false)],
            ),
        ];
        if self.evaluates(run) {
            let mut figures = self.quality_figures(&|name| run.measures.last(name));
            figures.extend(run.measured_at());
            panels.push(Panel::new("figures", "Metrics", vec![View::Figures { figures }]));
        }
        panels.push(Panel::new("losses", "Losses", vec![run.losses(&["discriminator", "generator"])]));
        if let [_, real, fake] = &read[..] {
            panels.push(Panel::new("outputs", "How real the discriminator finds them", vec![outputs(real, fake)]));
        }
        let norms = run.losses(&["gradient_discriminator", "gradient_generator"]);
        panels.push(Panel::new("gradients", "Gradient norms", vec![norms]));
        if !self.classes.is_empty() {
            let series = vec![HistogramSeries { label: "drawn".into(), counts: self.classes.clone() }];
            let categories = (0..10).map(|d| d.to_string()).collect();
            panels.push(Panel::new(
                "classes",
                "Which digits are generated",
                vec![View::Histogram { series, low: 0.0, high: 9.0, categories }],
            ));
        }
        if self.evaluates(run) {
            let title = "Quality of 1,024 generated digits";
            panels.push(Panel::new("quality", title, vec![run.measured(Self::MEASURES)]));
        }
        Ok(panels)
    }

    /// What an evaluation measured, and how many of the ten digits were drawn.
    pub fn quality_figures(&self, measures: &dyn Fn(&str) -> Option<f32>) -> Vec<Figure> {
        let figure = |id: &str, title: &str, of| measures(id).map(|value| Figure::of_curve(id, title, value, of));
        let present = self.classes.iter().filter(|c| **c > 0.0).count() as f32;
        let figures = [
            figure("distance", "Fréchet classifier distance", None),
            (!self.classes.is_empty())
                .then(|| Figure::new("classes", "Different digits generated", present, 0, Some(10.0))),
            figure("entropy", "Entropy of the digits (nats)", Some(10f32.ln())),
            figure("diversity", "Diversity relative to real digits", Some(1.0)),
        ];
        figures.into_iter().flatten().collect()
    }
}

/// Histogram of D(x) and D(G(z)) from logits, as probabilities of being real.
fn outputs(real: &[f32], fake: &[f32]) -> View {
    let series = |label: &str, logits: &[f32]| {
        let mut counts = vec![0.0; BINS];
        for logit in logits {
            let p = 1.0 / (1.0 + (-logit).exp());
            counts[((p * BINS as f32) as usize).min(BINS - 1)] += 1.0 / logits.len() as f32;
        }
        HistogramSeries { label: label.into(), counts }
    };
    let series = vec![series("real", real), series("generated", fake)];
    View::Histogram { series, low: 0.0, high: 1.0, categories: Vec::new() }
}
