//! The worker's loop: messages become commands, events become messages, and between steps the browser gets a turn.

use super::library::Shelf;
use super::pictures::Darkroom;
use super::scope::{scope, set_timeout};
use super::source::Network;
use crate::data::Source;
use crate::demos::Entry;
use crate::error::Error;
use crate::session::protocol::{Command, DeviceKind, Event};
use crate::session::{Host, Next, Session};
use crate::weights::Library;
use crate::weights::import_pictures::Fit;
use js_sys::{Array, Object, Promise, Reflect, Uint8Array, WebAssembly};
use serde::{Deserialize, Serialize};
use serde_wasm_bindgen::{Deserializer, Serializer};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{MessageChannel, MessageEvent};

/// Starts the worker: call it once from the module's `main`. The module holds these demos.
pub fn start(kind: DeviceKind, demos: &'static [Entry]) {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        // This instance is poisoned now; the page starts another worker.
        post_panic(&info.to_string());
    }));
    let scope = scope();
    let queue = Rc::new(Queue::default());
    let inbox = queue.clone();
    let receive = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| inbox.push(message.data()));
    scope.set_onmessage(Some(receive.as_ref().unchecked_ref()));
    receive.forget();
    spawn_local(run(kind, demos, queue));
}

/// Lends the worker that calls it to the one whose memory its instance shares, for good.
#[cfg(feature = "cpu")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn help() {
    kiln_kernels::help();
}

/// Tells the worker that was helped that a helper has died: a part of its work is missing.
#[cfg(feature = "cpu")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn lost() {
    kiln_kernels::lost();
}

async fn run(kind: DeviceKind, demos: &'static [Entry], queue: Rc<Queue>) {
    let library = Shelf::new(post);
    let darkroom = Darkroom::new(library.clone(), post);
    let host = Rc::new(Tab { source: Network::default(), library, darkroom, turn: Turn::new() });
    let mut session = Session::with_demos(host.clone(), kind, demos);
    let mut next = Next::Sleep;
    loop {
        while let Some(message) = queue.pop() {
            if host.files(&message) {
                continue;
            }
            match Command::deserialize(Deserializer::from(message)) {
                Ok(command) => {
                    let started = matches!(command, Command::Start { .. });
                    session.handle(command).await;
                    if started {
                        watch_device();
                    }
                }
                Err(error) => {
                    host.emit(Event::error(
                        Error::bad_command(format!("A command cannot be read: {error}.")),
                        0,
                        false,
                    ));
                }
            }
            next = Next::After(0.0);
        }
        match next {
            Next::Sleep => queue.wait().await,
            Next::After(ms) if ms > 0.0 => queue.wait_at_most(ms).await,
            Next::After(_) => host.turn.take().await,
        }
        if !matches!(next, Next::Sleep) {
            next = session.tick().await;
        }
    }
}

/// Says so when the GPU device goes away, even while nothing is read from it.
fn watch_device() {
    #[cfg(feature = "gpu")]
    crate::device::on_lost(|why| post(Event::error(Error::device_lost(why), 0, true)));
}

/// The session's host in a tab.
struct Tab {
    source: Network,
    library: Shelf,
    darkroom: Darkroom,
    turn: Turn,
}

impl Tab {
    /// `{type: "import", files}`, `{type: "pictures", files, side | most}` and `{type: "pictures-cancel"}`: no commands,
    /// since files do not pass through serde. `false` for any other message.
    fn files(&self, message: &JsValue) -> bool {
        let get = |key: &str| Reflect::get(message, &key.into()).unwrap_or_default();
        // Canvases of other sizes are none that a demo asks for.
        let number = |key: &str| get(key).as_f64().map(|n| n.clamp(8.0, 1024.0) as u32);
        let files: Array = get("files").dyn_into().unwrap_or_default();
        match get("type").as_string().as_deref() {
            Some("import") => self.library.import(files),
            Some("pictures") => {
                let whole = number("most").map(Fit::Within);
                self.darkroom.develop(&files, whole.unwrap_or(Fit::Square(number("side").unwrap_or(32))));
            }
            Some("pictures-cancel") => self.darkroom.cancel(),
            _ => return false,
        }
        true
    }
}

impl Host for Tab {
    fn emit(&self, event: Event) {
        post(event);
    }

    fn now(&self) -> f64 {
        scope().performance().map_or(0.0, |p| p.now())
    }

    fn source(&self) -> Rc<dyn Source> {
        Rc::new(self.source.clone())
    }

    fn library(&self) -> Rc<dyn Library> {
        Rc::new(self.library.clone())
    }

    fn memory(&self) -> f64 {
        let memory: WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
        let buffer: js_sys::ArrayBuffer = memory.buffer().unchecked_into();
        f64::from(buffer.byte_length())
    }

    fn view_interval(&self) -> f64 {
        100.0
    }
}

/// Sends an event; its buffers are moved, not copied.
fn post(event: Event) {
    let serializer = Serializer::new().serialize_maps_as_objects(true).serialize_missing_as_null(true);
    match event.serialize(&serializer) {
        Ok(message) => {
            let buffers = Array::new();
            collect_buffers(&message, &buffers);
            let _ = scope().post_message_with_transfer(&message, &buffers);
        }
        Err(error) => post_panic(&format!("an event cannot be sent: {error}")),
    }
}

/// The buffers of all byte arrays in a message: every array has one of its own.
fn collect_buffers(value: &JsValue, buffers: &Array) {
    if let Some(bytes) = value.dyn_ref::<Uint8Array>() {
        buffers.push(&bytes.buffer());
    } else if let Some(list) = value.dyn_ref::<Array>() {
        list.iter().for_each(|item| collect_buffers(&item, buffers));
    } else if let Some(object) = value.dyn_ref::<Object>() {
        Object::values(object).iter().for_each(|item| collect_buffers(&item, buffers));
    }
}

fn post_panic(message: &str) {
    let event = Object::new();
    let _ = Reflect::set(&event, &"type".into(), &"panic".into());
    let _ = Reflect::set(&event, &"message".into(), &message.into());
    let _ = scope().post_message(&event);
}

/// Messages that wait, and whoever waits for them.
#[derive(Default)]
struct Queue {
    messages: RefCell<VecDeque<JsValue>>,
    waiting: RefCell<Option<js_sys::Function>>,
}

impl Queue {
    fn push(&self, message: JsValue) {
        self.messages.borrow_mut().push_back(message);
        if let Some(wake) = self.waiting.borrow_mut().take() {
            let _ = wake.call0(&JsValue::NULL);
        }
    }

    fn pop(&self) -> Option<JsValue> {
        self.messages.borrow_mut().pop_front()
    }

    async fn wait(&self) {
        let promise = Promise::new(&mut |resolve, _| *self.waiting.borrow_mut() = Some(resolve));
        let _ = JsFuture::from(promise).await;
    }

    async fn wait_at_most(&self, ms: f64) {
        let promise = Promise::new(&mut |resolve, _| {
            set_timeout(&resolve, ms);
            *self.waiting.borrow_mut() = Some(resolve);
        });
        let _ = JsFuture::from(promise).await;
    }
}

/// A turn of the browser's event loop, without the four milliseconds that nested timers are held back.
struct Turn {
    channel: Option<MessageChannel>,
    resolve: Rc<RefCell<Option<js_sys::Function>>>,
}

impl Turn {
    fn new() -> Self {
        let resolve: Rc<RefCell<Option<js_sys::Function>>> = Rc::default();
        let channel = MessageChannel::new().ok();
        if let Some(channel) = &channel {
            let waiting = resolve.clone();
            let wake = Closure::<dyn FnMut()>::new(move || {
                if let Some(resolve) = waiting.borrow_mut().take() {
                    let _ = resolve.call0(&JsValue::NULL);
                }
            });
            channel.port1().set_onmessage(Some(wake.as_ref().unchecked_ref()));
            wake.forget();
        }
        Self { channel, resolve }
    }

    async fn take(&self) {
        let promise = Promise::new(&mut |resolve, _| {
            match &self.channel {
                Some(channel) => {
                    *self.resolve.borrow_mut() = Some(resolve);
                    let _ = channel.port2().post_message(&JsValue::NULL);
                }
                None => {
                    set_timeout(&resolve, 0.0);
                }
            };
        });
        let _ = JsFuture::from(promise).await;
    }
}
