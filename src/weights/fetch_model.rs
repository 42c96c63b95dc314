//! From the name of a model to its files: kept files are opened, others are downloaded, with one progress bar for all of them.

use super::bytes::ModelFile;
use super::download::{Phase, Tools, download};
use super::download_error::DownloadError;
use super::io::{Net, NetFault, Store};
use super::kept_models::{CONFIG, KeptModels, layout, shards};
use super::manifest::{Plan, Repository, Wanted};
use super::mirrors::{Mirrors, RetryPolicy, Verdict, verdict};
use crate::error::{Code, Error};
use std::cell::Cell;
use std::rc::Rc;

/// Called with what is being done (the name of a file, `checking`, or `another tab` while waiting for one), the bytes that have arrived
/// and the total, which is 0 while it is unknown.
pub type Report<'a> = dyn Fn(&str, f64, f64) + 'a;

/// Fetches the files of a model.
pub struct ModelFetcher<'a> {
    pub net: &'a dyn Net,
    /// In order of preference: the browser's files, then memory, which is used where they are full.
    pub stores: &'a [Rc<dyn Store>],
    pub retry: RetryPolicy,
    pub report: &'a Report<'a>,
    /// Called with the name of a file that moves to the next store.
    pub spilled: &'a dyn Fn(&str),
}

/// Bytes that are copied from a full store to the next one at once.
const COPY_BYTES: u64 = 1 << 20;

/// The progress of several files, which never decreases.
#[derive(Default)]
struct Bar {
    finished: Cell<u64>,
    total: Cell<Option<u64>>,
    best: Cell<u64>,
}

impl ModelFetcher<'_> {
    /// All files of a model.
    ///
    /// # Errors
    /// See [`DownloadError`]; `Full` is returned as `Failed` with `OutOfSpace`.
    pub async fn model(&self, plan: &Plan) -> Result<Vec<ModelFile>, DownloadError> {
        match plan {
            Plan::Files(wanted) => self.files(wanted, &Bar::default()).await,
            Plan::Repository(repository) => self.repository(repository).await,
            Plan::Kept(hashes) => {
                let mut files = Vec::new();
                for sha256 in hashes {
                    files.push(self.kept(sha256).await?.ok_or_else(|| DownloadError::Failed(not_kept()))?);
                }
                Ok(files)
            }
        }
    }

    /// A complete file by its SHA-256.
    pub async fn kept(&self, sha256: &str) -> Result<Option<ModelFile>, DownloadError> {
        self.look(&Wanted {
            name: String::new(),
            source: String::new(),
            sha256: Some(sha256.into()),
            bytes: None,
            urls: Vec::new(),
        })
        .await
    }

    async fn look(&self, wanted: &Wanted) -> Result<Option<ModelFile>, DownloadError> {
        match KeptModels::of(self.stores).await?.find(wanted) {
            Some(found) => Ok(Some(found.open().await?)),
            None => Ok(None),
        }
    }

    async fn files(&self, wanted: &[Wanted], bar: &Bar) -> Result<Vec<ModelFile>, DownloadError> {
        let sizes: Option<u64> = wanted.iter().map(|w| w.bytes).sum();
        bar.total.set(sizes.map(|s| s + bar.finished.get()));
        let mut files = Vec::new();
        for one in wanted {
            files.push(self.file(one, bar, wanted.len() == 1).await?);
        }
        Ok(files)
    }

    /// One file, kept or downloaded. With `alone` its size is the total of the bar.
    async fn file(&self, wanted: &Wanted, bar: &Bar, alone: bool) -> Result<ModelFile, DownloadError> {
        let file = match self.look(wanted).await? {
            Some(file) => file,
            None => self.fetch(wanted, bar, alone).await?,
        };
        bar.finished.set(bar.finished.get() + file.bytes.len());
        Ok(file)
    }

    async fn fetch(&self, wanted: &Wanted, bar: &Bar, alone: bool) -> Result<ModelFile, DownloadError> {
        let report = |phase: Phase, done: u64, total: Option<u64>| {
            let what = match phase {
                Phase::Fetching => &wanted.name,
                Phase::Checking => "checking",
                Phase::Waiting => "another tab",
            };
            bar.best.set(bar.best.get().max(bar.finished.get() + done));
            if alone && bar.total.get().is_none() {
                bar.total.set(total.map(|t| t + bar.finished.get()));
            }
            let total = bar.total.get().map_or(0, |t| t.max(bar.best.get()));
            (self.report)(what, bar.best.get() as f64, total as f64);
        };
        let tools = Tools { net: self.net, retry: self.retry, report: &report };
        let mut stores = self.stores.iter().peekable();
        while let Some(store) = stores.next() {
            // A partial file that has moved to the next store continues there.
            if let Some(next) = stores.peek()
                && next.list().await?.iter().any(|k| k.key == wanted.key())
            {
                continue;
            }
            match (download(&tools, &**store, wanted).await, stores.peek()) {
                (Ok(sha256), _) => {
                    let bytes = store.open(&sha256).await?;
                    return Ok(ModelFile { name: wanted.name.clone(), bytes });
                }
                (Err(DownloadError::Full), Some(next)) => match move_partial(&**store, &***next, &wanted.key()).await {
                    Err(DownloadError::Full) => break,
                    Err(stop) => return Err(stop),
                    Ok(()) => (self.spilled)(&wanted.name),
                },
                (Err(DownloadError::Full), None) => break,
                (Err(stop), _) => return Err(stop),
            }
        }
        Err(DownloadError::Failed(out_of_space(&wanted.name)))
    }

    async fn repository(&self, repository: &Repository) -> Result<Vec<ModelFile>, DownloadError> {
        if let Some(found) = KeptModels::of(self.stores).await?.repository(repository).await? {
            let mut files = Vec::new();
            for file in found {
                files.push(file.open().await?);
            }
            return Ok(files);
        }
        let bar = Bar::default();
        let mut files = vec![self.file(&repository.file(CONFIG), &bar, false).await?];
        let layout = layout(&files[0]);
        for &(path, needed) in layout.beside {
            match self.file(&repository.file(path), &bar, false).await {
                Ok(file) => files.push(file),
                Err(DownloadError::Missing(_)) if !needed => {}
                Err(stop) => return Err(stop),
            }
        }
        let mut weights = vec![repository.file(layout.weights)];
        if let Err(stop) = self.measure(&mut weights[0]).await {
            let DownloadError::Missing(missing) = stop else { return Err(stop) };
            let index = match self.file(&repository.file(layout.index), &bar, false).await {
                Err(DownloadError::Missing(_)) => return Err(DownloadError::Missing(missing)),
                other => other?,
            };
            weights = shards(&index)?.iter().map(|path| repository.file(path)).collect();
            for shard in &mut weights {
                self.measure(shard).await?;
            }
            files.push(index);
        }
        files.extend(self.files(&weights, &bar).await?);
        Ok(files)
    }

    /// Finds the size of a file from the headers of a response.
    async fn measure(&self, wanted: &mut Wanted) -> Result<(), DownloadError> {
        if let Some(file) = self.look(wanted).await? {
            wanted.bytes = Some(file.bytes.len());
            return Ok(());
        }
        let mut mirrors = Mirrors::new(wanted);
        while let Some(url) = mirrors.current() {
            let why = match self.net.get(url, 0, self.retry.patience).await {
                Err(NetFault::Cancelled) => return Err(DownloadError::Cancelled),
                Err(NetFault::Stalled) => "it stopped responding".into(),
                Err(NetFault::Lost(why)) => why,
                Ok(answer) => match verdict(answer.status) {
                    Verdict::Fine => {
                        wanted.bytes = answer.total;
                        return Ok(());
                    }
                    Verdict::Gone => {
                        mirrors.gone(answer.status, &format!("it answered {}", answer.status));
                        continue;
                    }
                    Verdict::Again => format!("it answered {}", answer.status),
                },
            };
            mirrors.again(&why, false, self.net, &self.retry).await?;
        }
        Err(mirrors.failure())
    }
}

/// Moves a partial file from a full store to another one.
async fn move_partial(from: &dyn Store, to: &dyn Store, key: &str) -> Result<(), DownloadError> {
    let (source, mut target) = (from.part(key).await?, to.part(key).await?);
    target.clear()?;
    if let Some(kept) = from.list().await?.iter().find(|k| k.key == key) {
        to.mark(key, &kept.label).await?;
    }
    let mut at = 0;
    while at < source.len() {
        let mut piece = vec![0; COPY_BYTES.min(source.len() - at) as usize];
        source.read(at, &mut piece)?;
        target.append(&piece)?;
        at += piece.len() as u64;
    }
    drop(source);
    Ok(from.discard(key).await?)
}

fn not_kept() -> Error {
    Error::new(
        Code::UnknownModel,
        "A file of this model is not saved here.",
        "Drop the file on the page again, or choose a model from the list.",
    )
}

fn out_of_space(name: &str) -> Error {
    Error::new(
        Code::OutOfSpace,
        format!("There is not enough space for {name}."),
        "Delete models that are no longer needed, or free some disk space, then try again.",
    )
}
