//! WebGPU's engine against the CPU's on whatever adapter this machine has; a software one will do.

#[path = "common/engine.rs"]
mod engine;

use kiln::device;
use kiln::error::Code;
use kiln::nn::engine::Gpu;
use std::io::Write;

#[test]
fn every_operation_gives_the_cpus_numbers() {
    let opened = match pollster::block_on(device::open_webgpu(true)) {
        Err(error) if error.code == Code::NoGpu => {
            let _ = writeln!(std::io::stderr(), "skipped: {}", error.message);
            return;
        }
        opened => opened.expect("an adapter"),
    };
    let worst = pollster::block_on(engine::every_operation_gives_the_cpus_numbers(&Gpu::new(&opened.device), true));
    println!("{}: the largest difference is {worst:e}", opened.name);
}
