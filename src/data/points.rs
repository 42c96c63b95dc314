//! Distributions of points in the plane, inside about [-2.5, 2.5] on each axis.

use super::{Dataset, Position};
use crate::error::Result;
use crate::poll::Poll;
use crate::rng::{Purpose, Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f32::consts::{PI, TAU};

/// The distributions of the 2-D demos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
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

/// Points and their classes.
#[derive(Debug, Clone, Default)]
pub struct PointBatch {
    /// x and y alternating.
    pub xy: Vec<f32>,
    /// The mode or the moon of each point, below [`Points::classes`]; 0 where there is one class only.
    pub labels: Vec<u8>,
}

/// Centres of the `n` x `n` cells of a square of half width `extent`, row by row upwards, x and y alternating.
pub fn lattice(n: usize, extent: f32) -> Vec<f32> {
    let at = move |i: usize| ((i as f32 + 0.5) / n as f32 * 2.0 - 1.0) * extent;
    (0..n * n).flat_map(|k| [at(k % n), at(k / n)]).collect()
}

/// A data set that can be drawn from without end.
#[derive(Debug, Clone)]
pub struct Points {
    distribution: Distribution,
    drawn: Vec<[f32; 2]>,
    seed: u64,
    stream: Stream,
}

/// Points that are held out: those of a stream of their own.
pub const HELD_OUT: usize = 20_400;

impl Points {
    /// `drawn` is used by [`Distribution::Drawn`]; where it is empty the ring takes its place.
    pub fn new(distribution: Distribution, drawn: Vec<[f32; 2]>, seed: u64) -> Self {
        let empty = distribution == Distribution::Drawn && drawn.is_empty();
        let distribution = if empty { Distribution::Ring } else { distribution };
        Self { distribution, drawn, seed, stream: Stream::new(seed, Purpose::Data) }
    }

    /// The centres of the modes, for distributions that have any.
    pub fn modes(&self) -> Vec<[f32; 2]> {
        match self.distribution {
            Distribution::Ring => {
                (0..8).map(|k| k as f32 * TAU / 8.0).map(|a| [2.0 * a.cos(), 2.0 * a.sin()]).collect()
            }
            Distribution::Grid => (0..25).map(|k| [(k % 5) as f32 - 2.0, (k / 5) as f32 - 2.0]).collect(),
            _ => Vec::new(),
        }
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        match self.distribution {
            Distribution::Moons => 2,
            _ => self.modes().len().max(1),
        }
    }

    pub fn draw(&mut self, n: usize) -> PointBatch {
        let modes = self.modes();
        let mut batch = PointBatch::default();
        for _ in 0..n {
            let (point, label) = self.point(&modes);
            batch.xy.extend(point);
            batch.labels.push(label as u8);
        }
        batch
    }

    /// A point and its class.
    fn point(&mut self, modes: &[[f32; 2]]) -> ([f32; 2], usize) {
        let jitter = self.stream.normal(2);
        let u = self.stream.uniform(1, 1.0)[0];
        let (centre, label) = match self.distribution {
            Distribution::Ring | Distribution::Grid => {
                let mode = self.stream.below(modes.len());
                (modes[mode], mode)
            }
            Distribution::Moons => {
                let moon = self.stream.below(2);
                (self.on_curve(u, moon), moon)
            }
            Distribution::Spiral | Distribution::Line => (self.on_curve(u, 0), 0),
            Distribution::Drawn => (self.drawn[self.stream.below(self.drawn.len())], 0),
        };
        let sigma = self.sigma();
        ([centre[0] + sigma * jitter[0], centre[1] + sigma * jitter[1]], label)
    }

    /// The standard deviation around a mode, a curve or a drawn point.
    fn sigma(&self) -> f32 {
        match self.distribution {
            Distribution::Ring | Distribution::Grid => SIGMA,
            Distribution::Moons => 0.08,
            Distribution::Spiral | Distribution::Line => 0.05,
            Distribution::Drawn => 0.06,
        }
    }

    /// The place at `u`, uniform in [-1, 1], on one of the curves around which the points of some distributions lie.
    fn on_curve(&self, u: f32, curve: usize) -> [f32; 2] {
        match self.distribution {
            Distribution::Moons => {
                let a = PI * (u + 1.0) / 2.0;
                let upper = [1.4 * a.cos() - 0.7, 1.4 * a.sin() - 0.35];
                let lower = [0.7 - 1.4 * a.cos(), 0.35 - 1.4 * a.sin()];
                [upper, lower][curve]
            }
            Distribution::Spiral => {
                let t = ((u + 1.0) / 2.0).sqrt();
                let a = 1.5 * TAU * t;
                [2.2 * t * a.cos(), 2.2 * t * a.sin()]
            }
            _ => [2.0 * u, u],
        }
    }

    /// The logarithm of the exact density at each of these points, x and y alternating, in nats. Around a curve it is summed over places
    /// that are much closer together than the points scatter.
    pub fn log_density(&self, xy: &[f32]) -> Vec<f64> {
        const PLACES: usize = 600;
        let along =
            |curve: usize| (0..PLACES).map(move |i| self.on_curve((i as f32 + 0.5) / PLACES as f32 * 2.0 - 1.0, curve));
        let centres: Vec<[f32; 2]> = match self.distribution {
            Distribution::Ring | Distribution::Grid => self.modes(),
            Distribution::Moons => along(0).chain(along(1)).collect(),
            Distribution::Spiral | Distribution::Line => along(0).collect(),
            Distribution::Drawn => self.drawn.clone(),
        };
        let variance = f64::from(self.sigma()).powi(2);
        let scale = (centres.len() as f64 * std::f64::consts::TAU * variance).ln();
        let density = |point: &[f32]| {
            let square = |c: &[f32; 2]| f64::from((point[0] - c[0]).powi(2) + (point[1] - c[1]).powi(2));
            let squares: Vec<f64> = centres.iter().map(square).collect();
            let least = squares.iter().copied().min_by(f64::total_cmp).unwrap_or(f64::NAN);
            let sum: f64 = squares.iter().map(|s| libm::exp((least - s) / (2.0 * variance))).sum();
            sum.ln() - least / (2.0 * variance) - scale
        };
        xy.chunks_exact(2).map(density).collect()
    }
}

impl Dataset for Points {
    type Batch = PointBatch;

    fn batch(&mut self, n: usize) -> Result<Poll<PointBatch>> {
        Ok(Poll::Ready(self.draw(n)))
    }

    fn held_out(&mut self) -> Result<Poll<PointBatch>> {
        let stream = Stream::new(self.seed ^ 0x5eed, Purpose::Data);
        Ok(Poll::Ready(Self { stream, ..self.clone() }.draw(HELD_OUT)))
    }

    fn position(&self) -> Position {
        Position { refilled_at: self.stream.position() as u64, ..Position::default() }
    }

    fn seek(&mut self, position: Position) {
        self.stream.seek(u128::from(position.refilled_at));
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
