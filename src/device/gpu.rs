//! Opens WebGPU through burn, and keeps the wgpu device so that its loss is noticed.

use super::{Opened, no_gpu};
use crate::error::Result;
use burn::tensor::Device;
use std::cell::RefCell;
use wgpu::{AdapterInfo, DeviceType};

thread_local! {
    static DEVICE: RefCell<Option<wgpu::Device>> = const { RefCell::new(None) };
}

/// What is known of an adapter before it is opened.
#[derive(Debug, Clone)]
struct Adapter {
    pub name: String,
    pub software: bool,
}

impl From<&AdapterInfo> for Adapter {
    fn from(info: &AdapterInfo) -> Self {
        let text = format!("{} {} {}", info.name, info.driver, info.driver_info).to_lowercase();
        let software = info.device_type == DeviceType::Cpu
            || ["swiftshader", "llvmpipe", "lavapipe", "basic render"].iter().any(|s| text.contains(s));
        let name = if info.name.is_empty() { "WebGPU adapter".into() } else { info.name.clone() };
        Self { name, software }
    }
}

pub async fn open(software: bool) -> Result<Opened> {
    let (device, setup) = Device::wgpu_options().init_with_setup_async().await.map_err(|e| no_gpu(format!("{e:?}")))?;
    let adapter = Adapter::from(&setup.adapter.get_info());
    if adapter.software && !software {
        return Err(no_gpu(format!("{} is a software adapter, slower than the CPU backend", adapter.name)));
    }
    DEVICE.with(|slot| *slot.borrow_mut() = Some(setup.device.clone()));
    Ok(Opened { device: device.autodiff(), name: adapter.name, software: adapter.software, webgpu: true })
}

/// Calls `lost` with the reason once the open device goes away.
pub fn on_lost(lost: impl Fn(String) + Send + Sync + 'static) {
    DEVICE.with(|slot| {
        if let Some(device) = &*slot.borrow() {
            device.set_device_lost_callback(move |reason, message| lost(format!("{reason:?} {message}")));
        }
    });
}

/// Destroys the open device, so that recovery can be tried by really doing it.
pub fn lose() {
    DEVICE.with(|slot| {
        if let Some(device) = &*slot.borrow() {
            device.destroy();
        }
    });
}
