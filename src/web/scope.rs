//! The worker's own scope, and calls into it that may fail or be missing.

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::DedicatedWorkerGlobalScope;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    pub fn set_timeout(function: &Function, ms: f64) -> i32;
    #[wasm_bindgen(js_name = clearTimeout)]
    pub fn clear_timeout(id: i32);
}

pub fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Calls a method that this browser may not have, and waits where it gives a promise.
pub async fn call(object: &JsValue, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    let function: Function = Reflect::get(object, &method.into())?.dyn_into()?;
    let answer = Reflect::apply(&function, object, &arguments.iter().collect::<Array>())?;
    match answer.dyn_into::<Promise>() {
        Ok(promise) => JsFuture::from(promise).await,
        Err(value) => Ok(value),
    }
}

/// What a part of the browser answers that may never answer; an error after `ms` milliseconds.
pub async fn within(
    ms: f64,
    answer: impl Future<Output = Result<JsValue, JsValue>> + 'static,
) -> Result<JsValue, JsValue> {
    let late = Promise::new(&mut |_, reject| {
        set_timeout(&reject, ms);
    });
    JsFuture::from(Promise::race(&Array::of2(&future_to_promise(answer), &late))).await
}

/// `navigator.storage`; undefined where the page is not served safely.
pub fn storage() -> Result<JsValue, JsValue> {
    navigator("storage")
}

/// `navigator.locks`; undefined where the page is not served safely.
pub fn locks() -> Result<JsValue, JsValue> {
    navigator("locks")
}

fn navigator(part: &str) -> Result<JsValue, JsValue> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into())?;
    Reflect::get(&navigator, &part.into())
}

/// What an exception says.
pub fn say(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{error:?}"), |e| String::from(e.message()))
}
