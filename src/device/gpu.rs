//! Opens WebGPU through burn, and keeps the wgpu device to be told of its loss.

use super::open_device::{OpenDevice, no_gpu};
use crate::error::Result;
use burn::tensor::Device;
use burn_wgpu::WgpuSetup;
use std::cell::RefCell;
use wgpu::{AdapterInfo, DeviceType};

/// Dispatches in a submission: about a training step. Steps are submitted without waiting, so that the GPU is not idle.
const DISPATCHES_PER_SUBMISSION: usize = 96;

thread_local! {
    static DEVICE: RefCell<Option<wgpu::Device>> = const { RefCell::new(None) };
}

/// The adapter's name, and whether it computes on the CPU.
fn describe(setup: &WgpuSetup) -> (String, bool) {
    let info: AdapterInfo = setup.adapter.get_info();
    let text = format!("{} {} {}", info.name, info.driver, info.driver_info).to_lowercase();
    let software = info.device_type == DeviceType::Cpu
        || ["swiftshader", "llvmpipe", "lavapipe", "basic render"].iter().any(|s| text.contains(s));
    // In browsers wgpu gets no name.
    (if info.name.is_empty() { "WebGPU adapter".into() } else { info.name }, software)
}

pub async fn open(software: bool) -> Result<OpenDevice> {
    let opened = Device::wgpu_options().tasks_max(DISPATCHES_PER_SUBMISSION).init_with_setup_async().await;
    let (device, setup): (Device, WgpuSetup) = opened.map_err(|e| no_gpu(format!("{e:?}")))?;
    let (name, is_software) = describe(&setup);
    if is_software && !software {
        return Err(no_gpu(format!("{name} is a software adapter, slower than the CPU backend")));
    }
    let max_buffer_bytes = setup.device.limits().max_buffer_size as f64;
    DEVICE.with(|slot| *slot.borrow_mut() = Some(setup.device));
    Ok(OpenDevice { device: device.autodiff(), name, software: is_software, webgpu: true, max_buffer_bytes })
}

/// Calls `lost` with the reason once the open device goes away.
pub fn on_lost(lost: impl Fn(String) + Send + Sync + 'static) {
    DEVICE.with(|slot| {
        if let Some(device) = &*slot.borrow() {
            device.set_device_lost_callback(move |reason, message| lost(format!("{reason:?} {message}")));
        }
    });
}
