//! What may still be on its way: files, models, pictures that are being decoded. Polled, so that a loop never waits inside a step.

/// Something that is here, or how far it has come.
#[derive(Debug, Clone)]
pub enum Poll<T> {
    Ready(T),
    Pending(Progress),
}

/// How far something has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// A file's path, or a word for the work: the page keys translations on it.
    pub what: String,
    pub done: f64,
    /// 0 where it is not known.
    pub total: f64,
    /// They count bytes of a download; otherwise work on this machine.
    pub bytes: bool,
}

impl Progress {
    /// Of a download.
    pub fn download(what: impl Into<String>, done: f64, total: f64) -> Self {
        Self { what: what.into(), done, total, bytes: true }
    }

    /// Of work on this machine.
    pub fn work(what: impl Into<String>, done: f64, total: f64) -> Self {
        Self { what: what.into(), done, total, bytes: false }
    }
}

impl<T> Poll<T> {
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Poll<U> {
        match self {
            Self::Ready(value) => Poll::Ready(f(value)),
            Self::Pending(progress) => Poll::Pending(progress),
        }
    }

    /// What is here, if it is.
    pub fn ready(self) -> Option<T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Pending(_) => None,
        }
    }
}

impl<T> From<Progress> for Poll<T> {
    fn from(progress: Progress) -> Self {
        Self::Pending(progress)
    }
}

/// The value of a [`Poll`]; in a function that returns `Result<Poll<_>>`, what is pending is returned.
#[macro_export]
macro_rules! ready {
    ($poll:expr) => {
        match $poll {
            $crate::poll::Poll::Ready(value) => value,
            $crate::poll::Poll::Pending(progress) => return Ok($crate::poll::Poll::Pending(progress)),
        }
    };
}
