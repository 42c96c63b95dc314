//! A pretrained autoencoder takes a picture apart into a small latent and puts it together again; the latent can be turned,
//! painted and disturbed, and is decoded anew.

mod config;
mod edits;
mod opening;
mod scene;
mod views;

use super::views::{Action, Panel};
use super::{
    Context, Demo, Does, Entry, Family, FileKind, Needs, Opens, Stepped, Title, Values, WasmModule, config as read,
    defaults, pictures, schema, settled,
};
use crate::data::Shape;
use crate::error::{Code, Error, Result};
use crate::generate::TiledPass;
use crate::poll::{Poll, Progress};
use crate::ready;
use crate::weights::manifest::is_sha256;
use crate::weights::{Autoencoder, Checkpoint, NamedTensor as Tensor};
use async_trait::async_trait;
use config::Config;
use edits::Edits;
use opening::{Latent, Model, Picture, SPELL, Side};
use serde_json::{Value, json};

pub const ENTRY: Entry = Entry {
    name: "autoencoder",
    family: Family::Vae,
    title: Title { en: "Autoencoder", zh: "自编码器" },
    does: Does::Edits,
    needs: Needs { bytes: 9_793_292, model: true, gpu: true },
    module: WasmModule::Pretrained,
    opens: &[
        Opens { kind: FileKind::ImageAutoencoder, key: "model", side: 0 },
        Opens { kind: FileKind::Picture, key: "picture", side: 0 },
    ],
    schema: schema::<Config>,
    defaults: defaults::<Config>,
    earlier_defaults: &[],
    actions: || {
        [("reset_latent", "Reset the latent"), ("noise", "Add noise")]
            .map(|(name, title)| Action { name: name.into(), title: title.into(), draws: false })
            .into()
    },
    build: |values, context| Ok(Box::new(AutoencoderDemo::new(read(values)?, context))),
    steps: None,
    settle: settled,
};

struct AutoencoderDemo {
    config: Config,
    edits: Edits,
    context: Context,
    model: Model,
    picture: Option<Picture>,
    /// As encoded, in units of about one standard deviation.
    latent: Option<Latent>,
    /// Of a checkpoint, until the model is here.
    restored: Option<Tensor>,
    /// On its way, and since when.
    passage: Option<(Side, TiledPass, f64)>,
    /// What was decoded last, about in [-1, 1], as large as the picture; and whether the latent has changed since.
    decoded: Option<Vec<f32>>,
    stale: bool,
    /// Milliseconds that they took.
    encode_ms: Option<f64>,
    decode_ms: Option<f64>,
    /// Pictures decoded.
    steps: u32,
    /// Of the pad: rises with every change that the person did not paint.
    revision: u32,
    painted: Option<String>,
    /// The person has agreed that model and picture are fetched.
    may_fetch: bool,
}

impl AutoencoderDemo {
    fn new(config: Config, context: Context) -> Self {
        // Drawn at once, so that something is there before the model is.
        let picture = config.picture.is_empty().then(|| Picture::drawn(&config));
        Self {
            edits: Edits::parse(&config.edits),
            config,
            context,
            model: Model::default(),
            picture,
            latent: None,
            restored: None,
            passage: None,
            decoded: None,
            stale: true,
            encode_ms: None,
            decode_ms: None,
            steps: 0,
            revision: 0,
            painted: None,
            may_fetch: false,
        }
    }

    /// Fetches the person's picture.
    fn look(&mut self) -> Result<Poll<()>> {
        if self.picture.is_some() {
            return Ok(Poll::Ready(()));
        }
        // Nothing else is a picture: another name could be a model's, or an address, which nobody asked to fetch.
        if !self.config.picture.strip_prefix("sha256:").is_some_and(is_sha256) {
            return Err(pictures::unknown(format!("There is no picture {:?}.", self.config.picture)));
        }
        let files = ready!(self.context.library.poll(&self.config.picture)?);
        self.picture = Some(Picture::kept(&files, self.config.size as usize)?);
        Ok(Poll::Ready(()))
    }

    /// The latent of a checkpoint, if it is one of this picture.
    fn restore(&mut self, shape: Shape) -> Option<Latent> {
        let saved = self.restored.take()?;
        let Shape { channels, height, width } = shape;
        (saved.shape == [1, channels, height, width]).then_some(Latent { values: saved.values, shape })
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
        let bytes = |key: &str| -> Option<Vec<u8>> {
            let list = args.get(key).map_or(Some(&[][..]), |v| v.as_array().map(Vec::as_slice))?;
            list.iter().map(|v| v.as_u64().and_then(|v| u8::try_from(v).ok())).collect()
        };
        let plane = shape.height * shape.width;
        let (pixels, mask) = match (bytes("pixels"), bytes("mask")) {
            (Some(p), Some(m)) if [0, plane].contains(&p.len()) && [0, plane].contains(&m.len()) => (p, m),
            _ => return Err(Error::bad_command("A painting needs a byte for each pixel of the pad.")),
        };
        let channel = (self.config.channel as usize).min(shape.channels - 1);
        let unpainted = self.edits.unpainted(channel).apply(latent, *shape, u64::from(self.config.seed));
        let unpainted = views::bytes(&unpainted[channel * plane..(channel + 1) * plane]);
        let wiped = pixels.is_empty();
        let edits = self.edited(|edits| edits.draw(channel, shape.width, &pixels, &mask, &unpainted));
        // A pad that was wiped, or where paint was taken away, is drawn anew with what is under it.
        self.painted =
            edits.get("edits").and_then(Value::as_str).filter(|_| !wiped && mask.is_empty()).map(String::from);
        Ok(edits)
    }
}

impl Drop for AutoencoderDemo {
    /// A download that nobody waits for any more stops; what has arrived is kept.
    fn drop(&mut self) {
        self.cancel();
    }
}

#[async_trait(?Send)]
impl Demo for AutoencoderDemo {
    fn steps(&self) -> u32 {
        self.steps
    }

    async fn step(&mut self) -> Result<Poll<Stepped>> {
        ready!(self.look()?);
        ready!(self.model.step(&self.config.model, &self.context)?);
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
        let (device, until) = (self.context.device.clone().inner(), (self.context.clock)() + SPELL);
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

    fn allow_fetch(&mut self) {
        self.may_fetch = true;
    }

    /// An edit is decoded at once where model and picture are here.
    async fn prepare(&mut self) -> Result<Poll<()>> {
        if !self.may_fetch && (self.model.here().is_none() || self.picture.is_none()) {
            return Ok(Poll::Ready(()));
        }
        Ok(match ready!(self.step().await?) {
            Stepped::Done => Progress::work("decoding", 0.0, 1.0).into(),
            Stepped::Ended => Poll::Ready(()),
        })
    }

    fn cancel(&mut self) {
        if self.model.here().is_none() {
            self.context.library.cancel(&self.config.model);
        }
        if self.picture.is_none() {
            self.context.library.cancel(&self.config.picture);
        }
    }

    async fn views(&mut self, _fresh: bool) -> Result<Vec<Panel>> {
        Ok(self.panels())
    }

    fn set(&mut self, values: &Values) -> Result<()> {
        let old = std::mem::replace(&mut self.config, read(values)?);
        if self.config.seed != old.seed && self.config.picture.is_empty() {
            // Another picture altogether.
            self.picture = Some(Picture::drawn(&self.config));
            (self.latent, self.decoded, self.restored, self.passage) = (None, None, None, None);
        }
        if (&self.config.edits, self.config.seed) != (&old.edits, old.seed) {
            self.edits = Edits::parse(&self.config.edits);
            self.stale = true;
            // What is being encoded is not touched by edits.
            self.passage = self.passage.take().filter(|(side, ..)| *side == Side::Encoder);
        }
        if self.config != old && self.painted.take().as_ref() != Some(&self.config.edits) {
            self.revision += 1;
        }
        Ok(())
    }

    async fn act(&mut self, name: &str, args: &Value) -> Result<Values> {
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
            _ => Err(Error::bad_command(format!("This demo has no action {name:?}."))),
        }
    }

    /// The latent as encoded, so that the picture need not be encoded again.
    async fn save(&mut self) -> Result<Checkpoint> {
        let mut file = Checkpoint::default();
        if self.latent.as_ref().is_some_and(|latent| latent.values.iter().any(|v| !v.is_finite())) {
            return Err(Error::new(
                Code::Diverged,
                "The latent is no longer finite: the model is damaged, or the device gives wrong results.",
                "Choose another model.",
            ));
        }
        if let Some(Latent { values, shape }) = &self.latent {
            file.push("latent", &[1, shape.channels, shape.height, shape.width], values.clone());
        } else if let Some(saved) = &self.restored {
            file.tensors.push(saved.clone());
        }
        file.set_text("step", self.steps);
        Ok(file)
    }

    fn load(&mut self, file: &Checkpoint) -> Result<()> {
        let (steps, latent) = (file.count("step")?, file.find("latent"));
        if let Some(latent) = latent {
            // Of which picture it is shows when the model is here.
            if !matches!(latent.shape[..], [1, _, _, _]) {
                return Err(Error::bad_file(format!(
                    "The tensor \"latent\" has the shape {:?}, which is not a latent.",
                    latent.shape
                )));
            }
            file.finite("latent", &latent.shape)?;
        }
        (self.steps, self.restored) = (steps, latent.cloned());
        Ok(())
    }
}
