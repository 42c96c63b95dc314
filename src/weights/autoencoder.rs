//! Pretrained autoencoders of pictures, as `diffusers` saves them in safetensors: AutoencoderTiny and AutoencoderKL. The
//! network follows from the names and shapes of the tensors; `config.json` adds the rest.

use super::bytes::{Bytes, ModelFile};
use super::ggml_blocks::Format;
use super::quoted::quoted;
use super::safetensors_files::{self, SafetensorsTensor};
use crate::device::Device;
use crate::error::{Code, Error, Result};
use crate::models::autoencoder::{Architecture, Family};
use crate::models::autoencoder_block::{Block, BlockSpec};
use crate::models::autoencoder_kl::KlConfig;
use crate::models::autoencoder_tiny::TinyConfig;
use crate::nn::engine::{bf16, f16};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What is read from `config.json`.
#[derive(Deserialize, Default)]
struct Config {
    _class_name: Option<String>,
    act_fn: Option<String>,
    norm_num_groups: Option<usize>,
    scaling_factor: Option<f32>,
    shift_factor: Option<f32>,
    upsample_fn: Option<String>,
    upsampling_scaling_factor: Option<usize>,
}

/// Tensors by name.
type Found = BTreeMap<String, (SafetensorsTensor, Rc<dyn Bytes>)>;

/// An autoencoder that is opened and then loaded block by block.
pub struct Autoencoder {
    pub architecture: Architecture,
    /// From pixels in [-1, 1] `[1, 3, H, W]` to a latent, and back; complete once [`Self::load`] has returned as many blocks as there are.
    pub encoder: Vec<Block>,
    pub decoder: Vec<Block>,
    parts: [Vec<BlockSpec>; 2],
    found: Found,
}

/// The names of attention's tensors in 2022, and their current names.
const RENAMED: [(&str, &str); 4] = [("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0")];

/// Limits: resolutions of the picture, and channels of the latent.
const MAX_STAGES: usize = 6;
const MAX_LATENT: usize = 64;

impl Autoencoder {
    /// Opens one safetensors file, or several with their index, with or without `config.json`. Only headers are read.
    ///
    /// # Errors
    /// `BadFile` where a file is damaged or a tensor is missing, `Unsupported` where it is another network,
    /// `ShapeMismatch` where a tensor has another shape than the network expects.
    pub fn open(files: &[ModelFile]) -> Result<Self> {
        let mut found = Found::new();
        for (tensor, file) in safetensors_files::tensors(files)? {
            let name = current_name(&tensor.name);
            if found.insert(name.clone(), (tensor, file)).is_some() {
                return Err(Error::bad_file(format!("The tensor {} occurs under two names.", quoted(&name))));
            }
        }
        let config = files.iter().find(|f| safetensors_files::base(&f.name) == "config.json");
        let config: Config = config.map(|f| safetensors_files::json(&*f.bytes)).transpose()?.unwrap_or_default();
        let architecture = architecture(&found, &config)?;
        let parts = architecture.blocks();
        check(&found, &parts)?;
        Ok(Self { architecture, encoder: Vec::new(), decoder: Vec::new(), parts, found })
    }

    /// Loads the next block to a device without autodiff; returns blocks loaded and blocks in all.
    ///
    /// # Errors
    /// `BadFile` where the file cannot be read.
    pub fn load(&mut self, device: &Device) -> Result<(usize, usize)> {
        let [encoder, decoder] = &self.parts;
        let (all, done) = (encoder.len() + decoder.len(), self.encoder.len() + self.decoder.len());
        if let Some(part) = encoder.iter().chain(decoder).nth(done) {
            let layer = part.load(&|name| read(&self.found, name), device)?;
            let side = if done < encoder.len() { &mut self.encoder } else { &mut self.decoder };
            side.push(layer);
        }
        Ok(((done + 1).min(all), all))
    }
}

/// The current name of a tensor.
fn current_name(name: &str) -> String {
    let Some((before, rest)) = name.split_once(".attentions.0.") else { return name.into() };
    let new = RENAMED.iter().find_map(|(old, new)| Some((new, rest.strip_prefix(old)?.strip_prefix('.')?)));
    new.map_or(name.into(), |(new, rest)| format!("{before}.attentions.0.{new}.{rest}"))
}

fn architecture(found: &Found, config: &Config) -> Result<Architecture> {
    if let Some(other) = config._class_name.as_deref().filter(|c| !["AutoencoderTiny", "AutoencoderKL"].contains(c)) {
        return Err(Error::unsupported(format!("The model is {}, not an autoencoder that Kiln runs.", quoted(other))));
    }
    let (family, stages, tile, scale, activations) = if found.contains_key("encoder.conv_in.weight") {
        let sizes = kl(found, config.norm_num_groups.unwrap_or(32))?;
        let stages = sizes.widths.len();
        (Family::Kl(sizes), stages, 256, 0.18215, ["silu", "swish"])
    } else if found.contains_key("encoder.layers.0.weight") {
        let sizes = tiny(found)?;
        let stages = sizes.encoder.len();
        (Family::Tiny(sizes), stages, 512, 1.0, ["relu", "relu"])
    } else {
        return Err(Error::unsupported(
            "The files do not contain a complete AutoencoderTiny or AutoencoderKL of diffusers.",
        ));
    };
    if let Some(other) = config.act_fn.as_deref().filter(|a| !activations.contains(a)) {
        return Err(Error::unsupported(format!("The model's activation is {}.", quoted(other))));
    }
    if config.upsampling_scaling_factor.unwrap_or(2) != 2
        || config.upsample_fn.as_deref().unwrap_or("nearest") != "nearest"
    {
        return Err(Error::unsupported("The model uses an unsupported upsampling."));
    }
    let (scale, shift) = (config.scaling_factor.unwrap_or(scale), config.shift_factor.unwrap_or(0.0));
    if !(1e-4..=1e4).contains(&scale) || !(-1e4..=1e4).contains(&shift) {
        return Err(Error::bad_file(format!("The model's latents are scaled by {scale} and shifted by {shift}.")));
    }
    let latent = match &family {
        Family::Tiny(sizes) => sizes.latent,
        Family::Kl(sizes) => sizes.latent,
    };
    if stages > MAX_STAGES || !(1..=MAX_LATENT).contains(&latent) {
        let sizes = format!("The model has {stages} resolutions and {latent} channels in its latent.");
        return Err(Error::unsupported(sizes));
    }
    Ok(Architecture { family, latent, factor: 1 << (stages - 1), tile, scale, shift })
}

/// One dimension of a tensor.
fn length(found: &Found, name: &str, dim: usize) -> Result<usize> {
    let (tensor, _) = found.get(name).ok_or_else(|| missing(name))?;
    let length = tensor.shape.get(dim).copied().filter(|&n| n > 0);
    length.ok_or_else(|| Error::bad_file(format!("The tensor {} has an empty shape.", quoted(name))))
}

/// The number of consecutive tensors of that name, counted from 0.
fn counted(found: &Found, name: impl Fn(usize) -> String) -> usize {
    (0..).find(|&i| !found.contains_key(&name(i))).unwrap_or_default()
}

fn kl(found: &Found, groups: usize) -> Result<KlConfig> {
    let conv = |block: usize, layer: usize| format!("encoder.down_blocks.{block}.resnets.{layer}.conv1.weight");
    let blocks = counted(found, |block| conv(block, 0));
    let widths = (0..blocks).map(|block| length(found, &conv(block, 0), 0)).collect::<Result<Vec<_>>>()?;
    if let Some(width) = widths.iter().find(|&&w| groups == 0 || w % groups != 0) {
        let why = format!("{width} channels cannot be divided into {groups} groups.");
        return Err(Error::new(Code::BadFile, why, "Open the model's config.json together with its weights."));
    }
    if widths.is_empty() {
        return Err(missing(&conv(0, 0)));
    }
    Ok(KlConfig {
        widths,
        layers: counted(found, |layer| conv(0, layer)),
        latent: length(found, "decoder.conv_in.weight", 1)?,
        groups,
        attention: found.contains_key("encoder.mid_block.attentions.0.group_norm.weight"),
        quant: found.contains_key("quant_conv.weight"),
        post_quant: found.contains_key("post_quant_conv.weight"),
    })
}

/// The blocks between convolutions, from the numbers of the layers, which have no names.
fn tiny(found: &Found) -> Result<TinyConfig> {
    let has = |side: &str, at: usize, what: &str| found.contains_key(&format!("{side}.layers.{at}{what}"));
    let stages = |side: &str, first: usize| {
        let (mut stages, mut at) = (vec![0], first);
        loop {
            if has(side, at, ".conv.0.weight") {
                stages.last_mut().into_iter().for_each(|blocks| *blocks += 1);
            } else if has(side, at, ".weight") {
                stages.push(0);
            } else if !has(side, at + 1, ".weight") {
                // The last convolution ends no stage.
                stages.pop();
                return stages;
            }
            at += 1;
        }
    };
    let (encoder, decoder) = (stages("encoder", 1), stages("decoder", 2));
    if encoder.len() != decoder.len() || encoder.is_empty() {
        return Err(Error::bad_file("The model's encoder and decoder do not match."));
    }
    let width = length(found, "encoder.layers.0.weight", 0)?;
    Ok(TinyConfig { width, latent: length(found, "decoder.layers.0.weight", 1)?, encoder, decoder })
}

/// Compares every tensor with the network before any is read.
fn check(found: &Found, parts: &[Vec<BlockSpec>; 2]) -> Result<()> {
    let wanted: BTreeMap<String, Vec<usize>> = parts.iter().flatten().flat_map(BlockSpec::tensors).collect();
    for (name, shape) in &wanted {
        let (tensor, _) = found.get(name).ok_or_else(|| missing(name))?;
        if tensor.shape != *shape && !matches!(shape[..], [o, i, 1, 1] if tensor.shape == [o, i]) {
            return Err(Error::new(
                Code::ShapeMismatch,
                format!("The tensor {} is {:?} in the file and {shape:?} in the model.", quoted(name), tensor.shape),
                "Choose another file: this one is inconsistent.",
            ));
        }
        if tensor.format().is_none() {
            let kind = format!("The tensor {} is of the type {:?}.", quoted(name), tensor.dtype);
            return Err(Error::unsupported(kind));
        }
    }
    // A tensor that is left over would have changed the result.
    match found.keys().find(|name| !wanted.contains_key(*name)) {
        Some(name) => {
            let name = quoted(name);
            Err(Error::unsupported(format!("The file has a tensor {name}, which Kiln's network does not have.")))
        }
        None => Ok(()),
    }
}

/// The numbers of a tensor, row-major.
fn read(found: &Found, name: &str) -> Result<Vec<f32>> {
    let (tensor, file) = found.get(name).ok_or_else(|| missing(name))?;
    let bytes = file.take(tensor.at, tensor.bytes)?;
    let halves = |f: fn(u16) -> f32| bytes.as_chunks().0.iter().map(|&b| f(u16::from_le_bytes(b))).collect();
    Ok(match tensor.format() {
        Some(Format::F16) => halves(f16),
        Some(Format::Bf16) => halves(bf16),
        _ => bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
    })
}

fn missing(name: &str) -> Error {
    Error::bad_file(format!("The file has no tensor {}.", quoted(name)))
}
