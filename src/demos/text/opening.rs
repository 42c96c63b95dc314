//! From a model's name to a model that can write: its files arrive, then its weights are loaded part by part.

use super::config::Config;
use super::transcript::Voice;
use crate::demos::{Context, Stepped};
use crate::error::Result;
use crate::generate::TextGenerator;
use crate::models::language_model::LanguageModelLoader;
use crate::models::pretrained;
use crate::nn::engine;
use crate::text::Tokenizer;
use crate::weights::{Arrival, Pretrained};

pub struct Opening {
    model: String,
    positions: usize,
    coming: Option<Coming>,
}

/// A model whose files are here.
struct Coming {
    files: Pretrained,
    voice: Voice,
    loader: Box<dyn LanguageModelLoader>,
}

pub enum Opened {
    Waiting(Stepped),
    Here(Box<(Voice, TextGenerator)>),
}

/// Milliseconds of loading between two looks at what the person wants.
const SPELL: f64 = 50.0;

impl Opening {
    pub fn new(config: &Config) -> Self {
        Self { model: config.model.clone(), positions: config.context as usize, coming: None }
    }

    pub fn step(&mut self, context: &Context) -> Result<Opened> {
        let Some(mut coming) = self.coming.take() else {
            return Ok(Opened::Waiting(match context.library.poll(&self.model)? {
                Arrival::Coming { what, done, total } => Stepped::Waiting { what, done, total, bytes: true },
                Arrival::Here(files) => {
                    let files = Pretrained::open(&files)?;
                    let tokenizer = Tokenizer::new(files.vocabulary.clone())?;
                    let template = files.chat_template.clone();
                    let loader = open(context, &files, self.positions)?;
                    self.coming = Some(Coming { files, voice: Voice { tokenizer, template }, loader });
                    Stepped::Waiting { what: "weights".into(), done: 0.0, total: 1.0, bytes: false }
                }
            }));
        };
        let until = (context.clock)() + SPELL;
        loop {
            let (done, total) = coming.loader.load(&coming.files)?;
            if done == total {
                return Ok(Opened::Here(Box::new((coming.voice, TextGenerator::new(coming.loader.finish()?)))));
            }
            if (context.clock)() >= until {
                self.coming = Some(coming);
                let (done, total) = (done as f64, total as f64);
                return Ok(Opened::Waiting(Stepped::Waiting { what: "weights".into(), done, total, bytes: false }));
            }
        }
    }

    pub fn cancel(&self, context: &Context) {
        context.library.cancel(&self.model);
    }
}

fn open(context: &Context, files: &Pretrained, positions: usize) -> Result<Box<dyn LanguageModelLoader>> {
    let architecture = files.architecture.clone();
    #[cfg(feature = "gpu")]
    if !crate::device::is_cpu(&context.device) {
        return pretrained::open(engine::Gpu::new(&context.device), architecture, positions);
    }
    let _ = context;
    pretrained::open(engine::Cpu, architecture, positions)
}
