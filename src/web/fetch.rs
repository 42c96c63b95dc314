//! Files over `fetch`, chunk by chunk; and dropped files in the same form.

use super::scope::{clear_timeout, say, scope, set_timeout};
use crate::weights::io::{self, Body, Net, NetFault};
use async_trait::async_trait;
use js_sys::{Array, ArrayBuffer, Function, Promise, Reflect, Uint8Array};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Blob, Headers, ReadableStreamDefaultReader, ReferrerPolicy, RequestCache, RequestCredentials,
    RequestInit, Response,
};

/// Ends a download at whatever it waits for.
#[derive(Default)]
pub struct Cancel {
    cancelled: Cell<bool>,
    /// Ends the wait that is going on; a download waits for one thing at a time.
    wake: RefCell<Option<Function>>,
}

impl Cancel {
    pub fn cancel(&self) {
        self.cancelled.set(true);
        if let Some(wake) = self.wake.take() {
            let _ = wake.call0(&JsValue::NULL);
        }
    }

    /// Waits for `promise`, which never gives undefined, for at most `ms`.
    async fn within(&self, ms: f64, promise: Option<Promise>) -> Result<JsValue, NetFault> {
        if self.cancelled.get() {
            return Err(NetFault::Cancelled);
        }
        let mut timer = 0;
        let patience = Promise::new(&mut |resolve, _| {
            timer = set_timeout(&resolve, ms);
            *self.wake.borrow_mut() = Some(resolve);
        });
        let waited = match promise {
            Some(promise) => JsFuture::from(Promise::race(&Array::of2(&promise, &patience))).await,
            None => JsFuture::from(patience).await,
        };
        clear_timeout(timer);
        *self.wake.borrow_mut() = None;
        match waited {
            _ if self.cancelled.get() => Err(NetFault::Cancelled),
            Ok(value) if value.is_undefined() => Err(NetFault::Stalled),
            Ok(value) => Ok(value),
            Err(error) => Err(NetFault::Lost(format!("the connection failed ({})", say(&error)))),
        }
    }
}

/// The network of one download.
#[derive(Default)]
pub struct Browser {
    pub cancel: Rc<Cancel>,
}

impl Browser {
    /// Asks for a file of the page itself.
    pub async fn own(&self, path: &str, patience: f64) -> Result<io::Response, NetFault> {
        self.ask(path, 0, &RequestInit::new(), patience).await
    }

    async fn ask(&self, url: &str, from: u64, init: &RequestInit, patience: f64) -> Result<io::Response, NetFault> {
        let request = Request(AbortController::new().map_err(lost)?);
        init.set_signal(Some(&request.0.signal()));
        let response = self.cancel.within(patience, Some(scope().fetch_with_str_and_init(url, init))).await?;
        let response: Response = response.dyn_into().map_err(lost)?;
        let header = |name: &str| response.headers().get(name).ok().flatten();
        // `bytes 100-199/1000`, or `bytes */1000` where the range lies beyond the end.
        let range = header("content-range");
        let range = range.as_deref().and_then(|r| r.strip_prefix("bytes ")?.split_once('/'));
        let start: Option<u64> = range.and_then(|(span, _)| span.split('-').next()?.parse().ok());
        let told = range.and_then(|(_, total)| total.parse().ok());
        // What is packed for the way has another length than the file.
        let length = header("content-length").filter(|_| header("content-encoding").is_none());
        let length: Option<u64> = length.and_then(|l| l.parse().ok());
        let total = match response.status() {
            200 => length,
            // A server of another origin may keep its Content-Range to itself.
            206 => told.or(length.map(|l| l + from)),
            _ => told,
        };
        let reader = response.body().and_then(|body| body.get_reader().dyn_into().ok());
        Ok(io::Response {
            status: response.status(),
            start,
            total,
            validator: header("etag").or_else(|| header("last-modified")),
            body: Box::new(Stream { reader, cancel: self.cancel.clone(), _request: request }),
        })
    }
}

#[async_trait(?Send)]
impl Net for Browser {
    /// Nothing that tells who asks goes along, and the browser's own cache is left out: the file is kept elsewhere.
    async fn get(&self, url: &str, from: u64, patience: f64) -> Result<io::Response, NetFault> {
        let headers = Headers::new().map_err(lost)?;
        headers.set("range", &format!("bytes={from}-")).map_err(lost)?;
        let init = RequestInit::new();
        init.set_headers_headers(&headers);
        init.set_credentials(RequestCredentials::Omit);
        init.set_referrer_policy(ReferrerPolicy::NoReferrer);
        init.set_cache(RequestCache::NoStore);
        self.ask(url, from, &init, patience).await
    }

    async fn wait(&self, ms: f64) -> Result<(), NetFault> {
        match self.cancel.within(ms, None).await {
            Err(NetFault::Stalled) => Ok(()),
            other => other.map(|_| ()),
        }
    }
}

/// A request, ended when nobody reads it any longer.
struct Request(AbortController);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Stream {
    reader: Option<ReadableStreamDefaultReader>,
    cancel: Rc<Cancel>,
    _request: Request,
}

#[async_trait(?Send)]
impl Body for Stream {
    async fn next(&mut self, patience: f64) -> Result<Option<Vec<u8>>, NetFault> {
        let Some(reader) = &self.reader else { return Ok(None) };
        let chunk = self.cancel.within(patience, Some(reader.read())).await?;
        if Reflect::get(&chunk, &"done".into()).map_err(lost)?.is_truthy() {
            return Ok(None);
        }
        let bytes: Uint8Array = Reflect::get(&chunk, &"value".into()).map_err(lost)?.dyn_into().map_err(lost)?;
        Ok(Some(bytes.to_vec()))
    }
}

/// A dropped file as if it came from a server.
pub struct Dropped {
    pub file: Blob,
    pub browser: Browser,
}

#[async_trait(?Send)]
impl Net for Dropped {
    async fn get(&self, _url: &str, from: u64, _patience: f64) -> Result<io::Response, NetFault> {
        let body = Box::new(Pieces { file: self.file.clone(), at: from as f64, cancel: self.browser.cancel.clone() });
        Ok(io::Response { status: 206, start: Some(from), total: Some(self.file.size() as u64), validator: None, body })
    }

    async fn wait(&self, ms: f64) -> Result<(), NetFault> {
        self.browser.wait(ms).await
    }
}

struct Pieces {
    file: Blob,
    at: f64,
    cancel: Rc<Cancel>,
}

#[async_trait(?Send)]
impl Body for Pieces {
    async fn next(&mut self, patience: f64) -> Result<Option<Vec<u8>>, NetFault> {
        const PIECE: f64 = 4_194_304.0;
        let end = (self.at + PIECE).min(self.file.size());
        if end <= self.at {
            return Ok(None);
        }
        let piece = self.file.slice_with_f64_and_f64(self.at, end).map_err(lost)?;
        let buffer: ArrayBuffer =
            self.cancel.within(patience, Some(piece.array_buffer())).await?.dyn_into().map_err(lost)?;
        self.at = end;
        Ok(Some(Uint8Array::new(&buffer).to_vec()))
    }
}

fn lost(error: impl Into<JsValue>) -> NetFault {
    NetFault::Lost(say(&error.into()))
}
