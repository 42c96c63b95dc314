//! Damaged pictures: noisy, with a hole, shrunk, or erased in part.

use super::settings::Damage;
use crate::data::Shape;
use crate::rng::Stream;

/// Damaged pictures, in [-1, 1], and what is known of them.
pub struct Damaged {
    /// Whole pictures: shrunk ones enlarged again.
    pub pixels: Vec<f32>,
    /// What is seen, one number for `factor` x `factor` pixels.
    pub seen: Vec<f32>,
    /// 0 for what is not seen, else 1; as long as `seen`.
    pub weights: Vec<f32>,
    pub factor: usize,
    pub sigma: f64,
    /// 1 for the pixels at which a mended picture is judged: the hole's, or all. For one picture.
    judged: Vec<bool>,
}

impl Damaged {
    /// Damages pictures `[n, C H W]` in [-1, 1] by an amount in (0, 1); the stream is that of the noise.
    pub fn new(damage: Damage, amount: f64, noise: &mut Stream, shape: Shape, pixels: &[f32]) -> Self {
        let (n, h, w) = (shape.len(), shape.height, shape.width);
        let mut out = Self::whole(pixels, n);
        match damage {
            Damage::None => {}
            Damage::Noise => {
                let (noise, strength) = (noise.normal(pixels.len()), amount as f32);
                // Twice, since pixels go from -1 to 1.
                let noisy = |(p, e): (&f32, f32)| (p + 2.0 * strength * e).clamp(-1.0, 1.0);
                out.pixels = pixels.iter().zip(noise).map(noisy).collect();
                out.sigma = amount.max(0.1);
            }
            Damage::Hole => {
                let side = |length: usize| ((length as f64 * amount).round() as usize).clamp(1, length);
                let inside = |at: usize, length: usize| {
                    let first = (length - side(length)) / 2;
                    (first..first + side(length)).contains(&at)
                };
                out.hide((0..n).map(|i| inside(i / w % h, h) && inside(i % w, w)).collect());
            }
            Damage::Shrink => {
                out.factor = if amount < 0.5 { 2 } else { 4 };
                let f = out.factor;
                // The standard deviation of a mean of f x f pixels.
                out.sigma /= f as f64;
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
