//! Text from files of others, made safe to show.

/// Characters that are shown.
const SHOWN: usize = 120;

/// A text in quotes, truncated where it is long. Control characters and those that change the writing direction are escaped.
pub fn quoted(text: &str) -> String {
    let mut end = text.char_indices().skip(SHOWN).map(|(at, _)| at);
    match end.next() {
        Some(end) => format!("{:?} and {} more bytes", &text[..end], text.len() - end),
        None => format!("{text:?}"),
    }
}
