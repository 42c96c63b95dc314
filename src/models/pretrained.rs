//! Which network a pretrained language model is of.

use super::gpt_neox::GptNeoX;
use super::gpt2::Gpt2;
use super::language_model::{LanguageModelLoader, loader};
use super::llama::Llama;
use super::transformer::{Architecture, Family};
use crate::error::Result;
use crate::nn::engine::Engine;

/// The loader of a model with a cache of `context` positions.
///
/// # Errors
/// `Unsupported` where the cache does not fit.
pub fn open<E: Engine + 'static>(
    engine: E,
    architecture: Architecture,
    context: usize,
) -> Result<Box<dyn LanguageModelLoader>> {
    match architecture.family {
        Family::Llama | Family::Qwen2 | Family::Qwen3 => loader::<E, Llama<E>>(engine, architecture, context),
        Family::Gpt2 => loader::<E, Gpt2<E>>(engine, architecture, context),
        Family::NeoX => loader::<E, GptNeoX<E>>(engine, architecture, context),
    }
}
