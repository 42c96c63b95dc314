//! Words for pictures, in English and Chinese: what a text-conditioned model is told. A text is a bag of words, of Chinese a bag of
//! characters; order and grammar count for nothing.

use crate::error::{Error, Result};
use crate::rng::Stream;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A text as numbers: the places of its words, each with its weight. All weights together have a fixed length (the root of their
/// squares' sum), so that many words say no more than one.
pub type Bag = Vec<(usize, f32)>;

/// The length of a bag of words: each word is rare, and has to be learnt in few steps.
const LENGTH: f32 = 3.0;
/// Words in fewer phrases than this are not known: nothing could be learnt of them.
const KNOWN_FROM: usize = 3;
/// How often a picture is called by its group alone, and by its name; else by one of its keywords.
const GROUP: f64 = 0.1;
const NAME: f64 = 0.6;

/// The phrases of a file, by language and picture: names first, then keywords.
#[derive(Deserialize)]
struct File {
    en: Vec<Vec<String>>,
    zh: Vec<Vec<String>>,
}

/// Captions of a set of pictures.
pub struct Captions {
    /// Places of the words; before them lie the groups.
    words: BTreeMap<String, usize>,
    groups: usize,
    /// The length of each bag.
    length: f32,
    /// Names of each picture, in English and Chinese.
    names: Vec<[String; 2]>,
    /// Bags of each picture's phrases by language, the name first.
    bags: Vec<[Vec<Bag>; 2]>,
}

impl Captions {
    /// Reads a file of captions for `count` pictures that belong to `groups` groups.
    ///
    /// # Errors
    /// `BadFile`.
    pub fn parse(bytes: &[u8], count: usize, groups: usize) -> Result<Self> {
        let bad = |e: &dyn std::fmt::Display| Error::bad_file(format!("The captions cannot be read: {e}."));
        let File { en, zh } = serde_json::from_slice(bytes).map_err(|e| bad(&e))?;
        if en.len() != count || zh.len() != count || en.iter().any(Vec::is_empty) {
            return Err(bad(&format!("{} and {} of {count} pictures have some", en.len(), zh.len())));
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for phrases in en.iter().chain(&zh) {
            let words: BTreeSet<String> =
                phrases.iter().flat_map(|phrase| words(phrase)).map(|(word, _)| word).collect();
            for word in words {
                *counts.entry(word).or_default() += 1;
            }
        }
        let known = counts.into_iter().filter(|(_, count)| *count >= KNOWN_FROM);
        let words = known.enumerate().map(|(i, (word, _))| (word, groups + i)).collect();
        let mut captions = Self { words, groups, length: LENGTH, names: Vec::new(), bags: Vec::new() };
        for (en, zh) in en.into_iter().zip(zh) {
            let bags = [&en, &zh].map(|phrases| {
                phrases.iter().map(|phrase| captions.bag(phrase).0).filter(|bag| !bag.is_empty()).collect()
            });
            let name = |phrases: &[String]| phrases.first().cloned().unwrap_or_default();
            captions.names.push([name(&en), name(&zh)]);
            captions.bags.push(bags);
        }
        Ok(captions)
    }

    /// The captions of digits: their numerals and names.
    pub fn digits() -> Self {
        const NAMES: [[&str; 2]; 10] = [
            ["zero", "零"],
            ["one", "一"],
            ["two", "二"],
            ["three", "三"],
            ["four", "四"],
            ["five", "五"],
            ["six", "六"],
            ["seven", "七"],
            ["eight", "八"],
            ["nine", "九"],
        ];
        let names = NAMES.iter().enumerate();
        let words = names.flat_map(|(i, names)| {
            names.iter().map(|name| (*name).to_string()).chain([i.to_string()]).map(move |word| (word, i))
        });
        Self { words: words.collect(), groups: 10, length: 1.0, names: Vec::new(), bags: Vec::new() }
    }

    /// Numbers that a network is told: a place for each group and each word.
    pub fn features(&self) -> usize {
        self.words.values().max().map_or(self.groups, |last| self.groups.max(last + 1))
    }

    /// A text as a bag, and its words that are not known.
    pub fn bag(&self, text: &str) -> (Bag, Vec<String>) {
        // In 64 bits neither the largest nor the smallest weights lose their squares.
        let (mut bag, mut unknown): (BTreeMap<usize, f64>, _) = (BTreeMap::new(), Vec::new());
        for (word, weight) in words(text) {
            match self.words.get(&word) {
                Some(place) => *bag.entry(*place).or_default() += f64::from(weight),
                None => unknown.push(word),
            }
        }
        let norm = bag.values().map(|w| w * w).sum::<f64>().sqrt() / f64::from(self.length);
        let bag = bag.into_iter().filter(|(_, w)| *w != 0.0).map(|(place, w)| (place, (w / norm) as f32)).collect();
        (bag, unknown)
    }

    /// A group as a bag.
    pub fn group(&self, group: u8) -> Bag {
        vec![(usize::from(group), self.length)]
    }

    /// One of the captions of a picture of a group: its group, its name or a keyword, in either language.
    pub fn draw(&self, picture: usize, group: Option<u8>, stream: &mut Stream) -> Bag {
        let (kind, language, which) = (stream.unit(), stream.unit(), stream.unit());
        if let Some(group) = group.filter(|_| kind < GROUP) {
            return self.group(group);
        }
        let Some([en, zh]) = self.bags.get(picture) else { return Bag::new() };
        let phrases = if language < 0.5 && !zh.is_empty() { zh } else { en };
        let last = phrases.len().saturating_sub(1);
        let keyword = 1 + (which * last as f64) as usize;
        let at = if kind < GROUP + NAME || last == 0 { 0 } else { keyword.min(last) };
        phrases.get(at).cloned().unwrap_or_default()
    }

    /// The English name of a picture as a bag.
    pub fn name(&self, picture: usize) -> Bag {
        self.bags.get(picture).and_then(|[en, _]| en.first().cloned()).unwrap_or_default()
    }

    /// The name of a picture in English and in Chinese.
    pub fn names(&self, picture: usize) -> Option<&[String; 2]> {
        self.names.get(picture)
    }
}

/// The words of a text in lower case, each Chinese character by itself, with their weights: `red*2` weighs twice as much. A weight
/// below 0 counts as 0: a model learns what words mean, never what their opposite would. Where no finite number follows a `*`, it
/// parts words as other signs do.
fn words(text: &str) -> Vec<(String, f32)> {
    let mut found: Vec<(String, f32)> = Vec::new();
    for part in text.split(|c: char| !(c.is_alphanumeric() || "*.-".contains(c))) {
        let weighed = part.split_once('*').and_then(|(word, weight)| Some((word, weight.parse::<f32>().ok()?)));
        let (part, weight) = weighed.filter(|(_, weight)| weight.is_finite()).unwrap_or((part, 1.0));
        for word in part.split(['*', '-']) {
            in_characters(word, |word| found.push((word, weight.max(0.0))));
        }
    }
    found
}

/// The words of what stands between two spaces: Chinese characters part it. Dots are left out, as in `U.S.`.
fn in_characters(text: &str, mut push: impl FnMut(String)) {
    let mut word = String::new();
    for c in text.chars().flat_map(char::to_lowercase).filter(|c| *c != '.') {
        if is_han(c) {
            if !word.is_empty() {
                push(std::mem::take(&mut word));
            }
            push(c.to_string());
        } else {
            word.push(c);
        }
    }
    if !word.is_empty() {
        push(word);
    }
}

fn is_han(c: char) -> bool {
    ('\u{3400}'..='\u{9fff}').contains(&c)
}
