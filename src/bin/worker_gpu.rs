//! The module that trains on the GPU through WebGPU: it follows where there is a real adapter.

fn main() {
    #[cfg(target_family = "wasm")]
    kiln::web::start(kiln::session::protocol::DeviceKind::Webgpu, kiln::demos::registry::DEMOS);
}
