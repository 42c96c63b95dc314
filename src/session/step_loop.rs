//! The loop, pumped from outside: one step of the open demo at each call, and how fast it goes.

use super::protocol::{Event, Status};
use super::run::{Next, Session};
use crate::demos::{Stepped, Values};
use crate::error::Result;
use crate::poll::{Poll, Progress};
use serde_json::Value;

/// How soon to look again for data that is on its way, in milliseconds.
const POLL: f64 = 30.0;

impl Session {
    /// One step of the loop.
    pub async fn tick(&mut self) -> Next {
        match self.advance().await {
            Ok(next) => next,
            Err(error) => {
                self.fail(error, true);
                Next::Sleep
            }
        }
    }

    async fn advance(&mut self) -> Result<Next> {
        let now = self.host.now();
        if !matches!(self.status, Status::Running | Status::Loading) {
            return Ok(Next::Sleep);
        }
        if now < self.next_step {
            return Ok(Next::After((self.next_step - now).min(50.0)));
        }
        let remaining = self.remaining;
        let open = self.opened()?;
        let pace = pace(&open.values);
        let mut ended = false;
        let stepped = match remaining {
            Some(0) => open.demo.prepare().await?.map(|()| Stepped::Ended),
            _ => open.demo.step().await?,
        };
        match stepped {
            Poll::Pending(Progress { what, done, total, bytes }) => {
                if self.status != Status::Loading || now >= self.next_view {
                    self.status = Status::Loading;
                    self.next_view = now + 100.0;
                    self.host.emit(Event::Progress { what, done, total, bytes });
                    self.tell();
                }
                return Ok(Next::After(if bytes { POLL } else { 0.0 }));
            }
            Poll::Ready(Stepped::Ended) => {
                self.arrived();
                ended = remaining != Some(0);
                self.remaining = Some(1);
            }
            Poll::Ready(Stepped::Done) => self.arrived(),
        }
        self.next_step = now + pace;
        self.rate.count(self.host.now());
        match self.remaining {
            Some(0 | 1) => (self.remaining, self.status) = (None, Status::Paused),
            Some(left) => self.remaining = Some(left - 1),
            None => {}
        }
        if self.status == Status::Paused || self.host.now() >= self.next_view {
            self.show().await?;
            self.report(ended);
        }
        Ok(if self.status == Status::Paused { Next::Sleep } else { Next::After(0.0) })
    }

    /// What was waited for is here.
    fn arrived(&mut self) {
        if self.status == Status::Loading {
            self.status = Status::Running;
            self.host.emit(Event::Progress { what: String::new(), done: 1.0, total: 1.0, bytes: false });
        }
    }
}

/// Steps a second, over windows of at least half a second.
#[derive(Default)]
pub(super) struct Rate {
    since: f64,
    steps: u32,
    pub(super) value: f32,
}

impl Rate {
    pub(super) fn since(now: f64) -> Self {
        Self { since: now, ..Self::default() }
    }

    /// Counts one step.
    pub(super) fn count(&mut self, now: f64) {
        self.steps += 1;
        let seconds = (now - self.since) / 1000.0;
        if seconds >= 0.5 {
            *self = Rate { since: now, steps: 0, value: (f64::from(self.steps) / seconds) as f32 };
        }
    }
}

/// Milliseconds from one step to the next for a demo with a `speed`.
fn pace(values: &Values) -> f64 {
    match values.get("speed").and_then(Value::as_str) {
        Some("slow") => 500.0,
        Some("medium") => 100.0,
        Some("fast") => 20.0,
        _ => 0.0,
    }
}
