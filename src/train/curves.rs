//! The steps of a run and their losses, which stay on the device until somebody reads them: then they are curves.

use super::{ABSENT, History, NOT_MEASURED};
use crate::device::read;
use crate::error::{Code, Error, Result};
use crate::nn::upload;
use crate::weights::Checkpoint;
use burn::tensor::{Device, Tensor};

/// The losses of a step, by the names of their series. Of two with one name the last counts; a series without one is
/// [`Reading::Absent`].
pub type Losses = Vec<(&'static str, Reading)>;

/// What a step says of a series.
#[derive(Debug, Clone)]
pub enum Reading {
    /// Boxed: a tensor is large.
    Value(Box<Tensor<1>>),
    /// This step did not look.
    NotMeasured,
    /// There was nothing to look at, such as the loss of a network that did not train.
    Absent,
}

/// The losses that have a value, on the device.
pub fn scalars(losses: &Losses) -> Vec<Tensor<1>> {
    let value = |(_, reading): &(_, Reading)| match reading {
        Reading::Value(scalar) => Some(Tensor::clone(scalar)),
        Reading::NotMeasured | Reading::Absent => None,
    };
    losses.iter().filter_map(value).collect()
}

impl From<Tensor<1>> for Reading {
    fn from(value: Tensor<1>) -> Self {
        Self::Value(Box::new(value))
    }
}

impl From<Option<Tensor<1>>> for Reading {
    fn from(value: Option<Tensor<1>>) -> Self {
        value.map_or(Self::NotMeasured, Self::from)
    }
}

/// Curves, and the scalars that will continue them.
pub struct Curves {
    /// Steps taken.
    pub step: u32,
    pub history: History,
    /// A step and a reading for each series.
    pending: Vec<(u32, Vec<Reading>)>,
    /// What stands for a value in the history where there is none.
    not_measured: Tensor<1>,
    absent: Tensor<1>,
}

impl Curves {
    /// `device` is where the scalars are.
    pub fn new(series: &[&str], device: &Device) -> Self {
        let [not_measured, absent] = [NOT_MEASURED, ABSENT].map(|v| upload(vec![v], [1], &device.clone().inner()));
        Self { step: 0, history: History::new(series), pending: Vec::new(), not_measured, absent }
    }

    /// One more step was taken. Nothing is read yet.
    ///
    /// # Errors
    /// `Internal` for a loss that is none of the series: nobody would see it, or notice that it is not finite.
    pub fn push(&mut self, losses: Losses) -> Result<()> {
        if let Some((name, _)) = losses.iter().find(|(name, _)| !self.history.series().iter().any(|s| s == name)) {
            return Err(Error::internal(format!("{name:?} is none of the losses.")));
        }
        self.step += 1;
        let of = |name: &String| losses.iter().rev().find(|(of, _)| of == name).map(|(_, reading)| reading.clone());
        let row = self.history.series().iter().map(|name| of(name).unwrap_or(Reading::Absent)).collect();
        self.pending.push((self.step, row));
        Ok(())
    }

    /// Reads what waits into the history, together with `more` in one submission.
    ///
    /// # Errors
    /// `Diverged` with the step at which a loss stopped being finite; `DeviceLost`.
    pub async fn flush(&mut self, more: Vec<Tensor<1>>) -> Result<Vec<Vec<f32>>> {
        let pending = std::mem::take(&mut self.pending);
        let scalar = |reading: &Reading| match reading {
            Reading::Value(scalar) => Tensor::clone(scalar),
            Reading::NotMeasured => self.not_measured.clone(),
            Reading::Absent => self.absent.clone(),
        };
        let mut tensors: Vec<Tensor<1>> = pending.iter().flat_map(|(_, row)| row).map(scalar).collect();
        // One buffer for all the scalars: reading many small ones costs more than joining them.
        if !tensors.is_empty() {
            tensors = vec![Tensor::cat(tensors, 0)];
        }
        let joined = tensors.len();
        tensors.extend(more);
        let mut values = read(tensors).await?;
        let scalars: Vec<f32> = values.drain(..joined).flatten().collect();
        let width = self.history.series().len();
        for ((step, row), values) in pending.iter().zip(scalars.chunks_exact(width.max(1))) {
            let broken = row.iter().zip(values).position(|(r, v)| matches!(r, Reading::Value(_)) && !v.is_finite());
            if let Some(series) = broken {
                return Err(diverged(*step, &self.history.series()[series], values[series]));
            }
            self.history.push(*step, values);
        }
        Ok(values)
    }

    /// Ends the part of a checkpoint that must be finite, and adds the curves, which may have gaps, and the step.
    ///
    /// # Errors
    /// `Diverged` where a number that is in the checkpoint already is not finite.
    pub fn save(&self, checkpoint: &mut Checkpoint) -> Result<()> {
        if let Some(bad) = checkpoint.tensors.iter().find(|t| t.values.iter().any(|v| !v.is_finite())) {
            return Err(diverged(self.step, &bad.name, f32::NAN));
        }
        self.history.save("losses", checkpoint);
        checkpoint.set_text("step", self.step);
        Ok(())
    }

    /// These curves as they were when a checkpoint was saved.
    ///
    /// # Errors
    /// `BadFile`, `ShapeMismatch`.
    pub fn loaded(&self, file: &Checkpoint) -> Result<Self> {
        let (not_measured, absent) = (self.not_measured.clone(), self.absent.clone());
        let history = self.history.loaded("losses", file)?;
        Ok(Self { step: file.count("step")?, history, pending: Vec::new(), not_measured, absent })
    }
}

/// A number is no longer finite.
fn diverged(step: u32, what: &str, value: f32) -> Error {
    Error::new(
        Code::Diverged,
        format!("At step {step} {} became {value}: the numbers became too large.", what.replace('_', " ")),
        "The learning rate is probably too high: go back to the last good checkpoint and lower it.",
    )
}
