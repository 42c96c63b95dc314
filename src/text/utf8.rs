//! Bytes to UTF-8 as they arrive. A token may end inside a character, whose first bytes are kept until the rest arrives.

/// Decodes bytes that arrive in portions. However they are split, the concatenated strings are what [`String::from_utf8_lossy`] returns
/// for all of them.
#[derive(Debug, Clone, Default)]
pub struct Utf8Decoder {
    /// The first bytes of a character, at most three.
    held: Vec<u8>,
}

impl Utf8Decoder {
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes `bytes` as far as characters are complete. Invalid bytes become U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.held.extend_from_slice(bytes);
        let mut shown = String::new();
        let mut rest = self.held.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    shown.push_str(text);
                    rest = &[];
                }
                Err(error) => {
                    let (whole, after) = rest.split_at(error.valid_up_to());
                    shown.push_str(&String::from_utf8_lossy(whole));
                    rest = after;
                    if let Some(length) = error.error_len() {
                        shown.push(char::REPLACEMENT_CHARACTER);
                        rest = &after[length..];
                        continue;
                    }
                }
            }
            break;
        }
        self.held = rest.to_vec();
        shown
    }

    /// The end of the text: U+FFFD for an incomplete character.
    pub fn finish(&mut self) -> String {
        let shown = if self.held.is_empty() { "" } else { "\u{FFFD}" };
        self.held.clear();
        shown.to_owned()
    }
}

/// A label for a single token: invalid bytes are written as `<0xE4>`.
pub fn token_label(bytes: &[u8]) -> String {
    let mut label = String::new();
    for chunk in bytes.utf8_chunks() {
        label.push_str(chunk.valid());
        label.extend(chunk.invalid().iter().map(|byte| format!("<0x{byte:02X}>")));
    }
    label
}
