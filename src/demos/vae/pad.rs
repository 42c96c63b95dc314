//! The person's own picture: drawn, or erased in part.

use crate::data::Shape;
use crate::demos::views::View;
use crate::error::Result;
use crate::weights::Checkpoint;

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
