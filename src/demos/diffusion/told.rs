//! What the network is told: words, a class, or all classes in turn.

use super::config::Config;
use super::demo::Diffusion;
use crate::data::Batch;
use crate::demos::denoising::chosen_class;
use crate::models::denoiser::Told;
use crate::rng::Stream;

impl Diffusion {
    /// For each of `n` samples what the person asks for: the words; else the class; else each class or each name in turn.
    pub fn asked(&self, config: &Config, n: usize) -> Vec<Told> {
        let Some(captions) = self.captions.as_ref() else { return vec![Told::new(); n] };
        let (bag, _) = captions.bag(&config.words);
        if !bag.is_empty() {
            return vec![bag; n];
        }
        if let Some(class) = chosen_class(config.class, self.classes) {
            return vec![captions.group(class); n];
        }
        self.in_turn(n)
    }

    /// Each class in turn; where pictures have names, each name.
    pub fn in_turn(&self, n: usize) -> Vec<Told> {
        let Some(captions) = self.captions.as_ref() else { return vec![Told::new(); n] };
        let class = |i: usize| captions.group((i % self.classes.max(1)) as u8);
        let told = |i: usize| if captions.names(i).is_some() { captions.name(i) } else { class(i) };
        (0..n).map(told).collect()
    }

    /// Words that were asked for and are not known.
    pub fn unknown(&self, config: &Config) -> Vec<String> {
        self.captions.as_ref().map(|c| c.bag(&config.words).1).unwrap_or_default()
    }

    /// What the network is told of the pictures that it learns from.
    pub fn of_batch(&self, batch: &Batch, stream: &mut Stream) -> Vec<Told> {
        let Some(captions) = self.captions.as_ref() else { return Vec::new() };
        let label = |i: usize| batch.labels.get(i).copied();
        match batch.places.is_empty() {
            true => (0..batch.labels.len()).map(|i| label(i).map(|l| captions.group(l)).unwrap_or_default()).collect(),
            false => {
                let places = batch.places.iter().enumerate();
                places.map(|(i, place)| captions.draw(*place as usize, label(i), stream)).collect()
            }
        }
    }
}
