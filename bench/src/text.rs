//! A pretrained transformer, W3, W3s and W4: the prompt, then one token at a time, the likeliest. The very steps that the
//! page's text demo takes, in chunks of the same size.

use kiln::device::OpenDevice;
use kiln::generate::PREFILL_CHUNK;
use kiln::models::language_model::{LanguageModel, LanguageModelLoader};
use kiln::models::pretrained;
use kiln::models::transformer::Architecture;
use kiln::text::Tokenizer;
use kiln::weights::{ModelFile, Pretrained};
use std::rc::Rc;
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

#[wasm_bindgen]
pub struct Text {
    model: Box<dyn LanguageModel>,
    tokenizer: Option<Tokenizer>,
    position: usize,
}

#[wasm_bindgen]
impl Text {
    /// From a `.gguf`, or a `.safetensors` with its `config.json`; `context` positions of cache.
    pub async fn open(weights: Vec<u8>, config: Option<String>, context: usize) -> Result<Text, JsError> {
        let opened = crate::device().await?;
        let name = if config.is_some() { "model.safetensors" } else { "model.gguf" };
        let mut files = vec![ModelFile { name: name.into(), bytes: Rc::new(weights) }];
        if let Some(config) = config {
            files.push(ModelFile { name: "config.json".into(), bytes: Rc::new(config.into_bytes()) });
            // Random weights know no words.
            files.push(ModelFile { name: "tokenizer.json".into(), bytes: Rc::new(b"{}".to_vec()) });
        }
        let files = Pretrained::open(&files)?;
        let tokenizer = Tokenizer::new(files.vocabulary.clone()).ok();
        let mut loader = on_device(&opened, files.architecture.clone(), context)?;
        while {
            let (done, total) = loader.load(&files)?;
            done < total
        } {}
        Ok(Self { model: loader.finish()?, tokenizer, position: 0 })
    }

    pub fn encode(&self, text: &str) -> Result<Vec<u32>, JsError> {
        let tokenizer = self.tokenizer.as_ref().ok_or_else(|| JsError::new("the model has no tokenizer"))?;
        Ok(tokenizer.encode(text, true)?)
    }

    pub fn text(&self, ids: &[u32]) -> String {
        let bytes = ids.iter().filter_map(|&id| Some(self.tokenizer.as_ref()?.bytes(id).to_vec())).flatten();
        String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
    }

    /// Begins anew with a prompt; the likeliest next token.
    pub async fn prefill(&mut self, ids: Vec<u32>) -> Result<u32, JsError> {
        self.position = 0;
        self.feed(&ids).await
    }

    /// The likeliest token after `id`.
    pub async fn decode(&mut self, id: u32) -> Result<u32, JsError> {
        self.feed(&[id]).await
    }
}

impl Text {
    async fn feed(&mut self, ids: &[u32]) -> Result<u32, JsError> {
        let mut logits = Vec::new();
        for chunk in ids.chunks(PREFILL_CHUNK) {
            logits = self.model.logits(chunk, self.position).await?;
            self.position += chunk.len();
        }
        let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        Ok(best.map_or(0, |(id, _)| id as u32))
    }
}

/// By the engine of the module's device.
fn on_device(
    opened: &OpenDevice,
    architecture: Architecture,
    context: usize,
) -> kiln::error::Result<Box<dyn LanguageModelLoader>> {
    #[cfg(feature = "gpu")]
    if opened.webgpu {
        return pretrained::open(kiln::nn::engine::Gpu::new(&opened.device), architecture, context);
    }
    let _ = opened;
    pretrained::open(kiln::nn::engine::Cpu, architecture, context)
}
