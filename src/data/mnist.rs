//! MNIST (LeCun, Cortes, Burges 1998): 60,000 digits of 28 x 28 in shards of 5,000, streamed in while training runs.
//!
//! Which digits a step sees depends on the step alone, never on what has arrived: the first pass goes shard by shard,
//! shuffled inside each; later passes shuffle everything.

use super::order::Order;
use super::{Batch, Pictures, Place, Shape, Source, Waiting, idx};
use crate::error::Result;
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
    order: Order,
    names: Vec<String>,
}

impl Mnist {
    pub fn new(source: Rc<dyn Source>, seed: u64) -> Self {
        Self {
            source,
            shards: Vec::new(),
            labels: Vec::new(),
            order: Order::new(seed),
            names: (0..CLASSES).map(|digit| digit.to_string()).collect(),
        }
    }

    /// Takes in shards until `count` are here; says what is missing.
    fn arrive(&mut self, count: usize) -> Result<Option<Waiting>> {
        if self.labels.is_empty() {
            match self.file("train-labels.idx.gz".into(), &[SHARDS * SHARD])? {
                Ok(labels) => self.labels = labels,
                Err(waiting) => return Ok(Some(waiting)),
            }
        }
        while self.shards.len() < count {
            match self.file(format!("train-{:02}.idx.gz", self.shards.len()), &[SHARD, SIDE, SIDE])? {
                Ok(shard) => self.shards.push(shard),
                Err(waiting) => return Ok(Some(waiting)),
            }
        }
        Ok(None)
    }

    fn file(&self, name: String, dims: &[usize]) -> Result<std::result::Result<Vec<u8>, Waiting>> {
        fetch(&*self.source, &name, dims)
    }
}

/// A shard at first, and everything once all have been seen.
fn pass(before: u32, stream: &mut Stream) -> Vec<u32> {
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

    fn batch(&mut self, n: usize) -> Result<std::result::Result<Batch, Waiting>> {
        let shuffled = self.order.passes() + usize::from(self.order.left() < n);
        let next = (shuffled + 1).min(SHARDS);
        if let Some(waiting) = self.arrive(shuffled.clamp(1, SHARDS))? {
            return Ok(Err(waiting));
        }
        // The next shard travels while this one is learnt from; a failure is met when it is needed.
        if self.shards.len() < next {
            let _ = self.arrive(next);
        }
        let mut batch = Batch { pixels: Vec::with_capacity(n * PIXELS), labels: Vec::with_capacity(n) };
        for _ in 0..n {
            let i = self.order.next(&pass);
            let at = (i % SHARD) * PIXELS;
            let picture = &self.shards[i / SHARD][at..at + PIXELS];
            batch.pixels.extend(picture.iter().map(|&p| f32::from(p) / 127.5 - 1.0));
            batch.labels.push(self.labels[i]);
        }
        Ok(Ok(batch))
    }

    fn held_out(&mut self) -> Result<std::result::Result<Batch, Waiting>> {
        held_out(&*self.source)
    }

    fn place(&self) -> Place {
        self.order.place()
    }

    fn seek(&mut self, place: Place) {
        self.order.seek(place, &pass);
    }
}

/// The 10,000 held-out digits: pictures and labels, once both files are here.
///
/// # Errors
/// Where a file cannot be fetched or read.
pub fn held_out(source: &dyn Source) -> Result<std::result::Result<Batch, Waiting>> {
    let labels = match fetch(source, "test-labels.idx.gz", &[10_000])? {
        Ok(labels) => labels,
        Err(waiting) => return Ok(Err(waiting)),
    };
    let pixels = match fetch(source, "test-00.idx.gz", &[10_000, SIDE, SIDE])? {
        Ok(pixels) => pixels.into_iter().map(|p| f32::from(p) / 127.5 - 1.0).collect(),
        Err(waiting) => return Ok(Err(waiting)),
    };
    Ok(Ok(Batch { pixels, labels }))
}

fn fetch(source: &dyn Source, name: &str, dims: &[usize]) -> Result<std::result::Result<Vec<u8>, Waiting>> {
    let path = format!("www/data/mnist/{name}");
    match source.poll(&path) {
        Some(file) => {
            let parsed = idx::parse(&file?)?;
            if parsed.dims != dims {
                return Err(crate::error::Error::bad_file(format!("{name} has dimensions {:?}.", parsed.dims)));
            }
            Ok(Ok(parsed.bytes))
        }
        None => {
            let (done, total) = source.progress(&path);
            Ok(Err(Waiting { path, done, total }))
        }
    }
}
