//! A vocabulary of single characters.

use std::collections::{BTreeMap, BTreeSet};

/// Characters and their ids, in the order of their code points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Characters {
    list: Vec<char>,
    ids: BTreeMap<char, u32>,
}

impl Characters {
    /// All characters of a text.
    pub fn of(text: &str) -> Self {
        let list: Vec<char> = text.chars().collect::<BTreeSet<_>>().into_iter().collect();
        let ids = (0..).zip(&list).map(|(id, &c)| (c, id)).collect();
        Self { list, ids }
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The ids of a text; characters that are not in the vocabulary are left out.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        text.chars().filter_map(|c| self.id(c)).collect()
    }

    pub fn id(&self, character: char) -> Option<u32> {
        self.ids.get(&character).copied()
    }

    /// The character of an id; U+FFFD where there is none.
    pub fn character(&self, id: u32) -> char {
        self.list.get(id as usize).copied().unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    /// All characters, as one text, from which [`Characters::of`] makes them again.
    pub fn text(&self) -> String {
        self.list.iter().collect()
    }
}
