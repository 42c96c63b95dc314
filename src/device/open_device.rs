//! An open device, or why there is none.

use crate::error::{Code, Error};
use burn::tensor::Device;

/// An open device.
#[derive(Debug, Clone)]
pub struct OpenDevice {
    /// With autodiff, so that tensors on it can be trained.
    pub device: Device,
    /// The adapter's name as the driver gives it; `CPU` for the CPU.
    pub name: String,
    pub software: bool,
    pub webgpu: bool,
    /// The largest buffer in bytes; 0 where there is no limit.
    pub max_buffer_bytes: f64,
}

/// The error where WebGPU cannot be used.
pub(super) fn no_gpu(why: String) -> Error {
    Error::new(Code::NoGpu, format!("No usable graphics card: {why}."), "Kiln runs on the CPU instead.")
}
