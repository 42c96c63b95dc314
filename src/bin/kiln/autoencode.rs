//! `kiln encode` and `kiln decode`: a picture to a latent and back, with a pretrained autoencoder.

use crate::Choice;
use crate::files::{read, write};
use crate::samples::png;
use clap::Args;
use image::ExtendedColorType;
use indicatif::ProgressBar;
use kiln::data::Shape;
use kiln::device::{self, Device};
use kiln::error::{Code, Error, Result};
use kiln::generate::TiledPass;
use kiln::models::autoencoder_block::Block;
use kiln::weights::{Autoencoder, Checkpoint, Folder, Library};
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct Task {
    /// For encode a PNG, JPEG, WebP, GIF or BMP file; for decode a .safetensors file with a tensor named latent.
    input: PathBuf,
    /// A .safetensors file, a folder with one and its config.json, or a name of the list whose file lies in --models.
    #[arg(long)]
    model: String,
    /// Folder with models that were downloaded.
    #[arg(long, default_value = ".")]
    models: PathBuf,
    /// For encode a .safetensors file, for decode a .png file.
    #[arg(long)]
    out: PathBuf,
    #[arg(long, value_enum, default_value = "cpu")]
    device: Choice,
}

/// Writes the mean of the picture's latent, as the model has it: `latent` `[1, C, H / f, W / f]`. The picture's right and lower
/// edges are cut to what the model can halve.
pub async fn encode(root: &Path, task: Task) -> Result<()> {
    let (model, device) = open(root, &task).await?;
    let (a, file) = (&model.architecture, read(&task.input)?);
    let picture = image::load_from_memory(&file)
        .map_err(|e| Error::new(Code::BadFile, format!("{}: {e}.", task.input.display()), "Choose a picture."))?;
    let cut = |n: u32| n as usize / a.factor * a.factor;
    let shape = Shape { channels: 3, height: cut(picture.height()), width: cut(picture.width()) };
    let picture = picture.crop_imm(0, 0, shape.width as u32, shape.height as u32).to_rgba8();
    // What shines through is white.
    let over = |c: u8, alpha: u8| ((u16::from(c) * u16::from(alpha) + 255 * u16::from(255 - alpha) + 127) / 255) as u8;
    let bytes: Vec<u8> = picture.pixels().flat_map(|p| [0, 1, 2].map(|c| over(p[c], p[3]))).collect();
    let passage = TiledPass::encode(a, shape.values(&bytes), shape)?;
    let (mut values, shape) = run(passage, &model.encoder, &device).await?;
    let shape = [1, a.latent, shape.height, shape.width];
    values.truncate(shape.iter().product());
    let mut file = Checkpoint::default();
    file.set_text("scaling_factor", a.scale);
    file.set_text("shift_factor", a.shift);
    file.push("latent", &shape, values);
    write(&task.out, &file.to_bytes()?)?;
    println!("latent {shape:?}, written to {}", task.out.display());
    Ok(())
}

/// Writes the picture of a latent.
pub async fn decode(root: &Path, task: Task) -> Result<()> {
    let (model, device) = open(root, &task).await?;
    let file = Checkpoint::from_bytes(&read(&task.input)?)?;
    let latent = file.find("latent").ok_or_else(|| Error::bad_file("The file has no tensor \"latent\"."))?;
    let [1, channels, height, width] = latent.shape[..] else {
        return Err(Error::bad_file(format!("The latent is {:?}, not [1, channels, height, width].", latent.shape)));
    };
    let passage = TiledPass::decode(&model.architecture, latent.values.clone(), Shape { channels, height, width })?;
    let (values, shape) = run(passage, &model.decoder, &device).await?;
    write(&task.out, &png(shape.width, shape.height, ExtendedColorType::Rgb8, &shape.bytes(&values))?)?;
    println!("{} x {}, written to {}", shape.width, shape.height, task.out.display());
    Ok(())
}

/// The model with its weights, and the device that they are on.
async fn open(root: &Path, task: &Task) -> Result<(Autoencoder, Device)> {
    let opened = match task.device {
        Choice::Webgpu => device::open_webgpu(true).await?,
        Choice::Cpu | Choice::Auto => device::open_cpu()?,
    };
    let device = opened.device.inner();
    let files = Folder::new(root, vec![task.models.clone()]).poll(&task.model)?.ready();
    let files = files.ok_or_else(|| Error::internal("A folder has all its files from the start."))?;
    let mut model = Autoencoder::open(&files)?;
    while {
        let (done, total) = model.load(&device)?;
        done < total
    } {}
    Ok((model, device))
}

async fn run(mut passage: TiledPass, side: &[Block], device: &Device) -> Result<(Vec<f32>, Shape)> {
    let bar = ProgressBar::new(0);
    while {
        let (done, total) = passage.step(side, device).await?;
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        done < total
    } {}
    bar.finish_and_clear();
    Ok(passage.finish())
}
