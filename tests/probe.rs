//! The numbers that a GPU is held against are those of the CPU backend.

use kiln::device::{open_cpu, probe};

/// `KILN_BLESS=1 cargo test --profile fast --test probe` writes the reference anew.
#[test]
fn the_probe_reference_is_what_the_cpu_computes() {
    let device = open_cpu().expect("a CPU").device;
    if std::env::var_os("KILN_BLESS").is_some() {
        let values = pollster::block_on(probe::compute(&device)).expect("numbers");
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write("src/device/probe.bin", bytes).expect("it can be written");
        panic!("src/device/probe.bin was written: run again without KILN_BLESS");
    }
    let worst = pollster::block_on(probe::verify(&device)).expect("the CPU agrees with itself");
    assert!(worst < 1e-4, "{worst}");
}
