//! The distances that `diffusion` shows beside its own.

mod common;

use common::{Disk, Driver};
use kiln::data::Dataset;
use kiln::demos::{Context, pictures};
use kiln::device::{Device, open_cpu};
use kiln::nn::upload;
use kiln::session::Host;
use kiln::train::{CHUNK, CHUNKS, Evaluation, REFERENCE_DISTANCES, Referee};
use std::rc::Rc;

const DIGITS: usize = CHUNK * CHUNKS;

/// The Frechet classifier distance of 1,024 digits `[1024, 784]` to held-out ones.
fn distance(digits: &[f32], device: &Device) -> f32 {
    let file = std::fs::read("www/weights/digits-classifier.safetensors").expect("it ships");
    let referee = Referee::load(&file, device).expect("it reads");
    let mut evaluation = Evaluation::new(());
    let chunks = digits.chunks_exact(CHUNK * 784).map(|chunk| upload(chunk.to_vec(), [CHUNK, 784], device));
    let report = chunks
        .filter_map(|chunk| pollster::block_on(evaluation.add(&referee, chunk, &[])).expect("the CPU answers"))
        .last();
    report.expect("a report after the last chunk").distance
}

fn shown(name: &str) -> f32 {
    REFERENCE_DISTANCES.iter().find(|(id, ..)| *id == name).expect("it is shown").2
}

#[test]
fn the_distances_of_real_digits_and_of_the_vae_that_are_shown_are_measured() {
    let device = open_cpu().expect("a CPU").device.inner();
    let library = Driver::new(false).desk.library();
    let context = Context { device: device.clone(), source: Rc::new(Disk), library, clock: Rc::new(|| 0.0) };
    let mut real = pictures::open("mnist", &context, 1).expect("the set");
    let batch = real.batch(DIGITS).expect("digits").ready().expect("at once");
    let floor = distance(&batch.pixels, &device);
    let vae = pollster::block_on(Driver::open("vae?latent=16").session.sample(DIGITS, 1)).expect("samples");
    let vae = distance(&vae.values, &device);
    println!("real digits {floor}, samples of the VAE {vae}");
    for (name, found) in [("distance_floor", floor), ("distance_vae", vae)] {
        assert!((shown(name) - found).abs() < 0.05, "{name}: {found}, and {} is shown", shown(name));
    }
}
