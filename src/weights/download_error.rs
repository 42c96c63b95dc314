//! Why a download ends without a file.

use super::io::{NetFault, StoreFault};
use crate::error::{Code, Error};

/// Why a download ended without a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DownloadError {
    Cancelled,
    /// The store is full; what has arrived is kept.
    Full,
    /// A server responded that there is no such file.
    Missing(Error),
    Failed(Error),
}

/// The error where a file has the wrong hash.
pub fn wrong_hash(name: &str) -> Error {
    Error::new(
        Code::WrongHash,
        format!("{name} is damaged or was replaced: its SHA-256 is wrong, so it was deleted."),
        "Try again, or choose another mirror or model.",
    )
}

impl From<NetFault> for DownloadError {
    fn from(fault: NetFault) -> Self {
        match fault {
            NetFault::Cancelled => DownloadError::Cancelled,
            other => DownloadError::Failed(Error::internal(format!("{other:?}"))),
        }
    }
}

impl From<StoreFault> for DownloadError {
    fn from(fault: StoreFault) -> Self {
        let why = match fault {
            StoreFault::Full => return DownloadError::Full,
            StoreFault::Busy => "another tab uses the file".into(),
            StoreFault::Failed(why) => why,
        };
        DownloadError::Failed(Error::new(
            Code::Fetch,
            format!("The browser's storage failed: {why}."),
            "Close other tabs of this page, then try again.",
        ))
    }
}
