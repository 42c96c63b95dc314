//! Models in folders, for the terminal and the native tests. Nothing is downloaded.

use super::bytes::{Bytes, DiskFile, ModelFile};
use super::library::{Library, Stored, StoredFile};
use super::manifest::{MANIFEST, Manifest, Plan, Wanted, hex};
use crate::error::{Code, Error, Result};
use crate::poll::Poll;
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Files in some folders, by name.
pub struct Folder {
    manifest: Manifest,
    folders: Vec<PathBuf>,
}

impl Folder {
    /// `root` contains `www/` with the manifest. Models are searched for in `folders`, in this order; a file counts as a folder that
    /// contains only it.
    pub fn new(root: &Path, folders: Vec<PathBuf>) -> Self {
        // Without a manifest there are no ids, but paths and hashes still work.
        let manifest = std::fs::read(root.join(MANIFEST)).ok().and_then(|text| Manifest::parse(&text).ok());
        Self { manifest: manifest.unwrap_or_default(), folders }
    }

    fn find(&self, wanted: &Wanted) -> Result<ModelFile> {
        let path = self.folders.iter().map(|f| f.join(&wanted.name)).find(|p| p.is_file());
        let file = open(&path.ok_or_else(|| missing(&wanted.name))?)?;
        match wanted.bytes {
            Some(bytes) if bytes != file.bytes.len() => {
                Err(Error::bad_file(format!("{} has {} bytes and should have {bytes}.", wanted.name, file.bytes.len())))
            }
            _ => Ok(file),
        }
    }

    /// The file with this hash: that of the manifest, if it is listed there; otherwise every file is read.
    fn by_hash(&self, sha256: &str) -> Result<ModelFile> {
        let listed = self.manifest.models.iter().flat_map(|m| &m.files).find(|f| f.sha256.as_deref() == Some(sha256));
        if let Some(file) = listed {
            let path = self.folders.iter().map(|f| f.join(&file.name)).find(|p| p.is_file());
            return open(&path.ok_or_else(|| missing(&file.name))?);
        }
        for path in self.folders.iter().flat_map(|f| files(f)) {
            let file = open(&path)?;
            if hash(&*file.bytes)? == sha256 {
                return Ok(file);
            }
        }
        Err(missing(sha256))
    }
}

#[async_trait(?Send)]
impl Library for Folder {
    /// `model` may also be the path of a file, or of a folder with the files of one model.
    fn poll(&self, model: &str) -> Result<Poll<Vec<ModelFile>>> {
        let path = Path::new(model);
        let found = if path.is_file() {
            vec![open(path)?]
        } else if path.is_dir() {
            files(path).iter().map(|p| open(p)).collect::<Result<_>>()?
        } else {
            match self.manifest.plan(model, &[])? {
                Plan::Files(wanted) => wanted.iter().map(|w| self.find(w)).collect::<Result<_>>()?,
                Plan::Kept(hashes) => hashes.iter().map(|h| self.by_hash(h)).collect::<Result<_>>()?,
                Plan::Repository(repository) => return Err(missing(&repository.name)),
            }
        };
        Ok(Poll::Ready(found))
    }

    fn cancel(&self, _model: &str) {}

    async fn stored(&self) -> Result<Stored> {
        let mut stored = Stored { persistent: true, ..Stored::default() };
        for path in self.folders.iter().flat_map(|f| files(f)) {
            let file = open(&path)?;
            let (sha256, bytes) = (hash(&*file.bytes)?, file.bytes.len() as f64);
            stored.used += bytes;
            stored.files.push(StoredFile { sha256, name: file.name, sources: Vec::new(), bytes, complete: true });
        }
        Ok(stored)
    }

    /// It deletes nothing, unlike the library of a tab: the files belong to the person.
    async fn verify(&self, sha256: &str) -> Result<()> {
        let file = self.by_hash(sha256)?;
        match hash(&*file.bytes)? == sha256 {
            true => Ok(()),
            false => Err(Error::new(
                Code::WrongHash,
                format!("{} is damaged: its SHA-256 is wrong.", file.name),
                "Download it again.",
            )),
        }
    }

    async fn delete(&self, _sha256: &str) -> Result<()> {
        Err(Error::bad_command("Files in a folder are not deleted from here."))
    }

    fn endpoints(&self, _urls: Vec<String>) {}
}

fn open(path: &Path) -> Result<ModelFile> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(ModelFile { name, bytes: Rc::new(DiskFile::open(path)?) })
}

/// The files directly in a folder, in the order of their names; a file counts as a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    if folder.is_file() {
        return vec![folder.into()];
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(|e| Some(e.ok()?.path()));
    let mut files: Vec<PathBuf> = entries.filter(|p| p.is_file()).collect();
    files.sort_unstable();
    files
}

fn hash(bytes: &dyn Bytes) -> Result<String> {
    const HASH_BYTES: u64 = 1 << 22;
    let (mut hash, mut at) = (Sha256::new(), 0);
    while at < bytes.len() {
        let n = HASH_BYTES.min(bytes.len() - at);
        hash.update(bytes.take(at, n)?);
        at += n;
    }
    Ok(hex(&hash.finalize()))
}

fn missing(name: &str) -> Error {
    Error::new(
        Code::UnknownModel,
        format!("{name} is not in any of the model folders."),
        "Give the path of the file, or put it in a model folder.",
    )
}
