//! Kiln as the benchmark's page drives it, one module for each device: [`gan`] (W1, W1b8, W2), [`text`] (W3, W3s, W4), [`vae`]
//! (W5) and [`diffusion`] (W6 to W8, and W6d to W8d). The steps are the product's own.

mod diffusion;
mod gan;
mod text;
mod vae;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use kiln::device::{Device, OpenDevice};
use kiln::nn::upload;
use std::cell::RefCell;
use wasm_bindgen::prelude::wasm_bindgen;

thread_local! {
    static OPENED: RefCell<Option<OpenDevice>> = const { RefCell::new(None) };
}

/// The module's device, opened once: a page can open WebGPU only once. A software adapter will do, for counting.
async fn device() -> kiln::error::Result<OpenDevice> {
    if let Some(opened) = OPENED.with_borrow(Clone::clone) {
        return Ok(opened);
    }
    let opened = match cfg!(feature = "gpu") {
        true => kiln::device::open_webgpu(true).await?,
        false => kiln::device::open_cpu()?,
    };
    OPENED.set(Some(opened.clone()));
    Ok(opened)
}

/// What a panic says, for the table's notes.
#[wasm_bindgen(start)]
fn start() {
    #[cfg(target_family = "wasm")]
    console_error_panic_hook::set_once();
}

/// How many threads work.
#[wasm_bindgen]
pub fn threads() -> usize {
    kiln_kernels::threads()
}

/// A network with these parameters, in the order in which its layers stand and in PyTorch's layouts.
fn with<M: Module>(network: M, parameters: Vec<f32>, device: &Device) -> M {
    network.map(&mut Given(parameters.into_iter(), device.clone()))
}

/// Replaces the parameters of a module one after the other.
struct Given(std::vec::IntoIter<f32>, Device);

impl ModuleMapper for Given {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.val().dims();
        let values = self.0.by_ref().take(shape.iter().product()).collect();
        Param::from_tensor(upload(values, shape, &self.1))
    }
}
