//! How fast a run goes, and how fast it is asked to go.

use crate::demos::Values;
use serde_json::Value;

/// Steps a second, over windows of at least half a second.
#[derive(Default)]
pub struct Rate {
    since: f64,
    steps: u32,
    pub value: f32,
}

impl Rate {
    pub fn since(now: f64) -> Self {
        Self { since: now, ..Self::default() }
    }

    /// Counts one step.
    pub fn count(&mut self, now: f64) {
        self.steps += 1;
        let seconds = (now - self.since) / 1000.0;
        if seconds >= 0.5 {
            *self = Rate { since: now, steps: 0, value: (f64::from(self.steps) / seconds) as f32 };
        }
    }
}

/// Milliseconds from one step to the next for a demo with a `speed`.
pub fn pace(values: &Values) -> f64 {
    match values.get("speed").and_then(Value::as_str) {
        Some("slow") => 500.0,
        Some("medium") => 100.0,
        Some("fast") => 20.0,
        _ => 0.0,
    }
}
