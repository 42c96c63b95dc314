//! Where a session runs: a tab, a terminal, a test.

use super::protocol::Event;
use crate::data::Source;
use crate::weights::Library;
use std::rc::Rc;

/// What the session needs from where it runs.
pub trait Host {
    fn emit(&self, event: Event);
    /// Milliseconds from some beginning.
    fn now(&self) -> f64;
    /// Files of the page.
    fn source(&self) -> Rc<dyn Source>;
    /// Pretrained models.
    fn library(&self) -> Rc<dyn Library>;
    /// Bytes of wasm memory; 0 elsewhere.
    fn memory(&self) -> f64;
    /// Least milliseconds between two views; infinite where nobody watches.
    fn view_interval(&self) -> f64;
}
