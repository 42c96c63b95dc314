//! Schedules of the learning rate.

use std::f64::consts::PI;

/// How the rate falls after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decay {
    Constant,
    Linear,
    /// Half a period of a cosine (Loshchilov and Hutter 2016, arXiv 1608.03983).
    Cosine,
}

/// A linear warm-up, then a decay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    pub decay: Decay,
    /// Steps of the warm-up, which ends at the full rate.
    pub warmup: u32,
    /// Steps in all; after them the rate stays at `floor`.
    pub steps: u32,
    /// The fraction of the full rate at which the decay ends.
    pub floor: f64,
}

impl Schedule {
    /// The factor of the learning rate for the step after `done` steps.
    pub fn factor(&self, done: u32) -> f64 {
        if done < self.warmup {
            return f64::from(done + 1) / f64::from(self.warmup + 1);
        }
        let over = f64::from(self.steps.saturating_sub(self.warmup)).max(1.0);
        let part = (f64::from(done - self.warmup) / over).min(1.0);
        let left = match self.decay {
            Decay::Constant => 1.0,
            Decay::Linear => 1.0 - part,
            Decay::Cosine => 0.5 * (1.0 + libm::cos(PI * part)),
        };
        self.floor + (1.0 - self.floor) * left
    }
}
