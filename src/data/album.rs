//! A set of colour pictures that is held whole: emoji, and the pictures of a person.

use super::idx::Idx;
use super::nearest::{Nearest, nearest};
use super::sampler::Sampler;
use super::{Batch, Dataset, Pictures, Position, Shape};
use crate::error::{Error, Result};
use crate::poll::Poll;
use crate::ready;
use crate::rng::{Purpose, Stream};

/// Every colour picture has this shape.
pub const COLOUR: Shape = Shape { channels: 3, height: 32, width: 32 };
/// Fewer pictures than this make no set.
pub const MIN_PICTURES: usize = 8;
/// More than this are not taken.
pub const MAX_PICTURES: usize = 10_000;
/// The held-out part is a tenth, and no more than this.
const HELD_OUT: usize = 1_000;

/// Gives the pictures once all of them are here, as bytes `[n, 32, 32, 3]`, with a label for each or none at all.
pub type Arrive = dyn FnMut() -> Result<Poll<(Idx, Vec<u8>)>>;

pub struct Album {
    arrive: Box<Arrive>,
    here: Option<Here>,
    sampler: Sampler,
    /// A position that was sought before the pictures were here.
    sought: Option<Position>,
    classes: Vec<String>,
    seed: u64,
}

struct Here {
    pixels: Vec<u8>,
    labels: Vec<u8>,
    /// Indices of the pictures that are learnt from, and of those that are not.
    seen: Vec<u32>,
    held_out: Vec<u32>,
}

impl Album {
    pub fn new(arrive: Box<Arrive>, classes: Vec<String>, seed: u64) -> Self {
        Self { arrive, here: None, sampler: Sampler::new(seed), sought: None, classes, seed }
    }

    fn here(&mut self) -> Result<Poll<(&Here, &mut Sampler)>> {
        if self.here.is_none() {
            let (set, labels) = ready!((self.arrive)()?);
            let here = Here::new(set, labels, self.classes.len(), self.seed)?;
            if let Some(position) = self.sought.take() {
                self.sampler.seek(position, &|_, stream| here.epoch(stream));
            }
            self.here = Some(here);
        }
        let here = self.here.as_ref().ok_or_else(|| Error::internal("The pictures are missing."))?;
        Ok(Poll::Ready((here, &mut self.sampler)))
    }
}

impl Here {
    fn new(set: Idx, labels: Vec<u8>, classes: usize, seed: u64) -> Result<Self> {
        let n = match set.dims[..] {
            [n, 32, 32, 3] => n,
            _ => return Err(Error::bad_file(format!("A set of pictures is n x 32 x 32 x 3, not {:?}.", set.dims))),
        };
        if !(MIN_PICTURES..=MAX_PICTURES).contains(&n) {
            return Err(Error::bad_file(format!(
                "The set has {n} pictures; it needs between {MIN_PICTURES} and {MAX_PICTURES}."
            )));
        }
        if classes > 0 && (labels.len() != n || labels.iter().any(|l| usize::from(*l) >= classes)) {
            return Err(Error::bad_file("The labels do not agree with the pictures."));
        }
        let mut held_out = Stream::new(seed, Purpose::Split).permutation(n);
        let mut seen = held_out.split_off((n / 10).clamp(1, HELD_OUT));
        seen.sort_unstable();
        Ok(Self { pixels: set.bytes, labels, seen, held_out })
    }

    fn epoch(&self, stream: &mut Stream) -> Vec<u32> {
        stream.permutation(self.seen.len()).into_iter().map(|i| self.seen[i as usize]).collect()
    }

    fn batch(&self, indices: impl Iterator<Item = usize>) -> Batch {
        let mut batch = Batch::default();
        for i in indices {
            batch.pixels.extend(COLOUR.values(&self.pixels[i * COLOUR.len()..(i + 1) * COLOUR.len()]));
            batch.labels.extend(self.labels.get(i));
            batch.places.push(i as u32);
        }
        batch
    }
}

impl Pictures for Album {
    fn shape(&self) -> Shape {
        COLOUR
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn nearest(&self, pictures: &[f32]) -> Vec<Option<Nearest>> {
        let n = COLOUR.len();
        let queries: Vec<Vec<u8>> = pictures.chunks_exact(n).map(|p| COLOUR.bytes(p)).collect();
        let Some(here) = &self.here else { return vec![None; queries.len()] };
        let bytes = |place: u32| &here.pixels[place as usize * n..][..n];
        let found = nearest(&queries, here.seen.iter().map(|&place| (place, bytes(place))));
        found
            .into_iter()
            .map(|place| place.map(|place| Nearest { place, pixels: COLOUR.values(bytes(place)) }))
            .collect()
    }
}

impl Dataset for Album {
    type Batch = Batch;

    fn batch(&mut self, n: usize) -> Result<Poll<Batch>> {
        let taken = self.here()?;
        Ok(taken.map(|(here, sampler)| here.batch((0..n).map(|_| sampler.next(&|_, stream| here.epoch(stream))))))
    }

    fn held_out(&mut self) -> Result<Poll<Batch>> {
        Ok(self.here()?.map(|(here, _)| here.batch(here.held_out.iter().map(|&i| i as usize))))
    }

    fn position(&self) -> Position {
        self.sought.unwrap_or_else(|| self.sampler.position())
    }

    fn seek(&mut self, position: Position) {
        match &self.here {
            Some(here) => self.sampler.seek(position, &|_, stream| here.epoch(stream)),
            None => self.sought = Some(position),
        }
    }
}
