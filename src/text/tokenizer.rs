//! Text to token ids and ids to bytes. Byte-pair encoding (Sennrich et al. 2016) over bytes (Radford et al. 2019) or over
//! SentencePiece tokens (Kudo & Richardson 2018).

use super::normalizer::{AddedTokenFinder, Span, byte_chars};
use super::pre_tokenizer::METASPACE;
use super::tokenizer_json;
use super::vocabulary::{TokenizerParts, TokenizerSource};
use crate::error::{Error, Result};
use std::borrow::Cow;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::{Model, Token};

pub struct Tokenizer {
    model: BPE,
    parts: TokenizerParts,
    /// Added tokens that are searched for in the original text, and in the normalised text.
    raw: AddedTokenFinder,
    normalized: AddedTokenFinder,
    /// The bytes of all tokens, concatenated, and where each begins.
    bytes: Vec<u8>,
    starts: Vec<usize>,
    special: Vec<bool>,
    byte_chars: [char; 256],
}

/// Names of tokens that end a text or a turn, where they are special tokens.
const ENDS: [&str; 9] = [
    "<|endoftext|>",
    "<|im_end|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "</s>",
    "<end_of_turn>",
    "<|end|>",
    "<|end_of_turn|>",
];

impl Tokenizer {
    /// # Errors
    /// `BadFile` where the vocabulary contradicts itself, `Unsupported` for a tokenizer, or a pre-tokenizer, that Kiln does not know.
    pub fn new(spec: TokenizerSource) -> Result<Self> {
        let mut parts = match spec {
            TokenizerSource::Json { tokenizer, config, generation } => {
                tokenizer_json::parts(&tokenizer, config.as_deref(), generation.as_deref())?
            }
            TokenizerSource::GgufVocabulary(vocabulary) => TokenizerParts::from_vocabulary(vocabulary)?,
        };
        for name in ENDS {
            parts.ends.extend(parts.added.iter().filter(|a| a.special && a.text == name).map(|a| a.id));
        }
        let mut seen = Vec::new();
        parts.ends.retain(|id| {
            !seen.contains(id) && {
                seen.push(*id);
                true
            }
        });
        let vocab = parts.check()?;

        let byte_chars = byte_chars();
        let (bytes, starts) = table(&vocab, &parts, &byte_chars);
        let mut special = vec![false; starts.len() - 1];
        parts.added.iter().filter(|a| a.special).for_each(|a| special[a.id as usize] = true);
        let raw = AddedTokenFinder::new(parts.added.iter().filter(|a| !a.normalized).cloned());
        let normalized = AddedTokenFinder::new(parts.added.iter().filter(|a| a.normalized).map(|a| {
            let span = Span { text: Cow::Borrowed(&a.text), parts: Vec::new(), beginning: true };
            let mut changed = a.clone();
            changed.text = span.change(&parts.rules.before).text.into_owned();
            changed
        }));
        let merges = std::mem::take(&mut parts.merges);
        // No cache: the crate's belongs to the thread and outlives the tokenizer.
        let mut model = BPE::builder()
            .cache_capacity(0)
            .vocab_and_merges(vocab, merges)
            .byte_fallback(parts.byte_fallback)
            .fuse_unk(parts.fuse_unknown)
            .ignore_merges(parts.ignore_merges);
        if let Some(unknown) = parts.unknown.take() {
            model = model.unk_token(unknown);
        }
        let model = model.build().map_err(|e| Error::bad_file(format!("The vocabulary is not usable: {e}.")))?;
        Ok(Self { model, parts, raw, normalized, bytes, starts, special, byte_chars })
    }

    /// The ids of `text`. With `special`, special tokens in it are parsed as such. No token is added: see [`Self::adds_bos`].
    pub fn encode(&self, text: &str, special: bool) -> Result<Vec<u32>> {
        Ok(self.encode_parts(&[(text, special)])?.into_iter().map(|(id, _)| id).collect())
    }

    /// The ids of the concatenation of `parts`, each with the part that its last byte belongs to. Tokens may cross the borders of parts. A
    /// special token is parsed only where it is entirely inside parts that allow it, so that what a person typed never becomes one.
    pub fn encode_parts(&self, parts: &[(&str, bool)]) -> Result<Vec<(u32, usize)>> {
        let mut whole = Span { text: Cow::Borrowed(""), parts: Vec::new(), beginning: true };
        for (index, (text, _)) in parts.iter().enumerate().filter(|(_, (text, _))| !text.is_empty()) {
            whole.parts.push((whole.text.len(), index));
            whole.text.to_mut().push_str(text);
        }
        let mut ids = Vec::new();
        let inside = |span: &Span, range: &std::ops::Range<usize>| {
            let mut touched = span.part(range.start)..=span.part(range.end.saturating_sub(1));
            touched.all(|part| parts[part].0.is_empty() || parts[part].1)
        };
        for (range, token) in self.raw.find(&whole.text, |added, range| !added.special || inside(&whole, &range)) {
            let span = whole.slice(range);
            if let Some(token) = token {
                ids.push((token.id, span.part(0)));
                continue;
            }
            let span = span.change(&self.parts.rules.before);
            let allowed = |range: &std::ops::Range<usize>| inside(&span, range);
            for (range, token) in self.normalized.find(&span.text, |added, range| !added.special || allowed(&range)) {
                let span = span.slice(range);
                match token {
                    Some(token) => ids.push((token.id, span.part(0))),
                    None => self.merge(span.change(&self.parts.rules.after), &mut ids)?,
                }
            }
        }
        Ok(ids)
    }

    fn merge(&self, span: Span, ids: &mut Vec<(u32, usize)>) -> Result<()> {
        let mut start = 0;
        for piece in self.parts.rules.split(&span.text) {
            let written: Cow<str> = match self.parts.rules.byte_level {
                true => piece.bytes().map(|byte| self.byte_chars[byte as usize]).collect(),
                false => Cow::Borrowed(piece),
            };
            let tokens = self.model.tokenize(&written).map_err(|e| Error::internal(format!("Text to tokens: {e}.")))?;
            let mut at = start;
            for Token { id, offsets: (from, to), .. } in tokens {
                // In byte-level text each byte is a character, of which the first byte counts.
                let token = written.as_bytes().get(from..to).unwrap_or_default();
                let counts = |byte: &u8| !self.parts.rules.byte_level || (*byte as i8) >= -64;
                let bytes = token.iter().filter(|byte| counts(byte)).count();
                // A space of the template and a word of the person after it make one token, which is the person's.
                ids.push((id, span.part(at + bytes.saturating_sub(1))));
                at += bytes;
            }
            start += piece.len();
        }
        Ok(())
    }

    /// The bytes of a token, which may be part of a character. A special token gives its text, an unused id nothing.
    pub fn bytes(&self, id: u32) -> &[u8] {
        let id = id as usize;
        match (self.starts.get(id), self.starts.get(id + 1)) {
            (Some(&start), Some(&end)) => &self.bytes[start..end],
            _ => &[],
        }
    }

    pub fn is_special(&self, id: u32) -> bool {
        self.special.get(id as usize).copied().unwrap_or(false)
    }

    /// One more than the highest id. A model may have more rows than that.
    pub fn len(&self) -> usize {
        self.special.len()
    }

    pub fn is_empty(&self) -> bool {
        self.special.is_empty()
    }

    /// The token that a text begins with.
    pub fn bos(&self) -> Option<u32> {
        self.parts.bos
    }

    /// Whether the model was trained with [`Self::bos`] before every text.
    pub fn adds_bos(&self) -> bool {
        self.parts.adds_bos
    }

    /// Tokens that end a text or a turn, the model's own end of text first.
    pub fn ends(&self) -> &[u32] {
        &self.parts.ends
    }

    /// The token that a text begins with, if the model was trained with one. An empty text needs some token, because a model cannot be run
    /// on nothing.
    pub fn first(&self, empty: bool) -> Option<u32> {
        let some_token = || self.bos().or(self.ends().first().copied()).filter(|_| empty);
        self.bos().filter(|_| self.adds_bos()).or_else(some_token)
    }

    /// The id of the token whose text in the vocabulary is `text`.
    pub fn id(&self, text: &str) -> Option<u32> {
        self.parts.added.iter().find(|a| a.text == text).map(|a| a.id).or_else(|| self.model.token_to_id(text))
    }
}

/// The bytes of each id from 0 to the highest: (all, where each begins and the last ends).
fn table(vocab: &Vocab, parts: &TokenizerParts, byte_chars: &[char; 256]) -> (Vec<u8>, Vec<usize>) {
    let mut of_char = vec![None; 1 + byte_chars.iter().map(|&c| c as usize).max().unwrap_or(0)];
    byte_chars.iter().zip(0..=255).for_each(|(&c, byte)| of_char[c as usize] = Some(byte));
    let mut texts: Vec<Option<Cow<[u8]>>> = Vec::new();
    let mut put = |id: u32, bytes| {
        let id = id as usize;
        texts.resize(texts.len().max(id + 1), None);
        texts[id] = Some(bytes);
    };
    for (text, id) in vocab {
        let bytes = if parts.rules.byte_level {
            text.chars()
                .map(|c| of_char.get(c as usize).copied().flatten())
                .collect::<Option<Vec<u8>>>()
                .map(Cow::Owned)
        } else if let Some(byte) = fallback(text).filter(|_| parts.byte_fallback) {
            Some(Cow::Owned(vec![byte]))
        } else {
            text.contains(METASPACE).then(|| Cow::Owned(text.replace(METASPACE, " ").into_bytes()))
        };
        put(*id, bytes.unwrap_or(Cow::Borrowed(text.as_bytes())));
    }
    for added in &parts.added {
        put(added.id, Cow::Borrowed(added.text.as_bytes()));
    }
    let mut bytes = Vec::new();
    let mut starts = vec![0];
    for text in texts.iter().map(|t| t.as_deref().unwrap_or_default()) {
        bytes.extend_from_slice(text);
        starts.push(bytes.len());
    }
    (bytes, starts)
}

/// The byte of `<0xE4>`.
fn fallback(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    if digits.len() == 2 { u8::from_str_radix(digits, 16).ok() } else { None }
}
