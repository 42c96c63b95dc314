//! Models by name: what a demo asks for, and what the tab or the terminal brings.

use super::bytes::ModelFile;
use crate::error::Result;
use crate::poll::Poll;
use async_trait::async_trait;
use serde::Serialize;

/// A file that is kept.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct StoredFile {
    pub sha256: String,
    /// The name it came under.
    pub name: String,
    /// Where it has come from: `hub:owner/name/file`, URLs, dropped files (`file:name:bytes:changed`).
    pub sources: Vec<String>,
    /// Bytes that are here; all of them where `complete`.
    pub bytes: f64,
    pub complete: bool,
}

/// What is kept, and how much room there is.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Stored {
    pub files: Vec<StoredFile>,
    /// Names of the models that are whole repositories of the hub, or folders in them, and all kept.
    pub repositories: Vec<String>,
    /// Bytes that this site uses and may use; 0 where the browser does not tell.
    pub used: f64,
    pub quota: f64,
    /// False in a private window or where the browser keeps nothing: models then live in memory alone.
    pub persistent: bool,
}

/// Models by name: an id of the manifest, `hub:owner/name/file`, a URL, or `sha256:...` of a file that is kept.
#[async_trait(?Send)]
pub trait Library {
    /// The files of a model. The first call starts its download; after an error the next call tries again. What is pending names the
    /// part: a file, or "checking".
    ///
    /// # Errors
    /// `Fetch`, `WrongHash`, `OutOfSpace`, `UnknownModel`.
    fn poll(&self, model: &str) -> Result<Poll<Vec<ModelFile>>>;

    /// Stops a download within a second. What has arrived is kept, and the next `poll` goes on from there.
    fn cancel(&self, model: &str);

    /// What is kept.
    async fn stored(&self) -> Result<Stored>;

    /// Reads a kept file again and holds it against its hash; a damaged one is deleted.
    ///
    /// # Errors
    /// `WrongHash` where it is damaged.
    async fn verify(&self, sha256: &str) -> Result<()>;

    async fn delete(&self, sha256: &str) -> Result<()>;

    /// Where else to look for models of the hub: base URLs, tried before the manifest's own.
    fn endpoints(&self, urls: Vec<String>);
}
