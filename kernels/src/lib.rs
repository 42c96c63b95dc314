//! The CPU's arithmetic, on plain slices: of pretrained transformers, and of what is trained. A crate of its own because the
//! release profile makes everything small, and this fast: at opt-level "z" the same products take two to four times as long.
//! What is called from outside is never inlined there: it would become small again.

mod activation;
mod adam;
mod attention;
mod convolve;
mod cross_entropy;
mod each;
mod factor;
mod lanes;
mod lines;
mod matrix;
mod norm;
mod pool;
mod product;
mod products;
mod row_norm;
mod strided;
mod thin;
mod vectors;
mod winograd;
mod winograd_3x3;

pub use activation::{
    Activation, ERF_ABOVE, ERF_BELOW, bias_act, bias_act_backward, gelu_tanh, softplus_mean, softplus_mean_backward,
};
pub use adam::{Moments, adam};
pub use attention::Attention;
pub use convolve::{Convolve, Window};
pub use cross_entropy::{cross_entropy, cross_entropy_backward};
pub use factor::Factor;
pub use lanes::dot;
pub use matrix::{Data, GROUP, Matrix, bf16, f16};
pub use norm::{norm_act, norm_act_backward};
pub use pool::{each_chunk, help, lost, threads, worthwhile};
pub use product::multiply;
pub use products::matmul;
pub use row_norm::RowNorm;
pub use vectors::{add, add_scaled, gate, norm, softmax};
