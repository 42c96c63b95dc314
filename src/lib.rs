//! Kiln: generative models that train and run in one browser tab. A map of the rooms; imports run downwards only.
//!
//! - [`web`] is the entry point of a tab, `bin/kiln` that of the terminal. Both drive the same session.
//! - [`session`] the protocol and the loop: commands in, events out; the link codec.
//! - [`demos`] one experiment a file or folder: its config (= its link = its controls), its step, its views.
//! - [`train`] training loops, stepped from outside; [`generate`] logits to tokens; [`weights`] downloads, GGUF,
//!   safetensors, checkpoints.
//! - [`models`] one network a file; [`data`] what is learnt from; [`device`] which processor;
//!   [`text`] tokenizers and chat templates.
//! - [`nn`] layers, the optimizer, engines for inference; [`rng`] one seeded stream a purpose; [`poll`] what is on its
//!   way; [`compare`] comparisons of numbers; [`error`] the one error type.

pub mod compare;
pub mod data;
pub mod demos;
pub mod device;
pub mod error;
pub mod generate;
pub mod models;
pub mod nn;
pub mod poll;
pub mod rng;
pub mod session;
pub mod text;
pub mod train;
#[cfg(target_family = "wasm")]
pub mod web;
pub mod weights;
