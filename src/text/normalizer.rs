//! What happens to a text before byte-pair merging, in the order of a tokenizer.json: added tokens are found, the rest is normalised
//! (`normalizer`) and split (`pre_tokenizer`).

use super::pre_tokenizer::PreTokenizer;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use unicode_normalization_alignments::UnicodeNormalization;

/// A change of the text before it is split.
#[derive(Debug, Clone)]
pub enum Normalizer {
    /// Unicode's canonical composition.
    Nfc,
    Replace(String, String),
    /// Prepends to a text that is not empty.
    Prepend(String),
    /// Prepends unless the text begins with it; with `first` only at the beginning of the whole text.
    Begin {
        mark: String,
        first: bool,
    },
}

impl Normalizer {
    fn apply(&self, text: &str, beginning: bool) -> String {
        match self {
            Self::Nfc => text.chars().nfc().map(|(c, _)| c).collect(),
            Self::Replace(from, to) => text.replace(from, to),
            Self::Prepend(mark) if !text.is_empty() => format!("{mark}{text}"),
            Self::Begin { mark, first } if !text.is_empty() && !text.starts_with(mark.as_str()) => {
                if *first && !beginning { text.to_owned() } else { format!("{mark}{text}") }
            }
            Self::Prepend(_) | Self::Begin { .. } => text.to_owned(),
        }
    }
}

/// How a tokenizer prepares text.
#[derive(Debug, Clone, Default)]
pub struct TextRules {
    /// Applied before added tokens with `normalized` are searched for.
    pub before: Vec<Normalizer>,
    /// Applied after that.
    pub after: Vec<Normalizer>,
    pub pre_tokenizers: Vec<PreTokenizer>,
    /// Whether each byte is written as one character ([`byte_chars`]) before merging.
    pub byte_level: bool,
}

impl TextRules {
    /// Applies all pre-tokenizers in turn.
    pub fn split<'a>(&self, text: &'a str) -> Vec<&'a str> {
        self.pre_tokenizers
            .iter()
            .fold(vec![text], |pieces, pre_tokenizer| pieces.into_iter().flat_map(|p| pre_tokenizer.split(p)).collect())
    }
}

/// A piece of text, with the part of the whole text that each of its bytes belongs to.
#[derive(Debug, Clone)]
pub struct Span<'a> {
    pub text: Cow<'a, str>,
    /// Where parts begin: (byte, part), in order; the first at 0.
    pub parts: Vec<(usize, usize)>,
    /// Whether the span begins the whole text.
    pub beginning: bool,
}

impl Span<'_> {
    pub fn slice(&self, range: Range<usize>) -> Span<'_> {
        let inside = self.parts.iter().filter(|(at, _)| range.contains(at) && *at != range.start);
        let first = std::iter::once((0, self.part(range.start)));
        let parts = first.chain(inside.map(|&(at, part)| (at - range.start, part))).collect();
        let beginning = self.beginning && range.start == 0;
        Span { text: Cow::Borrowed(&self.text[range]), parts, beginning }
    }

    /// The part that byte `at` belongs to.
    pub fn part(&self, at: usize) -> usize {
        let next = self.parts.partition_point(|&(start, _)| start <= at);
        self.parts.get(next.saturating_sub(1)).map_or(0, |&(_, part)| part)
    }

    /// Applies normalizers; borders between parts move with the text.
    pub fn change(self, changes: &[Normalizer]) -> Self {
        changes.iter().fold(self, |span, change| {
            let text = change.apply(&span.text, span.beginning);
            let moved = |at: usize| match at {
                0 => 0,
                at => change.apply(&span.text[..at], span.beginning).len(),
            };
            // A composition across a border may shorten the text before it: keep borders inside the text and between characters.
            let inside = |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            let parts = span.parts.iter().map(|&(at, part)| (inside(moved(at)), part)).collect();
            Span { text: Cow::Owned(text), parts, beginning: span.beginning }
        })
    }
}

/// A token that is searched for in the text before anything else.
#[derive(Debug, Clone)]
pub struct AddedToken {
    pub id: u32,
    pub text: String,
    /// Whether it is found only where special tokens are parsed.
    pub special: bool,
    /// Whether it is searched for in the normalised text.
    pub normalized: bool,
    /// Whether it includes the white space before it, and after it.
    pub left: bool,
    pub right: bool,
}

/// Finds added tokens: the leftmost, and the longest there.
#[derive(Debug, Clone)]
pub struct AddedTokenFinder {
    tokens: HashMap<String, AddedToken>,
    /// The lengths that occur, longest first; at most [`AddedTokenFinder::MAX_TOKEN_BYTES`] of them.
    lengths: Vec<usize>,
    /// Bytes that begin a token.
    heads: Vec<bool>,
}

impl AddedTokenFinder {
    /// Limits the work for each byte of text.
    pub const MAX_TOKEN_BYTES: usize = 256;

    /// Tokens longer than [`Self::MAX_TOKEN_BYTES`] bytes and empty ones must be refused before.
    pub fn new(tokens: impl Iterator<Item = AddedToken>) -> Self {
        let tokens: HashMap<String, AddedToken> = tokens.map(|t| (t.text.clone(), t)).collect();
        let mut heads = vec![false; 256];
        let mut present = vec![false; Self::MAX_TOKEN_BYTES + 1];
        for text in tokens.keys().filter(|t| (1..=Self::MAX_TOKEN_BYTES).contains(&t.len())) {
            heads[text.as_bytes()[0] as usize] = true;
            present[text.len()] = true;
        }
        let lengths = (1..=Self::MAX_TOKEN_BYTES).rev().filter(|&length| present[length]).collect();
        Self { tokens, lengths, heads }
    }

    /// Splits `text` into ranges without a token (`None`) and tokens; `allowed` may refuse a token at its place.
    pub fn find<'a>(
        &'a self,
        text: &str,
        allowed: impl Fn(&AddedToken, Range<usize>) -> bool,
    ) -> Vec<(Range<usize>, Option<&'a AddedToken>)> {
        let mut found = Vec::new();
        let (mut from, mut at) = (0, 0);
        while at < text.len() {
            let Some(token) = self.at(text, at, &allowed) else {
                at += 1;
                continue;
            };
            let before = &text[from..at];
            let start = if token.left { from + before.trim_end().len() } else { at };
            let after = &text[at + token.text.len()..];
            at = if token.right { text.len() - after.trim_start().len() } else { text.len() - after.len() };
            if from < start {
                found.push((from..start, None));
            }
            found.push((start..at, Some(token)));
            from = at;
        }
        if from < text.len() {
            found.push((from..text.len(), None));
        }
        found
    }

    fn at(&self, text: &str, at: usize, allowed: impl Fn(&AddedToken, Range<usize>) -> bool) -> Option<&AddedToken> {
        if !self.heads[text.as_bytes()[at] as usize] {
            return None;
        }
        let ends = self.lengths.iter().map(|length| at + length);
        let tokens = ends.filter_map(|end| Some((end, self.tokens.get(text.get(at..end)?)?)));
        tokens.filter(|(end, token)| allowed(token, at..*end)).map(|(_, token)| token).next()
    }
}

/// The characters for bytes 0 to 255 in a byte-level vocabulary: the byte itself where it is printable in Latin-1, else the next unused
/// one from U+0100 (Radford et al. 2019, `encoder.py`).
pub fn byte_chars() -> [char; 256] {
    let mut spare = (0x100..).filter_map(char::from_u32);
    std::array::from_fn(|byte| match byte as u8 {
        b @ (b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF) => char::from(b),
        _ => spare.next().unwrap_or(char::REPLACEMENT_CHARACTER),
    })
}
