//! The picture's way through the encoder, and the latent's through the decoder, tile by tile.

use super::demo::{AutoencoderDemo, Latent, Side};
use crate::data::Shape;
use crate::demos::{Stepped, TIME_SLICE_MS};
use crate::error::Result;
use crate::generate::TiledPass;
use crate::poll::{Poll, Progress};
use crate::weights::Autoencoder;

impl AutoencoderDemo {
    /// Encodes or decodes for [`TIME_SLICE_MS`], where there is something to do.
    pub async fn work(&mut self) -> Result<Poll<Stepped>> {
        let passage = match self.passage.take() {
            Some(passage) => Some(passage),
            None => self.begin()?,
        };
        let (Some((side, mut passage, began)), Some(model)) = (passage, self.model.here()) else {
            return Ok(Poll::Ready(Stepped::Ended));
        };
        let (what, layers) = match side {
            Side::Encoder => ("encoding", &model.encoder),
            Side::Decoder => ("decoding", &model.decoder),
        };
        let (device, until) = (self.context.device.clone().inner(), (self.context.clock)() + TIME_SLICE_MS);
        loop {
            let (done, total) = passage.step(layers, &device).await?;
            if done == total {
                self.end(side, passage, began);
                return Ok(Poll::Ready(if side == Side::Encoder { Stepped::Done } else { Stepped::Ended }));
            }
            if (self.context.clock)() >= until {
                self.passage = Some((side, passage, began));
                return Ok(Progress::work(what, done as f64, total as f64).into());
            }
        }
    }

    /// Begins what is to be done next: `None` where nothing is.
    fn begin(&mut self) -> Result<Option<(Side, TiledPass, f64)>> {
        let (Some(model), Some(picture)) = (self.model.here(), self.picture.take()) else { return Ok(None) };
        let a = model.architecture.clone();
        let picture = picture.fit(&a);
        let Shape { height, width, .. } = picture.shape;
        let (values, shape) = (picture.values.clone(), picture.shape);
        self.picture = Some(picture);
        let latent = Shape { channels: a.latent, height: height / a.factor, width: width / a.factor };
        if self.latent.is_none() {
            self.latent = self.restore(latent);
            self.revision += 1;
        }
        let began = (self.context.clock)();
        Ok(match &self.latent {
            None => Some((Side::Encoder, TiledPass::encode(&a, values, shape)?, began)),
            Some(_) if !self.stale => None,
            Some(Latent { values, shape }) => {
                let edited = self.edits.apply(values, *shape, u64::from(self.config.seed));
                let raw = edited.iter().map(|v| v / a.scale + a.shift).collect();
                Some((Side::Decoder, TiledPass::decode(&a, raw, *shape)?, began))
            }
        })
    }

    /// The latent of a checkpoint, if it is one of this picture.
    fn restore(&mut self, shape: Shape) -> Option<Latent> {
        let saved = self.restored.take()?;
        let Shape { channels, height, width } = shape;
        (saved.shape == [1, channels, height, width]).then_some(Latent { values: saved.values, shape })
    }

    /// Takes in what came out of a passage.
    fn end(&mut self, side: Side, passage: TiledPass, began: f64) {
        let (mut values, shape) = passage.finish();
        let took = Some((self.context.clock)() - began);
        let Some(Autoencoder { architecture: a, .. }) = self.model.here() else { return };
        match side {
            Side::Encoder => {
                // The mean; what else there is tells how sure the encoder is.
                let shape = Shape { channels: a.latent, ..shape };
                values.truncate(shape.len());
                values.iter_mut().for_each(|v| *v = (*v - a.shift) * a.scale);
                self.latent = Some(Latent { values, shape });
                self.encode_ms = took;
                self.revision += 1;
            }
            Side::Decoder => {
                (self.decoded, self.stale) = (Some(values), false);
                self.decode_ms = took;
                self.steps += 1;
            }
        }
    }
}
