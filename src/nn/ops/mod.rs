//! Operations that burn lacks, or that take too long as several of burn's: one pass over memory on the CPU (arithmetic in `kernels/`),
//! one dispatch on WebGPU. Each has an explicit gradient.

mod attention;
mod autodiff;
mod autodiff_matmul;
#[cfg(feature = "cpu")]
mod cpu;
mod cross_entropy;
mod fused;
#[cfg(feature = "gpu")]
pub(super) mod gpu;
mod matmul;
mod row_norm;
mod tensor_list;

pub use attention::attention;
pub use cross_entropy::cross_entropy;
pub use fused::{adam, batch_norm_act, bias_act, ema, softplus_mean};
pub use kiln_kernels::{Activation, Window};
pub use matmul::{batch_matmul, conv_transpose2d, conv2d, linear, matmul};
pub use row_norm::{RowNorm, row_norm};
