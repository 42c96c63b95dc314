//! Pictures are damaged, and the model mends them: by passing them through, and by searching for the latent whose picture
//! agrees with what can still be seen.

use super::config::{Config, Damage};
use super::{VaeDemo, Values};
use crate::data::Shape;
use crate::device::read;
use crate::error::{Error, Result};
use crate::nn::upload;
use crate::rng::{Purpose, Stream};
use crate::train::Restoration;
use burn::tensor::Tensor;

/// Pictures that are mended at once on the page.
pub const MENDED: usize = 8;
/// Steps of a search.
const STEPS: usize = 60;

/// Latents that a search found, `[n, latent]`.
pub struct Mended(pub Vec<f32>);

/// Damaged pictures, in [-1, 1], and what is known of them.
pub struct Damaged {
    /// Whole pictures: shrunk ones enlarged again.
    pub pixels: Vec<f32>,
    /// What is seen, one number for `factor` x `factor` pixels.
    seen: Vec<f32>,
    /// 0 for what is not seen, else 1; as long as `seen`.
    weights: Vec<f32>,
    factor: usize,
    sigma: f64,
    /// 1 for the pixels at which a mended picture is judged: the hole's, or all. For one picture.
    judged: Vec<bool>,
}

impl Damaged {
    /// Damages pictures `[n, C H W]` in [-1, 1].
    pub fn new(config: &Config, shape: Shape, pixels: &[f32]) -> Self {
        let (n, h, w) = (shape.len(), shape.height, shape.width);
        let mut out = Self::whole(pixels, n);
        match config.damage {
            Damage::None => {}
            Damage::Noise => {
                let noise = Stream::new(u64::from(config.run.seed), Purpose::Damage).normal(pixels.len());
                let amount = config.amount as f32;
                // Twice, since pixels go from -1 to 1.
                let noisy = |(p, e): (&f32, f32)| (p + 2.0 * amount * e).clamp(-1.0, 1.0);
                out.pixels = pixels.iter().zip(noise).map(noisy).collect();
                out.sigma = config.amount.max(0.1);
            }
            Damage::Hole => {
                let side = |length: usize| ((length as f64 * config.amount).round() as usize).clamp(1, length);
                let inside = |at: usize, length: usize| {
                    let first = (length - side(length)) / 2;
                    (first..first + side(length)).contains(&at)
                };
                out.hide((0..n).map(|i| inside(i / w % h, h) && inside(i % w, w)).collect());
            }
            Damage::Shrink => {
                out.factor = if config.amount < 0.5 { 2 } else { 4 };
                let f = out.factor;
                // Each row of blocks: the means of f x f pixels.
                let mean = |at: usize| {
                    let (plane, y, x) = (at / (h / f * (w / f)), at / (w / f) % (h / f), at % (w / f));
                    let pixel = |dy: usize, dx: usize| pixels[plane * h * w + (y * f + dy) * w + x * f + dx];
                    (0..f * f).map(|i| pixel(i / f, i % f)).sum::<f32>() / (f * f) as f32
                };
                out.seen = (0..pixels.len() / (f * f)).map(mean).collect();
                let large =
                    |i: usize| out.seen[i / (h * w) * (h / f) * (w / f) + (i / w % h / f) * (w / f) + i % w / f];
                out.pixels = (0..pixels.len()).map(large).collect();
                out.weights = vec![1.0; out.seen.len()];
            }
        }
        if out.factor == 1 {
            out.seen = out.pixels.clone();
        }
        out
    }

    /// A picture of which some pixels are not known.
    pub fn erased(pixels: &[f32], hidden: Vec<bool>) -> Self {
        let mut out = Self::whole(pixels, pixels.len());
        out.hide(hidden);
        out.seen = out.pixels.clone();
        out
    }

    /// Nothing is damaged yet; `n` numbers are one picture.
    fn whole(pixels: &[f32], n: usize) -> Self {
        let (pixels, weights) = (pixels.to_vec(), vec![1.0; pixels.len()]);
        Self { pixels, seen: Vec::new(), weights, factor: 1, sigma: 0.1, judged: vec![true; n] }
    }

    /// Nothing is known where `hidden` holds: black, and there it is judged.
    fn hide(&mut self, hidden: Vec<bool>) {
        for (i, (pixel, weight)) in self.pixels.iter_mut().zip(&mut self.weights).enumerate() {
            if hidden[i % hidden.len()] {
                (*pixel, *weight) = (-1.0, 0.0);
            }
        }
        self.judged = hidden;
    }

    /// As they are shown: what is not seen is grey.
    pub fn shown(&self) -> Vec<f32> {
        let hidden = |i: usize| self.factor == 1 && self.weights[i] == 0.0;
        self.pixels.iter().enumerate().map(|(i, p)| if hidden(i) { 0.0 } else { *p }).collect()
    }

    /// Mean squared difference from the original at the pixels that count, in [0, 1].
    pub fn error(&self, original: &[f32], mended: &[f32]) -> f32 {
        let counts = |i: usize| self.judged[i % self.judged.len()];
        let squares = original.iter().zip(mended).enumerate().filter(|(i, _)| counts(*i));
        let (sum, count) =
            squares.fold((0.0, 0usize), |(sum, count), (_, (a, b))| (sum + f64::from(a - b).powi(2), count + 1));
        // Differences of values in [-1, 1] are twice those in [0, 1].
        (sum / 4.0 / count.max(1) as f64) as f32
    }
}

impl VaeDemo {
    pub fn damaged(&self, config: &Config) -> Damaged {
        let examples = self.examples(config);
        Damaged::new(config, self.shape, &examples[..examples.len().min(MENDED * self.shape.len())])
    }

    /// Latents found by a search that begins at what the encoder says.
    pub fn search(&self, damaged: &Damaged) -> Tensor<2> {
        let (start, _) = self.encode(self.upload(&damaged.pixels));
        let search = Restoration {
            shape: [self.shape.channels, self.shape.height, self.shape.width],
            factor: damaged.factor,
            sigma: damaged.sigma,
        };
        let n = damaged.pixels.len() / self.shape.len();
        let width = damaged.seen.len() / n;
        let seen = damaged.seen.iter().map(|v| (v + 1.0) / 2.0).collect();
        let seen = upload(seen, [n, width], &self.device);
        let weights = upload(damaged.weights.clone(), [n, width], &self.device);
        search.run(&self.trainer.model, seen, weights, start, STEPS)
    }

    /// Searches for the pictures that are shown damaged.
    pub async fn restore(&mut self, config: &Config) -> Result<Values> {
        if self.examples(config).is_empty() || self.weights.is_some() || config.damage == Damage::None {
            return Err(Error::bad_command("There is nothing to repair: choose a kind of damage first."));
        }
        let found = super::flat(self.search(&self.damaged(config)));
        self.mended = read(vec![found]).await?.pop().map(Mended);
        Ok(Values::new())
    }
}
