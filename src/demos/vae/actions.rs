//! What a person does with the autoencoder: moves the latent, draws, chooses pictures, has them mended.

use super::config::{Config, LIMIT, choose};
use super::demo::{SHOWN, VaeDemo};
use crate::demos::settings::Damage;
use crate::demos::{Values, no_action, values};
use crate::device::{flat, read_one};
use crate::error::{Error, Result};
use serde_json::{Value, json};

impl VaeDemo {
    /// Carries out one of its actions; returns the values that it changes.
    pub async fn action(&mut self, config: &Config, name: &str, args: &Value) -> Result<Values> {
        let index = || args.get("index").and_then(Value::as_u64).map(|i| i as usize);
        let number = |key: &str| args.get(key).and_then(Value::as_f64).map(|v| (v as f32).clamp(-LIMIT, LIMIT));
        let missing = || Error::bad_command(format!("The action {name:?} needs a number."));
        let mut z = self.z.clone();
        match name {
            "move" => {
                let (x, y) = number("x").zip(number("y")).ok_or_else(missing)?;
                let [across, up] = config.plane();
                // Where both are the same dimension, left to right counts, as on the map.
                (z[up], z[across]) = (y, x);
                Ok(choose(&z))
            }
            "slide" => {
                let (index, value) = index().zip(number("value")).ok_or_else(missing)?;
                *z.get_mut(index).ok_or_else(missing)? = value;
                Ok(choose(&z))
            }
            "pick" => {
                // The second row shows the same pictures again.
                let index = index().ok_or_else(missing)? % (self.examples(config).len() / self.shape.len()).max(1);
                self.pick(config, index).await
            }
            "draw" => self.draw(args).await,
            "edit_a" => self.edit(config).await,
            "restore" => self.restore(config).await,
            "other_pictures" => {
                let all = self.held_out.as_ref().map_or(0, |h| h.pixels.len() / self.shape.len());
                let next = config.from as usize + SHOWN;
                Ok(values(json!({ "from": if next + SHOWN > all { 0 } else { next } })))
            }
            "random_latent" => {
                let z = self.wander.normal(z.len());
                Ok(choose(&z))
            }
            _ => Err(no_action(name)),
        }
    }

    /// Takes over what the person drew, and chooses the latent that it is encoded to.
    async fn draw(&mut self, args: &Value) -> Result<Values> {
        self.pad.draw(args, self.shape)?;
        if self.pad.pixels.is_empty() {
            self.pad.latent.clear();
            return Ok(Values::new());
        }
        self.read_pad().await?;
        Ok(choose(&self.pad.latent))
    }

    /// Puts picture A on the pad.
    async fn edit(&mut self, config: &Config) -> Result<Values> {
        let n = self.shape.len();
        let a = (config.a as usize).min((self.examples(config).len() / n).saturating_sub(1));
        let Some(pixels) = self.examples(config).get(a * n..(a + 1) * n).map(<[f32]>::to_vec) else {
            return Err(Error::bad_command("The pictures have not been loaded yet."));
        };
        (self.pad.pixels, self.pad.mask) = (pixels, Vec::new());
        self.pad.revision += 1;
        self.read_pad().await?;
        Ok(choose(&self.pad.latent))
    }

    /// Makes a shown picture the next of A, B and C, and chooses its latent.
    async fn pick(&mut self, config: &Config, index: usize) -> Result<Values> {
        let n = self.shape.len();
        let Some(picture) = self.examples(config).get(index * n..(index + 1) * n) else {
            return Err(Error::bad_command(format!("There is no picture {index}: {SHOWN} are shown.")));
        };
        let (mean, _) = self.encode(self.upload(picture));
        let z = read_one(flat(mean)).await?;
        let mut values = choose(&z);
        values.insert(["a", "b", "c"][self.slot].into(), json!(index));
        self.slot = (self.slot + 1) % 3;
        Ok(values)
    }

    /// Searches for the pictures that are shown damaged.
    async fn restore(&mut self, config: &Config) -> Result<Values> {
        if self.examples(config).is_empty() || self.weights.is_some() || config.damage == Damage::None {
            return Err(Error::bad_command("There is nothing to repair: choose a kind of damage first."));
        }
        self.mended = Some(read_one(flat(self.search(&self.damaged(config)))).await?);
        Ok(Values::new())
    }
}
