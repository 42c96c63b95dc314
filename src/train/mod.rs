//! Training loops, stepped from outside: they know no clock, no page and no storage.

mod coverage;
mod curves;
mod diagnostics;
mod frechet;
mod gan;
mod history;
mod loss;
mod vae;

pub use coverage::{cells, divergence, modes_covered};
pub use curves::{Curves, Reading};
pub use diagnostics::{CHUNK, CHUNKS, Evaluation, HELD_OUT_MEAN, Referee, Report, best};
pub use frechet::{Gaussian, Moments, distance};
pub use gan::{Gan, GanOptions, Players, SERIES, StepInput};
pub use history::{ABSENT, History, MOST, NOT_MEASURED};
pub use loss::{GanLoss, cross_entropy, discriminator_loss, generator_loss};
pub use vae::{Likelihood, Restoration, Terms, Trainer, VaeOptions, kl};
