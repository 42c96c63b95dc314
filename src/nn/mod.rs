//! Layers with PyTorch's names and layouts, one a file; the optimizer, the average of weights and schedules. A checkpoint is a loop
//! over fields. [`ops`] are the operations with kernels of our own; [`engine`] runs pretrained transformers.

mod adam;
mod attention;
mod batch_norm;
mod conv1d;
mod conv2d;
mod conv_transpose2d;
mod dropout;
mod ema;
mod embedding;
pub mod engine;
mod group_norm;
mod init;
mod layer_norm;
mod linear;
pub mod ops;
mod resample;
mod rms_norm;
mod schedule;

pub use adam::{Adam, AdamOptions, AdamWOptions};
pub use attention::{Attention, AttentionConfig};
pub use batch_norm::BatchNorm2d;
pub use conv_transpose2d::ConvTranspose2d;
pub use conv1d::{Conv1d, Conv1dConfig};
pub use conv2d::{Conv2d, Conv2dConfig};
pub use dropout::dropout;
pub use ema::Ema;
pub use embedding::Embedding;
pub use group_norm::GroupNorm;
pub use init::{one_hot, upload, upload_ids};
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use ops::Activation;
pub use resample::{depth_to_space, downsample2x, space_to_depth, upsample2x};
pub use rms_norm::RmsNorm;
pub use schedule::{Decay, Schedule};
