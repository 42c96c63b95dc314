//! Reads tokenizer.json and the files beside it, as the crate `tokenizers` writes them. What Kiln does not support is refused by name.

use super::normalizer::{AddedToken, Normalizer};
use super::pre_tokenizer::{METASPACE, PreTokenizer};
use super::vocabulary::{TokenizerParts, merge};
use crate::error::{Error, Result};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<AddedTokenJson>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    post_processor: Value,
    model: Model,
}

#[derive(Deserialize)]
struct AddedTokenJson {
    id: u32,
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    normalized: bool,
    #[serde(default)]
    special: bool,
}

#[derive(Deserialize)]
struct Model {
    /// Absent in old files.
    r#type: Option<String>,
    #[serde(default)]
    vocab: Option<Vocab>,
    #[serde(default)]
    merges: Vec<Merge>,
    #[serde(default)]
    unk_token: Option<String>,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    fuse_unk: bool,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Line(String),
    Pair(String, String),
}

/// `{token: id}` as a list, so that a token that is there twice is seen. Another model's list of scores is skipped.
struct Vocab(Vec<(String, u32)>);

impl<'de> Deserialize<'de> for Vocab {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Vocab;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("tokens with their ids")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Vocab, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Vocab(pairs))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Vocab, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Vocab(Vec::new()))
            }
        }
        deserializer.deserialize_any(Pairs)
    }
}

fn read<'a, T: Deserialize<'a>>(name: &str, text: &'a str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::bad_file(format!("{name} cannot be read: {error}.")))
}

fn unknown(what: &str, value: &Value) -> Error {
    let name = value["type"].as_str().unwrap_or("an unnamed one");
    Error::unsupported(format!("The tokenizer has a {what} that Kiln does not know: {name}."))
}

/// tokenizer.json, tokenizer_config.json, generation_config.json.
pub fn parts(tokenizer: &str, config: Option<&str>, generation: Option<&str>) -> Result<TokenizerParts> {
    let file: File = read("tokenizer.json", tokenizer)?;
    let model = file.model;
    let affixes = [&model.continuing_subword_prefix, &model.end_of_word_suffix];
    if model.r#type.as_deref().is_some_and(|t| t != "BPE")
        || affixes.iter().any(|a| a.as_ref().is_some_and(|a| !a.is_empty()))
    {
        let name = model.r#type.as_deref().unwrap_or("BPE");
        return Err(Error::unsupported(format!(
            "The tokenizer is of a kind that Kiln does not run: {name} with affixes or another than BPE."
        )));
    }
    let merges = model.merges.into_iter().map(|m| match m {
        Merge::Line(line) => merge(&line),
        Merge::Pair(left, right) => Ok((left, right)),
    });
    let mut parts = TokenizerParts {
        tokens: model.vocab.map(|v| v.0).unwrap_or_default(),
        merges: merges.collect::<Result<_>>()?,
        added: file.added_tokens.into_iter().map(added).collect::<Result<_>>()?,
        byte_fallback: model.byte_fallback,
        fuse_unknown: model.fuse_unk,
        ignore_merges: model.ignore_merges,
        unknown: model.unk_token,
        ..TokenizerParts::default()
    };
    normalizer(&file.normalizer, &mut parts)?;
    pre_tokenizer(&file.pre_tokenizer, &mut parts)?;
    begin(&file.post_processor, &mut parts);
    ends(config, generation, &mut parts)?;
    Ok(parts)
}

fn added(token: AddedTokenJson) -> Result<AddedToken> {
    if token.single_word {
        return Err(Error::unsupported(format!("The tokenizer finds {:?} as a whole word only.", token.content)));
    }
    let AddedTokenJson { id, content: text, special, normalized, lstrip: left, rstrip: right, .. } = token;
    Ok(AddedToken { id, text, special, normalized, left, right })
}

fn string(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn normalizer(value: &Value, parts: &mut TokenizerParts) -> Result<()> {
    let no = || unknown("normalizer", value);
    let change = match value["type"].as_str() {
        None if value.is_null() => return Ok(()),
        Some("Sequence") => {
            let steps = value["normalizers"].as_array().ok_or_else(no)?;
            return steps.iter().try_for_each(|step| normalizer(step, parts));
        }
        Some("NFC") => Normalizer::Nfc,
        Some("Prepend") => Normalizer::Prepend(string(&value["prepend"]).ok_or_else(no)?),
        Some("Replace") => {
            let from = string(&value["pattern"]["String"]).filter(|from| !from.is_empty()).ok_or_else(no)?;
            Normalizer::Replace(from, string(&value["content"]).ok_or_else(no)?)
        }
        _ => return Err(no()),
    };
    parts.rules.before.push(change);
    Ok(())
}

fn pre_tokenizer(value: &Value, parts: &mut TokenizerParts) -> Result<()> {
    let no = || unknown("pre-tokenizer", value);
    let flag = |name: &str, otherwise: bool| value[name].as_bool().unwrap_or(otherwise);
    let rules = &mut parts.rules;
    match value["type"].as_str() {
        None if value.is_null() => {}
        // After bytes have been written as characters nothing can be cut any more.
        _ if rules.byte_level => return Err(no()),
        Some("Sequence") => {
            let steps = value["pretokenizers"].as_array().ok_or_else(no)?;
            steps.iter().try_for_each(|step| pre_tokenizer(step, parts))?;
        }
        Some("ByteLevel") => {
            if flag("add_prefix_space", true) {
                if !rules.pre_tokenizers.is_empty() {
                    return Err(no());
                }
                rules.after.push(Normalizer::Begin { mark: " ".to_owned(), first: false });
            }
            if flag("use_regex", true) {
                rules.pre_tokenizers.push(PreTokenizer::Gpt2);
            }
            rules.byte_level = true;
        }
        Some("Digits") if flag("individual_digits", false) => rules.pre_tokenizers.push(PreTokenizer::Digits),
        Some("Split") if value["behavior"] == "Isolated" && !flag("invert", false) => {
            let pattern = value["pattern"]["Regex"].as_str().ok_or_else(no)?;
            rules.pre_tokenizers.push(PreTokenizer::from_pattern(pattern).ok_or_else(no)?);
        }
        Some("Metaspace") if rules.pre_tokenizers.is_empty() && value["replacement"] == METASPACE.to_string() => {
            let mark = METASPACE.to_string();
            rules.after.push(Normalizer::Replace(" ".to_owned(), mark.clone()));
            // Files from before `prepend_scheme` have `add_prefix_space`.
            match value["prepend_scheme"].as_str() {
                Some("never") => {}
                None if !flag("add_prefix_space", true) => {}
                scheme => rules.after.push(Normalizer::Begin { mark, first: scheme == Some("first") }),
            }
            if flag("split", true) {
                rules.pre_tokenizers.push(PreTokenizer::Marks);
            }
        }
        _ => return Err(no()),
    }
    Ok(())
}

/// A template that begins with a special token puts it before every text.
fn begin(value: &Value, parts: &mut TokenizerParts) {
    if value["type"] == "Sequence" {
        value["processors"].as_array().into_iter().flatten().for_each(|step| begin(step, parts));
    } else if value["type"] == "TemplateProcessing" {
        let name = value["single"][0]["SpecialToken"]["id"].as_str();
        let id = name.and_then(|name| value["special_tokens"][name]["ids"][0].as_u64()?.try_into().ok());
        parts.bos = id.or(parts.bos);
        parts.adds_bos |= id.is_some();
    }
}

fn ends(config: Option<&str>, generation: Option<&str>, parts: &mut TokenizerParts) -> Result<()> {
    if let Some(config) = config {
        let config: Value = read("tokenizer_config.json", config)?;
        let named = |key: &str| {
            let name = config[key].as_str().or_else(|| config[key]["content"].as_str())?;
            let added = parts.added.iter().find(|a| a.text == name).map(|a| a.id);
            added.or_else(|| parts.tokens.iter().find(|(text, _)| text == name).map(|(_, id)| *id))
        };
        let (bos, eos) = (named("bos_token"), named("eos_token"));
        parts.bos = bos.or(parts.bos);
        parts.ends.extend(eos);
        parts.adds_bos = config["add_bos_token"].as_bool().unwrap_or(parts.adds_bos) && parts.bos.is_some();
    }
    if let Some(generation) = generation {
        let generation: Value = read("generation_config.json", generation)?;
        let ids = &generation["eos_token_id"];
        let ids = ids.as_array().map_or(std::slice::from_ref(ids), Vec::as_slice);
        parts.ends.extend(ids.iter().filter_map(|id| u32::try_from(id.as_u64()?).ok()));
    }
    Ok(())
}
