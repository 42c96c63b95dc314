//! The module that trains on the CPU: small, it starts most visits.

fn main() {
    #[cfg(target_family = "wasm")]
    kiln::web::start(kiln::session::protocol::DeviceKind::Cpu, &kiln::demos::registry::TRAINING);
}
