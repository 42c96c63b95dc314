//! The operations on WebGPU: one dispatch each, by kernels of our own in CubeCL, on the buffers of burn's tensors. Like those of
//! [`engine`](crate::nn::engine) they need 8 storage buffers (7 and one for the sizes), 256 threads and 16 KB of memory a workgroup.

pub(in crate::nn) mod activation;
mod adam;
mod attention;
mod attention_launch;
mod batch_norm;
mod buffers;
mod cross_entropy;
mod ema;
mod fused_ops;
mod gemm;
mod gemm_plan;
mod matmul;
mod row_norm;
mod softplus;
