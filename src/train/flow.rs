//! Normalizing flows are trained by maximum likelihood (Rezende and Mohamed 2015, arXiv 1505.05770): the density of the data is known exactly,
//! so its logarithm is the objective.

use super::curves::Losses;
use super::trainer::Trainer;
use crate::models::realnvp::RealNvp;
use crate::nn::AdamWOptions;
use burn::tensor::Tensor;

/// Losses of a step.
pub const FLOW_LOSSES: &[&str] = &["nll"];

/// One update on data `[B, n]` without autodiff: the mean negative log-likelihood, in nats. Nothing is read back.
pub fn flow_step(trainer: &mut Trainer<RealNvp>, options: AdamWOptions, data: Tensor<2>) -> Losses {
    trainer.prepare(1, options);
    let loss = -trainer.model.log_density(data.autodiff()).mean();
    trainer.update(&loss, options, false);
    vec![("nll", loss.inner().into())]
}

/// The entropy of a distribution in the plane, in nats, from points of it, x and y alternating (Kozachenko and Leonenko 1987, with the
/// third neighbour; Kraskov et al. 2004, arXiv cond-mat/0305641): what no negative log-likelihood can fall below.
pub fn entropy(xy: &[f32]) -> f64 {
    const NEIGHBOUR: usize = 3;
    let n = xy.len() / 2;
    if n <= NEIGHBOUR {
        return f64::NAN;
    }
    let distance = |i: usize| {
        let mut squares: Vec<f32> =
            xy.chunks_exact(2).map(|p| (p[0] - xy[2 * i]).powi(2) + (p[1] - xy[2 * i + 1]).powi(2)).collect();
        // The nearest one is the point itself.
        let (_, third, _) = squares.select_nth_unstable_by(NEIGHBOUR, f32::total_cmp);
        f64::from(*third).max(f64::MIN_POSITIVE).ln() / 2.0
    };
    let logs: f64 = (0..n).map(distance).sum();
    digamma(n) - digamma(NEIGHBOUR) + std::f64::consts::PI.ln() + 2.0 * logs / n as f64
}

/// The digamma function of a whole number from 1 on.
fn digamma(n: usize) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    (1..n).map(|k| 1.0 / k as f64).sum::<f64>() - EULER
}
