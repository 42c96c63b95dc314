//! Training loops, stepped from outside: they know no clock, no page and no storage.

mod coverage;
mod curves;
mod diagnostics;
mod diffusion;
mod flow;
mod frechet;
mod gan;
mod history;
mod language;
mod loss;
mod recall;
mod trainer;
mod vae;

pub use coverage::{EnergyDistance, cells, divergence, modes_covered};
pub use curves::{Curves, Losses, Reading, scalars};
pub use diagnostics::{CHUNK, CHUNKS, Evaluation, HELD_OUT_MEAN, REFERENCE_DISTANCES, Referee, Report, best};
pub use diffusion::{
    DDPM_STEPS, DiffusionOptions, LossByTime, NoiseBatch, NoiseSchedule, Objective, Predict, Process, TimeDistribution,
    diffusion_step,
};
pub use flow::{FLOW_LOSSES, flow_step};
pub use frechet::{Gaussian, Moments, distance};
pub use gan::{GAN_LOSSES, Gan, GanOptions, Players, StepInput};
pub use history::{ABSENT, History, MAX_ROWS, NOT_MEASURED};
pub use language::{LANGUAGE_LOSSES, TokenBatch, language_step, losses_of};
pub use loss::{GanLoss, cross_entropy, discriminator_loss, generator_loss};
pub use recall::recalled;
pub use trainer::Trainer;
pub use vae::{Likelihood, Prior, Restoration, Terms, VAE_LOSSES, VaeOptions, kl, vae_step};
