//! A text as a language model sees it: its tokens with what else was weighed, what one of them attended to, and the logit lens. Of any
//! language model that a [`TextGenerator`] runs.

use super::views::{Candidate, Floats, Panel, Token, View};
use crate::error::Result;
use crate::generate::{Sampled, TextGenerator, TokenProbability, most_likely};
use crate::text::{Role, Tokenizer, Utf8Decoder, token_label as label};
use serde::{Deserialize, Serialize};

/// Who a token is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    /// Nobody: marks of the chat format, of the beginning, of the end.
    Template,
    System,
    User,
    Assistant,
    /// Outside a chat: the person, and the model.
    Prompt,
    Generated,
}

impl Author {
    fn name(self) -> &'static str {
        match self {
            Author::Template => "template",
            Author::System => "system",
            Author::User => "user",
            Author::Assistant => "assistant",
            Author::Prompt => "prompt",
            Author::Generated => "generated",
        }
    }
}

impl From<Role> for Author {
    fn from(role: Role) -> Self {
        match role {
            Role::Template => Author::Template,
            Role::System => Author::System,
            Role::User => Author::User,
            Role::Assistant => Author::Assistant,
        }
    }
}

/// One token of the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    pub id: u32,
    pub author: Author,
    /// The turn that it belongs to.
    pub turn: usize,
    /// Where the model wrote it: what it weighed.
    pub choice: Option<Sampled>,
    pub forced: bool,
}

/// A text to be shown.
pub struct Text<'a> {
    pub tokenizer: &'a Tokenizer,
    pub pieces: &'a [Piece],
    /// The first piece that has changed since it was shown, and the first that the page is to be sent.
    pub changed: usize,
    pub from: usize,
    /// Why writing ended, as in [`View::Tokens`]; empty while it goes on.
    pub stop: &'static str,
}

/// What the person wants to see of the model's inside.
#[derive(Debug, Clone, Copy)]
pub struct Inside {
    pub attention: bool,
    pub lens: bool,
    pub layer: u32,
    pub head: u32,
}

/// What is shown now.
#[derive(Default)]
pub struct TextView {
    /// The token that the person chose; otherwise the newest.
    chosen: Option<usize>,
    found: Option<Found>,
}

/// What was found inside, and for what.
struct Found {
    key: (usize, u32, Option<usize>, bool),
    attention: Option<Vec<f32>>,
    /// The likeliest tokens of each layer: ranked once, however often they are shown.
    lens: Vec<Vec<TokenProbability>>,
}

/// Candidates of each layer of the lens.
const LENS: usize = 5;

impl TextView {
    pub fn choose(&mut self, token: Option<usize>) {
        self.chosen = token;
    }

    /// Text, attention and lens, each a panel of its own, of the model that `writer` runs.
    pub async fn panels(&mut self, text: &Text<'_>, writer: &mut TextGenerator, inside: Inside) -> Result<Vec<Panel>> {
        self.chosen = self.chosen.filter(|&at| at < text.pieces.len());
        let looked_at = self.chosen.or(text.pieces.len().checked_sub(1));
        // What was seen after a text that has changed since is no longer so.
        self.found = self.found.take().filter(|found| found.key.0 < text.changed);
        let tokens = self.tokens(text);
        let architecture = writer.model().architecture();
        let (layers, heads) = (architecture.layers, architecture.heads.heads);
        let layer = (inside.layer as usize).min(layers - 1);
        self.look(text, writer, looked_at, Inside { layer: layer as u32, ..inside }).await?;
        let (mut attention, mut lens) = (Vec::new(), Vec::new());
        if let Some(found) = &self.found {
            let token = found.key.0 as u32;
            if let Some(weights) = &found.attention {
                // What the model no longer sees has no weight.
                let seen = weights.len() / heads;
                let forgotten = vec![0.0; (token as usize + 1).saturating_sub(seen)];
                let whole = |row: &[f32]| [&forgotten[..], row].concat();
                attention.push(View::Attention {
                    token,
                    layer: layer as u32,
                    layers: layers as u32,
                    head: inside.head.min(heads as u32 - 1),
                    heads: heads as u32,
                    weights: Floats(weights.chunks_exact(seen).flat_map(whole).collect()),
                });
            }
            if !found.lens.is_empty() {
                let words = |words: &Vec<TokenProbability>| words.iter().map(|w| text.candidate(w)).collect();
                lens.push(View::Lens { token, layers: found.lens.iter().map(words).collect() });
            }
        }
        Ok(vec![
            Panel::new("text", "Text", vec![tokens]),
            Panel::new("attention", "Attention", attention),
            Panel::new("lens", "Logit lens", lens),
        ])
    }

    /// Looks inside, if somebody wants to see it and it was not seen yet.
    async fn look(
        &mut self,
        text: &Text<'_>,
        writer: &mut TextGenerator,
        at: Option<usize>,
        inside: Inside,
    ) -> Result<()> {
        let attention = inside.attention.then_some(inside.layer as usize);
        let Some(token) = at.filter(|_| attention.is_some() || inside.lens) else {
            self.found = None;
            return Ok(());
        };
        let key = (token, text.pieces[token].id, attention, inside.lens);
        if self.found.as_ref().is_none_or(|found| found.key != key) {
            // `None` while the question is still being read: what was seen before stays.
            if let Some(found) = writer.inspect(token, attention, inside.lens).await? {
                let lens = found.lens.iter().map(|logits| most_likely(logits, LENS)).collect::<Result<_>>()?;
                self.found = Some(Found { key, attention: found.attention, lens });
            }
        }
        Ok(())
    }

    fn tokens(&self, text: &Text<'_>) -> View {
        let from = text.from.min(text.pieces.len());
        // A character may begin before `from`: its bytes are taken in, its text is not sent again.
        let begin = from.saturating_sub(4);
        let mut stream = Utf8Decoder::new();
        let mut tokens = Vec::with_capacity(text.pieces.len() - from);
        for (at, piece) in text.pieces.iter().enumerate().skip(begin) {
            let characters = stream.push(text.tokenizer.bytes(piece.id));
            if at >= from {
                tokens.push(text.token(piece, characters));
            }
        }
        if !text.stop.is_empty()
            && let Some(last) = tokens.last_mut()
        {
            last.text.push_str(&stream.finish());
        }
        let chosen = self.chosen.map(|at| at as u32);
        View::Tokens { from: from as u32, tokens, chosen, stop: text.stop.into() }
    }
}

impl Text<'_> {
    fn token(&self, piece: &Piece, text: String) -> Token {
        // A mark that ends an answer is no part of what was said.
        let mark = piece.choice.is_some() && self.tokenizer.is_special(piece.id);
        Token {
            id: piece.id,
            text,
            piece: self.word(piece.id),
            role: if mark { Author::Template } else { piece.author }.name().into(),
            raw: piece.choice.as_ref().map(|c| c.token.raw),
            p: piece.choice.as_ref().map(|c| c.token.p),
            forced: piece.forced,
            candidates: piece.choice.iter().flat_map(|c| c.candidates.iter().map(|w| self.candidate(w))).collect(),
        }
    }

    fn candidate(&self, w: &TokenProbability) -> Candidate {
        let &TokenProbability { id, raw, p, penalised, filter } = w;
        Candidate { id, piece: self.word(id), raw, p, penalised, filter }
    }

    fn word(&self, id: u32) -> String {
        label(self.tokenizer.bytes(id))
    }
}
