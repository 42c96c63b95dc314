//! Mode collapse and quality of drawn digits, judged by a small classifier that knows the real ones.

use super::{Gaussian, Moments, distance};
use crate::data::Source;
use crate::device::read;
use crate::error::Result;
use crate::models::classifier::{Classifier, FEATURES};
use crate::poll::Poll;
use crate::ready;
use crate::rng::{Purpose, Stream};
use crate::weights::{Checkpoint, load_module};
use burn::tensor::{Device, Tensor};

/// The classifier with what it sees in the held-out digits.
pub struct Referee {
    classifier: Classifier,
    held_out: Gaussian,
}

/// Names of the moments of the held-out digits' features.
pub const HELD_OUT_MEAN: &str = "held_out.mean";
const HELD_OUT_COVARIANCE: &str = "held_out.covariance";

/// Chunks of one evaluation, and samples in each: 1,024 samples.
pub const CHUNKS: usize = 16;
pub const CHUNK: usize = 64;

/// What the referee says of a generator.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Samples that were taken for each digit.
    pub classes: Vec<f32>,
    /// Of the histogram of classes, in nats; ln 10 = 2.30 is even.
    pub entropy: f32,
    /// Root mean square distance between two samples' features over that of held-out digits; 1 is as diverse as real.
    pub diversity: f32,
    /// Frechet classifier distance to the held-out digits.
    pub distance: f32,
    /// The share of samples that were taken for the digit that was asked for; NaN where none was.
    pub right: f32,
}

impl Report {
    /// Distance, entropy and diversity, as they are recorded.
    pub fn quality(&self) -> [f32; 3] {
        [self.distance, self.entropy, self.diversity]
    }
}

/// The shipped classifier; its licence and the command that trained it are beside it.
const REFEREE: &str = "www/weights/digits-classifier.safetensors";

/// Frechet classifier distances that others are held against, with their names and titles: of 1,024 digits that are trained on, of
/// samples of the VAE with 16 numbers that ships, and of `dcgan` after its default steps (docs/decisions.md).
pub const REFERENCE_DISTANCES: [(&str, &str, f32); 3] = [
    ("distance_floor", "Frechet distance of real digits", 5.445),
    ("distance_vae", "Frechet distance of the VAE's samples", 49.8),
    ("distance_dcgan", "Frechet distance of the GAN after two minutes", 14.0),
];

impl Referee {
    /// The shipped one, once its file is here.
    ///
    /// # Errors
    /// `Fetch`, `BadFile`.
    pub fn poll(source: &dyn Source, device: &Device) -> Result<Poll<Self>> {
        Self::load(&ready!(source.poll(REFEREE)?), device).map(Poll::Ready)
    }

    /// Reads the shipped file: the classifier and the moments of the held-out digits' features.
    pub fn load(bytes: &[u8], device: &Device) -> Result<Self> {
        let file = Checkpoint::from_bytes(bytes)?;
        let device = device.clone().inner();
        let blank = Classifier::new(&mut Stream::new(0, Purpose::Weights), &device);
        Ok(Self {
            classifier: load_module(blank, None, "classifier", &file, &device)?,
            held_out: Self::moments(&file)?,
        })
    }

    /// The moments of the held-out digits' features in a classifier's file.
    ///
    /// # Errors
    /// `BadFile`, `ShapeMismatch`.
    pub fn moments(file: &Checkpoint) -> Result<Gaussian> {
        let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect();
        Ok(Gaussian {
            mean: wide(file.finite(HELD_OUT_MEAN, &[FEATURES])?),
            covariance: wide(file.finite(HELD_OUT_COVARIANCE, &[FEATURES, FEATURES])?),
        })
    }

    fn report(&self, drawn: &Gaussian, classes: Vec<f32>, right: f32) -> Report {
        let total: f32 = classes.iter().sum();
        let shares = classes.iter().map(|c| c / total).filter(|p| *p > 0.0);
        Report {
            entropy: shares.map(|p| -p * p.ln()).sum(),
            classes,
            diversity: (drawn.variance() / self.held_out.variance()).sqrt() as f32,
            distance: distance(drawn, &self.held_out) as f32,
            right,
        }
    }

    /// Adds the moments of the held-out digits' features to the classifier's file.
    pub fn push_moments(held_out: &Gaussian, file: &mut Checkpoint) {
        let narrow = |values: &[f64]| values.iter().map(|&v| v as f32).collect();
        file.push(HELD_OUT_MEAN, &[FEATURES], narrow(&held_out.mean));
        file.push(HELD_OUT_COVARIANCE, &[FEATURES, FEATURES], narrow(&held_out.covariance));
    }
}

/// One evaluation, a chunk at a time, so that training goes on between the chunks.
pub struct Evaluation<G> {
    /// The generator as it was when this began.
    pub generator: G,
    /// Features and logits of the chunks so far, still on the device: one readback for all of them.
    judged: Vec<Tensor<1>>,
    /// The digits that were asked for.
    asked: Vec<u8>,
}

impl<G> Evaluation<G> {
    pub fn new(generator: G) -> Self {
        Self { generator, judged: Vec::new(), asked: Vec::new() }
    }

    /// Chunks that were judged.
    pub fn chunks(&self) -> usize {
        self.judged.len() / 2
    }

    /// Judges samples `[CHUNK, 784]`, which were to be these digits, if any; after the last chunk there is a report.
    pub async fn add(&mut self, referee: &Referee, samples: Tensor<2>, asked: &[u8]) -> Result<Option<Report>> {
        let [b, _] = samples.dims();
        self.asked.extend(asked);
        let (features, logits) = referee.classifier.forward(samples);
        self.judged.extend([features.reshape([b * FEATURES]), logits.reshape([b * 10])]);
        if self.chunks() < CHUNKS {
            return Ok(None);
        }
        let read = read(std::mem::take(&mut self.judged)).await?;
        let mut moments = Moments::new(FEATURES);
        read.chunks_exact(2).for_each(|chunk| moments.add(&chunk[0]));
        let digits: Vec<usize> = read.chunks_exact(2).flat_map(|c| c[1].chunks_exact(10)).map(best).collect();
        let mut classes = vec![0.0; 10];
        digits.iter().for_each(|digit| classes[*digit] += 1.0);
        let right = digits.iter().zip(&self.asked).filter(|(digit, asked)| **digit == usize::from(**asked)).count();
        Ok(Some(referee.report(&moments.gaussian(), classes, right as f32 / self.asked.len() as f32)))
    }
}

/// The index of the largest value.
pub fn best(row: &[f32]) -> usize {
    (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0)
}
