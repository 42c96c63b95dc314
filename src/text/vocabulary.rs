//! A vocabulary as a file holds it, checked: what a hostile one may ask for is bounded here.

use super::rules::{Added, Change, Finder, Rules};
use super::split::{Cut, MARK};
use crate::error::{Error, Result};
use std::collections::{HashMap, HashSet};
use tokenizers::models::bpe::Vocab;

/// Where a tokenizer comes from.
#[derive(Debug, Clone)]
pub enum Spec {
    Json {
        /// The text of tokenizer.json.
        tokenizer: String,
        /// The text of tokenizer_config.json: beginning and end of a text, by name.
        config: Option<String>,
        /// The text of generation_config.json, or of config.json where there is none: `eos_token_id`.
        generation: Option<String>,
    },
    Vocabulary(Vocabulary),
}

/// `tokenizer.ggml.*` of a GGUF file.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    /// `gpt2`: byte-level BPE with `merges`; `llama`: SentencePiece BPE with `scores`.
    pub model: String,
    /// How text is cut, by llama.cpp's name.
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

/// What both kinds of file come to.
#[derive(Debug, Default)]
pub struct Parts {
    /// The tokens that pairs are merged from.
    pub tokens: Vec<(String, u32)>,
    pub merges: Vec<(String, String)>,
    pub added: Vec<Added>,
    pub rules: Rules,
    /// A character without a token is written as `<0x..>` tokens, one for each byte.
    pub byte_fallback: bool,
    pub fuse_unknown: bool,
    /// A piece that is a token is not merged.
    pub ignore_merges: bool,
    pub unknown: Option<String>,
    pub bos: Option<u32>,
    pub adds_bos: bool,
    pub ends: Vec<u32>,
}

/// Ids are below this; the largest vocabulary in use has 262,144.
const MOST_TOKENS: usize = 1 << 20;
const MOST_BYTES: usize = 1 << 25;
const MOST_ADDED: usize = 1 << 16;
/// Merges for each token: 1 in byte-level files, 2 to 3 rebuilt from scores.
const MOST_MERGES: usize = 8;
/// Bytes of the longest piece that merges are rebuilt for. Each is split at every place, which is quadratic in its length.
const LONGEST_SCORED: usize = 192;

impl Parts {
    /// Bounds, duplicates, ids, merges; the rest is checked where it is read. Gives the tokens with their ids, which are
    /// taken out.
    pub fn check(&mut self) -> Result<Vocab> {
        let bytes: usize = self.tokens.iter().map(|(text, _)| text.len()).sum();
        let (count, added) = (self.tokens.len(), self.added.len());
        if count == 0 || count > MOST_TOKENS || bytes > MOST_BYTES || added > MOST_ADDED {
            let message = format!("A vocabulary of {count} tokens ({bytes} bytes, {added} added) is not usable.");
            return Err(Error::bad_file(message));
        }
        if self.merges.len() > count.saturating_mul(MOST_MERGES) {
            return Err(Error::bad_file(format!(
                "The vocabulary has {} merges for {count} tokens.",
                self.merges.len()
            )));
        }
        let mut taken = Vec::new();
        let mut take = |id: u32| {
            if id as usize >= MOST_TOKENS {
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
        for Added { id, text, .. } in &self.added {
            if text.is_empty() || text.len() > Finder::LONGEST || !texts.insert(text) {
                return Err(Error::bad_file(format!("The added token {text:?} is empty, too long or listed twice.")));
            }
            if take(*id)? && vocab.get(text) != Some(id) {
                return Err(Error::bad_file(format!("The added token {text:?} has the id {id} of another token.")));
            }
        }
        // The crate would index past its buffer where a merge is longer than every token.
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

    pub fn from_vocabulary(vocabulary: Vocabulary) -> Result<Self> {
        let Vocabulary { model, pre, tokens, merges, scores, types, .. } = vocabulary;
        let wrong = |what: &str, count: usize| {
            Err(Error::bad_file(format!("The vocabulary has {} tokens but {count} {what}.", tokens.len())))
        };
        if tokens.len() > MOST_TOKENS {
            return wrong("of them at most are read", MOST_TOKENS);
        }
        if !types.is_empty() && types.len() != tokens.len() {
            return wrong("types", types.len());
        }
        let added = tokens.iter().zip(0..).zip(&types).filter(|(_, kind)| matches!(kind, 2..=4));
        let added = added.map(|((text, id), &kind)| {
            let text = text.clone();
            Added { id, text, special: kind != 4, normalized: false, left: false, right: false }
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
                    parts.rules.before.push(Change::Prepend(MARK.to_string()));
                }
                parts.rules.before.push(Change::Replace(" ".to_owned(), MARK.to_string()));
                parts.byte_fallback = true;
                parts.fuse_unknown = true;
                parts.unknown = vocabulary.unknown.and_then(|id| tokens.get(id as usize).cloned());
            }
            other => return Err(Error::unsupported(format!("Kiln cannot read a vocabulary of the kind {other:?}."))),
        }
        parts.tokens = tokens.into_iter().zip(0..).collect();
        Ok(parts)
    }

    /// llama.cpp's names (`llama-vocab.cpp`); those that cut alike share a line. A file from before the name was kept,
    /// or with `default`, is cut as GPT-2's, which is what transformers does.
    fn byte_level(&mut self, pre: Option<&str>) -> Result<()> {
        self.rules.byte_level = true;
        self.rules.cuts = match pre.unwrap_or("default") {
            "default" | "gpt-2" | "phi-2" | "mpt" | "olmo" => vec![Cut::Gpt2],
            "smollm" | "starcoder" | "refact" | "command-r" => vec![Cut::Digits, Cut::Gpt2],
            "llama-bpe" | "llama3" | "llama-v3" => {
                self.ignore_merges = true;
                vec![Cut::Words { digits: 3 }]
            }
            "qwen2" | "deepseek-r1-qwen" => {
                self.rules.before.push(Change::Nfc);
                vec![Cut::Words { digits: 1 }]
            }
            other => {
                return Err(Error::unsupported(format!("Kiln does not know how {other:?} cuts text into tokens.")));
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

/// SentencePiece keeps a score for each token instead of merges: every pair of tokens that makes a token is a merge, best
/// score first; then, as transformers' `generate_merges` has it, the longer left and right side.
fn scored_merges(tokens: &[String], scores: &[f32]) -> Result<Vec<(String, String)>> {
    let ids: HashMap<&str, u32> = tokens.iter().map(String::as_str).zip(0..).collect();
    // (score, left, right, left's characters, right's)
    let mut merges: Vec<(f32, u32, u32, usize, usize)> = Vec::new();
    for (token, &score) in tokens.iter().zip(scores) {
        if token.len() > LONGEST_SCORED {
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
        if merges.len() > tokens.len().saturating_mul(MOST_MERGES) {
            return Err(Error::bad_file("The vocabulary comes to more merges than its size allows."));
        }
    }
    // Stable: pairs that are equal in all of this stay in the order of the vocabulary.
    merges.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (b.3, b.4).cmp(&(a.3, a.4))));
    let text = |id: u32| tokens[id as usize].clone();
    Ok(merges.into_iter().map(|(_, left, right, ..)| (text(left), text(right))).collect())
}
