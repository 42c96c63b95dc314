//! The tab's way in: a dedicated worker that owns all of Rust. The only room that names the browser's interfaces.

mod blob;
mod fetch;
mod library;
mod lock;
mod opfs;
mod pictures;
mod scope;
mod source;
mod worker;

pub use worker::start;
