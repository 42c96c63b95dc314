//! The trained weights of the variational autoencoder that ship: what each is worth, and how it was made.

mod common;

use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use common::{Disk, Driver};
use kiln::compare::max_abs;
use kiln::data::Dataset;
use kiln::data::emoji::emoji;
use kiln::device::open_cpu;
use kiln::models::vae::VaeConfig;
use kiln::nn::upload;
use kiln::rng::{Purpose, Stream};
use kiln::weights::{Checkpoint, load_module, manifest::hex};
use pollster::block_on;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::rc::Rc;

/// Settings for which trained weights of emoji ship.
const EMOJI: &str = "data=emoji&latent=64&likelihood=gaussian";

/// `kiln measure "vae?latent=N"`, of emoji `kiln measure "vae?data=emoji&latent=64&likelihood=gaussian"`, prints these figures;
/// docs/decisions.md has them, of digits beside PyTorch's. The least ELBO is half a nat under what was measured.
#[test]
fn the_shipped_models_are_as_good_as_was_measured_and_say_how_they_were_made() {
    let manifest = std::fs::read("www/weights/models.json").expect("the manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("it is JSON");
    for (link, name, least) in [
        ("latent=2", "mnist-2", -145.4),
        ("latent=8", "mnist-8", -105.7),
        ("latent=16", "mnist-16", -99.7),
        ("latent=32", "mnist-32", -99.8),
        (EMOJI, "emoji-64", 1814.8),
    ] {
        let name = format!("vae-{name}.safetensors");
        let bytes = std::fs::read(format!("www/weights/{name}")).expect("it is shipped");
        let entry = manifest["shipped"].as_array().expect("a list").iter().find(|e| e["name"] == *name);
        let entry = entry.unwrap_or_else(|| panic!("{name} is in the manifest"));
        assert_eq!(entry["sha256"], hex(&Sha256::digest(&bytes)));
        assert_eq!(entry["bytes"], bytes.len());
        let file = Checkpoint::from_bytes(&bytes).expect("it reads");
        assert!(entry["command"].as_str().expect("a command").contains(&file.texts["link"]), "{entry}");
        let mut driver = Driver::open(&format!("vae?{link}"));
        let figures = block_on(driver.session.measure()).expect("figures");
        let figure = |id: &str| figures.iter().find(|f| f.id == id).expect("a figure").value;
        println!("{link}: {:?}", figures.iter().map(|f| (f.id.as_str(), f.value)).collect::<Vec<_>>());
        assert!(figure("elbo") > least, "{link}: ELBO {}", figure("elbo"));
        // Half an emoji says less about the other half than the mean of all does, which is white at its edges.
        let worse = if link == EMOJI { "hole_encoded" } else { "hole_mean" };
        assert!(figure("hole_searched") < figure(worse), "{link}: a hole is filled better than by {worse}");
    }
}

/// A flow that is trained on the latents of emoji counts on this: they are about as wide as its noise, hardly any lies beyond the 5
/// at which a sampler stops, and the decoder gives back what was encoded.
#[test]
fn the_latents_of_emoji_are_of_unit_variance_and_come_back_as_pictures() {
    let device = open_cpu().expect("a CPU").device;
    let file = Checkpoint::from_bytes(&std::fs::read("www/weights/vae-emoji-64.safetensors").expect("it is shipped"));
    let blank =
        VaeConfig { shape: [3, 32, 32], latent: 64, width: 16 }.init(&mut Stream::new(0, Purpose::Weights), &device);
    let vae = load_module(blank, None, "vae", &file.expect("it reads"), &device).expect("it fits");
    let data = |t: Tensor<2>| block_on(t.into_data_async()).expect("it is read").try_into_vec::<f32>().expect("f32");
    let mut set = emoji(Rc::new(Disk), 1);
    let held_out = set.held_out().expect("pictures").ready().expect("they are here").pixels;
    let seen = set.batch(1_716).expect("pictures").ready().expect("they are here").pixels;
    let error = |pixels: &[f32]| {
        let pixels: Vec<f32> = pixels.iter().map(|p| (p + 1.0) / 2.0).collect();
        let (mean, _) = vae.encoder.forward(upload(pixels.clone(), [pixels.len() / 3_072, 3_072], &device));
        let drawn = data(sigmoid(vae.decoder.forward(mean.clone())));
        let sum: f64 = pixels.iter().zip(&drawn).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        (sum / pixels.len() as f64, data(mean))
    };
    let ((of_seen, z), (of_unseen, unseen)) = (error(&seen), error(&held_out));
    let largest = max_abs(&z).max(max_abs(&unseen));
    let spread = |dim: usize| {
        let of: Vec<f64> = z.iter().skip(dim).step_by(64).map(|v| f64::from(*v)).collect();
        let mean = of.iter().sum::<f64>() / of.len() as f64;
        (mean, (of.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / of.len() as f64).sqrt())
    };
    let dims: Vec<(f64, f64)> = (0..64).map(spread).collect();
    println!(
        "error {of_seen:.5} on seen, {of_unseen:.5} on unseen, largest {largest:.2}, mean and deviation {dims:.3?}"
    );
    assert!(of_seen < 0.0064 && of_unseen < 0.0148, "{of_seen} on pictures that it has seen, {of_unseen} on others");
    for (dim, (mean, deviation)) in dims.iter().enumerate() {
        assert!(mean.abs() < 0.7 && (0.65..1.3).contains(deviation), "dimension {dim}: {mean} and {deviation}");
    }
    let (all, beyond) = (z.len() + unseen.len(), z.iter().chain(&unseen).filter(|v| v.abs() > 5.0).count());
    assert!(beyond * 10_000 <= all && largest < 6.0, "{beyond} of {all}, the largest {largest}");
}
