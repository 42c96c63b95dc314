//! Samples as pictures and tensors.

use crate::files::write;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use kiln::data::Shape;
use kiln::demos::Samples;
use kiln::error::{Error, Result};
use kiln::weights::Checkpoint;
use std::path::Path;

/// Writes samples as a picture or as a tensor named `samples`, by the file's ending.
pub fn save_samples(samples: &Samples, path: &Path) -> Result<()> {
    if path.extension().is_some_and(|e| e == "safetensors") {
        let mut file = Checkpoint::default();
        file.push("samples", &samples.shape, samples.values.clone());
        return write(path, &file.to_bytes()?);
    }
    let (width, height, colour, pixels) = match samples.shape[..] {
        [n, channels, height, width] => mosaic(&samples.values, n, Shape { channels, height, width }),
        _ => scatter(&samples.values),
    };
    write(path, &png(width, height, colour, &pixels)?)
}

/// A PNG file.
pub fn png(width: usize, height: usize, colour: ExtendedColorType, pixels: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new(&mut bytes);
    encoder.write_image(pixels, width as u32, height as u32, colour).map_err(Error::internal)?;
    Ok(bytes)
}

/// Pictures in rows of eight.
fn mosaic(values: &[f32], n: usize, shape: Shape) -> (usize, usize, ExtendedColorType, Vec<u8>) {
    let (columns, rows) = (n.clamp(1, 8), n.div_ceil(8).max(1));
    let Shape { channels, height, width } = shape;
    let mut pixels = vec![0; columns * width * rows * height * channels];
    let line = width * channels;
    for (i, row) in shape.bytes(values).chunks_exact(line).enumerate() {
        let (k, y) = (i / height, i % height);
        let at = ((k / columns * height + y) * columns + k % columns) * line;
        pixels[at..at + line].copy_from_slice(row);
    }
    let colour = if channels == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
    (columns * width, rows * height, colour, pixels)
}

/// Points as black dots on a white square of 6 x 6 units.
fn scatter(values: &[f32]) -> (usize, usize, ExtendedColorType, Vec<u8>) {
    const SIDE: usize = 300;
    let mut pixels = vec![255; SIDE * SIDE];
    let at = |v: f32| (((v / 3.0 + 1.0) / 2.0 * SIDE as f32) as usize).min(SIDE - 1);
    for p in values.chunks_exact(2) {
        pixels[(SIDE - 1 - at(p[1])) * SIDE + at(p[0])] = 0;
    }
    (SIDE, SIDE, ExtendedColorType::L8, pixels)
}
