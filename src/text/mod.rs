//! Text to token ids and back: tokenizers, chat templates, bytes to UTF-8 as they arrive, stop strings.
//!
//! Byte-pair merging is the `tokenizers` crate's. What surrounds it there (its pre-tokenizers, normalizers and added
//! tokens) runs on Unicode regexes that weigh 340 KB of brotli, more than a third of the whole CPU page, for four known
//! patterns; those are written out in `split`, and a test holds them against the crate's own on random text.

mod chat;
mod json;
mod rules;
mod split;
mod stop;
mod stream;
mod template;
mod tokenizer;
mod vocabulary;

pub use chat::{Message, Role, chat_ids, encode_chat, segments};
pub use stop::{Shown, Stops};
pub use stream::{Utf8, piece};
pub use template::render;
pub use tokenizer::Tokenizer;
pub use vocabulary::{Spec, Vocabulary};
