//! Pre-tokenizers: how text is split before byte-pair merging; no token crosses a split. In the models' files they are regular
//! expressions; the few that are in use are implemented here. `\p{L}` is Unicode's category, `\p{N}` is
//! [`char::is_numeric`] and `\s` [`char::is_whitespace`] by definition.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// A pre-tokenizer of a tokenizer.json.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreTokenizer {
    /// Every digit by itself: `Digits(individual_digits)`.
    Digits,
    /// GPT-2's [`GPT2`].
    Gpt2,
    /// [`LLAMA3`] with up to three digits together, [`QWEN2`] with one.
    Words { digits: usize },
    /// Before every `▁`: `Metaspace` with `split`.
    Marks,
}

/// Radford et al. 2019, `encoder.py`.
pub const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
#[rustfmt::skip]
pub const LLAMA3: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
pub const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The character for a space in SentencePiece vocabularies (Kudo & Richardson 2018).
pub const METASPACE: char = '▁';

impl PreTokenizer {
    /// The pre-tokenizer of a regular expression, if it is one of the known ones.
    pub fn from_pattern(pattern: &str) -> Option<Self> {
        match pattern {
            GPT2 => Some(Self::Gpt2),
            LLAMA3 => Some(Self::Words { digits: 3 }),
            QWEN2 => Some(Self::Words { digits: 1 }),
            _ => None,
        }
    }

    /// Pieces of `text`, none empty, whose concatenation is `text`. Linear in its length.
    pub fn split<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(self.first(rest));
            pieces.push(piece);
            rest = after;
        }
        pieces
    }

    /// Bytes of the first piece of a text that is not empty.
    fn first(&self, text: &str) -> usize {
        let found = match self {
            Self::Digits => digit(text),
            Self::Gpt2 => gpt2(text),
            Self::Words { digits } => words(text, *digits),
            Self::Marks => text.char_indices().skip(1).find(|&(_, c)| c == METASPACE).map(|(at, _)| at),
        };
        found.unwrap_or(text.len())
    }
}

fn letter(c: char) -> bool {
    c.is_ascii_alphabetic() || (!c.is_ascii() && c.general_category_group() == GeneralCategoryGroup::Letter)
}

/// `[^\s\p{L}\p{N}]`
fn sign(c: char) -> bool {
    !c.is_whitespace() && !letter(c) && !c.is_numeric()
}

/// The length of the longest prefix whose characters are all `of`; `None` where the first is not.
fn run(text: &str, of: impl Fn(char) -> bool) -> Option<usize> {
    Some(text.find(|c| !of(c)).unwrap_or(text.len())).filter(|&end| end > 0)
}

/// ` ?` before a run.
fn spaced(text: &str, of: impl Fn(char) -> bool) -> Option<usize> {
    let after = text.strip_prefix(' ').unwrap_or(text);
    Some(text.len() - after.len() + run(after, of)?)
}

fn digit(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    if first.is_numeric() { Some(first.len_utf8()) } else { text.find(char::is_numeric) }
}

/// `'s|'t|'re|'ve|'m|'ll|'d`. Without regard to case this includes `ſ`, the long s, as in a Unicode regular expression.
fn ending(text: &str, any_case: bool) -> Option<usize> {
    let after = text.strip_prefix('\'')?;
    let lower = |c: char| match c {
        'ſ' if any_case => 's',
        c if any_case => c.to_ascii_lowercase(),
        c => c,
    };
    let mut chars = after.chars();
    let first = chars.next()?;
    match (lower(first), chars.next().map(lower)) {
        ('s' | 't' | 'm' | 'd', _) => Some(1 + first.len_utf8()),
        ('r' | 'v', Some('e')) | ('l', Some('l')) => Some(3),
        _ => None,
    }
}

/// `\s+(?!\S)|\s+`: white space except the last character before a word, which belongs to the word.
fn space(text: &str) -> Option<usize> {
    let end = run(text, char::is_whitespace)?;
    let last = text[..end].chars().next_back().map_or(0, char::len_utf8);
    Some(if end == text.len() || end == last { end } else { end - last })
}

fn gpt2(text: &str) -> Option<usize> {
    ending(text, false)
        .or_else(|| spaced(text, letter))
        .or_else(|| spaced(text, char::is_numeric))
        .or_else(|| spaced(text, sign))
        .or_else(|| space(text))
}

fn words(text: &str, digits: usize) -> Option<usize> {
    let newline = |c| matches!(c, '\r' | '\n');
    // `[^\r\n\p{L}\p{N}]?\p{L}+`
    let word = || {
        let first = text.chars().next().filter(|&c| !newline(c) && !letter(c) && !c.is_numeric());
        let head = first.map_or(0, char::len_utf8);
        Some(head + run(&text[head..], letter)?)
    };
    let number = || {
        let numeric = text.char_indices().take_while(|(_, c)| c.is_numeric()).take(digits);
        numeric.last().map(|(at, c)| at + c.len_utf8())
    };
    // ` ?[^\s\p{L}\p{N}]+[\r\n]*`
    let signs = || {
        let end = spaced(text, sign)?;
        Some(end + run(&text[end..], newline).unwrap_or(0))
    };
    // `\s*[\r\n]+`
    let lines = || Some(text[..run(text, char::is_whitespace)?].rfind(newline)? + 1);
    ending(text, true).or_else(word).or_else(number).or_else(signs).or_else(lines).or_else(|| space(text))
}
