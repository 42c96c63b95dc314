//! What the page shows of a text: its tokens, what the chosen one attended to, and the logit lens.

use super::config::Config;
use super::talk::{Stop, Talk};
use super::transcript::{Author, Piece};
use crate::demos::panel::{Candidate, Figure, Floats, Panel, Token, View};
use crate::error::Result;
use crate::generate::{TokenProbability, most_likely};
use crate::text::{Utf8Decoder, token_label as label};

/// What is shown now.
#[derive(Default)]
pub struct Shown {
    /// The token that the person chose; otherwise the newest.
    chosen: Option<usize>,
    inside: Option<Inside>,
}

/// What was found inside, and for what.
struct Inside {
    key: (usize, u32, Option<usize>, bool),
    attention: Option<Vec<f32>>,
    /// The likeliest tokens of each layer: ranked once, however often they are shown.
    lens: Vec<Vec<TokenProbability>>,
}

/// Candidates of each layer of the lens.
const LENS: usize = 5;

impl Shown {
    pub fn choose(&mut self, token: Option<usize>) {
        self.chosen = token;
    }

    pub async fn panels(&mut self, config: &Config, talk: Option<&mut Talk>, fresh: bool) -> Result<Vec<Panel>> {
        let Some(talk) = talk else {
            let view = View::Tokens { from: 0, tokens: Vec::new(), chosen: None, stop: String::new() };
            return Ok(vec![Panel::new("text", "Text", vec![view]), Panel::new("figures", "Figures", vec![])]);
        };
        self.chosen = self.chosen.filter(|&at| at < talk.pieces.len());
        let looked_at = self.chosen.or(talk.pieces.len().checked_sub(1));
        // What was seen after a text that has changed since is no longer so.
        self.inside = self.inside.take().filter(|inside| inside.key.0 < talk.changed);
        let mut panels = vec![Panel::new("text", "Text", vec![self.tokens(talk, fresh)])];
        let depth = talk.writer.model().architecture().layers;
        let heads = talk.writer.model().architecture().heads.heads;
        let layer = (config.layer as usize).min(depth - 1);
        self.look(config, talk, looked_at, layer).await?;
        let mut inside = (Vec::new(), Vec::new());
        if let Some(Inside { key: (token, ..), attention, lens }) = &self.inside {
            let token = *token as u32;
            if let Some(weights) = attention {
                // What the model no longer sees has no weight.
                let seen = weights.len() / heads;
                let forgotten = vec![0.0; (token as usize + 1).saturating_sub(seen)];
                let whole = |row: &[f32]| [&forgotten[..], row].concat();
                inside.0.push(View::Attention {
                    token,
                    layer: layer as u32,
                    layers: depth as u32,
                    head: config.head.min(heads as u32 - 1),
                    heads: heads as u32,
                    weights: Floats(weights.chunks_exact(seen).flat_map(whole).collect()),
                });
            }
            if !lens.is_empty() {
                let layer = |words: &Vec<TokenProbability>| words.iter().map(|w| candidate(talk, w)).collect();
                let layers = lens.iter().map(layer).collect();
                inside.1.push(View::Lens { token, layers });
            }
        }
        panels.push(Panel::new("attention", "Attention", inside.0));
        panels.push(Panel::new("lens", "Logit lens", inside.1));
        panels.push(Panel::new("figures", "Figures", vec![figures(talk)]));
        Ok(panels)
    }

    /// Looks inside, if somebody wants to see it and it was not seen yet.
    async fn look(&mut self, config: &Config, talk: &mut Talk, token: Option<usize>, layer: usize) -> Result<()> {
        let attention = config.attention.then_some(layer);
        let Some(token) = token.filter(|_| attention.is_some() || config.lens) else {
            self.inside = None;
            return Ok(());
        };
        let key = (token, talk.pieces[token].id, attention, config.lens);
        if self.inside.as_ref().is_none_or(|inside| inside.key != key) {
            // `None` while the question is still being read: what was seen before stays.
            if let Some(found) = talk.writer.inspect(token, attention, config.lens).await? {
                let lens = found.lens.iter().map(|logits| most_likely(logits, LENS)).collect::<Result<_>>()?;
                self.inside = Some(Inside { key, attention: found.attention, lens });
            }
        }
        Ok(())
    }

    fn tokens(&self, talk: &mut Talk, fresh: bool) -> View {
        let from = if fresh { 0 } else { talk.changed.min(talk.pieces.len()) };
        // A token that ended the text inside a character is sent again when the text goes on.
        talk.changed = talk.pieces.len().saturating_sub(usize::from(talk.stop != Stop::None));
        // A character may begin before `from`: its bytes are taken in, its text is not sent again.
        let begin = from.saturating_sub(4);
        let mut stream = Utf8Decoder::new();
        let mut tokens = Vec::with_capacity(talk.pieces.len() - from);
        for (at, piece) in talk.pieces.iter().enumerate().skip(begin) {
            let text = stream.push(talk.voice.tokenizer.bytes(piece.id));
            if at >= from {
                tokens.push(token(talk, piece, text));
            }
        }
        if talk.stop != Stop::None
            && let Some(last) = tokens.last_mut()
        {
            last.text.push_str(&stream.finish());
        }
        View::Tokens {
            from: from as u32,
            tokens,
            chosen: self.chosen.map(|at| at as u32),
            stop: talk.stop.name().into(),
        }
    }
}

fn token(talk: &Talk, piece: &Piece, text: String) -> Token {
    // A mark that ends an answer is no part of what was said.
    let mark = piece.choice.is_some() && talk.voice.tokenizer.is_special(piece.id);
    Token {
        id: piece.id,
        text,
        piece: word(talk, piece.id),
        role: if mark { Author::Template } else { piece.author }.name().into(),
        raw: piece.choice.as_ref().map(|c| c.token.raw),
        p: piece.choice.as_ref().map(|c| c.token.p),
        forced: piece.forced,
        candidates: piece.choice.iter().flat_map(|c| c.candidates.iter().map(|w| candidate(talk, w))).collect(),
    }
}

fn candidate(talk: &Talk, w: &TokenProbability) -> Candidate {
    let &TokenProbability { id, raw, p, penalised, filter } = w;
    Candidate { id, piece: word(talk, id), raw, p, penalised, filter }
}

fn word(talk: &Talk, id: u32) -> String {
    label(talk.voice.tokenizer.bytes(id))
}

fn figures(talk: &Talk) -> View {
    let raws: Vec<f32> = talk.pieces.iter().filter_map(|p| p.choice.as_ref()).map(|c| c.token.raw).collect();
    // Of what the model wrote, by its own untouched probabilities: how surprised it was, as a number of equal choices.
    let surprise = raws.iter().map(|p| -f64::from(p.max(f32::MIN_POSITIVE)).ln()).sum::<f64>();
    let seen = talk.writer.ids().len() - talk.writer.start();
    let mut figures = Vec::new();
    if let Some(rate) = talk.timing.tokens_per_second() {
        figures.push(Figure::new("tokens_per_second", "Tokens per second", rate as f32, 1, None));
    }
    if let Some(ms) = talk.timing.first_ms {
        figures.push(Figure::new("first_token_ms", "Time to first token, ms", ms as f32, 0, None));
    }
    let context = talk.writer.model().context() as f32;
    figures.push(Figure::new("context", "Tokens in the context", seen as f32, 0, Some(context)));
    if !raws.is_empty() {
        let perplexity = (surprise / raws.len() as f64).exp();
        figures.push(Figure::new("perplexity", "Perplexity of the answer", perplexity as f32, 2, None));
    }
    View::Figures { figures }
}
