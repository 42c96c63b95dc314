//! WebGPU in a real browser against the CPU, on tiny shapes: the adapter here may be a software one.
//! Without an adapter these tests fail; they never pass in silence.

#![cfg(target_family = "wasm")]

#[path = "common/autoencoder.rs"]
mod autoencoder;
#[path = "common/dispatches.rs"]
mod dispatches;
#[path = "common/engine.rs"]
mod engine;
#[path = "common/kernels.rs"]
mod kernels;
#[path = "common/layers.rs"]
mod layers;
#[path = "common/reference.rs"]
mod reference;
#[path = "common/tab.rs"]
mod tab;

use burn::tensor::Device;
use kiln::nn::engine::Gpu;
use kiln::session::protocol::DeviceKind;
use tab::Tab;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
async fn webgpu_proves_its_arithmetic_and_gives_the_cpus_curves_and_numbers() {
    dispatches::count();
    let mut tab = Tab::start(DeviceKind::Webgpu).await;
    let pipelines = dispatches::pipelines();
    console_log!("pipelines of the probe: {pipelines}");
    assert!(pipelines <= 65.0, "{pipelines}");
    let losses = tab.losses(reference::GAN2D, reference::STEPS).await;
    tab::close(&losses, include_str!("fixtures/curve-gan2d.json"), 5e-3);
    let losses = tab.losses(reference::DCGAN, reference::STEPS).await;
    tab::close(&losses, include_str!("fixtures/curve-dcgan.json"), 5e-3);
    let losses = tab.losses(reference::VAE, reference::STEPS).await;
    tab::close(&losses, include_str!("fixtures/curve-vae.json"), 5e-3);

    // In the same test, for a worker opens WebGPU once.
    let device = Device::wgpu(burn::tensor::DeviceKind::DefaultDevice);
    let worst = autoencoder::every_model_gives_the_numbers_of_diffusers(&device, 1e-3).await;
    console_log!("the autoencoders' largest difference: {worst:e}");
    let gpu = Gpu::new(&device);
    let worst = engine::every_operation_gives_the_cpus_numbers(&gpu).await;
    console_log!("the engine's largest difference: {worst:e}");

    let device = device.autodiff();
    let worst = layers::Golden::new(&device, 1e-5).everything().await;
    console_log!("the layers' largest difference from PyTorch: {worst:e}");
    let worst = kernels::every_operation_and_its_gradients_are_the_cpus(&device).await;
    console_log!("the kernels' largest difference: {worst:e}");
    // Steps of the shapes that the bench takes, but narrow: what is counted does not depend on it.
    let plane = dispatches::plane(16, 16, &device).await;
    console_log!("a step in the plane: {plane}");
    assert!(plane.dispatches <= 60.0 && plane.submits <= 2.0, "{plane}");
    let dcgan = dispatches::dcgan(8, 4, &device).await;
    console_log!("a step of a DCGAN: {dcgan}");
    assert!(dcgan.dispatches <= 150.0 && dcgan.submits <= 2.0, "{dcgan}");
    // Wide enough that its pictures, and not buffers of a few numbers, are what memory holds.
    let wide = dispatches::dcgan(32, 32, &device).await;
    let [reserved, _, most] = wide.bytes;
    console_log!("a step of a wider DCGAN: {wide}");
    assert!(reserved <= 3 * most, "{wide}");
}
