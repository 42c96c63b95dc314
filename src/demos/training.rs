//! What all demos that train have in common, once: data that arrive, noise, evaluations, curves, checkpoints. A demo itself is a
//! [`Task`]; [`Training`] makes a [`Demo`] of it.

use super::settings::Settings;
use super::views::{Figure, Panel, View};
use super::{Context, Demo, Samples, Stepped, Values, no_action};
use crate::data::{Dataset, Position};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::poll::Poll;
use crate::ready;
use crate::rng::{Purpose, Stream};
use crate::train::{Curves, History, Losses};
use crate::weights::Checkpoint;
use async_trait::async_trait;
use burn::tensor::Tensor;
use serde_json::Value;

/// What a demo that trains writes.
#[async_trait(?Send)]
pub trait Task: Sized + 'static {
    type Config: Settings;
    type Data: Dataset;
    /// An evaluation that is under way: the model as it was when it began, and what was found so far.
    type Evaluation;

    /// Whether a step draws random numbers.
    const NOISE: bool = true;
    /// The series of a step's losses.
    const LOSSES: &'static [&'static str];
    /// The series of what an evaluation measures.
    const MEASURES: &'static [&'static str];

    /// Whether a run may begin by itself when its link is opened.
    fn begins(&self) -> bool {
        true
    }

    /// What must be here before the views are whole, and before a step.
    fn prepare(&mut self, _run: &mut Run<Self>) -> Result<Poll<()>> {
        Ok(Poll::Ready(()))
    }

    /// Whether this model is evaluated at all.
    fn evaluates(&self, _run: &Run<Self>) -> bool {
        true
    }

    /// What an evaluation needs. It may be asked for before every step, and is waited for only before one that an evaluation follows
    /// (`due`), so that the same link gives the same curves on any network.
    fn prepare_evaluation(&mut self, _run: &mut Run<Self>, _due: bool) -> Result<Poll<()>> {
        Ok(Poll::Ready(()))
    }

    /// Examples that the next step takes from the data.
    fn examples(&self, run: &Run<Self>) -> usize;

    /// One step of the optimizer. Nothing is read back.
    fn step(&mut self, run: &mut Run<Self>, batch: <Self::Data as Dataset>::Batch) -> Result<Losses>;

    /// Begins an evaluation of the model as it is now.
    fn evaluation(&self, run: &Run<Self>) -> Self::Evaluation;

    /// A part of an evaluation, so that no step takes long; after the last one the values of [`Task::MEASURES`].
    async fn evaluate(&mut self, run: &mut Run<Self>, evaluation: &mut Self::Evaluation) -> Result<Option<Vec<f32>>>;

    /// What the page draws, with one readback ([`Run::read`]) where that is possible.
    async fn views(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>>;

    /// The config has changed: `old` is the one before.
    fn changed(&mut self, _run: &Run<Self>, _old: &Self::Config) {}

    /// One of its actions, as [`Demo::act`].
    async fn act(&mut self, _run: &mut Run<Self>, name: &str, _args: &Value) -> Result<Values> {
        Err(no_action(name))
    }

    /// Adds what it has learnt to a checkpoint: finite numbers.
    async fn save(&mut self, file: &mut Checkpoint) -> Result<()>;

    /// As [`Demo::companions`].
    fn companions(&self, _run: &Run<Self>) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// Goes back to a checkpoint.
    ///
    /// # Errors
    /// `BadFile`, `ShapeMismatch`; nothing has changed then.
    fn load(&mut self, run: &Run<Self>, file: &Checkpoint) -> Result<()>;

    /// As [`Demo::sample`].
    async fn sample(&mut self, _run: &mut Run<Self>, _n: usize, _seed: u64) -> Result<Samples> {
        Err(Error::bad_command("This model does not draw samples."))
    }

    /// What an evaluation has measured, as figures.
    fn figures(&self, run: &Run<Self>, measured: &Measured) -> Vec<Figure>;

    /// What the latest evaluation has measured, and its step.
    fn latest_figures(&self, run: &Run<Self>) -> Vec<Figure> {
        let mut figures = self.figures(run, &Measured(&|series| run.measures.last(series)));
        let step = run.measures.last_step();
        figures.extend(step.map(|step| Figure::new("measured_at", "Measured at step", step, 0, None)));
        figures
    }

    /// A whole evaluation at once: the values of [`Task::MEASURES`].
    async fn evaluate_whole(&mut self, run: &mut Run<Self>) -> Result<Vec<f32>> {
        if !self.evaluates(run) {
            return Err(Error::bad_command("Only digits can be measured: there is no classifier for other pictures."));
        }
        let missing = || Error::internal("What the evaluation needs is not here.");
        self.prepare_evaluation(run, true)?.ready().ok_or_else(missing)?;
        let mut evaluation = self.evaluation(run);
        loop {
            if let Some(values) = self.evaluate(run, &mut evaluation).await? {
                return Ok(values);
            }
        }
    }

    /// How good the model is: an evaluation, unless there is a more thorough one.
    async fn measure(&mut self, run: &mut Run<Self>) -> Result<Vec<Figure>> {
        let values = self.evaluate_whole(run).await?;
        let of = |series: &str| Self::MEASURES.iter().position(|name| *name == series).map(|at| values[at]);
        Ok(self.figures(run, &Measured(&of)))
    }
}

/// What an evaluation has measured: the value of a series, where there is one.
pub struct Measured<'a>(&'a dyn Fn(&str) -> Option<f32>);

impl<'a> Measured<'a> {
    pub fn new(value: &'a dyn Fn(&str) -> Option<f32>) -> Self {
        Self(value)
    }

    /// A series as a figure of the same name; `of` as in [`Figure`].
    pub fn figure(&self, series: &str, title: &str, of: Option<f32>) -> Option<Figure> {
        self.0(series).map(|value| Figure::of_curve(series, title, value, of))
    }
}

/// The parts of a run that every task has.
pub struct Run<T: Task> {
    pub config: T::Config,
    pub data: T::Data,
    /// Without autodiff.
    pub device: Device,
    /// Random numbers of the training.
    pub noise: Stream,
    pub curves: Curves,
    pub measures: History,
    /// What is new of the curves and measures since the last views, or all of it.
    fresh: bool,
    new: [Vec<f32>; 2],
}

impl<T: Task> Run<T> {
    /// Steps taken.
    pub fn step(&self) -> u32 {
        self.curves.step
    }

    /// Whether the views are to show all that they have, not only what has changed.
    pub fn fresh(&self) -> bool {
        self.fresh
    }

    /// Reads the tensors of the views together with the losses that wait, and takes note of what is new of the curves: to be called
    /// once before [`Run::losses`] and [`Run::measured`].
    ///
    /// # Errors
    /// `Diverged`, `DeviceLost`.
    pub async fn read(&mut self, tensors: Vec<Tensor<1>>) -> Result<Vec<Vec<f32>>> {
        let values = self.curves.flush(tensors).await?;
        self.new = [self.curves.history.unseen(self.fresh), self.measures.unseen(self.fresh)];
        Ok(values)
    }

    /// A panel with curves of these losses.
    pub fn losses(&self, id: &str, title: &str, series: &[&str]) -> Panel {
        Panel::new(id, title, vec![View::curves(&self.new[0], &self.curves.history, series, self.fresh)])
    }

    /// A panel with curves of what evaluations measured.
    pub fn measured(&self, id: &str, title: &str) -> Panel {
        self.measures_of(id, title, T::MEASURES)
    }

    /// A panel with some of these curves.
    pub fn measures_of(&self, id: &str, title: &str, series: &[&str]) -> Panel {
        Panel::new(id, title, vec![View::curves(&self.new[1], &self.measures, series, self.fresh)])
    }
}

/// A task that runs.
pub struct Training<T: Task> {
    task: T,
    run: Run<T>,
    /// The evaluation that is under way, and its step.
    evaluation: Option<(u32, T::Evaluation)>,
}

/// Steps between two readbacks of the losses: WebGPU has no other brake on what is submitted.
const FLUSH_EVERY: u32 = 32;
/// Under the first name measures are saved; older checkpoints have the others.
const SAVED_MEASURES: [&str; 3] = ["measures", "quality", "tests"];

impl<T: Task> Training<T> {
    pub fn new(task: T, config: T::Config, data: T::Data, context: &Context) -> Self {
        let run = Run {
            noise: config.run().stream(Purpose::Noise),
            data,
            device: context.device.clone().inner(),
            curves: Curves::new(T::LOSSES, &context.device),
            measures: History::new(T::MEASURES),
            fresh: true,
            new: Default::default(),
            config,
        };
        Self { task, run, evaluation: None }
    }

    /// Goes on with the evaluation that is under way.
    async fn evaluate(&mut self) -> Result<()> {
        let Some((step, mut evaluation)) = self.evaluation.take() else { return Ok(()) };
        match self.task.evaluate(&mut self.run, &mut evaluation).await? {
            Some(values) => self.run.measures.push(step, &values),
            None => self.evaluation = Some((step, evaluation)),
        }
        Ok(())
    }

    /// Ends the evaluation that is under way.
    async fn finish(&mut self) -> Result<()> {
        while self.evaluation.is_some() {
            self.evaluate().await?;
        }
        Ok(())
    }
}

#[async_trait(?Send)]
impl<T: Task> Demo for Training<T> {
    fn steps(&self) -> u32 {
        self.run.step()
    }

    fn begins(&self) -> bool {
        self.task.begins()
    }

    async fn prepare(&mut self) -> Result<Poll<()>> {
        self.task.prepare(&mut self.run)
    }

    async fn step(&mut self) -> Result<Poll<Stepped>> {
        let (task, run) = (&mut self.task, &mut self.run);
        ready!(task.prepare(run)?);
        let due = task.evaluates(run) && (run.step() + 1).is_multiple_of(run.config.run().evaluate);
        if task.evaluates(run) {
            let needed = task.prepare_evaluation(run, due)?;
            if due {
                ready!(needed);
            }
        }
        let batch = ready!(run.data.batch(task.examples(run))?);
        let losses = task.step(run, batch)?;
        run.curves.push(losses)?;
        if due {
            // A slow device may still be at the last one: what it found is kept.
            self.finish().await?;
            self.evaluation = Some((self.run.step(), self.task.evaluation(&self.run)));
        }
        self.evaluate().await?;
        if self.run.step().is_multiple_of(FLUSH_EVERY) {
            self.run.curves.flush(Vec::new()).await?;
        }
        Ok(Poll::Ready(Stepped::Done))
    }

    async fn views(&mut self, fresh: bool) -> Result<Vec<Panel>> {
        self.run.fresh = fresh;
        self.task.views(&mut self.run).await
    }

    fn set(&mut self, values: &Values) -> Result<()> {
        let old = std::mem::replace(&mut self.run.config, super::config(values)?);
        self.task.changed(&self.run, &old);
        Ok(())
    }

    async fn act(&mut self, name: &str, args: &Value) -> Result<Values> {
        self.task.act(&mut self.run, name, args).await
    }

    async fn save(&mut self) -> Result<Checkpoint> {
        self.finish().await?;
        self.run.curves.flush(Vec::new()).await?;
        let mut file = Checkpoint::default();
        self.task.save(&mut file).await?;
        self.run.curves.save(&mut file)?;
        self.run.measures.save(SAVED_MEASURES[0], &mut file);
        file.set_text("rng.noise", self.run.noise.position());
        file.set_text("data.place", self.run.data.position());
        Ok(file)
    }

    fn companions(&self) -> Vec<(&'static str, Value)> {
        self.task.companions(&self.run)
    }

    fn load(&mut self, file: &Checkpoint) -> Result<()> {
        // What draws no noise did not always save a position in it.
        let noise = if T::NOISE || file.texts.contains_key("rng.noise") { file.text("rng.noise")? } else { 0 };
        let position = match file.texts.contains_key("rng.data") {
            // In older checkpoints of points.
            true => Position { refilled_at: file.text("rng.data")?, ..Position::default() },
            false => file.text("data.place")?,
        };
        let named = |name: &&str| file.find(&format!("history.{name}")).is_some();
        let measures = SAVED_MEASURES.into_iter().find(named).unwrap_or(SAVED_MEASURES[0]);
        let measures = self.run.measures.loaded(measures, file)?;
        let curves = self.run.curves.loaded(file)?;
        self.task.load(&self.run, file)?;
        (self.run.curves, self.run.measures, self.evaluation) = (curves, measures, None);
        self.run.noise.seek(noise);
        self.run.data.seek(position);
        Ok(())
    }

    async fn sample(&mut self, n: usize, seed: u64) -> Result<Samples> {
        self.task.sample(&mut self.run, n, seed).await
    }

    async fn measure(&mut self) -> Result<Vec<Figure>> {
        self.task.measure(&mut self.run).await
    }
}
