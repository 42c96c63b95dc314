//! The CPU module's code in a real browser: the same run as natively.

#![cfg(target_family = "wasm")]

#[path = "common/autoencoder.rs"]
mod autoencoder;
#[path = "common/reference.rs"]
mod reference;
#[path = "common/tab.rs"]
mod tab;

use kiln::session::protocol::DeviceKind;
use tab::Tab;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
async fn the_tabs_cpu_gives_the_native_curve_of_gan2d() {
    let losses = Tab::start(DeviceKind::Cpu).await.losses(reference::GAN2D, reference::STEPS).await;
    // Rounding only: fused multiply-adds and vector widths differ between the two.
    tab::close(&losses, include_str!("fixtures/curve-gan2d.json"), 1e-3);
}

#[wasm_bindgen_test]
async fn the_tabs_cpu_gives_the_native_curve_of_dcgan() {
    let losses = Tab::start(DeviceKind::Cpu).await.losses(reference::DCGAN, reference::STEPS).await;
    tab::close(&losses, include_str!("fixtures/curve-dcgan.json"), 1e-3);
}

#[wasm_bindgen_test]
async fn the_tabs_cpu_gives_the_native_curve_of_the_vae() {
    let losses = Tab::start(DeviceKind::Cpu).await.losses(reference::VAE, reference::STEPS).await;
    tab::close(&losses, include_str!("fixtures/curve-vae.json"), 1e-3);
}

#[wasm_bindgen_test]
async fn the_same_link_twice_gives_bit_identical_curves() {
    let first = Tab::start(DeviceKind::Cpu).await.losses(reference::GAN2D, 20).await;
    let second = Tab::start(DeviceKind::Cpu).await.losses(reference::GAN2D, 20).await;
    // Bits: what was not measured is NaN, which equals nothing.
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<u32>>();
    assert_eq!(bits(&first), bits(&second));
}

#[wasm_bindgen_test]
async fn the_tabs_cpu_gives_the_numbers_of_diffusers_autoencoders() {
    let device = kiln::device::open_cpu().expect("a device").device.inner();
    autoencoder::every_model_gives_the_numbers_of_diffusers(&device, 1e-3).await;
}
