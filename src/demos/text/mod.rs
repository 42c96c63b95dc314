//! A pretrained transformer writes: prompt or chat, every token with what else was weighed, what it attended to, and what
//! each layer would have said.

mod actions;
mod config;
mod demo;
mod edits;
mod opening;
mod talk;
mod task;
mod timing;
mod transcript;
mod views;

use super::{Action, ConfigType, Does, Entry, Family, FileKind, Needs, Opens, Title, WasmModule};
use config::Config;
use demo::TextDemo;

pub const ENTRY: Entry = Entry {
    name: "text",
    family: Family::Language,
    title: Title { en: "Language model", zh: "语言模型" },
    does: Does::Writes,
    needs: Needs { bytes: 98_362_432, model: true, gpu: true },
    module: WasmModule::Pretrained,
    opens: &[Opens { kind: FileKind::LanguageModel, key: "model", side: 0 }],
    config: ConfigType::of::<Config>(),
    actions: || {
        Action::buttons(&[
            ("send", "Send"),
            ("regenerate", "Regenerate"),
            ("clear", "New chat"),
            ("branch", "Replace a token"),
            ("choose", "Select a token"),
        ])
    },
    build: |values, context| Ok(Box::new(TextDemo::new(super::config(values)?, context))),
    steps: None,
};
