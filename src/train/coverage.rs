//! How well drawn points cover real ones.

use crate::data::points::{EXTENT, SIGMA};

/// Cells on a side of the grid on which distributions are compared.
const CELLS: usize = 24;

/// Shares of points in the cells of a grid; what lies outside counts to the nearest cell.
pub fn cells(xy: &[f32]) -> Vec<f32> {
    let mut counts = vec![0.0; CELLS * CELLS];
    let cell = |v: f32| (((v / EXTENT + 1.0) / 2.0 * CELLS as f32) as usize).min(CELLS - 1);
    for p in xy.chunks_exact(2) {
        counts[cell(p[1]) * CELLS + cell(p[0])] += 2.0 / xy.len() as f32;
    }
    counts
}

/// Jensen-Shannon divergence in nats: 0 for equal distributions, ln 2 = 0.693 for disjoint ones.
pub fn divergence(p: &[f32], q: &[f32]) -> f32 {
    let half = |a: f32, m: f32| if a > 0.0 { 0.5 * a * (a / m).ln() } else { 0.0 };
    p.iter().zip(q).map(|(&p, &q)| half(p, 0.5 * (p + q)) + half(q, 0.5 * (p + q))).sum()
}

/// Modes that hold at least a quarter of their fair share of the points within four standard deviations.
pub fn modes_covered(xy: &[f32], modes: &[[f32; 2]]) -> f32 {
    let fair = xy.len() as f32 / 2.0 / modes.len().max(1) as f32;
    let near =
        |m: &[f32; 2]| xy.chunks_exact(2).filter(|p| (p[0] - m[0]).hypot(p[1] - m[1]) < 4.0 * SIGMA).count() as f32;
    modes.iter().filter(|m| near(m) >= 0.25 * fair).count() as f32
}

/// The mean distance of two points, one of each set; of a set from itself a point counts with itself, too.
fn mean_distance(a: &[f32], b: &[f32]) -> f64 {
    let sum: f64 = a
        .chunks_exact(2)
        .map(|p| b.chunks_exact(2).map(|q| ((p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2)).sqrt()).sum::<f32>())
        .map(f64::from)
        .sum();
    sum / (a.len() / 2 * (b.len() / 2)).max(1) as f64
}

/// Measures energy distances (Szekely and Rizzo 2013) from some points, x and y alternating.
pub struct EnergyDistance {
    points: Vec<f32>,
    /// The mean distance of two of them.
    spread: f64,
}

impl EnergyDistance {
    pub fn new(points: Vec<f32>) -> Self {
        Self { spread: mean_distance(&points, &points), points }
    }

    /// The distance of other points: 0 where they are the same. Of two draws of one distribution it is a little above, the less the
    /// more points there are.
    pub fn of(&self, other: &[f32]) -> f32 {
        (2.0 * mean_distance(&self.points, other) - self.spread - mean_distance(other, other)) as f32
    }
}
