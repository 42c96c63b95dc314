//! Kiln as the benchmark's page drives it, one module for each device: [`gan`] (W1, W1b8, W2), [`text`] (W3, W3s, W4) and
//! [`vae`] (W5). The steps are the product's own.

mod gan;
mod text;
mod vae;

use kiln::device::OpenDevice;
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
