//! Pictures that hang on the model and not on the chosen latent: reconstructions, repairs, from A to B, samples.

use super::config::Config;
use super::demo::VaeDemo;
use super::inpaint::MENDED;
use crate::demos::settings::Damage;
use crate::demos::views::{Figure, Mark, Panel, View};
use crate::device::{flat, read, read_one};
use crate::error::Result;
use crate::rng::Purpose;
use burn::tensor::Tensor;

/// Pictures on a side of the grid of samples.
const GRID: usize = 6;
/// Pictures from A to B.
const BETWEEN: usize = 9;

/// Tensors that are read together, and what each was for.
#[derive(Default)]
struct Reading(Vec<Tensor<1>>);

impl Reading {
    fn add(&mut self, tensor: Tensor<1>) -> usize {
        self.0.push(tensor);
        self.0.len() - 1
    }
}

impl VaeDemo {
    /// Everything that hangs on the model and the chosen pictures.
    pub async fn pictures(&self, config: &Config) -> Result<Vec<Panel>> {
        let (n, latent) = (self.shape.len(), self.z.len());
        let examples = self.examples(config);
        let count = examples.len() / n;
        let mut reading = Reading::default();
        let (means, _) = self.encode(self.upload(examples));
        let again = reading.add(self.decode(means.clone()));
        let means = read_one(flat(means)).await?;
        let z = |index: u32| &means[index.min(count as u32 - 1) as usize * latent..][..latent];
        let [a, b, c] = [config.a, config.b, config.c].map(z);
        let mix = |at: usize| {
            let t = at as f32 / (BETWEEN - 1) as f32;
            a.iter().zip(b).map(move |(a, b)| a + (b - a) * t)
        };
        let between = reading.add(self.decode(self.latents((0..BETWEEN).flat_map(mix).collect())));
        let sum = a.iter().zip(b).zip(c).map(|((a, b), c)| a - b + c);
        let terms = a.iter().chain(b).chain(c).copied().chain(sum).collect();
        let arithmetic = reading.add(self.decode(self.latents(terms)));
        let noise = config.run.stream(Purpose::Sampling).normal(GRID * GRID * latent);
        let samples = reading.add(self.decode(self.latents(noise)));
        let damaged = (config.damage != Damage::None).then(|| self.damaged(config));
        let mended = damaged.as_ref().map(|d| {
            let encoded = reading.add(self.decode(self.encode(self.upload(&d.pixels)).0));
            let found = self.mended.as_ref().map(|found| reading.add(self.decode(self.latents(found.clone()))));
            (encoded, found)
        });
        let values = read(reading.0).await?;

        let mut panels = Vec::new();
        let mut inputs = examples.to_vec();
        inputs.extend(&values[again]);
        let mark = |(index, text): (u32, &str)| Mark { index, text: text.into() };
        let last = (count as u32).saturating_sub(1);
        let chosen = [(config.a, "A"), (config.b, "B"), (config.c, "C")].map(|(i, text)| (i.min(last), text));
        panels.push(Panel::new(
            "reconstructions",
            "Unseen pictures (top) and their reconstructions. Click to choose A, then B, then C",
            vec![self.grid(&inputs, count, &["input", "reconstruction"], Some("pick"), chosen.map(mark).into())],
        ));
        if let (Some(damaged), Some((encoded, found))) = (damaged, mended) {
            let original = &examples[..damaged.pixels.len()];
            let error = |id: &str, title: &str, pixels: &[f32]| {
                Figure::new(id, title, damaged.error(original, pixels), 4, None)
            };
            let mut figures = vec![error("error_encoded", "Error (encoding)", &values[encoded])];
            let mut rows = vec!["original", "damaged", "encoded"];
            let mut pixels = [original, &damaged.shown(), &values[encoded]].concat();
            if let Some(found) = found {
                rows.push("searched");
                pixels.extend(&values[found]);
                figures.push(error("error_searched", "Error (search)", &values[found]));
            }
            let grid = self.grid(&pixels, count.min(MENDED), &rows, None, Vec::new());
            panels.push(Panel::new("repair", "Damaged and repaired", vec![grid, View::Figures { figures }]));
        }
        panels.push(Panel::new(
            "interpolation",
            "From A to B",
            vec![View::pictures(&values[between], self.shape, BETWEEN, false)],
        ));
        panels.push(Panel::new(
            "arithmetic",
            "A, B, C, and A − B + C",
            vec![View::pictures(&values[arithmetic], self.shape, 4, false)],
        ));
        panels.push(Panel::new(
            "samples",
            "Random samples (same random numbers each time)",
            vec![View::pictures(&values[samples], self.shape, GRID, true)],
        ));
        Ok(panels)
    }

    fn grid(&self, pixels: &[f32], columns: usize, rows: &[&str], action: Option<&str>, chosen: Vec<Mark>) -> View {
        let mut view = View::pictures(pixels, self.shape, columns, false);
        if let View::Images { rows: labels, pick, marks, .. } = &mut view {
            *labels = rows.iter().map(|r| (*r).into()).collect();
            *pick = action.map(Into::into);
            *marks = chosen;
        }
        view
    }
}
