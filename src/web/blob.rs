//! What the browser holds of a file, read at any place; and files that live in memory alone, outside of wasm's.

use super::scope::say;
use crate::error::{self, Error};
use crate::weights::Bytes;
use crate::weights::io::{FileInfo, Kept, PartialFile, Store, StoreFault};
use async_trait::async_trait;
use js_sys::{Array, Uint8Array};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use web_sys::{Blob, FileReaderSync};

type Outcome<T> = Result<T, StoreFault>;

/// A file of the browser, read without a lock: other workers and tabs may read it at the same time.
pub struct BlobBytes {
    blob: Blob,
    reader: FileReaderSync,
}

impl BlobBytes {
    pub fn new(blob: Blob) -> Outcome<Self> {
        Ok(Self { blob, reader: FileReaderSync::new().map_err(failed)? })
    }
}

impl Bytes for BlobBytes {
    fn len(&self) -> u64 {
        self.blob.size() as u64
    }

    fn read(&self, at: u64, out: &mut [u8]) -> error::Result<()> {
        // Each piece is copied once outside of wasm before it arrives: they are kept small.
        const PIECE: usize = 1 << 22;
        let broken = |error: JsValue| Error::bad_file(format!("The file cannot be read: {}.", say(&error)));
        let mut at = at as f64;
        for piece in out.chunks_mut(PIECE) {
            let end = at + piece.len() as f64;
            let slice = self.blob.slice_with_f64_and_f64(at, end).map_err(broken)?;
            let buffer = self.reader.read_as_array_buffer(&slice).map_err(broken)?;
            let bytes = Uint8Array::new(&buffer.into());
            if bytes.length() as usize != piece.len() {
                return Err(Error::bad_file("The file ends too early."));
            }
            bytes.copy_to(piece);
            at = end;
        }
        Ok(())
    }
}

/// Files that are gone when the worker is: for private windows, and where the disk is full.
#[derive(Default)]
pub struct Memory {
    whole: RefCell<BTreeMap<String, (Blob, FileInfo)>>,
    parts: RefCell<BTreeMap<String, Arriving>>,
}

type Arriving = (Rc<RefCell<Growing>>, FileInfo);

/// A blob that grows. Small pieces are gathered first, since every append makes a new blob.
#[derive(Default)]
struct Growing {
    blob: Option<Blob>,
    tail: Vec<u8>,
}

impl Growing {
    fn flush(&mut self) -> Outcome<Blob> {
        const FULL: fn(JsValue) -> StoreFault = |_| StoreFault::Full;
        let pieces = Array::new();
        if let Some(blob) = &self.blob {
            pieces.push(blob);
        }
        if !self.tail.is_empty() {
            pieces.push(&Uint8Array::from(&self.tail[..]));
        }
        let blob = Blob::new_with_blob_sequence(&pieces).map_err(FULL)?;
        self.tail.clear();
        self.blob = Some(blob.clone());
        Ok(blob)
    }

    fn len(&self) -> u64 {
        self.blob.as_ref().map_or(0, |b| b.size() as u64) + self.tail.len() as u64
    }
}

struct MemoryPart(Rc<RefCell<Growing>>);

impl PartialFile for MemoryPart {
    fn len(&self) -> u64 {
        self.0.borrow().len()
    }

    fn read(&self, at: u64, out: &mut [u8]) -> Outcome<()> {
        let bytes = BlobBytes::new(self.0.borrow_mut().flush()?)?;
        bytes.read(at, out).map_err(|e| StoreFault::Failed(e.message))
    }

    fn append(&mut self, bytes: &[u8]) -> Outcome<()> {
        const PIECE: usize = 1 << 20;
        let mut growing = self.0.borrow_mut();
        growing.tail.extend_from_slice(bytes);
        if growing.tail.len() >= PIECE { growing.flush().map(|_| ()) } else { Ok(()) }
    }

    fn clear(&mut self) -> Outcome<()> {
        self.0.take();
        Ok(())
    }
}

#[async_trait(?Send)]
impl Store for Memory {
    async fn list(&self) -> Outcome<Vec<Kept>> {
        let kept = |key: &String, label: &FileInfo, bytes, complete| Kept {
            key: key.clone(),
            label: label.clone(),
            bytes,
            complete,
        };
        let (whole, parts) = (self.whole.borrow(), self.parts.borrow());
        let parts = parts.iter().map(|(key, (growing, label))| kept(key, label, growing.borrow().len(), false));
        let whole = whole.iter().map(|(key, (blob, label))| kept(key, label, blob.size() as u64, true));
        Ok(whole.chain(parts).collect())
    }

    async fn open(&self, sha256: &str) -> Outcome<Rc<dyn Bytes>> {
        let whole = self.whole.borrow();
        let (blob, _) = whole.get(sha256).ok_or_else(|| StoreFault::Failed("the file is gone".into()))?;
        Ok(Rc::new(BlobBytes::new(blob.clone())?))
    }

    async fn part(&self, key: &str) -> Outcome<Box<dyn PartialFile>> {
        let mut parts = self.parts.borrow_mut();
        let (growing, _) = parts.entry(key.into()).or_default();
        // One more holder than this map: another download of this worker writes it.
        if Rc::strong_count(growing) > 1 {
            return Err(StoreFault::Busy);
        }
        Ok(Box::new(MemoryPart(growing.clone())))
    }

    async fn mark(&self, key: &str, label: &FileInfo) -> Outcome<()> {
        self.parts.borrow_mut().entry(key.into()).or_default().1 = label.clone();
        Ok(())
    }

    async fn keep(&self, part: Box<dyn PartialFile>, key: &str, sha256: &str, label: &FileInfo) -> Outcome<()> {
        drop(part);
        let part = self.parts.borrow_mut().remove(key);
        let (growing, _) = part.ok_or_else(|| StoreFault::Failed("the part is gone".into()))?;
        let blob = growing.borrow_mut().flush()?;
        self.whole.borrow_mut().insert(sha256.into(), (blob, label.clone()));
        Ok(())
    }

    async fn discard(&self, key: &str) -> Outcome<()> {
        self.parts.borrow_mut().remove(key);
        Ok(())
    }

    async fn remove(&self, sha256: &str) -> Outcome<()> {
        self.whole.borrow_mut().remove(sha256);
        Ok(())
    }
}

fn failed(error: JsValue) -> StoreFault {
    StoreFault::Failed(say(&error))
}
