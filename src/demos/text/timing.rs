//! How fast an answer comes.

use std::rc::Rc;

/// How fast the answer comes.
pub struct Timing {
    clock: Rc<dyn Fn() -> f64>,
    asked: f64,
    /// From the question to the first token of the answer.
    pub first_ms: Option<f64>,
    /// Spent on the tokens after the first.
    spent_ms: f64,
    counted: u32,
}

impl Timing {
    pub fn new(clock: Rc<dyn Fn() -> f64>) -> Self {
        Self { asked: clock(), clock, first_ms: None, spent_ms: 0.0, counted: 0 }
    }

    pub fn now(&self) -> f64 {
        (self.clock)()
    }

    /// The question is put: the wait for the first token begins.
    pub fn ask(&mut self) {
        *self = Self::new(self.clock.clone());
    }

    /// A token was written, on which work began at `began`.
    pub fn count(&mut self, began: f64) {
        let now = self.now();
        match self.first_ms {
            None => self.first_ms = Some(now - self.asked),
            Some(_) => {
                self.spent_ms += now - began;
                self.counted += 1;
            }
        }
    }

    pub fn tokens_per_second(&self) -> Option<f64> {
        (self.spent_ms > 0.0).then(|| f64::from(self.counted) / self.spent_ms * 1000.0)
    }
}
