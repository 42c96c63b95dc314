//! What a person does with a latent: turns its channels, paints on them, adds noise.

use super::demo::{AutoencoderDemo, Latent};
use super::edits::{Edits, bytes};
use crate::demos::{Values, no_action};
use crate::error::{Error, Result};
use serde_json::{Value, json};

impl AutoencoderDemo {
    /// Carries out one of its actions; returns the values that it changes.
    pub fn action(&mut self, name: &str, args: &Value) -> Result<Values> {
        let index = args.get("index").and_then(Value::as_u64);
        match (name, index, args.get("value").and_then(Value::as_f64)) {
            ("reset_latent", ..) => Ok(Edits::default().values()),
            ("noise", ..) => Ok(self.edited(Edits::add_noise)),
            ("paint", ..) => self.paint(args),
            ("channel", Some(index @ 0..64), _) => Ok(Values::from_iter([("channel".to_string(), json!(index))])),
            ("slide", Some(index @ 0..128), Some(value)) => {
                Ok(self.edited(|edits| edits.turn(index as usize, value as f32)))
            }
            ("slide" | "channel", ..) => Err(Error::bad_command("There is no such channel or value.")),
            _ => Err(no_action(name)),
        }
    }

    /// The edits after one of them, for the config.
    fn edited(&self, change: impl FnOnce(&mut Edits)) -> Values {
        let mut edits = self.edits.clone();
        change(&mut edits);
        edits.values()
    }

    /// What was painted on the pad: all of it each time.
    fn paint(&mut self, args: &Value) -> Result<Values> {
        let Some(Latent { values: latent, shape }) = &self.latent else {
            return Err(Error::bad_command("The picture has not been encoded yet."));
        };
        let listed = |key: &str| -> Option<Vec<u8>> {
            let list = args.get(key).map_or(Some(&[][..]), |v| v.as_array().map(Vec::as_slice))?;
            list.iter().map(|v| v.as_u64().and_then(|v| u8::try_from(v).ok())).collect()
        };
        let plane = shape.height * shape.width;
        let (pixels, mask) = match (listed("pixels"), listed("mask")) {
            (Some(p), Some(m)) if [0, plane].contains(&p.len()) && [0, plane].contains(&m.len()) => (p, m),
            _ => return Err(Error::bad_command("A painting needs a byte for each pixel of the pad.")),
        };
        let channel = (self.config.channel as usize).min(shape.channels - 1);
        let unpainted = self.edits.unpainted(channel).apply(latent, *shape, u64::from(self.config.seed));
        let unpainted = bytes(&unpainted[channel * plane..(channel + 1) * plane]);
        let wiped = pixels.is_empty();
        let edits = self.edited(|edits| edits.draw(channel, shape.width, &pixels, &mask, &unpainted));
        // A pad that was wiped, or where paint was taken away, is drawn anew with what is under it.
        self.painted =
            edits.get("edits").and_then(Value::as_str).filter(|_| !wiped && mask.is_empty()).map(String::from);
        Ok(edits)
    }
}
