//! Text out of a file that somebody else wrote, made fit to be shown.

/// Characters of it that are shown.
const SHOWN: usize = 120;

/// A text in quotes: control characters and characters that turn the writing direction escaped, its end left out where
/// it is long.
pub fn quoted(text: &str) -> String {
    let mut end = text.char_indices().skip(SHOWN).map(|(at, _)| at);
    match end.next() {
        Some(end) => format!("{:?} and {} more bytes", &text[..end], text.len() - end),
        None => format!("{text:?}"),
    }
}
