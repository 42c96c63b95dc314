//! Distributions of points in the plane, inside about [-2.5, 2.5] on each axis.

use crate::rng::{Purpose, Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f32::consts::{PI, TAU};

/// The data sets of the 2-D demos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    Ring,
    Grid,
    Moons,
    Spiral,
    Line,
    Drawn,
}

/// Half the width of the square in which everything is shown and measured.
pub const EXTENT: f32 = 3.0;
/// Standard deviation of one mode of the ring and of the grid.
pub const SIGMA: f32 = 0.08;

/// A data set that can be drawn from without end.
#[derive(Debug, Clone)]
pub struct Points {
    shape: Shape,
    drawn: Vec<[f32; 2]>,
    stream: Stream,
}

impl Points {
    /// `drawn` is used by [`Shape::Drawn`]; where it is empty the ring stands in.
    pub fn new(shape: Shape, drawn: Vec<[f32; 2]>, seed: u64) -> Self {
        let shape = if shape == Shape::Drawn && drawn.is_empty() { Shape::Ring } else { shape };
        Self { shape, drawn, stream: Stream::new(seed, Purpose::Data) }
    }

    pub fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// The centres of the modes, for shapes that have any.
    pub fn modes(&self) -> Vec<[f32; 2]> {
        match self.shape {
            Shape::Ring => (0..8).map(|k| k as f32 * TAU / 8.0).map(|a| [2.0 * a.cos(), 2.0 * a.sin()]).collect(),
            Shape::Grid => (0..25).map(|k| [(k % 5) as f32 - 2.0, (k / 5) as f32 - 2.0]).collect(),
            _ => Vec::new(),
        }
    }

    /// `n` points, x and y alternating.
    pub fn draw(&mut self, n: usize) -> Vec<f32> {
        let modes = self.modes();
        (0..n).flat_map(|_| self.point(&modes)).collect()
    }

    fn point(&mut self, modes: &[[f32; 2]]) -> [f32; 2] {
        let jitter = self.stream.normal(2);
        let u = self.stream.uniform(1, 1.0)[0];
        let (centre, sigma) = match self.shape {
            Shape::Ring | Shape::Grid => (modes[self.stream.below(modes.len())], SIGMA),
            Shape::Moons => {
                let a = PI * (u + 1.0) / 2.0;
                let upper = [1.4 * a.cos() - 0.7, 1.4 * a.sin() - 0.35];
                let lower = [0.7 - 1.4 * a.cos(), 0.35 - 1.4 * a.sin()];
                (if self.stream.below(2) == 0 { upper } else { lower }, 0.08)
            }
            Shape::Spiral => {
                let t = ((u + 1.0) / 2.0).sqrt();
                let a = 1.5 * TAU * t;
                ([2.2 * t * a.cos(), 2.2 * t * a.sin()], 0.05)
            }
            Shape::Line => ([2.0 * u, u], 0.05),
            Shape::Drawn => (self.drawn[self.stream.below(self.drawn.len())], 0.06),
        };
        [centre[0] + sigma * jitter[0], centre[1] + sigma * jitter[1]]
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// The most points that a link holds.
pub const MAX_DRAWN: usize = 400;

/// Points as text for a link: four characters a point, twelve bits a coordinate.
pub fn encode(points: &[[f32; 2]]) -> String {
    let mut text = String::new();
    for value in points.iter().take(MAX_DRAWN).flatten() {
        let q = ((value / EXTENT + 1.0) * 2047.5).round().clamp(0.0, 4095.0) as usize;
        text.push(ALPHABET[q / 64] as char);
        text.push(ALPHABET[q % 64] as char);
    }
    text
}

/// The points of [`encode`]; what cannot be read is left out.
pub fn decode(text: &str) -> Vec<[f32; 2]> {
    let digits: Vec<usize> = text.bytes().filter_map(|b| ALPHABET.iter().position(|&a| a == b)).collect();
    let value = |d: &[usize]| ((d[0] * 64 + d[1]) as f32 / 2047.5 - 1.0) * EXTENT;
    digits.chunks_exact(4).take(MAX_DRAWN).map(|d| [value(&d[..2]), value(&d[2..])]).collect()
}
