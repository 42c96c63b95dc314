//! The CPU's arithmetic, on plain slices: for pretrained transformers and for training. It is a crate of its own because Cargo sets
//! the optimisation level by crate: the rest of Kiln is built small ("z"), where the same matrix products take two to four times as
//! long. Functions that are called from outside are `#[inline(never)]`: inlined, they would be built small again.

mod activation;
mod adam;
mod attention;
mod batch_norm;
mod conv2d;
mod cross_entropy;
mod elementwise;
mod gemm;
mod gemv;
mod mat_ref;
mod matrix;
mod pool;
mod quantized;
mod row_norm;
mod simd;
mod vector;
mod winograd;

pub use activation::{
    Activation, ERF_DENOMINATOR, ERF_NUMERATOR, bias_act, bias_act_backward, gelu_tanh, softplus_mean,
    softplus_mean_backward,
};
pub use adam::{AdamParams, adam, ema};
pub use attention::Attention;
pub use batch_norm::{batch_norm_act, batch_norm_act_backward};
pub use conv2d::{Conv2d, Window};
pub use cross_entropy::{cross_entropy, cross_entropy_backward};
pub use gemm::gemm;
pub use mat_ref::MatRef;
pub use matrix::{Data, GROUP, Matrix, bf16, f16, to_f16};
pub use pool::{each_chunk, help, lost, part_count, threads};
pub use quantized::matmul;
pub use row_norm::RowNorm;
pub use simd::dot;
pub use vector::{add, axpy, norm_row, softmax, swiglu};
