//! A lock that one worker of the origin holds at a time (Web Locks). It ends with its worker, however that ends.

use super::scope::locks;
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Held until it is dropped.
pub struct Lock {
    /// Ends the promise that the browser holds the lock for.
    release: Function,
    /// Ends when others can have the lock: a little after it is dropped.
    pub ended: Promise,
}

impl Lock {
    /// The lock of this name; `None` while another worker holds it.
    ///
    /// # Errors
    /// Where the browser has no locks, as on pages that are not served safely.
    pub async fn of(name: &str) -> Result<Option<Self>, JsValue> {
        let (tell, told) = promise();
        let granted = Closure::once_into_js(move |lock: JsValue| {
            if lock.is_null() {
                let _ = tell.call0(&JsValue::NULL);
                return JsValue::UNDEFINED;
            }
            let (release, released) = promise();
            let _ = tell.call1(&JsValue::NULL, &release);
            released.into()
        });
        let options = Object::new();
        Reflect::set(&options, &"ifAvailable".into(), &true.into())?;
        let locks = locks()?;
        let request: Function = Reflect::get(&locks, &"request".into())?.dyn_into()?;
        // This promise ends with the lock; only a refusal comes before the callback.
        let ended: Promise =
            Reflect::apply(&request, &locks, &Array::of3(&name.into(), &options, &granted))?.dyn_into()?;
        let answer = JsFuture::from(Promise::race(&Array::of2(&told, &ended))).await?;
        Ok(answer.dyn_into().ok().map(|release| Self { release, ended }))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.release.call0(&JsValue::NULL);
    }
}

/// A function and the promise that it ends.
fn promise() -> (Function, Promise) {
    let mut end: Function = JsValue::UNDEFINED.unchecked_into();
    // The closure is called before `new` returns.
    let promise = Promise::new(&mut |resolve, _| end = resolve);
    (end, promise)
}
