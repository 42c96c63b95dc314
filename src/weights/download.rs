//! The download of one file: resumed, retried, compared with its hash, and only then kept. It does not depend on a browser: network
//! and storage are the traits of `io`, so that tests can simulate every fault.

use super::bytes::Bytes;
use super::download_error::{DownloadError, wrong_hash};
use super::io::{FileInfo, Kept, Net, NetFault, PartialFile, Store, StoreFault};
use super::manifest::{Wanted, hex};
use super::mirrors::{Mirrors, RetryPolicy, Verdict, verdict};
use sha2::{Digest, Sha256};

/// What a download is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Fetching,
    /// Reads the bytes of an earlier visit, or a kept file, again.
    Checking,
    /// Another tab is writing the same file.
    Waiting,
}

/// The environment of a download.
pub struct Tools<'a> {
    pub net: &'a dyn Net,
    pub retry: RetryPolicy,
    /// Called with the phase, the bytes that have arrived and the total.
    pub report: &'a dyn Fn(Phase, u64, Option<u64>),
}

/// Bytes that are read and hashed at once.
const HASH_BYTES: u64 = 1 << 22;

/// Downloads one file into `store`; returns its SHA-256.
///
/// # Errors
/// See [`DownloadError`]. The store stays consistent: what has arrived is kept as a partial file, and a wrong file is deleted.
pub async fn download(tools: &Tools<'_>, store: &dyn Store, wanted: &Wanted) -> Result<String, DownloadError> {
    let part = loop {
        match store.part(&wanted.key()).await {
            Ok(part) => break part,
            Err(StoreFault::Busy) => {
                (tools.report)(Phase::Waiting, 0, wanted.bytes);
                tools.net.wait(tools.retry.wait).await?;
            }
            Err(fault) => return Err(fault.into()),
        }
    };
    // The other tab may have finished the download.
    let kept = store.list().await?;
    if let Some(whole) = find(&kept, wanted) {
        drop(part);
        // A third tab may have taken the part by now, and will do the same.
        let _ = store.discard(&wanted.key()).await;
        return Ok(whole.key.clone());
    }
    let mut transfer = Transfer::resume(tools, store, wanted, part, &kept).await?;
    let ended = transfer.run().await;
    let Transfer { part, mut label, .. } = transfer;
    if ended.is_err() && part.is_empty() {
        drop(part);
        // Why nothing came matters more than whether an empty part could be deleted.
        let _ = store.discard(&wanted.key()).await;
        return ended;
    }
    let sha256 = ended?;
    // The same file may have been downloaded from elsewhere before.
    if let Some(same) = kept.iter().find(|k| k.complete && k.key == sha256) {
        label.sources.extend(same.label.sources.iter().filter(|s| **s != wanted.source).cloned());
    }
    store.keep(part, &wanted.key(), &sha256, &label).await?;
    Ok(sha256)
}

/// The complete file that matches `wanted`, by its hash or by its source.
pub fn find<'a>(kept: &'a [Kept], wanted: &Wanted) -> Option<&'a Kept> {
    kept.iter().filter(|k| k.complete).find(|k| match &wanted.sha256 {
        Some(sha256) => k.key == *sha256,
        None => k.label.sources.contains(&wanted.source),
    })
}

/// The SHA-256 of a file, which is read piece by piece.
pub async fn hash(net: &dyn Net, bytes: &dyn Bytes, report: &dyn Fn(u64)) -> Result<String, DownloadError> {
    let (mut hash, mut at) = (Sha256::new(), 0);
    while at < bytes.len() {
        let n = HASH_BYTES.min(bytes.len() - at);
        hash.update(bytes.take(at, n).map_err(DownloadError::Failed)?);
        at += n;
        report(at);
        net.wait(0.0).await?;
    }
    Ok(hex(&hash.finalize()))
}

struct Transfer<'a> {
    tools: &'a Tools<'a>,
    store: &'a dyn Store,
    wanted: &'a Wanted,
    part: Box<dyn PartialFile>,
    hash: Sha256,
    label: FileInfo,
    /// The mirror that all bytes came from, if it was a single one.
    origin: Option<String>,
    /// The largest number of bytes so far.
    best: u64,
}

/// The result of one response.
enum Outcome {
    Complete,
    /// This mirror is given up.
    Gone(u16, String),
    /// This mirror may be tried again.
    Again(String),
}

impl<'a> Transfer<'a> {
    /// Reads the bytes that are there already, for the hash.
    async fn resume(
        tools: &'a Tools<'a>,
        store: &'a dyn Store,
        wanted: &'a Wanted,
        part: Box<dyn PartialFile>,
        kept: &[Kept],
    ) -> Result<Self, DownloadError> {
        let key = wanted.key();
        let old = kept.iter().find(|k| !k.complete && k.key == key).map(|k| k.label.clone());
        let old = old.unwrap_or_default();
        let label = FileInfo {
            name: wanted.name.clone(),
            sources: vec![wanted.source.clone()],
            bytes: wanted.bytes.or(old.bytes),
            validator: old.validator,
        };
        let mut transfer = Self { tools, store, wanted, part, hash: Sha256::new(), label, origin: None, best: 0 };
        let len = transfer.part.len();
        if transfer.label.bytes.is_some_and(|bytes| len > bytes) {
            transfer.clear()?;
        }
        let (mut at, len) = (0, transfer.part.len());
        while at < len {
            let mut piece = vec![0; HASH_BYTES.min(len - at) as usize];
            transfer.part.read(at, &mut piece)?;
            transfer.hash.update(&piece);
            at += piece.len() as u64;
            (tools.report)(Phase::Checking, at, transfer.label.bytes);
            tools.net.wait(0.0).await?;
        }
        transfer.best = len;
        Ok(transfer)
    }

    async fn run(&mut self) -> Result<String, DownloadError> {
        let mut mirrors = Mirrors::new(self.wanted);
        let mut wrong = 0;
        loop {
            // An earlier visit may have downloaded everything.
            let outcome = match mirrors.current() {
                _ if self.is_whole() => Outcome::Complete,
                Some(url) => self.pull(url).await?,
                None if wrong > 0 => return Err(DownloadError::Failed(wrong_hash(&self.wanted.name))),
                None => return Err(mirrors.failure()),
            };
            let better = self.part.len() > self.best;
            self.best = self.best.max(self.part.len());
            match outcome {
                Outcome::Gone(status, why) => mirrors.gone(status, &why),
                Outcome::Again(why) => mirrors.again(&why, better, self.tools.net, &self.tools.retry).await?,
                Outcome::Complete => {
                    let sha256 = hex(&std::mem::take(&mut self.hash).finalize());
                    if self.wanted.sha256.as_ref().is_none_or(|s| *s == sha256) {
                        return Ok(sha256);
                    }
                    wrong += 1;
                    // Bytes of several servers or visits may have been mixed: try once more from the beginning.
                    let one_origin = self.origin.is_some();
                    self.clear()?;
                    if one_origin || wrong > self.wanted.urls.len() {
                        mirrors.gone(0, "the file had the wrong SHA-256");
                    }
                }
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.label.bytes == Some(self.part.len()) && self.wanted.sha256.is_some()
    }

    fn clear(&mut self) -> Result<(), DownloadError> {
        self.part.clear()?;
        self.hash = Sha256::new();
        self.origin = None;
        Ok(())
    }

    /// Downloads from one mirror.
    async fn pull(&mut self, url: &str) -> Result<Outcome, DownloadError> {
        let mut answer = match self.tools.net.get(url, self.part.len(), self.tools.retry.patience).await {
            Ok(answer) => answer,
            Err(fault) => return again(fault),
        };
        match answer.status {
            206 if answer.start.is_none_or(|start| start == self.part.len()) => {}
            // The server does not support ranges: this is the file from the beginning.
            200 => self.clear()?,
            206 | 416 if !self.part.is_empty() => {
                self.clear()?;
                return Ok(Outcome::Again("it no longer has the same file".into()));
            }
            status if verdict(status) == Verdict::Again => return Ok(Outcome::Again(format!("it answered {status}"))),
            status => return Ok(Outcome::Gone(status, format!("it answered {status}"))),
        }
        let total = self.wanted.bytes.or(answer.total);
        if answer.total.is_some() && answer.total != total {
            return Ok(Outcome::Gone(0, "it has a file of another size".into()));
        }
        if self.part.is_empty() {
            self.origin = Some(url.into());
            self.label = FileInfo { bytes: total, validator: answer.validator, ..self.label.clone() };
            self.store.mark(&self.wanted.key(), &self.label).await?;
        } else {
            // With a known hash, mixed bytes are detected at the end; without one they must not be mixed.
            let same =
                answer.validator.is_some() && answer.validator == self.label.validator && total == self.label.bytes;
            if self.wanted.sha256.is_none() && !same {
                self.clear()?;
                return Ok(Outcome::Again("the file has changed on the server".into()));
            }
            self.origin = self.origin.take().filter(|origin| origin == url);
        }
        loop {
            (self.tools.report)(Phase::Fetching, self.part.len(), total);
            if total == Some(self.part.len()) {
                return Ok(Outcome::Complete);
            }
            match answer.body.next(self.tools.retry.patience).await {
                Ok(Some(bytes)) if total.is_some_and(|t| self.part.len() + bytes.len() as u64 > t) => {
                    self.clear()?;
                    return Ok(Outcome::Gone(0, "it sent more than it announced".into()));
                }
                Ok(Some(bytes)) => {
                    self.part.append(&bytes)?;
                    self.hash.update(&bytes);
                }
                Ok(None) if total.is_none() => return Ok(Outcome::Complete),
                Ok(None) => return Ok(Outcome::Again("the answer was cut short".into())),
                Err(fault) => return again(fault),
            }
        }
    }
}

fn again(fault: NetFault) -> Result<Outcome, DownloadError> {
    match fault {
        NetFault::Cancelled => Err(DownloadError::Cancelled),
        NetFault::Stalled => Ok(Outcome::Again("it stopped responding".into())),
        NetFault::Lost(why) => Ok(Outcome::Again(why)),
    }
}
