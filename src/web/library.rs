//! Pretrained models in the tab: downloads that run beside the session, and the store that they go to.

use super::blob::Memory;
use super::fetch::{Browser, Cancel, Dropped};
use super::opfs::Opfs;
use super::scope::{call, say, storage, within};
use super::source;
use crate::error::{Code, Error, Result};
use crate::poll::{Poll, Progress};
use crate::session::protocol::Event;
use crate::weights::fetch_model::{ModelFetcher, Report};
use crate::weights::io::{Net, Store};
use crate::weights::kept_models::KeptModels;
use crate::weights::manifest::{MANIFEST, Manifest, Plan, Wanted};
use crate::weights::{DownloadError, Library, ModelFile, RetryPolicy, Stored, StoredFile, download, wrong_hash};
use async_trait::async_trait;
use js_sys::{Array, Uint8Array};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, File, StorageEstimate};

/// A browser that has not told its room by then never will.
const ESTIMATE_MS: f64 = 2_000.0;

/// The models of this tab.
#[derive(Clone)]
pub struct Shelf(Rc<Inner>);

struct Inner {
    jobs: RefCell<HashMap<String, Job>>,
    /// Endpoints of the person.
    own: RefCell<Vec<String>>,
    /// Opened once: the browser's files where it has any, then memory.
    stores: RefCell<Option<Vec<Rc<dyn Store>>>>,
    /// A file had to go to memory.
    spilled: Cell<bool>,
    emit: fn(Event),
}

/// A model on its way.
struct Job {
    cancel: Rc<Cancel>,
    state: Rc<RefCell<State>>,
}

enum State {
    Coming { what: String, done: f64, total: f64 },
    Here(Vec<ModelFile>),
    Failed(Error),
}

impl Shelf {
    /// `emit` sends notes, and the events of an import.
    pub fn new(emit: fn(Event)) -> Self {
        Self(Rc::new(Inner {
            jobs: RefCell::default(),
            own: RefCell::default(),
            stores: RefCell::default(),
            spilled: Cell::default(),
            emit,
        }))
    }

    /// Takes files of the person into the store, with progress; then tells what is kept, these first.
    pub fn import(&self, files: Array) {
        let shelf = self.0.clone();
        spawn_local(async move {
            let files: Vec<File> = files.iter().filter_map(|f| f.dyn_into().ok()).collect();
            let outcome = shelf.import(&files).await;
            (shelf.emit)(Event::Progress { what: String::new(), done: 1.0, total: 1.0, bytes: false });
            (shelf.emit)(outcome.map_or_else(|error| Event::error(error, 0, false), Event::Library));
        });
    }

    /// Keeps a file that was made here; tells what is kept then.
    ///
    /// # Errors
    /// `OutOfSpace`.
    pub async fn keep(&self, name: &str, sha256: &str, bytes: &[u8]) -> Result<Stored> {
        let failed = |e: JsValue| Error::internal(format!("{name} cannot be saved: {}", say(&e)));
        let file = Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes))).map_err(failed)?;
        let source = format!("file:{name}:{sha256}");
        let wanted = Wanted {
            name: name.into(),
            source: source.clone(),
            sha256: Some(sha256.into()),
            bytes: Some(bytes.len() as u64),
            urls: vec![source],
        };
        let (net, stores) = (Dropped { file, browser: Browser::default() }, self.0.stores().await);
        let plan = Plan::Files(vec![wanted]);
        gatherer(&net, &stores, &|_, _, _| {}, &|name| self.0.spill(name)).model(&plan).await.map_err(error)?;
        self.0.stored().await
    }
}

#[async_trait(?Send)]
impl Library for Shelf {
    fn poll(&self, model: &str) -> Result<Poll<Vec<ModelFile>>> {
        let mut jobs = self.0.jobs.borrow_mut();
        let (cancel, state) = match jobs.remove(model) {
            Some(Job { cancel, state }) => (cancel, state),
            None => {
                let coming = State::Coming { what: model.into(), done: 0.0, total: 0.0 };
                let (cancel, state) = (Rc::new(Cancel::default()), Rc::new(RefCell::new(coming)));
                let job = self.0.clone().run(model.into(), cancel.clone(), state.clone());
                spawn_local(job);
                (cancel, state)
            }
        };
        let arrival = match &*state.borrow() {
            State::Here(files) => return Ok(Poll::Ready(files.clone())),
            State::Failed(error) => return Err(error.clone()),
            State::Coming { what, done, total } => Poll::Pending(Progress::download(what.clone(), *done, *total)),
        };
        jobs.insert(model.into(), Job { cancel, state });
        Ok(arrival)
    }

    fn cancel(&self, model: &str) {
        if let Some(job) = self.0.jobs.borrow_mut().remove(model) {
            job.cancel.cancel();
        }
    }

    async fn stored(&self) -> Result<Stored> {
        self.0.stored().await
    }

    async fn verify(&self, sha256: &str) -> Result<()> {
        let (stores, net) = (self.0.stores().await, Browser::default());
        let Some(file) = gatherer(&net, &stores, &|_, _, _| {}, &|_| {}).kept(sha256).await.map_err(error)? else {
            return Err(Error::bad_command("This file is not saved here."));
        };
        let total = file.bytes.len() as f64;
        let report = |done: u64| self.0.progress("checking", done as f64, total);
        let actual = download::hash(&net, &*file.bytes, &report).await;
        self.0.progress("", total, total);
        if actual.map_err(error)? == sha256 {
            return Ok(());
        }
        self.delete(sha256).await?;
        Err(wrong_hash(&file.name))
    }

    async fn delete(&self, sha256: &str) -> Result<()> {
        for store in self.0.stores().await {
            for kept in store.list().await.map_err(|f| error(f.into()))?.iter().filter(|k| k.key == sha256) {
                let deleted = if kept.complete { store.remove(sha256).await } else { store.discard(sha256).await };
                deleted.map_err(|f| error(f.into()))?;
            }
        }
        Ok(())
    }

    fn endpoints(&self, urls: Vec<String>) {
        let web = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        *self.0.own.borrow_mut() = urls.into_iter().map(|u| u.trim().to_string()).filter(web).collect();
    }
}

impl Inner {
    async fn run(self: Rc<Self>, model: String, cancel: Rc<Cancel>, state: Rc<RefCell<State>>) {
        let report = |what: &str, done, total| {
            *state.borrow_mut() = State::Coming { what: what.into(), done, total };
        };
        let outcome = self.fetch(&model, Browser { cancel }, &report).await;
        match outcome {
            Ok(files) => *state.borrow_mut() = State::Here(files),
            // Nobody looks at it any longer.
            Err(DownloadError::Cancelled) => {}
            Err(stop) => *state.borrow_mut() = State::Failed(error(stop)),
        }
    }

    async fn fetch(
        &self,
        model: &str,
        browser: Browser,
        report: &Report<'_>,
    ) -> std::result::Result<Vec<ModelFile>, DownloadError> {
        let text = source::fetch(MANIFEST, &|_, _| {}).await.map_err(DownloadError::Failed)?;
        let plan =
            Manifest::parse(&text).and_then(|m| m.plan(model, &self.own.borrow())).map_err(DownloadError::Failed)?;
        let stores = self.stores().await;
        gatherer(&browser, &stores, report, &|name| self.spill(name)).model(&plan).await
    }

    async fn import(&self, files: &[File]) -> Result<Stored> {
        let stores = self.stores().await;
        let all: f64 = files.iter().map(|f| f.size()).sum();
        let (mut before, mut arrived) = (0.0, Vec::new());
        for file in files {
            let source = format!("file:{}:{}:{}", file.name(), file.size(), file.last_modified());
            let wanted = Wanted {
                name: file.name(),
                source: source.clone(),
                sha256: None,
                bytes: Some(file.size() as u64),
                urls: vec![source.clone()],
            };
            let net = Dropped { file: file.clone().into(), browser: Browser::default() };
            let last = Cell::new(f64::NEG_INFINITY);
            let report = |_: &str, done: f64, _: f64| {
                // Not for each piece: a message takes longer than it.
                let now = js_sys::Date::now();
                if now - last.get() >= 100.0 {
                    last.set(now);
                    self.progress(&file.name(), before + done, all);
                }
            };
            let plan = Plan::Files(vec![wanted]);
            gatherer(&net, &stores, &report, &|name| self.spill(name)).model(&plan).await.map_err(error)?;
            before += file.size();
            arrived.push(source);
        }
        let mut stored = self.stored().await?;
        let mut first = Vec::new();
        for store in &stores {
            let kept = store.list().await.map_err(|f| error(f.into()))?;
            let ours = kept.into_iter().filter(|k| k.complete && k.label.sources.iter().any(|s| arrived.contains(s)));
            first.extend(ours.map(|k| k.key));
        }
        stored.files.sort_by_key(|file| !first.contains(&file.sha256));
        Ok(stored)
    }

    async fn stored(&self) -> Result<Stored> {
        let stores = self.stores().await;
        let mut stored = Stored { persistent: stores.len() > 1 && !self.spilled.get(), ..Stored::default() };
        for store in &stores {
            let kept = store.list().await.map_err(|f| error(f.into()))?;
            let file = |k: crate::weights::io::Kept| StoredFile {
                sha256: k.key,
                name: k.label.name,
                sources: k.label.sources,
                bytes: k.bytes as f64,
                complete: k.complete,
            };
            stored.files.extend(kept.into_iter().map(file));
        }
        stored.repositories = KeptModels::of(&stores).await.map_err(error)?.repositories().await;
        if let Ok(estimate) = estimate().await {
            stored.used = estimate.get_usage().unwrap_or(0.0);
            stored.quota = estimate.get_quota().unwrap_or(0.0);
        }
        Ok(stored)
    }

    /// The browser's files where it lets them be kept, and memory.
    async fn stores(&self) -> Vec<Rc<dyn Store>> {
        if let Some(stores) = &*self.stores.borrow() {
            return stores.clone();
        }
        let opfs = Opfs::open().await.ok().map(|opfs| Rc::new(opfs) as Rc<dyn Store>);
        let opened: Vec<Rc<dyn Store>> = opfs.into_iter().chain([Rc::<Memory>::default() as Rc<dyn Store>]).collect();
        // Two callers may have opened them at once: the first ones stay.
        self.stores.borrow_mut().get_or_insert(opened).clone()
    }

    fn spill(&self, name: &str) {
        self.spilled.set(true);
        (self.emit)(Event::note(
            "model-in-memory",
            format!("The browser has no storage space left: {name} stays in memory and is gone after a reload."),
            &[("name", name.into())],
        ));
    }

    fn progress(&self, what: &str, done: f64, total: f64) {
        (self.emit)(Event::Progress { what: what.into(), done, total, bytes: true });
    }
}

fn gatherer<'a>(
    net: &'a dyn Net,
    stores: &'a [Rc<dyn Store>],
    report: &'a Report<'a>,
    spilled: &'a dyn Fn(&str),
) -> ModelFetcher<'a> {
    ModelFetcher { net, stores, retry: RetryPolicy::default(), report, spilled }
}

async fn estimate() -> std::result::Result<StorageEstimate, JsValue> {
    let storage = storage()?;
    let answer = within(ESTIMATE_MS, async move { call(&storage, "estimate", &[]).await });
    Ok(answer.await?.unchecked_into())
}

fn error(stop: DownloadError) -> Error {
    match stop {
        DownloadError::Failed(error) | DownloadError::Missing(error) => error,
        DownloadError::Cancelled => Error::new(Code::Fetch, "It was cancelled.", "Try again."),
        DownloadError::Full => {
            Error::new(Code::OutOfSpace, "There is no storage space left.", "Delete models that are no longer needed.")
        }
    }
}
