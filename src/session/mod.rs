//! The protocol and the loop: commands in, events out. The tab and the terminal drive the same session.

mod host;
mod library;
pub mod link;
mod pace;
pub mod protocol;
mod results;
mod run;
mod tell;

pub use host::Host;
pub use run::{Next, Session};
