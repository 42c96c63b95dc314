//! The person's own picture: drawn, or erased in part.

use crate::data::Shape;
use crate::demos::views::View;
use crate::error::{Error, Result};
use crate::weights::Checkpoint;
use serde_json::Value;

/// What is on the pad.
#[derive(Default)]
pub struct Pad {
    /// In [-1, 1], `[C, H, W]`; empty while nothing is drawn.
    pub pixels: Vec<f32>,
    /// Not 0 where the person erased it; empty where nothing is.
    pub mask: Vec<u8>,
    /// What it was encoded to.
    pub latent: Vec<f32>,
    pub revision: u32,
}

impl Pad {
    pub fn view(&self, shape: Shape) -> View {
        // Digits are white on black; colour pictures lie on white.
        let blank = vec![if shape.channels == 1 { -1.0 } else { 1.0 }; shape.len()];
        View::Pad {
            action: "draw".into(),
            width: shape.width as u32,
            height: shape.height as u32,
            channels: shape.channels as u32,
            pixels: shape.bytes(if self.pixels.is_empty() { &blank } else { &self.pixels }),
            mask: self.mask.clone(),
            revision: self.revision,
        }
    }

    /// Takes over what the person drew: `{ pixels: [...], mask: [...] }`, bytes.
    ///
    /// # Errors
    /// `BadCommand` where they are no bytes, or not those of a picture.
    pub fn draw(&mut self, args: &Value, shape: Shape) -> Result<()> {
        let (pixels, mask) = (bytes(args, "pixels")?, bytes(args, "mask")?);
        let plane = shape.height * shape.width;
        if !(pixels.is_empty() || pixels.len() == shape.len()) || !(mask.is_empty() || mask.len() == plane) {
            return Err(Error::bad_command("The drawing has the wrong size."));
        }
        self.pixels = shape.values(&pixels);
        self.mask = if mask.iter().any(|m| *m != 0) { mask } else { Vec::new() };
        Ok(())
    }

    /// Which numbers of the picture are not known, for each of them.
    pub fn hidden(&self) -> Vec<bool> {
        let plane = self.mask.len().max(1);
        (0..self.pixels.len()).map(|i| self.mask.get(i % plane).is_some_and(|m| *m != 0)).collect()
    }

    pub fn save(&self, file: &mut Checkpoint) {
        if !self.pixels.is_empty() {
            file.push("pad.pixels", &[self.pixels.len()], self.pixels.clone());
            file.push("pad.mask", &[self.mask.len()], self.mask.iter().map(|m| f32::from(*m)).collect());
        }
    }

    /// The pad of a checkpoint, to be drawn anew.
    ///
    /// # Errors
    /// `BadFile`, `ShapeMismatch`.
    pub fn loaded(&self, file: &Checkpoint, shape: Shape) -> Result<Self> {
        let mut pad = Self { revision: self.revision + 1, ..Self::default() };
        if file.find("pad.pixels").is_some() {
            pad.pixels = file.finite("pad.pixels", &[shape.len()])?.to_vec();
            let empty = file.find("pad.mask").is_some_and(|mask| mask.shape == [0]);
            let plane = if empty { 0 } else { shape.height * shape.width };
            pad.mask = file.tensor("pad.mask", &[plane])?.iter().map(|m| u8::from(*m != 0.0)).collect();
        }
        Ok(pad)
    }
}

/// A list of bytes from a command.
fn bytes(args: &Value, key: &str) -> Result<Vec<u8>> {
    let byte = |v: &Value| v.as_u64().and_then(|v| u8::try_from(v).ok());
    let list =
        args.get(key).and_then(Value::as_array).ok_or_else(|| Error::bad_command(format!("The {key} are missing.")))?;
    let bytes: Option<Vec<u8>> = list.iter().map(byte).collect();
    bytes.ok_or_else(|| Error::bad_command(format!("The {key} are not bytes.")))
}
