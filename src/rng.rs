//! One seeded stream for each purpose, all on the CPU, so that the same link gives the same run on every device.
//!
//! ChaCha8 with the seed as its key and the purpose as its stream number: drawing more from one purpose never shifts another.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};

/// The purpose of a stream. The discriminant is the stream number, and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights.
    Weights = 0,
    /// The order in which data is seen.
    Order = 1,
    /// Latents and instance noise drawn while training.
    Noise = 2,
    /// Fixed latents of the pictures that are shown, and of figures.
    Sampling = 3,
    /// Synthetic data.
    Data = 4,
    /// Tokens drawn from a language model.
    Tokens = 5,
    /// The choice of held-out pictures.
    Split = 6,
    /// Noise and holes that a model is to remove.
    Damage = 7,
    /// The masks of dropout.
    Dropout = 8,
    /// Noise that a sampler of a diffusion model adds in its steps.
    Sampler = 9,
}

/// A position in the random numbers of one purpose.
#[derive(Debug, Clone)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(purpose as u64);
        Self(rng)
    }

    /// `n` numbers of the standard normal distribution.
    pub fn normal(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| StandardNormal.sample(&mut self.0)).collect()
    }

    /// `n` numbers between -`bound` and `bound`.
    pub fn uniform(&mut self, n: usize, bound: f32) -> Vec<f32> {
        (0..n).map(|_| self.0.random_range(-bound..=bound)).collect()
    }

    /// A number in [0, 1), from two words of the stream.
    pub fn unit(&mut self) -> f64 {
        self.0.random_range(0.0..1.0)
    }

    /// `n` Bernoulli trials with this probability, each from one word of the stream.
    pub fn bernoulli(&mut self, n: usize, probability: f64) -> Vec<bool> {
        let below = probability * 4_294_967_296.0;
        (0..n).map(|_| f64::from(self.0.random::<u32>()) < below).collect()
    }

    /// A whole number below `n`; `n` is at least 1.
    pub fn below(&mut self, n: usize) -> usize {
        // Through u32, so that 32-bit wasm and 64-bit native draw the same number.
        self.0.random_range(0..n as u32) as usize
    }

    /// The numbers `0..n` in random order (Fisher-Yates).
    pub fn permutation(&mut self, n: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..n as u32).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }

    /// The position of the stream, to be saved in a checkpoint.
    pub fn position(&self) -> u128 {
        self.0.get_word_pos()
    }

    /// Moves to a saved position.
    pub fn seek(&mut self, position: u128) {
        self.0.set_word_pos(position);
    }
}
