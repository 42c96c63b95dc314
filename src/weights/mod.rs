//! Weights in and out: checkpoints of whole runs, in safetensors with PyTorch's names and layouts; pretrained models, from GGUF and
//! safetensors files; downloads.

mod autoencoder;
mod bytes;
mod checkpoint;
pub mod download;
mod download_error;
pub mod fetch_model;
#[cfg(not(target_family = "wasm"))]
mod folder;
mod ggml_blocks;
mod gguf;
mod gguf_value;
pub mod gpt2;
pub mod import_pictures;
pub mod io;
pub mod kept_models;
mod library;
pub mod manifest;
mod mirrors;
mod module;
mod pretrained;
mod quoted;
mod safetensors_files;
mod tensor_names;
mod tokenizer_files;
mod transformer_config;
mod zip;

pub use autoencoder::Autoencoder;
#[cfg(not(target_family = "wasm"))]
pub use bytes::DiskFile;
pub use bytes::{Bytes, ModelFile};
pub use checkpoint::{AVERAGE, Checkpoint, NamedTensor};
pub use download_error::{DownloadError, wrong_hash};
#[cfg(not(target_family = "wasm"))]
pub use folder::Folder;
pub use ggml_blocks::{Format, MatrixBuilder};
pub use gguf::{Gguf, GgufTensor};
pub use gguf_value::{Numbers, Texts, Value};
pub use library::{Library, Stored, StoredFile};
pub use mirrors::RetryPolicy;
pub use module::{load_module, save_module};
pub use pretrained::Pretrained;
pub use quoted::quoted;
pub use safetensors_files::{SafetensorsHeader, SafetensorsTensor};
