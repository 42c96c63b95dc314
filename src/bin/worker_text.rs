//! The module that runs pretrained models on the CPU: it reads text, and takes pictures apart.

fn main() {
    #[cfg(target_family = "wasm")]
    kiln::web::start(kiln::session::protocol::DeviceKind::Cpu, &kiln::demos::registry::PRETRAINED);
}
