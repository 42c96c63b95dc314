//! Weights in and out: safetensors with PyTorch's names and layouts, and checkpoints of whole runs.

mod file;
mod module;

pub use file::{Checkpoint, Entry};
pub use module::{collect, load_module};
