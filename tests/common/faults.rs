//! A web and a store that fail as they are told.

use async_trait::async_trait;
use kiln::weights::io::{Body, FileInfo, HttpResponse, Kept, Net, NetFault, PartialFile, Store, StoreFault};
use kiln::weights::manifest::hex;
use kiln::weights::{Bytes, manifest};
use sha2::{Digest, Sha256};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

/// How one request is answered.
#[derive(Debug, Clone, Copy)]
pub enum Serve {
    /// The body ends after so many bytes, as if it were whole.
    Cut(usize),
    /// The body falls silent after so many bytes.
    Stall(usize),
    /// The body never goes on, and the page is closed meanwhile.
    Hang(usize),
    /// No head comes.
    Silent,
    Refuse,
    Status(u16),
    WithoutRanges,
}

#[derive(Default)]
struct Site {
    bytes: Vec<u8>,
    validator: Option<String>,
    script: VecDeque<Serve>,
}

/// Bytes in one chunk.
const CHUNK: usize = 1_000;

/// Servers by URL; what is not there is 404.
#[derive(Default)]
pub struct Web {
    sites: RefCell<HashMap<String, Site>>,
    /// Every request: URL and first byte.
    pub asked: RefCell<Vec<(String, u64)>>,
    pub waits: RefCell<Vec<f64>>,
    pub patience: RefCell<Vec<f64>>,
    /// The person cancels after so many chunks.
    pub cancel_after: Rc<Cell<Option<usize>>>,
}

impl Web {
    pub fn serve(&self, url: &str, bytes: &[u8], script: impl IntoIterator<Item = Serve>) {
        let validator = Some(hex(&Sha256::digest(bytes)));
        let site = Site { bytes: bytes.to_vec(), validator, script: script.into_iter().collect() };
        self.sites.borrow_mut().insert(url.into(), site);
    }

    pub fn forget_validator(&self, url: &str) {
        self.sites.borrow_mut().get_mut(url).expect("a site").validator = None;
    }
}

struct Stream {
    bytes: VecDeque<Vec<u8>>,
    end: End,
    cancel_after: Rc<Cell<Option<usize>>>,
}

enum End {
    Clean,
    Stall,
    Hang,
}

#[async_trait(?Send)]
impl Body for Stream {
    async fn next(&mut self, _patience: f64) -> Result<Option<Vec<u8>>, NetFault> {
        match self.cancel_after.get() {
            Some(0) => return Err(NetFault::Cancelled),
            Some(n) => self.cancel_after.set(Some(n - 1)),
            None => {}
        }
        match (self.bytes.pop_front(), &self.end) {
            (Some(chunk), _) => Ok(Some(chunk)),
            (None, End::Clean) => Ok(None),
            (None, End::Stall) => Err(NetFault::Stalled),
            (None, End::Hang) => std::future::pending().await,
        }
    }
}

#[async_trait(?Send)]
impl Net for Web {
    async fn get(&self, url: &str, from: u64, patience: f64) -> Result<HttpResponse, NetFault> {
        self.asked.borrow_mut().push((url.into(), from));
        self.patience.borrow_mut().push(patience);
        let mut sites = self.sites.borrow_mut();
        let mut missing = Site { script: [Serve::Status(404)].into(), ..Site::default() };
        let site = sites.get_mut(url).unwrap_or(&mut missing);
        let serve = site.script.pop_front();
        let total = site.bytes.len() as u64;
        let ranged = !matches!(serve, Some(Serve::WithoutRanges));
        let start = if ranged { from } else { 0 };
        let (take, end) = match serve {
            Some(Serve::Cut(n)) => (n, End::Clean),
            Some(Serve::Stall(n)) => (n, End::Stall),
            Some(Serve::Hang(n)) => (n, End::Hang),
            Some(Serve::Silent) => return Err(NetFault::Stalled),
            Some(Serve::Refuse) => return Err(NetFault::Lost("it refused".into())),
            _ => (usize::MAX, End::Clean),
        };
        let status = match serve {
            Some(Serve::Status(status)) => status,
            _ if ranged && from >= total => 416,
            _ if ranged => 206,
            _ => 200,
        };
        let rest = site.bytes.get(start as usize..).unwrap_or_default();
        let bytes = rest[..take.min(rest.len())].chunks(CHUNK).map(<[u8]>::to_vec).collect();
        let body = Box::new(Stream { bytes, end, cancel_after: self.cancel_after.clone() });
        let (start, total, validator) = (Some(start), Some(total), site.validator.clone());
        Ok(HttpResponse { status, start, total, validator, body })
    }

    async fn wait(&self, ms: f64) -> Result<(), NetFault> {
        if ms > 0.0 {
            self.waits.borrow_mut().push(ms);
        }
        Ok(())
    }
}

/// By key, and whether they are whole: a part and a whole file are two.
type Files = Rc<RefCell<BTreeMap<(String, bool), File>>>;

#[derive(Default, Clone)]
struct File {
    bytes: Vec<u8>,
    label: FileInfo,
    locked: bool,
}

/// A store in memory, with so much room, and busy for so many askers.
pub struct Memory {
    files: Files,
    pub capacity: Cell<u64>,
    pub busy: Cell<u32>,
    elsewhere: RefCell<Option<Vec<u8>>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { files: Rc::default(), capacity: u64::MAX.into(), busy: Cell::default(), elsewhere: RefCell::default() }
    }
}

impl Memory {
    /// What an earlier visit left of a file.
    pub fn leave(&self, key: &str, bytes: &[u8]) {
        self.files.borrow_mut().insert((key.into(), false), File { bytes: bytes.to_vec(), ..File::default() });
    }

    /// Another tab finishes the file before it is no longer busy.
    pub fn finished_elsewhere(&self, bytes: &[u8]) {
        *self.elsewhere.borrow_mut() = Some(bytes.to_vec());
    }

    pub fn all(&self) -> Vec<String> {
        self.files.borrow().keys().map(|(key, _)| key.clone()).collect()
    }

    pub fn whole(&self) -> Vec<String> {
        self.files.borrow().keys().filter(|(_, whole)| *whole).map(|(key, _)| key.clone()).collect()
    }

    /// Whole files have the hash that they are named after, and nothing is locked.
    pub fn assert_sound(&self) {
        for ((key, whole), file) in self.files.borrow().iter() {
            assert!(manifest::is_sha256(key));
            assert!(!file.locked, "{key} was not let go");
            assert!(!whole || hex(&Sha256::digest(&file.bytes)) == *key, "{key} is kept and wrong");
        }
    }
}

struct Open {
    files: Files,
    key: (String, bool),
    room: u64,
}

impl PartialFile for Open {
    fn len(&self) -> u64 {
        self.files.borrow()[&self.key].bytes.len() as u64
    }

    fn read(&self, at: u64, out: &mut [u8]) -> Result<(), StoreFault> {
        let at = at as usize;
        out.copy_from_slice(&self.files.borrow()[&self.key].bytes[at..at + out.len()]);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreFault> {
        if self.len() + bytes.len() as u64 > self.room {
            return Err(StoreFault::Full);
        }
        self.files.borrow_mut().entry(self.key.clone()).or_default().bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn clear(&mut self) -> Result<(), StoreFault> {
        self.files.borrow_mut().entry(self.key.clone()).or_default().bytes.clear();
        Ok(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(file) = self.files.borrow_mut().get_mut(&self.key) {
            file.locked = false;
        }
    }
}

#[async_trait(?Send)]
impl Store for Memory {
    async fn list(&self) -> Result<Vec<Kept>, StoreFault> {
        let files = self.files.borrow();
        let kept = |((key, whole), f): (&(String, bool), &File)| Kept {
            key: key.clone(),
            label: f.label.clone(),
            bytes: f.bytes.len() as u64,
            complete: *whole,
        };
        Ok(files.iter().map(kept).collect())
    }

    async fn open(&self, sha256: &str) -> Result<Rc<dyn Bytes>, StoreFault> {
        let files = self.files.borrow();
        let file = files.get(&(sha256.into(), true)).ok_or(StoreFault::Failed("it is not here".into()))?;
        Ok(Rc::new(file.bytes.clone()))
    }

    async fn part(&self, key: &str) -> Result<Box<dyn PartialFile>, StoreFault> {
        if self.busy.get() > 0 {
            self.busy.set(self.busy.get() - 1);
            return Err(StoreFault::Busy);
        }
        if let Some(bytes) = self.elsewhere.borrow_mut().take() {
            let sha256 = hex(&Sha256::digest(&bytes));
            self.files.borrow_mut().insert((sha256, true), File { bytes, ..File::default() });
        }
        let key = (key.to_string(), false);
        let mut files = self.files.borrow_mut();
        let file = files.entry(key.clone()).or_default();
        assert!(!file.locked, "two write {key:?}");
        file.locked = true;
        Ok(Box::new(Open { files: self.files.clone(), key, room: self.capacity.get() }))
    }

    async fn mark(&self, key: &str, label: &FileInfo) -> Result<(), StoreFault> {
        self.files.borrow_mut().entry((key.into(), false)).or_default().label = label.clone();
        Ok(())
    }

    async fn keep(
        &self,
        part: Box<dyn PartialFile>,
        key: &str,
        sha256: &str,
        label: &FileInfo,
    ) -> Result<(), StoreFault> {
        drop(part);
        let mut files = self.files.borrow_mut();
        let file = files.remove(&(key.into(), false)).ok_or(StoreFault::Failed("there is no part".into()))?;
        files.insert((sha256.into(), true), File { label: label.clone(), ..file });
        Ok(())
    }

    async fn discard(&self, key: &str) -> Result<(), StoreFault> {
        let removed = self.files.borrow_mut().remove(&(key.into(), false));
        assert!(removed.is_none_or(|f| !f.locked), "{key} is open");
        Ok(())
    }

    async fn remove(&self, sha256: &str) -> Result<(), StoreFault> {
        self.files.borrow_mut().remove(&(sha256.into(), true));
        Ok(())
    }
}
