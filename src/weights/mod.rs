//! Weights in and out: safetensors with PyTorch's names and layouts, and checkpoints of whole runs; pretrained models from
//! GGUF and safetensors files.

mod autoencoder;
mod blocks;
mod bytes;
mod config;
pub mod download;
mod file;
#[cfg(not(target_family = "wasm"))]
mod folder;
pub mod gather;
mod gguf;
mod gguf_value;
pub mod inventory;
mod library;
pub mod manifest;
mod mirrors;
mod module;
mod names;
pub mod ports;
mod pretrained;
mod quoted;
mod shards;
pub mod take;
mod vocabulary;
mod zip;

pub use autoencoder::Autoencoder;
pub use blocks::{Format, Incoming};
#[cfg(not(target_family = "wasm"))]
pub use bytes::DiskFile;
pub use bytes::{Bytes, ModelFile};
pub use file::{Checkpoint, Entry};
#[cfg(not(target_family = "wasm"))]
pub use folder::Folder;
pub use gguf::{Gguf, GgufTensor};
pub use gguf_value::{Numbers, Texts, Value};
pub use library::{Library, Stored, StoredFile};
pub use module::{collect, load_module};
pub use pretrained::Pretrained;
pub use quoted::quoted;
pub use shards::{Shard, ShardTensor};
