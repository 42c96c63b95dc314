//! What the picture GAN shows.

use super::demo::{PictureGan, SHOWN, SIDE};
use crate::demos::training::{Run, Task};
use crate::demos::views::{HistogramSeries, Panel, View};
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
            panels.push(Panel::figures(self.latest_figures(run)));
        }
        panels.push(run.losses("losses", "Losses", &["discriminator", "generator"]));
        if let [_, real, fake] = &read[..] {
            panels.push(Panel::new("outputs", "How real the discriminator finds them", vec![outputs(real, fake)]));
        }
        let norms = ["gradient_discriminator", "gradient_generator"];
        panels.push(run.losses("gradients", "Gradient norms", &norms));
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
            panels.push(run.measured("quality", "Quality of 1,024 generated digits"));
        }
        Ok(panels)
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
