//! What a step trains, what an evaluation measures, what the person does.

use super::config::Config;
use super::demo::{Check, GptDemo, Learner};
use crate::data::text::{Characters, SequenceBatch, Text};
use crate::demos::training::{Measured, Run, Task};
use crate::demos::{Figure, Panel, Values, no_action};
use crate::error::{Error, Result};
use crate::poll::Poll;
use crate::train::{LANGUAGE_LOSSES, Losses, TokenBatch, language_step};
use crate::weights::{Checkpoint, gpt2};
use async_trait::async_trait;
use serde_json::Value;

#[async_trait(?Send)]
impl Task for GptDemo {
    type Config = Config;
    type Data = Box<dyn Text>;
    type Evaluation = Option<Check>;

    const LOSSES: &'static [&'static str] = LANGUAGE_LOSSES;
    const MEASURES: &'static [&'static str] = &["held_out", "right", "bigram", "unigram", "uniform"];

    fn prepare(&mut self, run: &mut Run<Self>) -> Result<Poll<()>> {
        self.arrive(&run.config, &mut *run.data)
    }

    fn examples(&self, run: &Run<Self>) -> usize {
        run.config.batch as usize
    }

    fn step(&mut self, run: &mut Run<Self>, batch: SequenceBatch) -> Result<Losses> {
        let learner = self.learner.as_mut().ok_or_else(|| Error::internal("The text is not here."))?;
        let SequenceBatch { length, inputs, targets, weights } = batch;
        let batch = TokenBatch::new(length, inputs, targets, weights, &run.device);
        let noise = (run.config.dropout > 0.0).then_some((run.config.dropout, &mut run.noise));
        Ok(language_step(&mut learner.trainer, run.config.optimizer(run.curves.step), batch, noise))
    }

    fn evaluation(&self, run: &Run<Self>) -> Option<Check> {
        let part = self.held_out.as_ref()?.part.clone();
        self.check(&run.config, &*run.data, run.step(), part).ok()
    }

    async fn evaluate(&mut self, _run: &mut Run<Self>, check: &mut Option<Check>) -> Result<Option<Vec<f32>>> {
        let check = check.as_mut().ok_or_else(|| Error::internal("The held-out text is not here."))?;
        let Some(found) = self.look(check).await? else { return Ok(None) };
        let asked = self.completions.iter().any(|(_, writing)| writing.rows.iter().any(|row| row.wanted.is_some()));
        let right = if asked { found.right as f32 } else { f32::NAN };
        let marks = self.held_out.as_ref().and_then(|held_out| held_out.baselines);
        let [bigram, unigram, uniform] = marks.map_or([f32::NAN; 3], |m| [m.bigram, m.unigram, m.uniform]);
        Ok(Some(vec![found.nats as f32, right, bigram, unigram, uniform]))
    }

    async fn views(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        self.panels(run).await
    }

    fn changed(&mut self, run: &Run<Self>, old: &Config) {
        if run.config.prompt != old.prompt || run.config.temperature != old.temperature {
            (self.text, self.chosen) = (None, None);
        }
    }

    async fn act(&mut self, _run: &mut Run<Self>, name: &str, args: &Value) -> Result<Values> {
        match name {
            "choose" => {
                self.chosen = args.get("token").and_then(Value::as_u64).map(|token| token as usize);
                Ok(Values::new())
            }
            _ => Err(no_action(name)),
        }
    }

    async fn save(&mut self, file: &mut Checkpoint) -> Result<()> {
        let learner = self.learner()?;
        learner.trainer.save(file).await?;
        gpt2::turn_conv1d(file);
        file.set_text("characters", learner.characters.text());
        Ok(())
    }

    fn companions(&self, run: &Run<Self>) -> Vec<(&'static str, Value)> {
        let Some(learner) = &self.learner else { return Vec::new() };
        gpt2::companions(learner.trainer.model.config(), &learner.characters, run.data.end())
    }

    fn load(&mut self, run: &Run<Self>, file: &Checkpoint) -> Result<()> {
        let characters = Characters::of(&file.text::<String>("characters")?);
        let fresh = self.fresh(&run.config, characters, run.data.length())?;
        let mut file = file.clone();
        gpt2::turn_conv1d(&mut file);
        let trainer = fresh.trainer.loaded(&file)?;
        self.learner = Some(Learner { trainer, ..fresh });
        (self.completions, self.text, self.places) = (None, None, Vec::new());
        Ok(())
    }

    /// On all that is held out.
    async fn measure(&mut self, run: &mut Run<Self>) -> Result<Vec<Figure>> {
        let missing = || Error::internal("The text is not here.");
        self.arrive(&run.config, &mut *run.data)?.ready().ok_or_else(missing)?;
        let all = self.held_out.as_ref().ok_or_else(missing)?.all.clone();
        let mut check = Some(self.check(&run.config, &*run.data, run.step(), all)?);
        loop {
            if let Some(values) = self.evaluate(run, &mut check).await? {
                let of = |series: &str| Self::MEASURES.iter().position(|name| *name == series).map(|at| values[at]);
                return Ok(self.figures(run, &Measured::new(&of)));
            }
        }
    }

    fn figures(&self, _run: &Run<Self>, measured: &Measured) -> Vec<Figure> {
        let figure = |series, title, of| measured.figure(series, title, of).filter(|f| f.value.is_finite());
        let held_out = figure("held_out", "Cross-entropy on unseen text (nats a character)", None);
        let bits = held_out.as_ref().map(|f| f.value / std::f32::consts::LN_2);
        let right = figure("right", "Right answers to unseen problems", Some(1.0));
        let parts = [
            right,
            held_out,
            bits.map(|v| Figure::of_curve("bits", "The same in bits a character", v, None)),
            figure("bigram", "By the last character alone (bigrams)", None),
            figure("unigram", "By how often each character occurs", None),
            figure("uniform", "All characters equally likely", None),
        ];
        parts.into_iter().flatten().collect()
    }
}
