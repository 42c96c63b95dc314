//! Files of the page over `fetch`, kept once they have arrived.

use super::fetch::Browser;
use crate::data::Source;
use crate::error::{Code, Error, Result};
use crate::poll::{Poll, Progress};
use crate::weights::io::NetFault;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;

enum File {
    Coming { done: f64, total: f64 },
    Here(Vec<u8>),
    Failed(Error),
}

/// Milliseconds without a byte until it is given up.
const PATIENCE: f64 = 30_000.0;

/// Paths are relative to the worker's own address, which lies beside the page.
#[derive(Clone, Default)]
pub struct Network(Rc<RefCell<HashMap<String, File>>>);

impl Source for Network {
    fn poll(&self, path: &str) -> Result<Poll<Vec<u8>>> {
        let mut files = self.0.borrow_mut();
        match files.get(path) {
            Some(File::Here(bytes)) => return Ok(Poll::Ready(bytes.clone())),
            Some(File::Coming { done, total }) => return Ok(Progress::download(path, *done, *total).into()),
            Some(File::Failed(error)) => {
                let error = error.clone();
                files.remove(path);
                return Err(error);
            }
            None => {}
        }
        files.insert(path.into(), File::Coming { done: 0.0, total: 0.0 });
        let (network, path) = (self.clone(), path.to_string());
        let begun = Progress::download(path.clone(), 0.0, 0.0);
        spawn_local(async move {
            let progress = |done, total| {
                network.0.borrow_mut().insert(path.clone(), File::Coming { done, total });
            };
            let file = fetch(&path, &progress).await.map_or_else(File::Failed, File::Here);
            network.0.borrow_mut().insert(path, file);
        });
        Ok(begun.into())
    }
}

/// A whole file of the page.
///
/// # Errors
/// `Fetch`.
pub async fn fetch(path: &str, progress: &dyn Fn(f64, f64)) -> Result<Vec<u8>> {
    let failed = |why: String| {
        Error::new(
            Code::Fetch,
            format!("{path} could not be downloaded: {why}."),
            "Check the connection, then press Run to try again.",
        )
    };
    let fault = |fault: NetFault| match fault {
        NetFault::Lost(why) => failed(why),
        NetFault::Stalled | NetFault::Cancelled => failed("the server stopped responding".into()),
    };
    let mut answer = Browser::default().own(path, PATIENCE).await.map_err(fault)?;
    if answer.status != 200 {
        return Err(failed(format!("the server answered {}", answer.status)));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.body.next(PATIENCE).await.map_err(fault)? {
        bytes.extend_from_slice(&chunk);
        progress(bytes.len() as f64, answer.total.unwrap_or(0) as f64);
    }
    Ok(bytes)
}
