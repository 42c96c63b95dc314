//! The network and the storage of downloads, as traits.

use super::bytes::Bytes;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// The response to a ranged GET.
pub struct HttpResponse {
    pub status: u16,
    /// The position of the body in the file, if the server says (`Content-Range`).
    pub start: Option<u64>,
    /// Bytes of the whole file, if the server says.
    pub total: Option<u64>,
    /// `ETag` or `Last-Modified`.
    pub validator: Option<String>,
    pub body: Box<dyn Body>,
}

/// Why there are no more bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetFault {
    Cancelled,
    /// Nothing arrived for longer than the patience.
    Stalled,
    Lost(String),
}

/// The network. All waits end early when the download is cancelled.
#[async_trait(?Send)]
pub trait Net {
    /// Asks for the file from byte `from` on (`Range: bytes={from}-`), without credentials. `If-Range` is not sent: cross-origin
    /// it needs a permission that model hubs do not grant; the validator is compared afterwards instead.
    async fn get(&self, url: &str, from: u64, patience: f64) -> Result<HttpResponse, NetFault>;

    /// Waits; the browser gets a turn even for 0 milliseconds.
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
    /// Another tab is writing it.
    Busy,
    /// No room left.
    Full,
    Failed(String),
}

/// What is stored with a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    pub name: String,
    /// Its sources: `hub:owner/name/file`, URLs, dropped files.
    pub sources: Vec<String>,
    /// Bytes of the whole file, where known.
    pub bytes: Option<u64>,
    /// The validator of the server that sent its beginning.
    pub validator: Option<String>,
}

/// A file of the store.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The SHA-256 of a complete file; the key of a partial one.
    pub key: String,
    pub label: FileInfo,
    /// Bytes that have arrived.
    pub bytes: u64,
    pub complete: bool,
}

/// Complete files under their SHA-256, and partial files. Only `keep` makes a file complete.
#[async_trait(?Send)]
pub trait Store {
    async fn list(&self) -> Result<Vec<Kept>, StoreFault>;
    /// Opens a complete file.
    async fn open(&self, sha256: &str) -> Result<Rc<dyn Bytes>, StoreFault>;
    /// Opens a partial file to append to, with the bytes that are there already.
    async fn part(&self, key: &str) -> Result<Box<dyn PartialFile>, StoreFault>;
    /// Stores the info of a partial file.
    async fn mark(&self, key: &str, label: &FileInfo) -> Result<(), StoreFault>;
    /// Turns a partial file into a complete one.
    async fn keep(
        &self,
        part: Box<dyn PartialFile>,
        key: &str,
        sha256: &str,
        label: &FileInfo,
    ) -> Result<(), StoreFault>;
    /// Deletes a partial file, with its info.
    async fn discard(&self, key: &str) -> Result<(), StoreFault>;
    /// Deletes a complete file, with its info.
    async fn remove(&self, sha256: &str) -> Result<(), StoreFault>;
}

/// A partial file. Dropping it lets others write.
pub trait PartialFile {
    /// Bytes that have arrived.
    fn len(&self) -> u64;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    fn read(&self, at: u64, out: &mut [u8]) -> Result<(), StoreFault>;
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreFault>;
    fn clear(&mut self) -> Result<(), StoreFault>;
}
