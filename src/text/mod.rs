//! Text to token ids and back: tokenizers, chat templates, bytes to UTF-8 as they arrive, stop strings.
//!
//! Byte-pair merging is done by the crate `tokenizers`. What surrounds it there (its pre-tokenizers, normalizers and added
//! tokens) runs on Unicode regexes that weigh 340 KB of brotli, more than a third of the whole CPU page, for four known
//! patterns; those are implemented in `pre_tokenizer`, and a test compares them with the crate's own on random text.

mod chat;
mod message;
mod normalizer;
mod pre_tokenizer;
mod stop_strings;
mod template;
mod tokenizer;
mod tokenizer_json;
mod utf8;
mod vocabulary;

pub use chat::{chat_ids, encode_chat, segments};
pub use message::{Message, Role};
pub use stop_strings::{StopOutput, StopStrings};
pub use template::render;
pub use tokenizer::Tokenizer;
pub use utf8::{Utf8Decoder, token_label};
pub use vocabulary::{GgufVocabulary, TokenizerSource};
