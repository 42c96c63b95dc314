//! The one error type: a stable code, what happened, and what to do about it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What went wrong, in a form that the page can translate and a person can act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    pub code: Code,
    /// What happened, in one plain sentence.
    pub message: String,
    /// What the person can do about it.
    pub help: String,
}

/// Stable names. A code never changes its meaning; the page keys its translations on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The link cannot be read at all.
    BadLink,
    /// The link names a demo that does not exist.
    UnknownDemo,
    /// A command came with a key, a name or arguments that the demo does not have.
    BadCommand,
    /// A file is truncated, foreign or damaged.
    BadFile,
    /// A tensor in a file has another shape than the model.
    ShapeMismatch,
    /// Something could not be fetched.
    Fetch,
    /// The link names a model that is neither in the manifest nor kept here.
    UnknownModel,
    /// The link names a set of pictures that is not kept here.
    UnknownPictures,
    /// The file is whole, but of a kind, architecture or number format that Kiln does not run.
    Unsupported,
    /// A file's SHA-256 is not the one that it should have.
    WrongHash,
    /// The browser has no room left for a file.
    OutOfSpace,
    /// No WebGPU device could be opened.
    NoGpu,
    /// The device computed something else than the CPU.
    WrongArithmetic,
    /// The device went away or a read from it failed.
    DeviceLost,
    /// A loss is no longer a finite number.
    Diverged,
    /// Something failed inside; a defect of Kiln.
    Internal,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: help.into() }
    }

    pub fn bad_file(message: impl Into<String>) -> Self {
        Self::new(
            Code::BadFile,
            message,
            "Choose a complete file of a kind that Kiln reads; if it was downloaded, download it again.",
        )
    }

    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(Code::Unsupported, message, "Choose another model or file; the README lists what Kiln runs.")
    }

    pub fn bad_command(message: impl Into<String>) -> Self {
        Self::new(Code::BadCommand, message, "Use a control or an action that this demo lists.")
    }

    pub fn internal(message: impl fmt::Display) -> Self {
        Self::new(
            Code::Internal,
            message.to_string(),
            "Reload the page. If it happens again, report it and include this text.",
        )
    }

    pub fn device_lost(message: impl fmt::Display) -> Self {
        Self::new(
            Code::DeviceLost,
            format!("The device failed: {message}."),
            "The run continues from the last checkpoint.",
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.message, self.help)
    }
}

impl std::error::Error for Error {}
