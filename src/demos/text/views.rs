//! What the page shows of a chat: the text and the model's inside, and figures of the answer.

use super::config::Config;
use super::talk::{Stop, Talk};
use crate::demos::text_view::{Inside, Text, TextView};
use crate::demos::views::{Figure, Panel, View};
use crate::error::Result;

/// Of a model that is not here yet.
pub fn waiting() -> Vec<Panel> {
    let view = View::Tokens { from: 0, tokens: Vec::new(), chosen: None, stop: String::new() };
    vec![Panel::new("text", "Text", vec![view]), Panel::new("figures", "Metrics", vec![])]
}

pub async fn panels(view: &mut TextView, config: &Config, talk: &mut Talk, fresh: bool) -> Result<Vec<Panel>> {
    let (changed, from) = (talk.changed, if fresh { 0 } else { talk.changed });
    let (tokenizer, stop) = (&talk.voice.tokenizer, talk.stop.name());
    let text = Text { tokenizer, pieces: &talk.pieces, changed, from, stop };
    let inside = Inside { attention: config.attention, lens: config.lens, layer: config.layer, head: config.head };
    let mut panels = view.panels(&text, &mut talk.writer, inside).await?;
    // A token that ended the text inside a character is sent again when the text goes on.
    talk.changed = talk.pieces.len().saturating_sub(usize::from(talk.stop != Stop::None));
    panels.push(figures(talk));
    Ok(panels)
}

fn figures(talk: &Talk) -> Panel {
    let raws: Vec<f32> = talk.pieces.iter().filter_map(|p| p.choice.as_ref()).map(|c| c.token.raw).collect();
    // Of what the model wrote, by its own untouched probabilities: how surprised it was, as a number of equal choices.
    let surprise = raws.iter().map(|p| -f64::from(p.max(f32::MIN_POSITIVE)).ln()).sum::<f64>();
    let seen = talk.writer.ids().len() - talk.writer.start();
    let mut figures = Vec::new();
    if let Some(rate) = talk.timing.tokens_per_second() {
        figures.push(Figure::new("tokens_per_second", "Tokens per second", rate as f32, 1, None));
    }
    if let Some(ms) = talk.timing.first_ms {
        figures.push(Figure::new("first_token_ms", "Time to first token (ms)", ms as f32, 0, None));
    }
    let context = talk.writer.model().context() as f32;
    figures.push(Figure::new("context", "Tokens in the context", seen as f32, 0, Some(context)));
    if !raws.is_empty() {
        let perplexity = (surprise / raws.len() as f64).exp();
        figures.push(Figure::new("perplexity", "Perplexity of the answer", perplexity as f32, 2, None));
    }
    Panel::figures(figures)
}
