//! From a model's name to a model that can write: its files arrive, then its weights are loaded part by part.

use super::config::Config;
use super::transcript::Voice;
use crate::demos::{Context, TIME_SLICE_MS};
use crate::error::Result;
use crate::generate::TextGenerator;
use crate::models::language_model::LanguageModelLoader;
use crate::models::pretrained;
use crate::nn::engine;
use crate::poll::{Poll, Progress};
use crate::ready;
use crate::text::Tokenizer;
use crate::weights::Pretrained;

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

impl Opening {
    pub fn new(config: &Config) -> Self {
        Self { model: config.model.clone(), positions: config.context as usize, coming: None }
    }

    pub fn step(&mut self, context: &Context) -> Result<Poll<(Voice, TextGenerator)>> {
        let Some(mut coming) = self.coming.take() else {
            let files = Pretrained::open(&ready!(context.library.poll(&self.model)?))?;
            let tokenizer = Tokenizer::new(files.vocabulary.clone())?;
            let template = files.chat_template.clone();
            let loader = open(context, &files, self.positions)?;
            self.coming = Some(Coming { files, voice: Voice { tokenizer, template }, loader });
            return Ok(Progress::work("weights", 0.0, 1.0).into());
        };
        let until = (context.clock)() + TIME_SLICE_MS;
        loop {
            let (done, total) = coming.loader.load(&coming.files)?;
            if done == total {
                return Ok(Poll::Ready((coming.voice, TextGenerator::new(coming.loader.finish()?))));
            }
            if (context.clock)() >= until {
                self.coming = Some(coming);
                return Ok(Progress::work("weights", done as f64, total as f64).into());
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
