//! What a download needs of the world: a network that gives files piece by piece, and a store that keeps them.

use super::bytes::Bytes;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// What a server answered to a ranged GET.
pub struct Response {
    pub status: u16,
    /// First byte of the body in the file, where the server tells (`Content-Range`).
    pub start: Option<u64>,
    /// Bytes of the whole file, where the server tells.
    pub total: Option<u64>,
    /// `ETag` or `Last-Modified`.
    pub validator: Option<String>,
    pub body: Box<dyn Body>,
}

/// Why there are no more bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetFault {
    Cancelled,
    /// Nothing came for longer than the patience.
    Stalled,
    Lost(String),
}

/// The network. Whatever waits here ends early when the download is cancelled.
#[async_trait(?Send)]
pub trait Net {
    /// Asks for the file from byte `from` on (`Range: bytes={from}-`), without credentials. `If-Range` is not sent: across
    /// origins it would need a permission that model hubs do not give; the validator is compared afterwards instead.
    async fn get(&self, url: &str, from: u64, patience: f64) -> Result<Response, NetFault>;

    /// Waits for so many milliseconds; the browser gets a turn even for 0.
    async fn wait(&self, ms: f64) -> Result<(), NetFault>;
}

/// A body as it arrives. Dropping it ends the transfer.
#[async_trait(?Send)]
pub trait Body {
    /// The next bytes; `None` at the end.
    async fn next(&mut self, patience: f64) -> Result<Option<Vec<u8>>, NetFault>;
}

/// Why a file cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreFault {
    /// Another tab writes it.
    Busy,
    /// No room left.
    Full,
    Failed(String),
}

/// What is written beside a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    pub name: String,
    /// Where it has come from: `hub:owner/name/file`, URLs, dropped files.
    pub sources: Vec<String>,
    /// Bytes of the whole file, where known.
    pub bytes: Option<u64>,
    /// Of the server that it began to come from.
    pub validator: Option<String>,
}

/// A file of the store.
#[derive(Debug, Clone)]
pub struct Kept {
    /// SHA-256 of a whole file; of a part, the key under which it arrives.
    pub key: String,
    pub label: FileInfo,
    /// Bytes that are here.
    pub bytes: u64,
    pub complete: bool,
}

/// Files under their SHA-256, and parts of files on their way. A whole file appears by `keep` alone.
#[async_trait(?Send)]
pub trait Store {
    async fn list(&self) -> Result<Vec<Kept>, StoreFault>;
    /// A whole file.
    async fn open(&self, sha256: &str) -> Result<Rc<dyn Bytes>, StoreFault>;
    /// A part, to append to; what is there already stays.
    async fn part(&self, key: &str) -> Result<Box<dyn PartialFile>, StoreFault>;
    /// Writes the label of a part.
    async fn mark(&self, key: &str, label: &FileInfo) -> Result<(), StoreFault>;
    /// Turns a part into a whole file.
    async fn keep(
        &self,
        part: Box<dyn PartialFile>,
        key: &str,
        sha256: &str,
        label: &FileInfo,
    ) -> Result<(), StoreFault>;
    /// Deletes a part, with its label.
    async fn discard(&self, key: &str) -> Result<(), StoreFault>;
    /// Deletes a whole file, with its label.
    async fn remove(&self, sha256: &str) -> Result<(), StoreFault>;
}

/// A part of a file. Dropping it lets others write.
pub trait PartialFile {
    /// Bytes that are here.
    fn len(&self) -> u64;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    fn read(&self, at: u64, out: &mut [u8]) -> Result<(), StoreFault>;
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreFault>;
    fn clear(&mut self) -> Result<(), StoreFault>;
}
