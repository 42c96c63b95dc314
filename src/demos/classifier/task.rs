//! How the classifier is trained and judged.

use super::config::Config;
use super::demo::ClassifierDemo;
use crate::data::mnist::{CLASSES, Mnist, PIXELS, SHAPE};
use crate::data::{Batch, Dataset};
use crate::demos::Values;
use crate::demos::training::{Measured, Run, Task};
use crate::demos::views::{Figure, Panel};
use crate::device::read;
use crate::error::{Error, Result};
use crate::models::classifier::FEATURES;
use crate::nn::{AdamOptions, one_hot, upload};
use crate::poll::Poll;
use crate::ready;
use crate::train::{HELD_OUT_MEAN, Losses, Moments, Referee, best, cross_entropy};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use serde_json::Value;

/// Held-out digits judged at once.
const CHUNK: usize = 500;

#[async_trait(?Send)]
impl Task for ClassifierDemo {
    type Config = Config;
    type Data = Mnist;
    type Evaluation = ();

    const NOISE: bool = false;
    const LOSSES: &'static [&'static str] = &["loss"];
    const MEASURES: &'static [&'static str] = &["accuracy"];

    /// Only when they are needed: they are as large as the first digits to learn from.
    fn prepare_evaluation(&mut self, run: &mut Run<Self>, due: bool) -> Result<Poll<()>> {
        if due && self.held_out.is_none() {
            self.held_out = Some(ready!(run.data.held_out()?));
        }
        Ok(Poll::Ready(()))
    }

    fn examples(&self, run: &Run<Self>) -> usize {
        run.config.batch as usize
    }

    fn step(&mut self, run: &mut Run<Self>, batch: Batch) -> Result<Losses> {
        let options = AdamOptions { lr: run.config.optimizer.lr, beta1: 0.9, beta2: 0.999 };
        self.trainer.prepare(1, options);
        let x = upload(batch.pixels.clone(), [batch.labels.len(), PIXELS], &run.device).autodiff();
        let (_, logits) = self.trainer.model.forward(x);
        let loss = cross_entropy(logits, one_hot(&batch.labels, CLASSES, &run.device).autodiff());
        self.trainer.update(&loss, options, false);
        self.real = batch;
        Ok(vec![("loss", loss.inner().into())])
    }

    fn evaluation(&self, _run: &Run<Self>) {}

    /// Accuracy on the held-out digits; the moments of their features are kept.
    async fn evaluate(&mut self, run: &mut Run<Self>, (): &mut ()) -> Result<Option<Vec<f32>>> {
        let batch = self.held_out.as_ref().ok_or_else(|| Error::internal("The held-out digits are not here."))?;
        let model = self.trainer.sampler();
        let (mut right, mut moments) = (0, Moments::new(FEATURES));
        for (pixels, labels) in batch.pixels.chunks(CHUNK * PIXELS).zip(batch.labels.chunks(CHUNK)) {
            let n = labels.len();
            let (features, logits) = model.forward(upload(pixels.to_vec(), [n, PIXELS], &run.device));
            let values = read(vec![features.reshape([n * FEATURES]), logits.reshape([n * CLASSES])]).await?;
            moments.add(&values[0]);
            let rows = values[1].chunks(CLASSES).zip(labels);
            right += rows.filter(|(row, label)| best(row) == usize::from(**label)).count();
        }
        let accuracy = right as f32 / batch.labels.len() as f32;
        self.features = Some(moments.gaussian());
        Ok(Some(vec![accuracy]))
    }

    async fn views(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        self.panels(run).await
    }

    async fn act(&mut self, _run: &mut Run<Self>, name: &str, args: &Value) -> Result<Values> {
        self.action(name, args)
    }

    async fn save(&mut self, file: &mut Checkpoint) -> Result<()> {
        self.trainer.save(file).await?;
        self.pad.save(file);
        if let Some(features) = &self.features {
            Referee::push_moments(features, file);
        }
        Ok(())
    }

    fn load(&mut self, _run: &Run<Self>, file: &Checkpoint) -> Result<()> {
        // None before the first test.
        let features = file.find(HELD_OUT_MEAN).map(|_| Referee::moments(file)).transpose()?;
        let pad = self.pad.loaded(file, SHAPE)?;
        (self.trainer, self.features, self.pad) = (self.trainer.loaded(file)?, features, pad);
        Ok(())
    }

    /// With a digit more than the curve has.
    async fn measure(&mut self, run: &mut Run<Self>) -> Result<Vec<Figure>> {
        let accuracy = self.evaluate_whole(run).await?.into_iter();
        Ok(accuracy.map(|v| Figure::new("accuracy", "Accuracy on held-out digits", v, 4, Some(1.0))).collect())
    }

    fn figures(&self, _run: &Run<Self>, measured: &Measured) -> Vec<Figure> {
        measured.figure("accuracy", "Accuracy on unseen digits", Some(1.0)).into_iter().collect()
    }
}
