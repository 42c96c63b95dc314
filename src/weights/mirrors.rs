//! The mirrors of one file: which is tried next, how long to wait before that, and the error when none is left.

use super::download_error::DownloadError;
use super::io::Net;
use super::manifest::Wanted;
use crate::error::{Code, Error};
use std::collections::VecDeque;

/// How often and how long a download is retried.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Tries of every mirror in a row without any new byte.
    pub rounds: u32,
    /// Milliseconds without a byte until a connection counts as stalled.
    pub patience: f64,
    /// Milliseconds before the second round; doubled before each further one.
    pub wait: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { rounds: 5, patience: 15_000.0, wait: 1_000.0 }
    }
}

/// What a status code means for a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// Try again later.
    Again,
    /// Do not try it again.
    Gone,
}

/// What a status code means for a mirror.
pub fn verdict(status: u16) -> Verdict {
    match status {
        200 | 206 => Verdict::Fine,
        408 | 425 | 429 | 500.. => Verdict::Again,
        _ => Verdict::Gone,
    }
}

/// All mirrors are tried before waiting; waits are 1, 2, 4 ... times the first one.
pub struct Mirrors {
    name: String,
    urls: VecDeque<String>,
    /// Consecutive tries without new bytes.
    idle: usize,
    /// The error of each mirror that was given up.
    gone: Vec<String>,
    /// The last error of a mirror that may be tried again.
    last: Option<String>,
    missing: bool,
}

impl Mirrors {
    pub fn new(wanted: &Wanted) -> Self {
        Self {
            name: wanted.name.clone(),
            urls: wanted.urls.iter().cloned().collect(),
            idle: 0,
            gone: Vec::new(),
            last: None,
            missing: false,
        }
    }

    /// The current URL; `None` where all mirrors were given up.
    pub fn current(&self) -> Option<&str> {
        self.urls.front().map(String::as_str)
    }

    /// Gives up the current mirror.
    pub fn gone(&mut self, status: u16, why: &str) {
        self.missing |= matches!(status, 404 | 410);
        if let Some(url) = self.urls.pop_front() {
            self.gone.push(format!("{}: {why}", host(&url)));
        }
    }

    /// The current mirror failed for now: moves to the next one, and waits if need be. `better` where it did send bytes.
    ///
    /// # Errors
    /// `Failed` or `Missing` after the last try, `Cancelled`.
    pub async fn again(
        &mut self,
        why: &str,
        better: bool,
        net: &dyn Net,
        policy: &RetryPolicy,
    ) -> Result<(), DownloadError> {
        let servers = self.urls.len().max(1);
        self.last = self.current().map(|url| format!("{}: {why}", host(url)));
        if better {
            self.idle = 0;
        } else {
            self.idle += 1;
            self.urls.rotate_left(1.min(self.urls.len()));
        }
        // Where one server says that there is no such file, there are no further rounds.
        let rounds = if self.missing { 1 } else { policy.rounds as usize };
        if self.idle >= servers * rounds {
            return Err(self.failure());
        }
        if self.idle.is_multiple_of(servers) {
            let doublings = (self.idle / servers).saturating_sub(1).min(10) as i32;
            net.wait(policy.wait * 2_f64.powi(doublings)).await?;
        }
        Ok(())
    }

    /// The error where no mirror is left.
    pub fn failure(&self) -> DownloadError {
        let said: Vec<&str> = self.gone.iter().chain(&self.last).map(String::as_str).collect();
        let said = if said.is_empty() { "no server is known".into() } else { said.join("; ") };
        let help = match self.missing {
            true => "Check the model's name, or choose another model.",
            false => "Check the connection, then try again: what has been downloaded is kept.",
        };
        let error = Error::new(Code::Fetch, format!("{} could not be downloaded: {said}.", self.name), help);
        if self.missing { DownloadError::Missing(error) } else { DownloadError::Failed(error) }
    }
}

/// The host of a URL, for a message.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
