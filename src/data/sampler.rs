//! The order in which a set is seen: a seeded permutation for each epoch, rebuilt from a position of a few numbers.

use super::Position;
use crate::rng::{Purpose, Stream};

/// The indices of the next epoch, last first: told how many there were before it, and the stream to shuffle with.
pub type Epoch<'a> = dyn Fn(u32, &mut Stream) -> Vec<u32> + 'a;

pub struct Sampler {
    stream: Stream,
    /// Indices still to be seen, last first, and how many epochs were begun.
    left: Vec<u32>,
    epochs: u32,
    /// Where `stream` was before the last shuffle: enough to rebuild `left`.
    shuffled_at: u128,
}

impl Sampler {
    pub fn new(seed: u64) -> Self {
        Self { stream: Stream::new(seed, Purpose::Order), left: Vec::new(), epochs: 0, shuffled_at: 0 }
    }

    /// Epochs that were begun.
    pub fn epochs(&self) -> usize {
        self.epochs as usize
    }

    /// Indices of the epoch that are left.
    pub fn left(&self) -> usize {
        self.left.len()
    }

    /// The next index. An epoch is never empty.
    pub fn next(&mut self, epoch: &Epoch<'_>) -> usize {
        if self.left.is_empty() {
            self.shuffle(epoch);
        }
        self.left.pop().unwrap_or_default() as usize
    }

    fn shuffle(&mut self, epoch: &Epoch<'_>) {
        self.shuffled_at = self.stream.position();
        self.left = epoch(self.epochs, &mut self.stream);
        self.epochs += 1;
    }

    pub fn position(&self) -> Position {
        Position { refills: self.epochs, refilled_at: self.shuffled_at as u64, left: self.left.len() as u32 }
    }

    pub fn seek(&mut self, position: Position, epoch: &Epoch<'_>) {
        self.left.clear();
        self.epochs = position.refills.saturating_sub(1);
        self.stream.seek(u128::from(position.refilled_at));
        if position.refills > 0 {
            self.shuffle(epoch);
            self.left.truncate(position.left as usize);
        }
    }
}
