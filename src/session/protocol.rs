//! What the page and the worker say to each other. `www/protocol.d.ts` is generated from these types.

use crate::data::Taken;
use crate::demos::{Action, Entry, Panel, WasmModule};
use crate::error::{Code, Error};
use crate::weights::Stored;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Page to worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Command {
    /// The first command: open the device. `proven` lists adapters that passed the probe on an earlier visit.
    Start {
        software: bool,
        proven: Vec<String>,
    },
    /// Opens a link, from the beginning or from a checkpoint. What ran before is dropped once the new one stands.
    /// With an empty link the checkpoint's own link is opened.
    Open {
        link: String,
        #[serde(default, with = "serde_bytes")]
        #[cfg_attr(feature = "typescript", ts(type = "Uint8Array | null"))]
        checkpoint: Option<Vec<u8>>,
    },
    /// Brings what a run would need, a pretrained model that has to be fetched included, without taking a step.
    Prepare,
    Run,
    Pause,
    /// Takes `n` steps, then pauses.
    Step {
        n: u32,
    },
    /// Changes a live control.
    Set {
        key: String,
        #[cfg_attr(feature = "typescript", ts(type = "number | string | boolean"))]
        value: Value,
    },
    /// A demo's own action, as listed in its `Schema` event.
    Act {
        name: String,
        #[serde(default)]
        #[cfg_attr(feature = "typescript", ts(type = "unknown"))]
        args: Value,
    },
    /// Asks for an `Event::Checkpoint`.
    Checkpoint,
    /// Looks after what is kept of downloaded models; answered by `Event::Library`.
    Library {
        task: LibraryTask,
    },
    /// Answered by `Event::Status`; the page's watchdog sends it.
    Ping,
    Close,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum LibraryTask {
    List,
    /// Reads a file again and holds it against its hash.
    Verify {
        sha256: String,
    },
    Delete {
        sha256: String,
    },
    /// Base URLs that are tried before the manifest's own.
    Endpoints {
        urls: Vec<String>,
    },
}

/// Worker to page.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Event {
    /// The module runs and waits for `Command::Start`.
    Hello {
        kind: DeviceKind,
        /// The demos that it can open.
        demos: &'static [Entry],
    },
    /// The device is open and has proved its arithmetic.
    Device(DeviceInfo),
    /// What the open demo offers: a JSON schema of its config, the current values, and its actions.
    /// Each property of the schema has `title`, `description`, `minimum`, `maximum` or `enum`, and the keywords of
    /// `docs/schema.md`.
    Schema {
        demo: String,
        #[cfg_attr(feature = "typescript", ts(type = "Record<string, unknown>"))]
        schema: Value,
        #[cfg_attr(feature = "typescript", ts(type = "Record<string, number | string | boolean>"))]
        values: Map<String, Value>,
        actions: Vec<Action>,
        /// Whether it may begin to run by itself; else it waits for the person.
        begins: bool,
    },
    /// The setting or the action that was asked for is not taken; the error that follows says why.
    Refused,
    /// What was to be opened is in another module of the CPU, which the page starts. What ran before goes on.
    Elsewhere {
        module: WasmModule,
    },
    /// The canonical link of what is open, without the leading `#`.
    Link {
        link: String,
        /// A setting that acts on what is learnt was changed while it ran: the link alone gives another run.
        altered: bool,
    },
    /// Sent at every change, after every view, and in answer to `Ping`.
    Status {
        status: Status,
        /// Said once, where a run has come to an end of its own: there is nothing more to do.
        ended: bool,
        step: u32,
        /// Training steps in the last second of running.
        steps_per_second: f32,
        /// Bytes of wasm memory, and bytes reserved on the GPU.
        wasm_bytes: f64,
        gpu_bytes: f64,
        /// That compute on the CPU.
        threads: u32,
    },
    /// Something that takes a while. `total` is 0 where it is not known; `done == total` ends it.
    Progress {
        what: String,
        done: f64,
        total: f64,
        /// They count bytes.
        bytes: bool,
    },
    /// What is kept of downloaded and dropped models: the answer to `Command::Library`, and to a file that was dropped.
    Library(Stored),
    /// Pictures of the person have become a data set, which is kept under its hash: `sha256:...` names it in links.
    Pictures(Taken),
    Views {
        step: u32,
        panels: Vec<Panel>,
    },
    Checkpoint {
        link: String,
        /// As in `Link`.
        altered: bool,
        step: u32,
        #[serde(with = "serde_bytes")]
        #[cfg_attr(feature = "typescript", ts(type = "Uint8Array"))]
        bytes: Vec<u8>,
    },
    /// A warning: nothing is lost. `code` is stable; `args` fill the translation.
    Note {
        code: String,
        text: String,
        #[cfg_attr(feature = "typescript", ts(type = "Record<string, string>"))]
        args: Map<String, Value>,
    },
    /// Something was refused or has failed. What ran before goes on unless `fatal`.
    Error {
        #[cfg_attr(feature = "typescript", ts(type = "string"))]
        code: Code,
        message: String,
        help: String,
        step: u32,
        fatal: bool,
    },
}

impl Event {
    pub fn error(error: Error, step: u32, fatal: bool) -> Self {
        Event::Error { code: error.code, message: error.message, help: error.help, step, fatal }
    }

    pub fn note(code: &str, text: impl Into<String>, args: &[(&str, String)]) -> Self {
        let args = args.iter().map(|(k, v)| ((*k).to_string(), Value::from(v.clone()))).collect();
        Event::Note { code: code.into(), text: text.into(), args }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Status {
    /// Nothing is open.
    Idle,
    /// Building a model or waiting for data.
    Loading,
    Paused,
    Running,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum DeviceKind {
    Cpu,
    Webgpu,
}

#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct DeviceInfo {
    pub kind: DeviceKind,
    /// The adapter's name as the browser or driver gives it.
    pub name: String,
    /// A software adapter: right, but slower than the CPU device.
    pub software: bool,
    /// The largest buffer that the device takes; 0 where there is no such limit.
    pub max_buffer_bytes: f64,
    /// Worst relative difference from the CPU in the numerics probe; `None` where it was proven on an earlier visit.
    pub probe_error: Option<f32>,
}
