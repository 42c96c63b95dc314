//! Generation with trained models: logits to tokens, noise to data, pictures to latents and back.

mod diffusion_sampler;
mod observation;
mod sampler;
mod text_generator;
mod tiled;

pub use diffusion_sampler::{Chain, DiffusionSampler, SamplerKind, guided};
pub use observation::Observation;
pub use sampler::{Filter, Sampled, SamplerConfig, TokenProbability, most_likely, sample};
pub use text_generator::{PREFILL_CHUNK, TextGenerator};
pub use tiled::TiledPass;
