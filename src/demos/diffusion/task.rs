//! What a step trains and what an evaluation measures.

use super::config::Config;
use super::demo::{Diffusion, SHOWN};
use crate::data::{Batch, Pictures};
use crate::demos::denoising::asked;
use crate::demos::training::{Measured, Run, Task};
use crate::demos::{Figure, Panel, Samples};
use crate::device::read_one;
use crate::error::{Error, Result};
use crate::models::denoiser_mlp::DenoiserMlp;
use crate::nn::{AdamOptions, AdamWOptions, upload};
use crate::poll::Poll;
use crate::ready;
use crate::rng::{Purpose, Stream};
use crate::train::{CHUNK, Evaluation, LossByTime, Losses, NoiseBatch, Referee, diffusion_step};
use crate::weights::Checkpoint;
use async_trait::async_trait;

#[async_trait(?Send)]
impl Task for Diffusion {
    type Config = Config;
    type Data = Box<dyn Pictures>;
    type Evaluation = Evaluation<DenoiserMlp>;

    const LOSSES: &'static [&'static str] = &["loss"];
    /// What the referee says of 1,024 samples.
    const MEASURES: &'static [&'static str] = &["distance", "right"];

    fn prepare(&mut self, _run: &mut Run<Self>) -> Result<Poll<()>> {
        self.arrive()
    }

    /// The referee judges digits alone.
    fn evaluates(&self, run: &Run<Self>) -> bool {
        run.config.pictures.data == "mnist"
    }

    fn prepare_evaluation(&mut self, _run: &mut Run<Self>, _due: bool) -> Result<Poll<()>> {
        if self.referee.is_none() {
            self.referee = Some(ready!(Referee::poll(&*self.source, &self.device)?));
        }
        Ok(Poll::Ready(()))
    }

    fn examples(&self, run: &Run<Self>) -> usize {
        run.config.pictures.batch as usize
    }

    fn step(&mut self, run: &mut Run<Self>, batch: Batch) -> Result<Losses> {
        let adam = AdamOptions { lr: run.config.optimizer.lr, beta1: 0.9, beta2: 0.99 };
        let options = run.config.diffusion.options(self.classes, AdamWOptions { adam, decay: 0.0, clip: Some(1.0) });
        let (n, numbers) = (run.config.pictures.batch as usize, self.start.dims()[1]);
        let pictures = upload(batch.pixels.clone(), [n, self.shape.len()], &self.device);
        let noise = NoiseBatch::new(&self.process, [n, numbers], &batch.labels, options, &mut run.noise, &self.device);
        let data = self.encode(pictures)?;
        let (losses, each) = diffusion_step(&mut self.trainer, options, &data, &noise);
        self.last = Some((noise.times, each));
        self.real = batch;
        Ok(losses)
    }

    fn evaluation(&self, _run: &Run<Self>) -> Evaluation<DenoiserMlp> {
        Evaluation::new(self.trainer.sampler())
    }

    async fn evaluate(
        &mut self,
        _run: &mut Run<Self>,
        evaluation: &mut Evaluation<DenoiserMlp>,
    ) -> Result<Option<Vec<f32>>> {
        let Some(referee) = &self.referee else { return Err(Error::internal("The digits' classifier is not here.")) };
        let (noise, labels) = (self.judged[evaluation.chunks()].clone(), asked(0, self.classes, CHUNK));
        let drawn = self.draw(&evaluation.generator, noise, &labels)?;
        let asked: Vec<u8> = labels.into_iter().flatten().collect();
        let report = evaluation.add(referee, drawn, &asked).await?;
        Ok(report.map(|report| vec![report.distance, report.right]))
    }

    async fn views(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        if self.arrived() { self.panels(run).await } else { Ok(Vec::new()) }
    }

    async fn save(&mut self, file: &mut Checkpoint) -> Result<()> {
        self.trainer.save(file).await
    }

    fn load(&mut self, _run: &Run<Self>, file: &Checkpoint) -> Result<()> {
        self.trainer = self.trainer.loaded(file)?;
        (self.last, self.loss_by_time) = (None, LossByTime::default());
        Ok(())
    }

    async fn sample(&mut self, run: &mut Run<Self>, n: usize, seed: u64) -> Result<Samples> {
        ready_now(self.arrive()?)?;
        let (numbers, mut stream) = (self.start.dims()[1], Stream::new(seed, Purpose::Sampling));
        let (model, mut values) = (self.trainer.sampler(), Vec::new());
        let labels = asked(run.config.class, self.classes, n);
        for labels in labels.chunks(SHOWN) {
            let rows = labels.len();
            let noise = upload(stream.normal(rows * numbers), [rows, numbers], &self.device);
            let drawn = self.draw(&model, noise, labels)?.reshape([rows * self.shape.len()]);
            values.extend(read_one(drawn).await?);
        }
        Ok(Samples::pictures(self.shape, values))
    }

    fn figures(&self, _run: &Run<Self>, measured: &Measured) -> Vec<Figure> {
        let distance = measured.figure("distance", "Frechet distance to real digits", None);
        let right = measured.figure("right", "Share of digits that are those asked for", Some(1.0));
        distance.into_iter().chain(right.filter(|f| f.value.is_finite())).collect()
    }
}

/// What must be here by now.
fn ready_now(poll: Poll<()>) -> Result<()> {
    poll.ready().ok_or_else(|| Error::internal("The VAE is not here."))
}
