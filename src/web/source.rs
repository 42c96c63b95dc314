//! Files of the page over `fetch`, kept once they have arrived.

use crate::data::Source;
use crate::error::{Code, Error, Result};
use js_sys::{Reflect, Uint8Array};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DedicatedWorkerGlobalScope, ReadableStreamDefaultReader, Response};

enum File {
    Coming { done: f64, total: f64 },
    Here(Vec<u8>),
    Failed(Error),
}

/// Paths are relative to the worker's own address, which lies beside the page.
#[derive(Clone, Default)]
pub struct Network(Rc<RefCell<HashMap<String, File>>>);

impl Source for Network {
    fn poll(&self, path: &str) -> Option<Result<Vec<u8>>> {
        let mut files = self.0.borrow_mut();
        match files.get(path) {
            Some(File::Here(bytes)) => return Some(Ok(bytes.clone())),
            Some(File::Coming { .. }) => return None,
            Some(File::Failed(error)) => {
                let error = error.clone();
                files.remove(path);
                return Some(Err(error));
            }
            None => {}
        }
        files.insert(path.into(), File::Coming { done: 0.0, total: 0.0 });
        let (network, path) = (self.clone(), path.to_string());
        spawn_local(async move {
            let file = match network.fetch(&path).await {
                Ok(bytes) => File::Here(bytes),
                Err(why) => File::Failed(Error::new(
                    Code::Fetch,
                    format!("{path} could not be fetched: {why}."),
                    "Check the connection, then press Run to try again.",
                )),
            };
            network.0.borrow_mut().insert(path, file);
        });
        None
    }

    fn progress(&self, path: &str) -> (f64, f64) {
        match self.0.borrow().get(path) {
            Some(File::Coming { done, total }) => (*done, *total),
            _ => (0.0, 0.0),
        }
    }
}

impl Network {
    async fn fetch(&self, path: &str) -> std::result::Result<Vec<u8>, String> {
        let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
        let response = JsFuture::from(scope.fetch_with_str(path)).await.map_err(say)?;
        let response: Response = response.dyn_into().map_err(say)?;
        if !response.ok() {
            return Err(format!("the server answered {}", response.status()));
        }
        let length = response.headers().get("content-length").ok().flatten();
        let total: f64 = length.and_then(|l| l.parse().ok()).unwrap_or(0.0);
        let body = response.body().ok_or("the answer is empty")?;
        let reader: ReadableStreamDefaultReader =
            body.get_reader().dyn_into().map_err(|_| "the answer cannot be read")?;
        let mut bytes = Vec::new();
        loop {
            let chunk = JsFuture::from(reader.read()).await.map_err(say)?;
            if Reflect::get(&chunk, &"done".into()).map_err(say)?.is_truthy() {
                return Ok(bytes);
            }
            let value: Uint8Array = Reflect::get(&chunk, &"value".into()).map_err(say)?.dyn_into().map_err(say)?;
            let start = bytes.len();
            bytes.resize(start + value.length() as usize, 0);
            value.copy_to(&mut bytes[start..]);
            self.0.borrow_mut().insert(path.into(), File::Coming { done: bytes.len() as f64, total });
        }
    }
}

fn say(error: JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{error:?}"), |e| String::from(e.message()))
}
