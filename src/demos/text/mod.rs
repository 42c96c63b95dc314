//! A pretrained transformer writes: prompt or chat, every token with what else was weighed, what it attended to, and what
//! each layer would have said.

mod config;
mod edits;
mod opening;
mod talk;
mod transcript;
mod views;

use super::text_view::{Piece, TextView};
use super::views::{Action, Panel};
use super::{
    Context, Demo, Does, Entry, Family, FileKind, Needs, Opens, Stepped, Title, Values, WasmModule, config as read,
    defaults, schema, settled, values,
};
use crate::error::{Error, Result};
use crate::poll::{Poll, Progress};
use crate::ready;
use crate::weights::Checkpoint;
use async_trait::async_trait;
use config::{Config, TURN};
use edits::Edits;
use opening::Opening;
use serde_json::{Value, json};
use talk::{Stop, Talk};
use transcript::written;

pub const ENTRY: Entry = Entry {
    name: "text",
    family: Family::Language,
    title: Title { en: "Language model", zh: "语言模型" },
    does: Does::Writes,
    needs: Needs { bytes: 98_362_432, model: true, gpu: true },
    module: WasmModule::Pretrained,
    opens: &[Opens { kind: FileKind::LanguageModel, key: "model", side: 0 }],
    schema: schema::<Config>,
    defaults: defaults::<Config>,
    earlier_defaults: &[],
    actions: || {
        [("regenerate", "Regenerate"), ("clear", "New chat")]
            .map(|(name, title)| Action { name: name.into(), title: title.into(), draws: false })
            .into()
    },
    build: |values, context| Ok(Box::new(Text::new(read(values)?, context))),
    steps: None,
    settle: settled,
};

struct Text {
    config: Config,
    context: Context,
    state: State,
    /// Pieces of a checkpoint, until the model is here.
    restored: Option<Vec<Piece>>,
    view: TextView,
    /// The person has agreed that the model is fetched.
    may_fetch: bool,
}

enum State {
    /// Boxed: an opening holds whole file headers.
    Opening(Box<Opening>),
    Open(Box<Talk>),
}

impl Text {
    fn new(config: Config, context: Context) -> Self {
        let state = State::Opening(Box::new(Opening::new(&config)));
        Self { config, context, state, restored: None, view: TextView::default(), may_fetch: false }
    }

    fn talk(&mut self) -> Result<&mut Talk> {
        match &mut self.state {
            State::Open(talk) => Ok(talk),
            State::Opening(_) => Err(Error::bad_command("The model has not been loaded yet.")),
        }
    }

    /// What the model has written, for the edits that a link records.
    fn pieces(&self) -> &[Piece] {
        match &self.state {
            State::Open(talk) => &talk.pieces,
            State::Opening(_) => &[],
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

impl Drop for Text {
    /// A download that nobody waits for any more stops; what has arrived is kept.
    fn drop(&mut self) {
        self.cancel();
    }
}

#[async_trait(?Send)]
impl Demo for Text {
    fn steps(&self) -> u32 {
        written(self.restored.as_deref().unwrap_or(self.pieces())).count() as u32
    }

    async fn step(&mut self) -> Result<Poll<Stepped>> {
        match &mut self.state {
            State::Opening(opening) => {
                let (voice, writer) = ready!(opening.step(&self.context)?);
                let pieces = self.restored.take().unwrap_or_default();
                let talk = Talk::new(&self.config, voice, writer, pieces, self.context.clock.clone())?;
                self.state = State::Open(Box::new(talk));
                Ok(Progress::work("prompt", 0.0, 1.0).into())
            }
            State::Open(talk) => talk.step(&self.config).await,
        }
    }

    fn allow_fetch(&mut self) {
        self.may_fetch = true;
    }

    /// The model is opened, so that a kept text can be seen and the next one begins at once; nothing is written.
    async fn prepare(&mut self) -> Result<Poll<()>> {
        match self.state {
            State::Opening(_) if self.may_fetch => Ok(self.step().await?.map(|_| ())),
            _ => Ok(Poll::Ready(())),
        }
    }

    fn cancel(&mut self) {
        if let State::Opening(opening) = &self.state {
            opening.cancel(&self.context);
        }
    }

    async fn views(&mut self, fresh: bool) -> Result<Vec<Panel>> {
        match &mut self.state {
            State::Open(talk) => views::panels(&mut self.view, &self.config, talk, fresh).await,
            // The text of a checkpoint is on the page already; without the model it cannot be drawn again.
            State::Opening(_) if self.restored.is_some() => Ok(Vec::new()),
            State::Opening(_) => Ok(views::waiting()),
        }
    }

    fn set(&mut self, values: &Values) -> Result<()> {
        let config = read(values)?;
        if let State::Open(talk) = &mut self.state {
            talk.change(&self.config, &config)?;
        }
        self.config = config;
        Ok(())
    }

    async fn act(&mut self, name: &str, args: &Value) -> Result<Values> {
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
            _ => Err(Error::bad_command(format!("This demo has no action {name:?}."))),
        }
    }

    async fn save(&mut self) -> Result<Checkpoint> {
        let mut file = Checkpoint::default();
        let pieces = self.restored.as_deref().unwrap_or(self.pieces());
        file.set_text("text", serde_json::to_string(pieces).map_err(Error::internal)?);
        file.set_text("step", written(pieces).count());
        Ok(file)
    }

    fn load(&mut self, file: &Checkpoint) -> Result<()> {
        let text: String = file.text("text")?;
        let pieces = serde_json::from_str(&text).map_err(|e| Error::bad_file(format!("The text is damaged: {e}.")))?;
        self.restored = Some(pieces);
        Ok(())
    }
}
