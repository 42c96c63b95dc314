//! The vocabulary of a file, with checks that limit what a malicious one may ask for.

use super::normalizer::{AddedToken, AddedTokenFinder, Normalizer, TextRules};
use super::pre_tokenizer::{METASPACE, PreTokenizer};
use crate::error::{Error, Result};
use std::collections::{HashMap, HashSet};
use tokenizers::models::bpe::Vocab;

/// What a tokenizer is built from.
#[derive(Debug, Clone)]
pub enum TokenizerSource {
    Json {
        /// The text of tokenizer.json.
        tokenizer: String,
        /// The text of tokenizer_config.json, which names the tokens for the beginning and the end of a text.
        config: Option<String>,
        /// The text of generation_config.json, or of config.json where there is none: `eos_token_id`.
        generation: Option<String>,
    },
    GgufVocabulary(GgufVocabulary),
}

/// `tokenizer.ggml.*` of a GGUF file.
#[derive(Debug, Clone, Default)]
pub struct GgufVocabulary {
    /// `gpt2`: byte-level BPE with `merges`; `llama`: SentencePiece BPE with `scores`.
    pub model: String,
    /// The pre-tokenizer, by its name in llama.cpp.
    pub pre: Option<String>,
    pub tokens: Vec<String>,
    /// `left right`, best first.
    pub merges: Vec<String>,
    pub scores: Vec<f32>,
    /// 1 normal, 2 unknown, 3 control, 4 defined by a user, 5 unused, 6 a byte; empty: all normal.
    pub types: Vec<i32>,
    pub bos: Option<u32>,
    pub eos: Option<u32>,
    pub unknown: Option<u32>,
    pub add_bos: bool,
    pub add_space_prefix: bool,
}

/// The parts of a tokenizer, from either kind of file.
#[derive(Debug, Default)]
pub struct TokenizerParts {
    /// The tokens of the merges.
    pub tokens: Vec<(String, u32)>,
    pub merges: Vec<(String, String)>,
    pub added: Vec<AddedToken>,
    pub rules: TextRules,
    /// Whether a character without a token becomes `<0x..>` tokens, one for each byte.
    pub byte_fallback: bool,
    pub fuse_unknown: bool,
    /// Whether a piece that is a token is not merged further.
    pub ignore_merges: bool,
    pub unknown: Option<String>,
    pub bos: Option<u32>,
    pub adds_bos: bool,
    pub ends: Vec<u32>,
}

/// Limit of ids; the largest vocabulary in use has 262,144.
const MAX_TOKENS: usize = 1 << 20;
const MAX_BYTES: usize = 1 << 25;
const MAX_ADDED: usize = 1 << 16;
/// Merges for each token: 1 in byte-level files, 2 to 3 rebuilt from scores.
const MAX_MERGES: usize = 8;
/// Bytes of the longest token that merges are rebuilt for, which takes quadratic time in its length.
const MAX_SCORED_BYTES: usize = 192;

impl TokenizerParts {
    /// Checks sizes, duplicates, ids and merges; the rest is checked where it is read. Takes the tokens out and returns them with their ids.
    pub fn check(&mut self) -> Result<Vocab> {
        let bytes: usize = self.tokens.iter().map(|(text, _)| text.len()).sum();
        let (count, added) = (self.tokens.len(), self.added.len());
        if count == 0 || count > MAX_TOKENS || bytes > MAX_BYTES || added > MAX_ADDED {
            let message = format!("A vocabulary of {count} tokens ({bytes} bytes, {added} added) cannot be used.");
            return Err(Error::bad_file(message));
        }
        if self.merges.len() > count.saturating_mul(MAX_MERGES) {
            return Err(Error::bad_file(format!(
                "The vocabulary has {} merges for {count} tokens.",
                self.merges.len()
            )));
        }
        let mut taken = Vec::new();
        let mut take = |id: u32| {
            if id as usize >= MAX_TOKENS {
                return Err(Error::bad_file(format!("A token of the vocabulary has the id {id}.")));
            }
            taken.resize(taken.len().max(id as usize + 1), false);
            Ok(std::mem::replace(&mut taken[id as usize], true))
        };
        let mut vocab = Vocab::with_capacity(count);
        for (text, id) in self.tokens.drain(..) {
            if take(id)? {
                return Err(Error::bad_file(format!("Two tokens of the vocabulary have the id {id}.")));
            }
            if let Some(other) = vocab.insert(text, id) {
                return Err(Error::bad_file(format!("The tokens {other} and {id} of the vocabulary are the same.")));
            }
        }
        let mut texts = HashSet::new();
        for AddedToken { id, text, .. } in &self.added {
            if text.is_empty() || text.len() > AddedTokenFinder::MAX_TOKEN_BYTES || !texts.insert(text) {
                return Err(Error::bad_file(format!("The added token {text:?} is empty, too long or occurs twice.")));
            }
            if take(*id)? && vocab.get(text) != Some(id) {
                return Err(Error::bad_file(format!("The added token {text:?} has the id {id} of another token.")));
            }
        }
        // The crate indexes past its buffer where a merge is longer than every token.
        let mut whole = String::new();
        for (left, right) in &self.merges {
            whole.clear();
            whole.extend([left.as_str(), right.as_str()]);
            if let Some(unknown) = [left, right, &whole].into_iter().find(|text| !vocab.contains_key(*text)) {
                return Err(Error::bad_file(format!(
                    "A merge of the vocabulary names {unknown:?}, which is not a token."
                )));
            }
        }
        let marks = self.bos.iter().chain(&self.ends);
        match marks.copied().find(|&id| !taken.get(id as usize).copied().unwrap_or(false)) {
            Some(id) => Err(Error::bad_file(format!("Texts begin or end with the token {id}, which does not exist."))),
            None => Ok(vocab),
        }
    }

    pub fn from_vocabulary(vocabulary: GgufVocabulary) -> Result<Self> {
        let GgufVocabulary { model, pre, tokens, merges, scores, types, .. } = vocabulary;
        let wrong = |what: &str, count: usize| {
            Err(Error::bad_file(format!("The vocabulary has {} tokens but {count} {what}.", tokens.len())))
        };
        if tokens.len() > MAX_TOKENS {
            return wrong("of them at most are read", MAX_TOKENS);
        }
        if !types.is_empty() && types.len() != tokens.len() {
            return wrong("types", types.len());
        }
        let added = tokens.iter().zip(0..).zip(&types).filter(|(_, kind)| matches!(kind, 2..=4));
        let added = added.map(|((text, id), &kind)| {
            let text = text.clone();
            AddedToken { id, text, special: kind != 4, normalized: false, left: false, right: false }
        });
        let mut parts = Self {
            added: added.collect(),
            bos: vocabulary.bos,
            adds_bos: vocabulary.add_bos && vocabulary.bos.is_some(),
            ends: vocabulary.eos.into_iter().collect(),
            ..Self::default()
        };
        match model.as_str() {
            "gpt2" => {
                parts.merges = merges.iter().map(|m| merge(m)).collect::<Result<_>>()?;
                parts.byte_level(pre.as_deref())?;
            }
            "llama" => {
                if scores.len() != tokens.len() {
                    return wrong("scores", scores.len());
                }
                parts.merges = scored_merges(&tokens, &scores)?;
                if vocabulary.add_space_prefix {
                    parts.rules.before.push(Normalizer::Prepend(METASPACE.to_string()));
                }
                parts.rules.before.push(Normalizer::Replace(" ".to_owned(), METASPACE.to_string()));
                parts.byte_fallback = true;
                parts.fuse_unknown = true;
                parts.unknown = vocabulary.unknown.and_then(|id| tokens.get(id as usize).cloned());
            }
            other => {
                return Err(Error::unsupported(format!("Kiln does not support vocabularies of the kind {other:?}.")));
            }
        }
        parts.tokens = tokens.into_iter().zip(0..).collect();
        Ok(parts)
    }

    /// The names of llama.cpp (`llama-vocab.cpp`); those that split in the same way share a line. A file without a name, or with `default`,
    /// is split as GPT-2's, as in `transformers`.
    fn byte_level(&mut self, pre: Option<&str>) -> Result<()> {
        self.rules.byte_level = true;
        self.rules.pre_tokenizers = match pre.unwrap_or("default") {
            "default" | "gpt-2" | "phi-2" | "mpt" | "olmo" => vec![PreTokenizer::Gpt2],
            "smollm" | "starcoder" | "refact" | "command-r" => vec![PreTokenizer::Digits, PreTokenizer::Gpt2],
            "llama-bpe" | "llama3" | "llama-v3" => {
                self.ignore_merges = true;
                vec![PreTokenizer::Words { digits: 3 }]
            }
            "qwen2" | "deepseek-r1-qwen" => {
                self.rules.before.push(Normalizer::Nfc);
                vec![PreTokenizer::Words { digits: 1 }]
            }
            other => {
                return Err(Error::unsupported(format!("Kiln does not support the pre-tokenizer {other:?}.")));
            }
        };
        Ok(())
    }
}

/// `left right`.
pub fn merge(line: &str) -> Result<(String, String)> {
    match line.split_once(' ') {
        Some((left, right)) if !left.is_empty() && !right.is_empty() && !right.contains(' ') => {
            Ok((left.to_owned(), right.to_owned()))
        }
        _ => Err(Error::bad_file(format!("{line:?} is not a merge of two tokens."))),
    }
}

/// SentencePiece has a score for each token instead of merges: every pair of tokens that makes a token is a merge, best score first, then
/// the longer left and right side, as in `generate_merges` of `transformers`.
fn scored_merges(tokens: &[String], scores: &[f32]) -> Result<Vec<(String, String)>> {
    let ids: HashMap<&str, u32> = tokens.iter().map(String::as_str).zip(0..).collect();
    // (score, left, right, left's characters, right's)
    let mut merges: Vec<(f32, u32, u32, usize, usize)> = Vec::new();
    for (token, &score) in tokens.iter().zip(scores) {
        if token.len() > MAX_SCORED_BYTES {
            return Err(Error::bad_file(format!(
                "A token of {} bytes is too long for a vocabulary with scores.",
                token.len()
            )));
        }
        if score.is_nan() {
            return Err(Error::bad_file(format!("The token {token:?} has no number for a score.")));
        }
        let length = token.chars().count();
        let own = merges.len();
        for (before, (at, _)) in token.char_indices().enumerate().skip(1) {
            if let (Some(&left), Some(&right)) = (ids.get(&token[..at]), ids.get(&token[at..])) {
                merges.push((score, left, right, before, length - before));
            }
        }
        merges[own..].sort_unstable_by_key(|&(_, left, right, ..)| (left, right));
        if merges.len() > tokens.len().saturating_mul(MAX_MERGES) {
            return Err(Error::bad_file("The vocabulary comes to more merges than its size allows."));
        }
    }
    // Stable, so that equal pairs stay in the order of the vocabulary.
    merges.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (b.3, b.4).cmp(&(a.3, a.4))));
    let text = |id: u32| tokens[id as usize].clone();
    Ok(merges.into_iter().map(|(_, left, right, ..)| (text(left), text(right))).collect())
}
