//! Layers with PyTorch's names and layouts, and the optimizer. A checkpoint then is a loop over fields, not a table.
//! [`ops`] is what is computed by kernels of our own; [`engine`] runs pretrained transformers.

mod adam;
pub mod engine;
mod layers;
mod maps;
pub mod ops;

pub use adam::{Adam, AdamOptions};
pub use layers::{BatchNorm2d, Conv2d, ConvTranspose2d, Linear, upload};
pub use maps::{GroupNorm, doubled};
pub use ops::Activation;
