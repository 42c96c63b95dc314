//! The vocabulary and the chat template in the files of a model.

use super::bytes::ModelFile;
use super::gguf::Gguf;
use super::gguf_value::{Texts, Value};
use super::safetensors_files::{base, json};
use crate::error::{Error, Result};
use crate::text::{GgufVocabulary, TokenizerSource};
use serde::Deserialize;

/// The largest tokenizer.json that is accepted: five times the largest in use.
const TOKENIZER_LIMIT: u64 = 64 << 20;

/// The largest number of merges for each token: more than any vocabulary has.
const MERGES: usize = 8;

/// From a GGUF file's metadata, for a model of `rows` tokens.
///
/// # Errors
/// `BadFile` where there is none, or it has more tokens than the model has rows.
pub(super) fn of_gguf(gguf: &Gguf, rows: usize) -> Result<(TokenizerSource, Option<String>)> {
    let key = |name: &str| format!("tokenizer.ggml.{name}");
    let texts = |name: &str, most: usize| -> Result<Vec<String>> {
        match gguf.metadata.get(&key(name)) {
            Some(Value::Texts(texts)) if texts.len() <= most => Ok(texts.iter().map(String::from).collect()),
            Some(Value::Texts(texts)) => {
                Err(Error::bad_file(format!("The file has {} {name} for a model of {rows}.", texts.len())))
            }
            Some(_) => Err(Error::bad_file(format!("The file's {name} are not texts."))),
            None => Ok(Vec::new()),
        }
    };
    let numbers = |name: &str| -> Result<Vec<f64>> {
        match gguf.metadata.get(&key(name)) {
            Some(Value::Numbers(list)) if list.len() <= rows => Ok(list.iter().filter_map(|v| v.number()).collect()),
            // Some writers store an empty list as a list of texts.
            Some(Value::Texts(list)) if Texts::is_empty(list) => Ok(Vec::new()),
            Some(_) => Err(Error::bad_file(format!("The file's {name} are not numbers, or too many."))),
            None => Ok(Vec::new()),
        }
    };
    let id = |name: &str| gguf.unsigned(&key(name)).and_then(|id| u32::try_from(id).ok());
    let Some(model) = gguf.text(&key("model")) else {
        return Err(Error::bad_file("The file has no vocabulary."));
    };
    let pre = gguf.text(&key("pre"));
    // The defaults of llama.cpp.
    let scored = model == "llama";
    let begins = scored || matches!(pre, Some("llama-bpe" | "llama3" | "llama-v3"));
    let vocabulary = GgufVocabulary {
        model: model.into(),
        pre: pre.map(String::from),
        tokens: texts("tokens", rows)?,
        merges: texts("merges", rows.saturating_mul(MERGES))?,
        scores: numbers("scores")?.into_iter().map(|x| x as f32).collect(),
        types: numbers("token_type")?.into_iter().map(|x| x as i32).collect(),
        bos: id("bos_token_id"),
        eos: id("eos_token_id"),
        unknown: id("unknown_token_id"),
        add_bos: gguf.flag(&key("add_bos_token")).unwrap_or(begins),
        add_space_prefix: gguf.flag(&key("add_space_prefix")).unwrap_or(scored),
    };
    Ok((TokenizerSource::GgufVocabulary(vocabulary), gguf.text("tokenizer.chat_template").map(String::from)))
}

/// From the files beside safetensors: `tokenizer.json`, and where they are there `tokenizer_config.json`,
/// `generation_config.json` and `chat_template.jinja`.
///
/// # Errors
/// `BadFile` where one is missing, too large, or not UTF-8.
pub(super) fn of_files(files: &[ModelFile]) -> Result<(TokenizerSource, Option<String>)> {
    let find = |name: &str| files.iter().find(|f| base(&f.name) == name);
    let text = |name: &str| {
        let read = |file: &ModelFile| {
            let bytes = Some(file.bytes.len()).filter(|&n| n <= TOKENIZER_LIMIT).map(|n| file.bytes.take(0, n));
            let bytes = bytes.ok_or_else(|| Error::bad_file(format!("The model's {name} is too large.")))??;
            String::from_utf8(bytes).map_err(|_| Error::bad_file(format!("The model's {name} is not UTF-8.")))
        };
        find(name).map(read).transpose()
    };
    let tokenizer = text("tokenizer.json")?.ok_or_else(|| Error::bad_file("The model's tokenizer.json is missing."))?;
    let generation = text("generation_config.json")?.map_or_else(|| text("config.json"), |text| Ok(Some(text)))?;
    let template = match (text("chat_template.jinja")?, find("tokenizer_config.json")) {
        (Some(template), _) => Some(template),
        (None, Some(file)) => json::<TokenizerConfig>(&*file.bytes)?.chat_template.and_then(Templates::usual),
        (None, None) => None,
    };
    Ok((TokenizerSource::Json { tokenizer, config: text("tokenizer_config.json")?, generation }, template))
}

#[derive(Deserialize)]
struct TokenizerConfig {
    chat_template: Option<Templates>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Templates {
    One(String),
    Named(Vec<Named>),
}

#[derive(Deserialize)]
struct Named {
    name: String,
    template: String,
}

impl Templates {
    fn usual(self) -> Option<String> {
        match self {
            Self::One(template) => Some(template),
            Self::Named(list) => list.into_iter().find(|t| t.name == "default").map(|t| t.template),
        }
    }
}
