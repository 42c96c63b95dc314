//! MNIST (LeCun, Cortes, Burges 1998): 60,000 digits of 28 x 28 in shards of 5,000, streamed in while training runs.
//!
//! Which digits a step sees depends on the step alone, never on what has arrived: the first epoch goes shard by shard,
//! shuffled inside each; later ones shuffle everything.

use super::nearest::{Nearest, nearest};
use super::sampler::Sampler;
use super::{Batch, Dataset, Pictures, Position, Shape, Source, idx};
use crate::error::Result;
use crate::poll::Poll;
use crate::ready;
use crate::rng::Stream;
use std::rc::Rc;

pub const SIDE: usize = 28;
pub const PIXELS: usize = SIDE * SIDE;
pub const SHAPE: Shape = Shape { channels: 1, height: SIDE, width: SIDE };
pub const CLASSES: usize = 10;
const SHARDS: usize = 12;
const SHARD: usize = 5_000;

/// The training digits, in seeded order.
pub struct Mnist {
    source: Rc<dyn Source>,
    shards: Vec<Vec<u8>>,
    labels: Vec<u8>,
    sampler: Sampler,
    names: Vec<String>,
}

impl Mnist {
    pub fn new(source: Rc<dyn Source>, seed: u64) -> Self {
        Self {
            source,
            shards: Vec::new(),
            labels: Vec::new(),
            sampler: Sampler::new(seed),
            names: (0..CLASSES).map(|digit| digit.to_string()).collect(),
        }
    }

    /// Takes in shards until `count` are here.
    fn arrive(&mut self, count: usize) -> Result<Poll<()>> {
        if self.labels.is_empty() {
            self.labels = ready!(fetch(&*self.source, "train-labels.idx.gz", &[SHARDS * SHARD])?);
        }
        while self.shards.len() < count {
            let name = format!("train-{:02}.idx.gz", self.shards.len());
            self.shards.push(ready!(fetch(&*self.source, &name, &[SHARD, SIDE, SIDE])?));
        }
        Ok(Poll::Ready(()))
    }
}

/// A shard at first, and everything once all have been seen.
fn epoch(before: u32, stream: &mut Stream) -> Vec<u32> {
    let shard = before as usize;
    if shard < SHARDS {
        stream.permutation(SHARD).into_iter().map(|i| i + (shard * SHARD) as u32).collect()
    } else {
        stream.permutation(SHARDS * SHARD)
    }
}

impl Pictures for Mnist {
    fn shape(&self) -> Shape {
        SHAPE
    }

    fn classes(&self) -> &[String] {
        &self.names
    }

    fn nearest(&self, pictures: &[f32]) -> Vec<Option<Nearest>> {
        let queries: Vec<Vec<u8>> = pictures.chunks_exact(PIXELS).map(|p| SHAPE.bytes(p)).collect();
        let digits = self.shards.iter().flat_map(|shard| shard.chunks_exact(PIXELS));
        let found = nearest(&queries, (0..).zip(digits));
        let digit = |place: u32| {
            let at = (place as usize % SHARD) * PIXELS;
            Nearest { place, pixels: SHAPE.values(&self.shards[place as usize / SHARD][at..at + PIXELS]) }
        };
        found.into_iter().map(|place| place.map(digit)).collect()
    }
}

impl Dataset for Mnist {
    type Batch = Batch;

    fn batch(&mut self, n: usize) -> Result<Poll<Batch>> {
        let shuffled = self.sampler.epochs() + usize::from(self.sampler.left() < n);
        let next = (shuffled + 1).min(SHARDS);
        ready!(self.arrive(shuffled.clamp(1, SHARDS))?);
        // The next shard travels while this one is learnt from; a failure is met when it is needed.
        if self.shards.len() < next {
            let _ = self.arrive(next);
        }
        let mut batch = Batch { pixels: Vec::with_capacity(n * PIXELS), ..Batch::default() };
        for _ in 0..n {
            let i = self.sampler.next(&epoch);
            let at = (i % SHARD) * PIXELS;
            let picture = &self.shards[i / SHARD][at..at + PIXELS];
            batch.pixels.extend(picture.iter().map(|&p| f32::from(p) / 127.5 - 1.0));
            batch.labels.push(self.labels[i]);
        }
        Ok(Poll::Ready(batch))
    }

    /// 10,000 digits.
    fn held_out(&mut self) -> Result<Poll<Batch>> {
        let labels = ready!(fetch(&*self.source, "test-labels.idx.gz", &[10_000])?);
        let pixels = ready!(fetch(&*self.source, "test-00.idx.gz", &[10_000, SIDE, SIDE])?);
        let pixels = pixels.into_iter().map(|p| f32::from(p) / 127.5 - 1.0).collect();
        Ok(Poll::Ready(Batch { pixels, labels, places: Vec::new() }))
    }

    fn position(&self) -> Position {
        self.sampler.position()
    }

    fn seek(&mut self, position: Position) {
        self.sampler.seek(position, &epoch);
    }
}

fn fetch(source: &dyn Source, name: &str, dims: &[usize]) -> Result<Poll<Vec<u8>>> {
    let parsed = idx::parse(&ready!(source.poll(&format!("www/data/mnist/{name}"))?))?;
    if parsed.dims != dims {
        return Err(crate::error::Error::bad_file(format!("{name} has dimensions {:?}.", parsed.dims)));
    }
    Ok(Poll::Ready(parsed.bytes))
}

/// A picture in [-1, 1] moved by whole pixels so that the centre of its ink is the picture's, as MNIST's own digits were.
pub fn centred(pixels: &[f32]) -> Vec<f32> {
    let (mut ink, mut sum) = (0.0, [0.0; 2]);
    for (i, pixel) in pixels.iter().enumerate() {
        let weight = (pixel + 1.0) / 2.0;
        ink += weight;
        sum = [sum[0] + weight * (i / SIDE) as f32, sum[1] + weight * (i % SIDE) as f32];
    }
    let middle = (SIDE - 1) as f32 / 2.0;
    let [down, right] = sum.map(|s| if ink > 0.0 { (middle - s / ink).round() as i32 } else { 0 });
    let from = |to: usize, by: i32| usize::try_from(to as i32 - by).ok().filter(|at| *at < SIDE);
    let moved = |i: usize| from(i / SIDE, down).zip(from(i % SIDE, right)).map_or(-1.0, |(y, x)| pixels[y * SIDE + x]);
    (0..pixels.len()).map(moved).collect()
}
