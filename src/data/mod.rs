//! What is learnt from: 2-D points and digits, in seeded order.

pub mod idx;
pub mod mnist;
pub mod points;

use crate::error::Result;

/// Where files of the page come from: the network in a tab, the disk in a terminal. Polled, so that a training loop
/// never waits inside a step and a pause is answered while a file is on its way.
pub trait Source {
    /// The file at `path` (relative to the page), or `None` while it is on its way. The first call starts it; after an
    /// error the next call tries again.
    fn poll(&self, path: &str) -> Option<Result<Vec<u8>>>;

    /// Bytes that have arrived and bytes in all (0 where not known).
    fn progress(&self, path: &str) -> (f64, f64);
}
