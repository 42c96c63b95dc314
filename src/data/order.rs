//! The order in which a set is seen: a seeded permutation for each pass, rebuilt from a place of a few numbers.

use super::Place;
use crate::rng::{Purpose, Stream};

/// What the next pass holds: told how many there were before it, and the stream to shuffle with.
pub type Pass<'a> = dyn Fn(u32, &mut Stream) -> Vec<u32> + 'a;

pub struct Order {
    stream: Stream,
    /// Indices still to be seen, last first, and how often new ones were shuffled in.
    left: Vec<u32>,
    passes: u32,
    /// Where `stream` stood before the last shuffle: enough to rebuild `left`.
    shuffled_at: u128,
}

impl Order {
    pub fn new(seed: u64) -> Self {
        Self { stream: Stream::new(seed, Purpose::Order), left: Vec::new(), passes: 0, shuffled_at: 0 }
    }

    /// Passes that were begun.
    pub fn passes(&self) -> usize {
        self.passes as usize
    }

    /// Indices of the pass that are left.
    pub fn left(&self) -> usize {
        self.left.len()
    }

    /// The next index. A pass is never empty.
    pub fn next(&mut self, pass: &Pass<'_>) -> usize {
        if self.left.is_empty() {
            self.shuffle(pass);
        }
        self.left.pop().unwrap_or_default() as usize
    }

    fn shuffle(&mut self, pass: &Pass<'_>) {
        self.shuffled_at = self.stream.position();
        self.left = pass(self.passes, &mut self.stream);
        self.passes += 1;
    }

    pub fn place(&self) -> Place {
        Place { refills: self.passes, refilled_at: self.shuffled_at as u64, left: self.left.len() as u32 }
    }

    pub fn seek(&mut self, place: Place, pass: &Pass<'_>) {
        self.left.clear();
        self.passes = place.refills.saturating_sub(1);
        self.stream.seek(u128::from(place.refilled_at));
        if place.refills > 0 {
            self.shuffle(pass);
            self.left.truncate(place.left as usize);
        }
    }
}
