//! The servers of one file: which is asked next, how long to wait before it, and what to say when none is left.

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

/// What a status says of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// Ask again later.
    Again,
    /// Do not ask it again.
    Gone,
}

/// What a status says of the server.
pub fn verdict(status: u16) -> Verdict {
    match status {
        200 | 206 => Verdict::Fine,
        408 | 425 | 429 | 500.. => Verdict::Again,
        _ => Verdict::Gone,
    }
}

/// Every mirror gets its turn before anybody waits; then 1, 2, 4 ... times the first wait.
pub struct Mirrors {
    name: String,
    urls: VecDeque<String>,
    /// Tries in a row that brought nothing new.
    idle: usize,
    /// What each server that was given up said.
    gone: Vec<String>,
    /// What was last said by a server that may be asked again.
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

    /// The URL to ask now; `None` where every server was given up.
    pub fn current(&self) -> Option<&str> {
        self.urls.front().map(String::as_str)
    }

    /// Gives the current server up.
    pub fn gone(&mut self, status: u16, why: &str) {
        self.missing |= matches!(status, 404 | 410);
        if let Some(url) = self.urls.pop_front() {
            self.gone.push(format!("{}: {why}", host(&url)));
        }
    }

    /// The current server failed for now: on to the next one, or waits. `better` where it did bring something.
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
        // Where one server says that there is no such file, the others are not waited for.
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

    /// Why the file cannot be had.
    pub fn failure(&self) -> DownloadError {
        let said: Vec<&str> = self.gone.iter().chain(&self.last).map(String::as_str).collect();
        let said = if said.is_empty() { "no server is known for it".into() } else { said.join("; ") };
        let help = match self.missing {
            true => "Check the model's name, or choose another model.",
            false => "Check the connection, then try again: what has arrived is kept.",
        };
        let error = Error::new(Code::Fetch, format!("{} could not be fetched: {said}.", self.name), help);
        if self.missing { DownloadError::Missing(error) } else { DownloadError::Failed(error) }
    }
}

/// The host of a URL, for a message.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
