//! A pretrained transformer as the benchmark's page drives it: prefill, then one token at a time, greedily. And [`gan`] and [`vae`].

mod gan;
mod vae;

use kiln::models::causal::{self, LanguageModel};
use kiln::nn::engine::Cpu;
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
    /// From a `.gguf`, or a `.safetensors` with its `config.json`.
    #[wasm_bindgen(constructor)]
    pub fn new(weights: Vec<u8>, config: Option<String>, context: usize) -> Result<Text, JsError> {
        let name = if config.is_some() { "model.safetensors" } else { "model.gguf" };
        let mut files = vec![ModelFile { name: name.into(), bytes: Rc::new(weights) }];
        if let Some(config) = config {
            files.push(ModelFile { name: "config.json".into(), bytes: Rc::new(config.into_bytes()) });
            // Random weights know no words.
            files.push(ModelFile { name: "tokenizer.json".into(), bytes: Rc::new(b"{}".to_vec()) });
        }
        let files = Pretrained::open(&files)?;
        let tokenizer = Tokenizer::new(files.vocabulary.clone()).ok();
        let mut model = causal::open(Cpu, files.architecture.clone(), context)?;
        while {
            let (done, total) = model.load(&files)?;
            done < total
        } {}
        Ok(Self { model, tokenizer, position: 0 })
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
        for chunk in ids.chunks(16) {
            logits = self.model.logits(chunk, self.position).await?;
            self.position += chunk.len();
        }
        let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        Ok(best.map_or(0, |(id, _)| id as u32))
    }
}
