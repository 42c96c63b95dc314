//! What the person changed in a text: tokens chosen by hand, and answers written anew with another seed. In the link as
//! `12.345_40~1`: generated token 12 is id 345; from generated token 40 on the seed is one higher.

use std::collections::BTreeMap;

/// Changes by the index of the generated token at which they act.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    tokens: BTreeMap<usize, u32>,
    seeds: BTreeMap<usize, u64>,
}

impl Edits {
    /// Reads them from a link; what cannot be read is left out.
    pub fn parse(text: &str) -> Self {
        let mut edits = Self::default();
        for part in text.split('_') {
            let pair = |mark: char| {
                let (at, value) = part.split_once(mark)?;
                Some((at.parse::<usize>().ok()?, value.parse::<u32>().ok()?))
            };
            if let Some((at, id)) = pair('.') {
                edits.tokens.insert(at, id);
            } else if let Some((at, change)) = pair('~') {
                edits.seeds.insert(at, u64::from(change));
            }
        }
        edits
    }

    pub fn write(&self) -> String {
        let tokens = self.tokens.iter().map(|(at, id)| format!("{at}.{id}"));
        tokens.chain(self.seeds.iter().map(|(at, change)| format!("{at}~{change}"))).collect::<Vec<_>>().join("_")
    }

    /// The token that must stand at `at`.
    pub fn token(&self, at: usize) -> Option<u32> {
        self.tokens.get(&at).copied()
    }

    /// What is added to the seed at `at`.
    pub fn seed_change(&self, at: usize) -> u64 {
        self.seeds.range(..=at).next_back().map_or(0, |(_, &change)| change)
    }

    /// Those before `at`.
    pub fn before(&self, at: usize) -> Self {
        let mut kept = self.clone();
        kept.tokens.split_off(&at);
        kept.seeds.split_off(&at);
        kept
    }

    /// These, and `id` at `at`; nothing after it.
    pub fn with_token(&self, at: usize, id: u32) -> Self {
        let mut edits = self.before(at);
        // A seed that changed here still holds for what follows.
        edits.seeds.extend(self.seeds.get(&at).map(|&change| (at, change)));
        edits.tokens.insert(at, id);
        edits
    }

    /// These, and another seed from `at` on; nothing after it.
    pub fn with_next_seed(&self, at: usize) -> Self {
        let mut edits = self.before(at);
        edits.seeds.insert(at, self.seed_change(at) + 1);
        edits
    }

    /// The first generated token at which two sets of edits differ.
    pub fn first_difference(&self, other: &Self) -> Option<usize> {
        let all = self.tokens.keys().chain(self.seeds.keys()).chain(other.tokens.keys()).chain(other.seeds.keys());
        let same =
            |at: usize| self.tokens.get(&at) == other.tokens.get(&at) && self.seeds.get(&at) == other.seeds.get(&at);
        all.copied().filter(|&at| !same(at)).min()
    }
}
