//! Stop strings, which may span several tokens and end inside one.

/// Finds the first stop string that is completed. Text that may be the beginning of one is held back, so that nothing that was shown has
/// to be removed.
#[derive(Debug, Clone)]
pub struct StopStrings {
    stops: Vec<Matcher>,
    /// Text that is held back: the longest prefix of a stop string that the text ends with.
    held: String,
}

/// A stop string with the table and the state of Knuth, Morris and Pratt (1977), which takes linear time.
#[derive(Debug, Clone)]
struct Matcher {
    text: Vec<u8>,
    /// `back[n]`: the length of the longest proper prefix of `text[..n]` that is also its suffix.
    back: Vec<usize>,
    /// The length of the prefix of `text` that the output so far ends with.
    matched: usize,
}

/// What may be shown after more text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopOutput {
    pub text: String,
    /// The index of the stop string that is now complete. `text` ends before it, and what followed it is dropped.
    pub stopped: Option<usize>,
}

impl Matcher {
    fn new(text: &str) -> Self {
        let text = text.as_bytes().to_vec();
        let mut stop = Self { back: vec![0; text.len() + 1], text, matched: 0 };
        for end in 1..stop.text.len() {
            stop.advance(stop.text[end]);
            stop.back[end + 1] = stop.matched;
        }
        stop.matched = 0;
        stop
    }

    /// Consumes one byte; true when the stop string is complete.
    fn advance(&mut self, byte: u8) -> bool {
        if self.text.is_empty() {
            return false;
        }
        if self.matched == self.text.len() {
            self.matched = self.back[self.matched];
        }
        while self.matched > 0 && self.text[self.matched] != byte {
            self.matched = self.back[self.matched];
        }
        self.matched += usize::from(self.text[self.matched] == byte);
        self.matched == self.text.len()
    }
}

impl StopStrings {
    /// An empty string stops nothing.
    pub fn new<S: AsRef<str>>(stops: &[S]) -> Self {
        Self { stops: stops.iter().map(|s| Matcher::new(s.as_ref())).collect(), held: String::new() }
    }

    /// The string that is completed first wins; of two that end together, the longer one. The outcome does not depend on how the text is
    /// split.
    pub fn push(&mut self, text: &str) -> StopOutput {
        let before = self.held.len();
        self.held.push_str(text);
        for (at, byte) in text.bytes().enumerate() {
            let mut complete: Option<usize> = None;
            for index in 0..self.stops.len() {
                let ends = self.stops[index].advance(byte);
                if ends && complete.is_none_or(|c| self.stops[c].text.len() < self.stops[index].text.len()) {
                    complete = Some(index);
                }
            }
            if let Some(index) = complete {
                let end = before + at + 1;
                let text = self.held[..end - self.stops[index].text.len()].to_owned();
                self.reset();
                return StopOutput { text, stopped: Some(index) };
            }
        }
        let waiting = self.stops.iter().map(|s| s.matched).max().unwrap_or(0);
        let held = self.held.split_off(self.held.len() - waiting);
        StopOutput { text: std::mem::replace(&mut self.held, held), stopped: None }
    }

    /// The end of the text: returns what was held back.
    pub fn finish(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        self.reset();
        held
    }

    fn reset(&mut self) {
        self.held.clear();
        self.stops.iter_mut().for_each(|s| s.matched = 0);
    }
}
