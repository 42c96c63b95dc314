//! Samples as pictures and tensors.

use crate::files::write;
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
    let (width, height, pixels) = match samples.shape[..] {
        [n, 1, h, w] => mosaic(&samples.values, n, h, w),
        _ => scatter(&samples.values),
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().and_then(|mut w| w.write_image_data(&pixels)).map_err(Error::internal)?;
    write(path, &bytes)
}

/// Pictures in rows of eight.
fn mosaic(values: &[f32], n: usize, h: usize, w: usize) -> (usize, usize, Vec<u8>) {
    let (columns, rows) = (n.clamp(1, 8), n.div_ceil(8).max(1));
    let mut pixels = vec![0; columns * w * rows * h];
    for (i, value) in values.iter().enumerate() {
        let (k, y, x) = (i / (h * w), i / w % h, i % w);
        pixels[((k / columns * h + y) * columns + k % columns) * w + x] = ((value + 1.0) * 127.5).round() as u8;
    }
    (columns * w, rows * h, pixels)
}

/// Points as black dots on a white square of 6 x 6 units.
fn scatter(values: &[f32]) -> (usize, usize, Vec<u8>) {
    const SIDE: usize = 300;
    let mut pixels = vec![255; SIDE * SIDE];
    let at = |v: f32| (((v / 3.0 + 1.0) / 2.0 * SIDE as f32) as usize).min(SIDE - 1);
    for p in values.chunks_exact(2) {
        pixels[(SIDE - 1 - at(p[1])) * SIDE + at(p[0])] = 0;
    }
    (SIDE, SIDE, pixels)
}
