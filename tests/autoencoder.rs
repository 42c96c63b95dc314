//! Pretrained autoencoders against diffusers, and their files when they are not as they should be.

#[path = "common/autoencoder.rs"]
mod golden;

use burn::tensor::Device;
use golden::{Case, difference, every_model_gives_the_numbers_of_diffusers, kl, old, tiny};

fn cpu() -> Device {
    Device::flex()
}

#[test]
fn encoders_and_decoders_give_the_numbers_of_diffusers() {
    let worst = pollster::block_on(every_model_gives_the_numbers_of_diffusers(&cpu(), 1e-4));
    println!("the largest difference, of the largest number: {worst:e}");
}

/// Where four tiles meet, diffusers weights them otherwise: those places are held to something looser.
#[test]
fn tiles_are_blended_as_diffusers_blends_them() {
    let stride = |case: &Case, factor: usize, down: bool| {
        let side = if down { case.tile / factor } else { case.tile };
        (side - side / 4, side)
    };
    for (case, factor) in [(tiny(), 8), (kl(), 4), (old(), 1)] {
        for (input, output) in [("wide", "wide_encoded"), ("wide_latent", "wide_decoded")] {
            let (ours, theirs, shape) = pollster::block_on(case.compared(&cpu(), input, output));
            let (stride, side) = stride(&case, factor, output == "wide_encoded");
            let blended = |i: usize| i >= stride && i % stride < side - stride;
            let corner = |i: usize| blended(i % shape.width) && blended(i / shape.width % shape.height);
            let outside = |values: &[f32]| -> Vec<f32> {
                values.iter().enumerate().filter(|(i, _)| !corner(*i)).map(|(_, v)| *v).collect()
            };
            let off = difference(&outside(&ours), &outside(&theirs));
            let all = difference(&ours, &theirs);
            println!("{} {output}: {off:e}, with corners {all:e}", case.name);
            assert!(off <= 1e-4, "{} {output}: {off:e}", case.name);
            assert!(all <= 0.3, "{} {output}: {all:e}", case.name);
        }
    }
}
