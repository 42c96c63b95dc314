//! Which demos there are, and which of them each module of the CPU holds.
//!
//! The CPU's code comes in two modules, cut where visits differ, so that nobody loads what the other kind of visit needs. Each is
//! built from the same sources: what none of its demos reaches, the linker leaves out. The GPU's module holds all demos.

use super::{
    Entry, WasmModule, autoencoder, classifier, dcgan, diffusion, diffusion2d, gan2d, gpt, realnvp, text, vae,
};

/// All demos; the first is opened by an empty link.
pub const DEMOS: &[Entry] = &[
    gan2d::ENTRY,
    dcgan::ENTRY,
    vae::ENTRY,
    diffusion2d::ENTRY,
    diffusion::ENTRY,
    realnvp::ENTRY,
    gpt::ENTRY,
    autoencoder::ENTRY,
    text::ENTRY,
    classifier::ENTRY,
];

/// The demos that train.
pub static TRAINING: [Entry; count(WasmModule::Training)] = demos(WasmModule::Training);

/// The demos of pretrained models.
pub static PRETRAINED: [Entry; count(WasmModule::Pretrained)] = demos(WasmModule::Pretrained);

/// The names of all demos and where they live: known in every module, whichever demos it holds.
pub const PLACES: [(&str, WasmModule); DEMOS.len()] = places();

const fn places() -> [(&'static str, WasmModule); DEMOS.len()] {
    let mut places = [("", WasmModule::Training); DEMOS.len()];
    let mut i = 0;
    while i < DEMOS.len() {
        places[i] = (DEMOS[i].name, DEMOS[i].module);
        i += 1;
    }
    places
}

// While it compiles: a list that is made when the module runs would keep every demo in it.
const fn demos<const N: usize>(module: WasmModule) -> [Entry; N] {
    let mut found = [DEMOS[0]; N];
    let (mut i, mut n) = (0, 0);
    while i < DEMOS.len() {
        if DEMOS[i].module as u8 == module as u8 {
            found[n] = DEMOS[i];
            n += 1;
        }
        i += 1;
    }
    found
}

const fn count(module: WasmModule) -> usize {
    let (mut i, mut n) = (0, 0);
    while i < DEMOS.len() {
        n += (DEMOS[i].module as u8 == module as u8) as usize;
        i += 1;
    }
    n
}
