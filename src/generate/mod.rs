//! Drawing from a trained model: logits to tokens.

mod sampling;
mod writer;

pub use sampling::{Choice, Sampling, Weighed, choose, likeliest};
pub use writer::Writer;
