//! The CPU's arithmetic for pretrained transformers, on plain slices. A crate of its own because the release profile makes
//! everything small, and this fast: at opt-level "z" the same products take two to four times as long.

mod lanes;
mod matrix;
mod products;
mod vectors;

pub use lanes::dot;
pub use matrix::{Data, GROUP, Matrix, bf16, f16};
pub use products::matmul;
pub use vectors::{add, add_scaled, gate, norm, softmax};
