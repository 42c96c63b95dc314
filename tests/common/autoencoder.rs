//! The tiny autoencoders of `tests/torch/autoencoder.py`, and what diffusers makes of fixed pictures with them.
#![allow(dead_code)] // each test file uses a part of it

use kiln::compare::{relative_error, worst};
use kiln::data::Shape;
use kiln::device::Device;
use kiln::generate::TiledPass;
use kiln::models::autoencoder_block::Block;
use kiln::weights::{Autoencoder, Checkpoint, ModelFile};
use std::rc::Rc;

/// A model and its golden file.
pub struct Case {
    pub name: &'static str,
    pub files: Vec<ModelFile>,
    pub golden: Checkpoint,
    /// Pixels of a tile in the golden file.
    pub tile: usize,
}

pub fn file(name: &str, bytes: &[u8]) -> ModelFile {
    ModelFile { name: name.into(), bytes: Rc::new(bytes.to_vec()) }
}

macro_rules! case {
    ($name:literal, $tile:literal, [$($file:literal),+]) => {
        Case {
            name: $name,
            files: vec![$(file($file, include_bytes!(concat!("../fixtures/autoencoder/", $name, "/", $file)))),+],
            golden: Checkpoint::from_bytes(include_bytes!(concat!("../fixtures/autoencoder/", $name, ".golden.safetensors")))
                .expect("it reads"),
            tile: $tile,
        }
    };
}

pub fn tiny() -> Case {
    case!("tiny", 32, ["config.json", "diffusion_pytorch_model.safetensors"])
}

pub fn kl() -> Case {
    case!("kl", 32, ["config.json", "diffusion_pytorch_model.safetensors"])
}

/// F16, without config.json, with the attention of 2022.
pub fn old() -> Case {
    case!("old", 16, ["diffusion_pytorch_model.safetensors"])
}

/// A model with all of its weights.
pub fn load(files: &[ModelFile], device: &Device) -> kiln::error::Result<Autoencoder> {
    let mut model = Autoencoder::open(files)?;
    while {
        let (done, total) = model.load(device)?;
        done < total
    } {}
    Ok(model)
}

/// All of a passage.
pub async fn whole(passage: kiln::error::Result<TiledPass>, side: &[Block], device: &Device) -> (Vec<f32>, Shape) {
    let mut passage = passage.expect("it fits");
    while {
        let (done, total) = passage.step(side, device).await.expect("it runs");
        done < total
    } {}
    passage.finish()
}

impl Case {
    /// A tensor of the golden file: its numbers and its shape.
    pub fn golden(&self, name: &str) -> (Vec<f32>, Shape) {
        let entry = self.golden.find(name).expect("it is there");
        let [1, channels, height, width] = entry.shape[..] else { panic!("{name} is no picture") };
        (entry.values.clone(), Shape { channels, height, width })
    }

    /// What Kiln makes of the golden file's input, and what it should be.
    pub async fn compared(&self, device: &Device, input: &str, output: &str) -> (Vec<f32>, Vec<f32>, Shape) {
        let mut model = load(&self.files, device).expect("it opens");
        model.architecture.tile = self.tile;
        let (a, (values, shape)) = (&model.architecture, self.golden(input));
        let (ours, shape) = match output.ends_with("encoded") {
            true => whole(TiledPass::encode(a, values, shape), &model.encoder, device).await,
            false => whole(TiledPass::decode(a, values, shape), &model.decoder, device).await,
        };
        let (theirs, their_shape) = self.golden(output);
        assert_eq!(shape, their_shape, "{} {output}", self.name);
        (ours, theirs, shape)
    }
}

/// Every model encodes and decodes as diffusers does; returns the largest relative difference.
pub async fn every_model_gives_the_numbers_of_diffusers(device: &Device, tolerance: f32) -> f32 {
    let mut errors = Vec::new();
    for case in [tiny(), kl(), old()] {
        for (input, output) in [("picture", "encoded"), ("latent", "decoded")] {
            let (ours, theirs, _) = case.compared(device, input, output).await;
            let off = relative_error(&ours, &theirs);
            assert!(off <= tolerance, "{} {output}: {off:e}", case.name);
            errors.push(off);
        }
    }
    worst(errors)
}
