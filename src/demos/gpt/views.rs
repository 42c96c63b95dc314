//! What the page shows: fixed beginnings completed anew, the person's text with what else was likely, where a character looks, curves.

use super::demo::{GptDemo, Learner};
use super::writing::{Row, Writing};
use crate::demos::training::{Run, Task};
use crate::demos::views::{Candidate, Figure, Floats, HistogramSeries, Panel, ShortText, Token, View};
use crate::error::Result;
use crate::generate::{Sampled, TokenProbability};
use crate::nn::upload_ids;
use burn::tensor::Tensor;

impl GptDemo {
    pub async fn panels(&mut self, run: &mut Run<Self>) -> Result<Vec<Panel>> {
        self.write(&run.config, &*run.data, run.step()).await?;
        let looked_at = self.looked_at(run);
        let tensors = looked_at.iter().map(|(_, weights)| weights.clone()).collect();
        let weights = run.read(tensors).await?.pop();
        let Some(learner) = &self.learner else {
            return Ok(vec![Panel::new("completions", "Completed anew at each check", vec![])]);
        };
        let hidden = usize::from(run.data.end().is_some());
        let mut panels = Vec::new();
        // What the page has stays there: it is as long as everything else.
        if let Some((step, writing)) =
            self.completions.as_ref().filter(|(step, _)| run.fresh() || self.told != Some(*step))
        {
            let texts = learner.texts(*step, writing, hidden);
            panels.push(Panel::new("completions", "Completed anew at each check", vec![texts]));
            self.told = Some(*step);
        }
        let text = self.text.iter().map(|writing| learner.tokens(writing, self.chosen));
        panels.push(Panel::new("text", "Your text, continued", text.collect()));
        let attention = looked_at.zip(weights).map(|((token, _), weights)| self.attention(run, token, weights));
        panels.push(Panel::new("attention", "Attention", attention.into_iter().collect()));
        let mut figures = self.latest_figures(run);
        figures.push(Figure::new("parameters", "Parameters", learner.parameters as f32, 0, None));
        let loss = run.curves.history.last("loss");
        figures.extend(loss.map(|v| Figure::of_curve("loss", "Loss at the last step (nats a character)", v, None)));
        panels.push(Panel::figures(figures));
        panels.push(run.losses("losses", "Loss (nats a character)", &["loss"]));
        let asked = run.measures.last("right").is_some_and(f32::is_finite);
        let marks: &[&str] = if asked { &["held_out"] } else { &["held_out", "bigram", "unigram"] };
        panels.push(run.measures_of("quality", "On unseen text (nats a character)", marks));
        if asked {
            panels.push(run.measures_of("right", "Right answers to unseen problems", &["right"]));
            panels.push(Panel::new("digits", "Right at each place of the answer (%)", vec![bars(&self.places)]));
        }
        panels.push(run.losses("gradients", "Norm of the gradients", &["gradient_norm"]));
        Ok(panels)
    }

    /// The token whose attention is to be shown, and its layer's weights, `[heads T T]`, flat.
    fn looked_at(&self, run: &Run<Self>) -> Option<(usize, Tensor<1>)> {
        let (row, learner) = (self.text.as_ref()?.rows.first()?, self.learner.as_ref()?);
        if !run.config.attention || row.ids.is_empty() {
            return None;
        }
        let token = self.chosen.filter(|&at| at < row.ids.len()).unwrap_or(row.ids.len() - 1);
        let model = learner.trainer.sampler();
        let config = *model.config();
        let seen = &row.ids[(token + 1).saturating_sub(config.context)..=token];
        let ids = upload_ids(seen.iter().map(|&id| id as i32).collect(), [1, seen.len()], &run.device);
        let weights = model.attention(ids, (run.config.layer as usize).min(config.layers - 1));
        let n = weights.dims().iter().product::<usize>();
        Some((token, weights.reshape([n])))
    }

    fn attention(&self, run: &Run<Self>, token: usize, weights: Vec<f32>) -> View {
        let (heads, layers) = (run.config.heads, run.config.layers);
        let seen = ((weights.len() / heads as usize) as f64).sqrt() as usize;
        // What the model no longer sees has no weight.
        let forgotten = vec![0.0; token + 1 - seen];
        let last = |head: &[f32]| [&forgotten[..], &head[seen * (seen - 1)..]].concat();
        View::Attention {
            token: token as u32,
            layer: run.config.layer.min(layers - 1),
            layers,
            head: run.config.head.min(heads - 1),
            heads,
            weights: Floats(weights.chunks_exact(seen * seen).flat_map(last).collect()),
        }
    }
}

impl Learner {
    /// Texts that were written at a step, without their first `hidden` tokens.
    fn texts(&self, step: u32, writing: &Writing, hidden: usize) -> View {
        let text = |row: &Row| {
            let right = row.right();
            let wanted = row.wanted.as_ref().filter(|_| right == Some(false));
            let wanted =
                wanted.map_or_else(String::new, |ids| ids.iter().map(|&id| self.characters.character(id)).collect());
            ShortText { tokens: self.row(row).skip(hidden).collect(), right, wanted }
        };
        View::Texts { step, texts: writing.rows.iter().map(text).collect(), film: true }
    }

    fn tokens(&self, writing: &Writing, chosen: Option<usize>) -> View {
        let tokens = writing.rows.first().map_or_else(Vec::new, |row| self.row(row).collect());
        let stop = if writing.ended() { "length" } else { "" };
        View::Tokens { from: 0, tokens, chosen: chosen.map(|at| at as u32), stop: stop.into() }
    }

    fn row<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = Token> + 'a {
        let choices = std::iter::repeat_n(None, row.given).chain(row.choices.iter().map(Some));
        row.ids.iter().zip(choices).map(|(&id, choice)| self.token(id, choice))
    }

    fn token(&self, id: u32, choice: Option<&Sampled>) -> Token {
        Token {
            id,
            text: self.characters.character(id).into(),
            piece: self.characters.character(id).into(),
            role: if choice.is_some() { "generated" } else { "prompt" }.into(),
            raw: choice.map(|c| c.token.raw),
            p: choice.map(|c| c.token.p),
            forced: false,
            candidates: choice.iter().flat_map(|c| c.candidates.iter().map(|w| self.candidate(w))).collect(),
        }
    }

    fn candidate(&self, w: &TokenProbability) -> Candidate {
        let &TokenProbability { id, raw, p, penalised, filter } = w;
        Candidate { id, piece: self.characters.character(id).into(), raw, p, penalised, filter }
    }
}

/// Shares in percent, by their place from 1 on.
fn bars(shares: &[f32]) -> View {
    let counts = shares.iter().map(|share| (100.0 * share).round()).collect();
    let categories = (1..=shares.len()).map(|place| place.to_string()).collect();
    let series = vec![HistogramSeries { label: "right".into(), counts }];
    View::Histogram { series, low: 0.0, high: 100.0, categories }
}
