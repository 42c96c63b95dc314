//! The protocol and the loop: commands in, events out. The tab and the terminal drive the same session.

mod host;
pub mod link;
pub mod protocol;
mod run;
mod step_loop;
mod tell;

pub use host::Host;
pub use run::{Next, Session};
