//! What a person does in a conversation: says something, has an answer written anew, replaces a token.

use super::config::TURN;
use super::demo::{State, TextDemo};
use super::edits::Edits;
use super::talk::Stop;
use super::transcript::written;
use crate::demos::{Values, no_action, values};
use crate::error::{Error, Result};
use serde_json::{Value, json};

impl TextDemo {
    /// Carries out one of its actions; returns the values that it changes.
    pub fn action(&mut self, name: &str, args: &Value) -> Result<Values> {
        let number = |key: &str| args.get(key).and_then(Value::as_u64);
        match name {
            "send" => match args.get("text").and_then(Value::as_str) {
                Some(text) => Ok(self.send(text)),
                None => Err(Error::bad_command("There is no text to send.")),
            },
            "regenerate" => Ok(self.regenerate()),
            "clear" => Ok(values(json!({ "prompt": "", "edits": "" }))),
            "branch" => match (number("at"), number("id")) {
                (Some(at), Some(id)) => {
                    let vocab = self.talk()?.vocab();
                    if id as usize >= vocab {
                        return Err(Error::bad_command(format!("The model has no token {id}.")));
                    }
                    self.branch(at as usize, id as u32)
                }
                _ => Err(Error::bad_command("A branch needs the index of a token and an id.")),
            },
            "choose" => {
                self.view.choose(number("token").map(|token| token as usize));
                Ok(Values::new())
            }
            _ => Err(no_action(name)),
        }
    }

    /// The values after the person said something.
    fn send(&self, text: &str) -> Values {
        let chats = match &self.state {
            State::Open(talk) => talk.voice.chats(&self.config),
            State::Opening(_) => self.config.chat,
        };
        if !chats {
            return values(json!({ "prompt": text, "edits": "" }));
        }
        let prompt = match self.config.prompt.is_empty() {
            true => text.to_string(),
            false => format!("{}{TURN}{text}", self.config.prompt),
        };
        let mut edits = Edits::parse(&self.config.edits);
        if let State::Open(talk) = &self.state
            && !talk.pieces.is_empty()
            && let (Stop::None, Some(end)) = (talk.stop, talk.voice.tokenizer.ends().first())
        {
            // An answer that was cut short is cut at the same place when the link is opened again.
            edits = edits.with_token(written(&talk.pieces).count(), *end);
        }
        values(json!({ "prompt": prompt, "edits": edits.write() }))
    }

    fn regenerate(&self) -> Values {
        let pieces = self.pieces();
        let last = pieces.last().map_or(0, |p| p.turn);
        // Nothing is written yet: there is nothing to write anew.
        let Some(first) = written(pieces).position(|i| pieces[i].turn == last) else { return Values::new() };
        match first {
            0 => values(json!({ "seed": (self.config.seed + 1) % 1_000_000, "edits": "" })),
            first => values(json!({ "edits": Edits::parse(&self.config.edits).with_next_seed(first).write() })),
        }
    }

    fn branch(&self, at: usize, id: u32) -> Result<Values> {
        let pieces = self.pieces();
        let index = written(pieces).position(|i| i == at);
        let index = index.ok_or_else(|| Error::bad_command("Only a token that the model wrote can be replaced."))?;
        let turns = self.config.turns();
        let kept = turns[..(pieces[at].turn + 1).min(turns.len())].join(&TURN.to_string());
        Ok(values(json!({ "prompt": kept, "edits": Edits::parse(&self.config.edits).with_token(index, id).write() })))
    }
}
