//! Bytes to UTF-8 as they arrive. A token may end inside a character; its head waits here for the rest.

/// Whole characters out of bytes that come in any portions. However the bytes are split, the strings joined are what
/// [`String::from_utf8_lossy`] gives for all of them.
#[derive(Debug, Clone, Default)]
pub struct Utf8 {
    /// The head of a character: at most three bytes.
    held: Vec<u8>,
}

impl Utf8 {
    pub fn new() -> Self {
        Self::default()
    }

    /// What can be shown after `bytes`. Bytes that no continuation makes a character become U+FFFD.
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

    /// The end of the text: U+FFFD for a character that was begun and is not completed any more.
    pub fn finish(&mut self) -> String {
        let shown = if self.held.is_empty() { "" } else { "\u{FFFD}" };
        self.held.clear();
        shown.to_owned()
    }
}

/// A label for one token by itself: bytes that are no character are written `<0xE4>`.
pub fn piece(bytes: &[u8]) -> String {
    let mut label = String::new();
    for chunk in bytes.utf8_chunks() {
        label.push_str(chunk.valid());
        label.extend(chunk.invalid().iter().map(|byte| format!("<0x{byte:02X}>")));
    }
    label
}
