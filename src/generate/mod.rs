//! Drawing from a trained model: logits to tokens, pictures to latents and back.

mod sampling;
mod tiles;
mod writer;

pub use sampling::{Choice, Filter, Sampling, Weighed, choose, likeliest};
pub use tiles::Passage;
pub use writer::{PREFILL, Writer};
