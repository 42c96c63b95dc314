//! Decodes a person's pictures in the terminal.

use async_trait::async_trait;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, Rgb, RgbImage};
use indicatif::ProgressBar;
use kiln::weights::import_pictures::{Cut, Decode, Fit};
use std::io::Cursor;

/// With a bar that shows how far it is.
pub struct Darkroom(pub ProgressBar);

#[async_trait(?Send)]
impl Decode for Darkroom {
    async fn decode(&self, file: Vec<u8>, fit: Fit) -> Result<(Vec<u8>, u32, u32), String> {
        decode(&file, fit).map_err(|e| e.to_string())
    }

    async fn turn(&self, done: f64, total: f64) -> bool {
        self.0.set_length(total as u64);
        self.0.set_position(done as u64);
        true
    }
}

fn decode(file: &[u8], fit: Fit) -> image::ImageResult<(Vec<u8>, u32, u32)> {
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format()?;
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(1 << 14), Some(1 << 14));
    limits.max_alloc = Some(1 << 30);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let upright = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(upright);
    let Cut { x, y, width, height, to_width, to_height } = fit.cut(picture.width(), picture.height());
    let cut = picture.crop_imm(x, y, width, height).into_rgba8();
    let white = |p: &image::Rgba<u8>| {
        let [r, g, b, a] = p.0.map(u32::from);
        Rgb([r, g, b].map(|v| ((v * a + 255 * (255 - a) + 127) / 255) as u8))
    };
    let over = RgbImage::from_raw(width, height, cut.pixels().flat_map(|p| white(p).0).collect());
    let over = DynamicImage::from(over.unwrap_or_default());
    let small = over.resize_exact(to_width, to_height, FilterType::CatmullRom).into_rgb8();
    Ok((small.into_raw(), to_width, to_height))
}
