//! Model files in the origin's private file system: `models/{sha256}` for a whole file, `models/{key}.part` for one on its
//! way, and `.json` beside either for its label. A label is written before its file gets its final name, so that a file
//! that has one, of the size that it tells, is whole, however the tab ended.

use super::blob::BlobBytes;
use super::lock::Lock;
use super::scope::{call, say, storage, within};
use crate::weights::Bytes;
use crate::weights::io::{FileInfo, Kept, PartialFile, Store, StoreFault};
use crate::weights::manifest::is_sha256;
use async_trait::async_trait;
use js_sys::{Object, Promise, Reflect};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, FileSystemReadWriteOptions, FileSystemSyncAccessHandle};

type Outcome<T> = Result<T, StoreFault>;

/// Bytes that are copied in one go where a browser cannot rename.
const PIECE: u64 = 1 << 22;
/// Written and deleted, to see whether that works.
const TRIAL: &str = "trial";
/// Storage that has not answered by then never will, in milliseconds.
const PATIENCE: f64 = 5_000.0;

/// The folder `models`, and the locks of the parts that are or were written, by their keys, with the promises that they end.
pub struct Opfs {
    folder: JsValue,
    locks: RefCell<HashMap<String, (Weak<Lock>, Promise)>>,
}

impl Opfs {
    /// # Errors
    /// Where the browser has none, in some private windows and on pages that are not served safely, or where it does not answer.
    pub async fn open() -> Result<Self, JsValue> {
        within(PATIENCE, Self::folder()).await.map(Self::of)
    }

    fn of(folder: JsValue) -> Self {
        Self { folder, locks: RefCell::default() }
    }

    async fn folder() -> Result<JsValue, JsValue> {
        let root = call(&storage()?, "getDirectory", &[]).await?;
        let folder = Self::of(call(&root, "getDirectoryHandle", &["models".into(), create()]).await?);
        // Some browsers have the folder but let no worker write into it.
        match folder.write(TRIAL).await {
            Ok(handle) => handle.close(),
            Err(StoreFault::Busy) => {}
            Err(fault) => return Err(format!("{fault:?}").into()),
        }
        // Where another tab tries at the same moment, it deletes it.
        let _ = folder.delete(TRIAL).await;
        Ok(folder.folder)
    }

    /// The handle of a file; `None` where there is none.
    async fn handle(&self, name: &str) -> Outcome<Option<JsValue>> {
        match call(&self.folder, "getFileHandle", &[name.into()]).await {
            Ok(handle) => Ok(Some(handle)),
            Err(error) if named(&error, "NotFoundError") => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }

    async fn file(&self, name: &str) -> Outcome<Option<File>> {
        let Some(handle) = self.handle(name).await? else { return Ok(None) };
        Ok(call(&handle, "getFile", &[]).await.map_err(fault)?.dyn_into().ok())
    }

    /// Opens a file to write, and makes it where it is missing. Nobody else can meanwhile.
    async fn write(&self, name: &str) -> Outcome<FileSystemSyncAccessHandle> {
        let handle = call(&self.folder, "getFileHandle", &[name.into(), create()]).await.map_err(fault)?;
        call(&handle, "createSyncAccessHandle", &[]).await.map_err(fault)?.dyn_into().map_err(fault)
    }

    async fn delete(&self, name: &str) -> Outcome<()> {
        match call(&self.folder, "removeEntry", &[name.into()]).await {
            Err(error) if !named(&error, "NotFoundError") => Err(fault(error)),
            _ => Ok(()),
        }
    }

    async fn label(&self, name: &str) -> Option<FileInfo> {
        let file = self.file(&format!("{name}.json")).await.ok()??;
        let text = call(&file, "text", &[]).await.ok()?.as_string()?;
        serde_json::from_str(&text).ok()
    }

    async fn write_label(&self, name: &str, label: &FileInfo) -> Outcome<()> {
        let text = serde_json::to_string(label).map_err(|e| StoreFault::Failed(e.to_string()))?;
        let mut part = OpfsPart::open(self.write(&format!("{name}.json")).await?, None)?;
        part.clear()?;
        part.append(text.as_bytes())
    }

    /// Gives a part its final name; `false` where it is gone.
    async fn rename(&self, from: &str, to: &str) -> Outcome<bool> {
        let Some(handle) = self.handle(from).await? else { return Ok(false) };
        let moved = call(&handle, "move", &[to.into()]).await;
        // An exception of the call itself, not of the file system: there is no such method.
        if moved.as_ref().is_err_and(|error| !named(error, "")) {
            if let Err(fault) = self.copy(from, to).await {
                self.delete(to).await?;
                return Err(fault);
            }
            self.delete(from).await?;
            return Ok(true);
        }
        moved.map(|_| true).map_err(fault)
    }

    async fn copy(&self, from: &str, to: &str) -> Outcome<()> {
        let source = OpfsPart::open(self.write(from).await?, None)?;
        let mut target = OpfsPart::open(self.write(to).await?, None)?;
        target.clear()?;
        let mut at = 0;
        while at < source.len() {
            let mut piece = vec![0; PIECE.min(source.len() - at) as usize];
            source.read(at, &mut piece)?;
            target.append(&piece)?;
            at += piece.len() as u64;
        }
        Ok(())
    }
}

#[async_trait(?Send)]
impl Store for Opfs {
    async fn list(&self) -> Outcome<Vec<Kept>> {
        let names = call(&self.folder, "keys", &[]).await.map_err(fault)?;
        let mut kept = Vec::new();
        loop {
            let next = call(&names, "next", &[]).await.map_err(fault)?;
            let get = |key: &str| Reflect::get(&next, &key.into()).map_err(fault);
            if get("done")?.is_truthy() {
                return Ok(kept);
            }
            let name = get("value")?.as_string().unwrap_or_default();
            let key = name.strip_suffix(".part").unwrap_or(&name);
            let complete = key == name;
            if !is_sha256(key) {
                continue;
            }
            let Ok(Some(file)) = self.file(&name).await else { continue };
            let (label, bytes) = (self.label(&name).await, file.size() as u64);
            if !complete || label.as_ref().is_some_and(|l| l.bytes == Some(bytes)) {
                kept.push(Kept { key: key.into(), label: label.unwrap_or_default(), bytes, complete });
            }
        }
    }

    async fn open(&self, sha256: &str) -> Outcome<Rc<dyn Bytes>> {
        let file = self.file(sha256).await?.ok_or_else(|| StoreFault::Failed("the file is gone".into()))?;
        Ok(Rc::new(BlobBytes::new(file.into())?))
    }

    async fn part(&self, key: &str) -> Outcome<Box<dyn PartialFile>> {
        // A lock that this worker held is free only when its promise has ended.
        let last =
            self.locks.borrow().get(key).filter(|(lock, _)| lock.strong_count() == 0).map(|(_, ended)| ended.clone());
        if let Some(ended) = last {
            JsFuture::from(ended).await.map_err(fault)?;
        }
        let lock = Lock::of(&format!("kiln-model-{key}")).await.map_err(fault)?.ok_or(StoreFault::Busy)?;
        let lock = Rc::new(lock);
        self.locks.borrow_mut().insert(key.into(), (Rc::downgrade(&lock), lock.ended.clone()));
        Ok(Box::new(OpfsPart::open(self.write(&format!("{key}.part")).await?, Some(lock))?))
    }

    async fn mark(&self, key: &str, label: &FileInfo) -> Outcome<()> {
        self.write_label(&format!("{key}.part"), label).await
    }

    async fn keep(&self, part: Box<dyn PartialFile>, key: &str, sha256: &str, label: &FileInfo) -> Outcome<()> {
        let (bytes, part_name) = (part.len(), format!("{key}.part"));
        // What is open cannot be renamed. A tab that waits for this part gets it when all is done, and not in between.
        let _lock = self.locks.borrow().get(key).and_then(|(lock, _)| lock.upgrade());
        drop(part);
        self.write_label(sha256, &FileInfo { bytes: Some(bytes), ..label.clone() }).await?;
        match self.file(sha256).await? {
            Some(same) if same.size() as u64 == bytes => return self.discard(key).await,
            Some(_) => self.delete(sha256).await?,
            None => {}
        }
        if !self.rename(&part_name, sha256).await? {
            return Err(StoreFault::Failed("the file was deleted in another tab".into()));
        }
        self.delete(&format!("{part_name}.json")).await
    }

    async fn discard(&self, key: &str) -> Outcome<()> {
        self.delete(&format!("{key}.part")).await?;
        self.delete(&format!("{key}.part.json")).await
    }

    async fn remove(&self, sha256: &str) -> Outcome<()> {
        self.delete(sha256).await?;
        self.delete(&format!("{sha256}.json")).await
    }
}

/// An open file, its length, and the lock that it holds where other tabs may want it.
struct OpfsPart(
    FileSystemSyncAccessHandle,
    u64,
    #[expect(dead_code, reason = "held until it is dropped")] Option<Rc<Lock>>,
);

impl OpfsPart {
    fn open(handle: FileSystemSyncAccessHandle, lock: Option<Rc<Lock>>) -> Outcome<Self> {
        let mut part = Self(handle, 0, lock);
        part.1 = part.0.get_size().map_err(fault)? as u64;
        Ok(part)
    }
}

impl PartialFile for OpfsPart {
    fn len(&self) -> u64 {
        self.1
    }

    fn read(&self, at: u64, out: &mut [u8]) -> Outcome<()> {
        let options = FileSystemReadWriteOptions::new();
        options.set_at(at as f64);
        match self.0.read_with_u8_array_and_options(out, &options).map_err(fault)? {
            n if n as usize == out.len() => Ok(()),
            _ => Err(StoreFault::Failed("the file is shorter than it was".into())),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Outcome<()> {
        let options = FileSystemReadWriteOptions::new();
        options.set_at(self.1 as f64);
        let written = self.0.write_with_u8_array_and_options(bytes, &options).map_err(fault)?;
        // Fewer bytes than there were: no room for the rest, which is not counted.
        if (written as usize) < bytes.len() {
            let _ = self.0.truncate_with_f64(self.1 as f64);
            return Err(StoreFault::Full);
        }
        self.1 += bytes.len() as u64;
        Ok(())
    }

    fn clear(&mut self) -> Outcome<()> {
        self.0.truncate_with_f64(0.0).map_err(fault)?;
        self.1 = 0;
        Ok(())
    }
}

impl Drop for OpfsPart {
    fn drop(&mut self) {
        let _ = self.0.flush();
        self.0.close();
    }
}

fn create() -> JsValue {
    let options = Object::new();
    let _ = Reflect::set(&options, &"create".into(), &true.into());
    options.into()
}

/// Whether an exception of the browser has this name; any name for an empty one.
fn named(error: &JsValue, name: &str) -> bool {
    error.dyn_ref::<web_sys::DomException>().is_some_and(|e| name.is_empty() || e.name() == name)
}

fn fault(error: JsValue) -> StoreFault {
    match () {
        () if named(&error, "NoModificationAllowedError") => StoreFault::Busy,
        () if named(&error, "QuotaExceededError") => StoreFault::Full,
        () => StoreFault::Failed(say(&error)),
    }
}
