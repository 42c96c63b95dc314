//! What the demos on digits share.

use super::{Preparing, Stepped};
use crate::data::Source;
use crate::data::Waiting;
use crate::device::Device;
use crate::error::Result;
use crate::nn::upload;
use crate::train::Referee;
use burn::tensor::Tensor;

/// The shipped classifier; its licence and the command that trained it stand beside it.
pub const REFEREE: &str = "www/weights/digits-classifier.safetensors";

impl From<Waiting> for Preparing {
    fn from(waiting: Waiting) -> Self {
        Self { what: waiting.path, done: waiting.done, total: waiting.total, bytes: true }
    }
}

impl From<Waiting> for Stepped {
    fn from(waiting: Waiting) -> Self {
        Preparing::from(waiting).into()
    }
}

/// The referee once its file is here.
pub fn referee(source: &dyn Source, device: &Device) -> Result<std::result::Result<Referee, Waiting>> {
    match source.poll(REFEREE) {
        Some(file) => Ok(Ok(Referee::load(&file?, device)?)),
        None => {
            let (done, total) = source.progress(REFEREE);
            Ok(Err(Waiting { path: REFEREE.into(), done, total }))
        }
    }
}

/// One-hot classes, `[B, classes]`.
pub fn one_hot(labels: &[u8], classes: usize, device: &Device) -> Tensor<2> {
    let mut values = vec![0.0; labels.len() * classes];
    for (row, &label) in labels.iter().enumerate() {
        values[row * classes + usize::from(label)] = 1.0;
    }
    upload(values, [labels.len(), classes], device)
}
