//! What a step trains and what an evaluation measures.

use super::config::Config;
use super::demo::{Diffusion, SHOWN};
use super::network::Network;
use crate::data::{Batch, Dataset, Pictures};
use crate::demos::denoising::chosen_time;
use crate::demos::training::{Measured, Run, Task};
use crate::demos::{Figure, Panel, Samples, Values, no_action};
use crate::device::read_one;
use crate::error::{Error, Result};
use crate::nn::{AdamOptions, AdamWOptions, upload};
use crate::poll::Poll;
use crate::ready;
use crate::rng::{Purpose, Stream};
use crate::train::{CHUNK, Evaluation, LossByTime, Losses, NoiseBatch, REFERENCE_DISTANCES, Referee, diffusion_step};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use serde_json::Value;

#[async_trait(?Send)]
impl Task for Diffusion {
    type Config = Config;
    type Data = Box<dyn Pictures>;
    type Evaluation = Judging;

    const LOSSES: &'static [&'static str] = &["loss"];
    /// What the classifier says of 1,024 digits; how many held-out names are drawn so that they are recalled.
    const MEASURES: &'static [&'static str] = &["distance", "right", "recalled"];

    /// Trained weights are there to be looked at first.
    fn begins(&self) -> bool {
        self.weights.is_none()
    }

    fn prepare(&mut self, run: &mut Run<Self>) -> Result<Poll<()>> {
        if run.config.repair && self.held_out.is_none() {
            self.held_out = Some(ready!(run.data.held_out()?));
        }
        if run.config.nearest {
            // Of no pictures: what is compared with has to be here, and nothing is drawn.
            ready!(run.data.batch(0)?);
        }
        self.arrive()
    }

    /// There is a classifier for digits, and there are held-out names of emoji.
    fn evaluates(&self, run: &Run<Self>) -> bool {
        run.config.pictures.data == "mnist" || self.named(run)
    }

    fn prepare_evaluation(&mut self, run: &mut Run<Self>, _due: bool) -> Result<Poll<()>> {
        if self.named(run) {
            if self.held_out.is_none() {
                self.held_out = Some(ready!(run.data.held_out()?));
            }
        } else if self.referee.is_none() {
            self.referee = Some(ready!(Referee::poll(&*self.source, &self.device)?));
        }
        Ok(Poll::Ready(()))
    }

    fn examples(&self, run: &Run<Self>) -> usize {
        run.config.pictures.batch as usize
    }

    fn step(&mut self, run: &mut Run<Self>, batch: Batch) -> Result<Losses> {
        let adam = AdamOptions { lr: run.config.optimizer.lr, beta1: 0.9, beta2: 0.99 };
        let options = run.config.diffusion.options(self.features, AdamWOptions { adam, decay: 0.0, clip: Some(1.0) });
        let (n, numbers) = (run.config.pictures.batch as usize, self.start.dims()[1]);
        let pictures = upload(batch.pixels.clone(), [n, self.shape.len()], &self.device);
        let told = self.of_batch(&batch, &mut run.noise);
        let noise = NoiseBatch::new(&self.process, [n, numbers], &told, options, &mut run.noise, &self.device);
        let data = self.encode(pictures)?;
        let (losses, each) = diffusion_step(&mut self.trainer, options, &data, &noise);
        self.last = Some((noise.times, each));
        self.real = batch;
        Ok(losses)
    }

    fn evaluation(&self, run: &Run<Self>) -> Judging {
        let model = self.trainer.sampler();
        if self.named(run) { Judging::Names(model) } else { Judging::Digits(Evaluation::new(model)) }
    }

    async fn evaluate(&mut self, _run: &mut Run<Self>, judging: &mut Judging) -> Result<Option<Vec<f32>>> {
        let evaluation = match judging {
            Judging::Names(model) => return Ok(Some(vec![f32::NAN, f32::NAN, self.recalled(model).await?])),
            Judging::Digits(evaluation) => evaluation,
        };
        let Some(referee) = &self.referee else { return Err(Error::internal("The digits' classifier is not here.")) };
        let (noise, told) = (self.judged[evaluation.chunks()].clone(), self.in_turn(CHUNK));
        // Always the same sampler, without guidance, so that figures of different settings can be compared.
        let samples = self.run(&evaluation.generator, self.judge_sampler(), noise, &told, 1.0, |_| {});
        let drawn = self.decode(samples)?;
        let asked: Vec<u8> = told.iter().flatten().map(|(class, _)| *class as u8).collect();
        let report = evaluation.add(referee, drawn, &asked).await?;
        Ok(report.map(|report| vec![report.distance, report.right, f32::NAN]))
    }

    async fn views(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        if self.arrived() { self.panels(run).await } else { Ok(Vec::new()) }
    }

    async fn act(&mut self, _run: &mut Run<Self>, name: &str, args: &Value) -> Result<Values> {
        match name {
            "time" => chosen_time(args),
            "draw" => self.pad.draw(args, self.shape).map(|()| Values::new()),
            _ => Err(no_action(name)),
        }
    }

    async fn save(&mut self, file: &mut Checkpoint) -> Result<()> {
        self.trainer.save(file).await?;
        self.pad.save(file);
        if self.weights.is_none() {
            file.set_text("started", true);
        }
        Ok(())
    }

    fn load(&mut self, _run: &Run<Self>, file: &Checkpoint) -> Result<()> {
        let pad = self.pad.loaded(file, self.shape)?;
        (self.trainer, self.pad) = (self.trainer.loaded(file)?, pad);
        // A run that was saved before its weights came still waits for them; in older checkpoints there were none to wait for.
        if file.texts.contains_key("started") || file.text::<u32>("step").is_ok_and(|step| step > 0) {
            self.weights = None;
        }
        (self.last, self.loss_by_time) = (None, LossByTime::default());
        Ok(())
    }

    async fn sample(&mut self, run: &mut Run<Self>, n: usize, seed: u64) -> Result<Samples> {
        ready_now(self.arrive()?)?;
        let (numbers, mut stream) = (self.start.dims()[1], Stream::new(seed, Purpose::Sampling));
        let (model, mut values) = (self.trainer.sampler(), Vec::new());
        let (told, guidance) = (self.asked(&run.config, n), run.config.sampling.guidance);
        for told in told.chunks(SHOWN) {
            let rows = told.len();
            let noise = upload(stream.normal(rows * numbers), [rows, numbers], &self.device);
            let samples = self.run(&model, self.sampler(&run.config), noise, told, guidance, |_| {});
            values.extend(read_one(self.decode(samples)?.reshape([rows * self.shape.len()])).await?);
        }
        Ok(Samples::pictures(self.shape, values))
    }

    fn figures(&self, _run: &Run<Self>, measured: &Measured) -> Vec<Figure> {
        let distance = measured.figure("distance", "Frechet distance to real digits", None);
        let right = measured.figure("right", "Share of digits that are those asked for", Some(1.0));
        let recalled = measured.figure("recalled", "Held-out names drawn so that they are recalled", Some(1.0));
        // What the distance of digits is to be held against.
        let digits = distance.as_ref().is_some_and(|distance| distance.value.is_finite());
        let beside =
            REFERENCE_DISTANCES.map(|(id, title, value)| digits.then(|| Figure::of_curve(id, title, value, None)));
        let all = [distance].into_iter().chain(beside).chain([right, recalled]).flatten();
        all.filter(|figure| figure.value.is_finite()).collect()
    }
}

/// An evaluation that is under way.
pub enum Judging {
    Digits(Evaluation<Network>),
    /// The network as it was when this began.
    Names(Network),
}

/// What must be here by now.
fn ready_now(poll: Poll<()>) -> Result<()> {
    poll.ready().ok_or_else(|| Error::internal("The VAE is not here."))
}
