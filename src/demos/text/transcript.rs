//! From turns to tokens and back, with the model's chat template.

use super::config::Config;
use crate::demos::text_view::{Author, Piece};
use crate::error::Result;
use crate::text::{self, Message, Role, Tokenizer};

/// What turns text to tokens and back.
pub struct Voice {
    pub tokenizer: Tokenizer,
    /// `None` where the model was not taught to chat.
    pub template: Option<String>,
}

impl Voice {
    pub fn chats(&self, config: &Config) -> bool {
        config.chat && self.template.is_some()
    }

    /// The tokens that come before the answer of `turn`, given those of the turns before.
    ///
    /// # Errors
    /// `Unsupported` where the chat template cannot be rendered.
    pub fn ask(&self, config: &Config, pieces: &[Piece], turn: usize) -> Result<Vec<Piece>> {
        let wrap = |(id, author)| Piece { id, author, turn, choice: None, forced: false };
        let Some(template) = self.template.as_ref().filter(|_| config.chat) else {
            let prompt = self.tokenizer.encode(&config.prompt, true)?;
            let first = self.tokenizer.first(prompt.is_empty());
            let marks = first.into_iter().map(|id| (id, Author::Template));
            return Ok(marks.chain(prompt.into_iter().map(|id| (id, Author::Prompt))).map(wrap).collect());
        };
        if config.prompt.is_empty() {
            return Ok(Vec::new());
        }
        let all = self.render(config, template, pieces, turn)?;
        if turn == 0 {
            return Ok(all.into_iter().map(wrap).collect());
        }
        // The answers before stand as they were generated; what comes after the last of them is new.
        let before = self.render(config, template, pieces, turn - 1)?.len().min(all.len());
        let answered = all.iter().rposition(|(_, author)| *author == Author::Assistant).map_or(before, |at| at + 1);
        let mut tail = &all[answered.max(before)..];
        if let (Some(piece), Some((first, _))) = (pieces.last(), tail.first())
            && piece.choice.is_some()
            && piece.id == *first
        {
            tail = &tail[1..]; // the model has written the mark of the end itself
        }
        Ok(tail.iter().copied().map(wrap).collect())
    }

    fn render(&self, config: &Config, template: &str, pieces: &[Piece], turn: usize) -> Result<Vec<(u32, Author)>> {
        let mut messages = Vec::new();
        if !config.system.is_empty() {
            messages.push(Message { role: Role::System, content: config.system.clone() });
        }
        for (i, question) in config.turns().into_iter().enumerate().take(turn + 1) {
            messages.push(Message { role: Role::User, content: question.into() });
            if i < turn {
                messages.push(Message { role: Role::Assistant, content: self.answer(pieces, i).trim_end().into() });
            }
        }
        let ids = text::chat_ids(&self.tokenizer, template, &messages)?;
        Ok(ids.into_iter().map(|(id, role)| (id, role.into())).collect())
    }

    /// The text of the model's answer to a turn.
    pub fn answer(&self, pieces: &[Piece], turn: usize) -> String {
        let wrote = pieces.iter().filter(|p| p.turn == turn && p.choice.is_some());
        let bytes: Vec<u8> = wrote
            .filter(|p| !self.tokenizer.is_special(p.id))
            .flat_map(|p| self.tokenizer.bytes(p.id).to_vec())
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Indices of the tokens that the model wrote.
pub fn written(pieces: &[Piece]) -> impl Iterator<Item = usize> + '_ {
    pieces.iter().enumerate().filter(|(_, p)| p.choice.is_some()).map(|(i, _)| i)
}
