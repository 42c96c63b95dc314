//! The person's own picture: drawn, erased in part, encoded and mended.

use super::config::Config;
use super::inpaint::Damaged;
use super::{SHOWN, VaeDemo, Values, flat};
use crate::data::Shape;
use crate::demos::views::View;
use crate::device::read;
use crate::error::{Error, Result};
use crate::weights::Checkpoint;
use serde_json::{Value, json};

/// What is on the pad.
#[derive(Default)]
pub struct Pad {
    /// In [-1, 1], `[C, H, W]`; empty while nothing is drawn.
    pub pixels: Vec<f32>,
    /// Not 0 where the person erased it; empty where nothing is.
    mask: Vec<u8>,
    /// What it was encoded to.
    pub latent: Vec<f32>,
    revision: u32,
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
    fn hidden(&self) -> Vec<bool> {
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

impl VaeDemo {
    /// Takes over what the person drew, and chooses the latent that it is encoded to.
    pub async fn draw(&mut self, args: &Value) -> Result<Values> {
        let (pixels, mask) = (bytes(args, "pixels")?, bytes(args, "mask")?);
        let plane = self.shape.height * self.shape.width;
        if !(pixels.is_empty() || pixels.len() == self.shape.len()) || !(mask.is_empty() || mask.len() == plane) {
            return Err(Error::bad_command("The drawing has the wrong size."));
        }
        self.pad.pixels = self.shape.values(&pixels);
        self.pad.mask = if mask.iter().any(|m| *m != 0) { mask } else { Vec::new() };
        if self.pad.pixels.is_empty() {
            self.pad.latent.clear();
            return Ok(Values::new());
        }
        self.read_pad().await?;
        Ok(self.choose(&self.pad.latent))
    }

    /// Encodes what is on the pad; where a part was erased, by a search for what agrees with the rest.
    pub async fn read_pad(&mut self) -> Result<()> {
        if self.pad.pixels.is_empty() {
            return Ok(());
        }
        let latent = match self.pad.mask.is_empty() {
            true => self.encode(self.upload(&self.pad.pixels)).0,
            false => self.search(&Damaged::erased(&self.pad.pixels, self.pad.hidden())),
        };
        self.pad.latent = read(vec![flat(latent)]).await?.pop().unwrap_or_default();
        Ok(())
    }

    /// Puts picture A on the pad.
    pub async fn edit(&mut self, config: &Config) -> Result<Values> {
        let n = self.shape.len();
        let a = (config.a as usize).min((self.examples(config).len() / n).saturating_sub(1));
        let Some(pixels) = self.examples(config).get(a * n..(a + 1) * n).map(<[f32]>::to_vec) else {
            return Err(Error::bad_command("The pictures have not been loaded yet."));
        };
        (self.pad.pixels, self.pad.mask) = (pixels, Vec::new());
        self.pad.revision += 1;
        self.read_pad().await?;
        Ok(self.choose(&self.pad.latent))
    }

    /// Makes a shown picture the next of A, B and C, and chooses its latent.
    pub async fn pick(&mut self, config: &Config, index: usize) -> Result<Values> {
        let n = self.shape.len();
        let Some(picture) = self.examples(config).get(index * n..(index + 1) * n) else {
            return Err(Error::bad_command(format!("There is no picture {index}: {SHOWN} are shown.")));
        };
        let (mean, _) = self.encode(self.upload(picture));
        let z = read(vec![flat(mean)]).await?.pop().unwrap_or_default();
        let mut values = self.choose(&z);
        values.insert(["a", "b", "c"][self.slot].into(), json!(index));
        self.slot = (self.slot + 1) % 3;
        Ok(values)
    }
}
