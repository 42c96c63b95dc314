//! Generation with trained models: logits to tokens, pictures to latents and back.

mod sampler;
mod text_generator;
mod tiled;

pub use sampler::{Filter, Sampled, SamplerConfig, TokenProbability, most_likely, sample};
pub use text_generator::{PREFILL_CHUNK, TextGenerator};
pub use tiled::TiledPass;
