//! What models that count reach: the marks that a language model has to beat.

use std::collections::HashMap;

/// Nats a token on a held-out text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Baselines {
    /// All characters equally likely.
    pub uniform: f32,
    /// By how often each occurs.
    pub unigram: f32,
    /// By how often each follows the one before.
    pub bigram: f32,
}

/// How many observations the unigram's opinion is worth in the bigram, and one of each character in the unigram.
const PRIOR: f64 = 1.0;

impl Baselines {
    /// Counts the training text, and measures on the held-out one. Both smooth what they count (Laplace; for the bigram Dirichlet, with
    /// the unigram as its prior).
    pub fn new(vocabulary: usize, train: &[u32], held_out: &[u32]) -> Self {
        let mut single = vec![PRIOR; vocabulary];
        let (mut before, mut pairs) = (vec![0.0; vocabulary], HashMap::new());
        for pair in train.windows(2) {
            let (a, b) = (pair[0] as usize, pair[1] as usize);
            single[b] += 1.0;
            before[a] += 1.0;
            *pairs.entry((a, b)).or_insert(0.0) += 1.0;
        }
        let all: f64 = single.iter().sum();
        let (mut unigram, mut bigram, mut n) = (0.0, 0.0, 0.0);
        for pair in held_out.windows(2) {
            let (a, b) = (pair[0] as usize, pair[1] as usize);
            let p = single[b] / all;
            unigram -= p.ln();
            let seen: f64 = pairs.get(&(a, b)).copied().unwrap_or(0.0);
            bigram -= ((seen + PRIOR * p) / (before[a] + PRIOR)).ln();
            n += 1.0;
        }
        let uniform = (vocabulary as f64).ln();
        Self { uniform: uniform as f32, unigram: (unigram / n) as f32, bigram: (bigram / n) as f32 }
    }
}
