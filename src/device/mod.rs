//! The device: opens it, describes it, verifies its arithmetic, reads tensors back.

#[cfg(feature = "gpu")]
mod gpu;
mod open_device;
pub mod probe;
mod readback;

#[cfg(feature = "gpu")]
pub use gpu::on_lost;
pub use open_device::OpenDevice;
pub use readback::{flat, read, read_in_pieces, read_one};

use crate::error::Result;
pub use burn::tensor::Device;

/// The CPU backend (burn's flex), with this thread and all helpers.
pub fn open_cpu() -> Result<OpenDevice> {
    #[cfg(feature = "cpu")]
    return Ok(OpenDevice {
        device: Device::flex().autodiff(),
        name: "CPU".into(),
        software: false,
        webgpu: false,
        max_buffer_bytes: 0.0,
    });
    #[cfg(not(feature = "cpu"))]
    Err(crate::error::Error::internal("This build has no CPU backend."))
}

/// The WebGPU backend. `software` also accepts adapters that compute on the CPU, which are slower than [`open_cpu`].
///
/// # Errors
/// `NoGpu` where there is no adapter, or only a software one that was not asked for.
pub async fn open_webgpu(software: bool) -> Result<OpenDevice> {
    #[cfg(feature = "gpu")]
    return gpu::open(software).await;
    #[cfg(not(feature = "gpu"))]
    {
        let _ = software;
        Err(open_device::no_gpu("this build has no WebGPU backend".into()))
    }
}

/// Threads that compute on the CPU: this one and all helpers.
pub fn threads() -> u32 {
    kiln_kernels::threads() as u32
}

/// Bytes that the allocator of the device has reserved; 0 where that is unknown.
pub fn reserved_bytes(device: &Device) -> f64 {
    if cfg!(feature = "gpu") && !is_cpu(device) {
        return device.clone().inner().memory_pool_usage().map_or(0.0, |usage| usage.bytes_reserved as f64);
    }
    0.0
}

/// Frees unused memory of the device's allocator, which it would keep after a run has ended. In a tab JavaScript collects the buffers:
/// wgpu does not destroy them.
pub fn release(device: &Device) {
    if cfg!(feature = "gpu") && !is_cpu(device) {
        device.clone().inner().memory_cleanup();
    }
}

/// Whether tensors are in Rust's own memory.
pub fn is_cpu(device: &Device) -> bool {
    #[cfg(feature = "cpu")]
    return device.clone().inner() == Device::flex();
    #[cfg(not(feature = "cpu"))]
    {
        let _ = device;
        false
    }
}
