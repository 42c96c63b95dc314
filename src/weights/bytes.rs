//! A file that is read piece by piece: on disk, in the browser's private file system, or in memory.

use crate::error::{Error, Result};
use std::rc::Rc;

/// Random access to a file.
pub trait Bytes {
    /// Bytes in the file.
    fn len(&self) -> u64;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `out` with the bytes from `at` on.
    ///
    /// # Errors
    /// `BadFile` where the file ends too early, or cannot be read.
    fn read(&self, at: u64, out: &mut [u8]) -> Result<()>;

    /// `n` bytes from `at` on. The length is checked against the file before anything is allocated.
    ///
    /// # Errors
    /// As [`Bytes::read`].
    fn take(&self, at: u64, n: u64) -> Result<Vec<u8>> {
        if at.checked_add(n).is_none_or(|end| end > self.len()) {
            return Err(Error::bad_file(format!("The file ends before byte {}.", at.saturating_add(n))));
        }
        let n = usize::try_from(n).map_err(Error::internal)?;
        let mut out = vec![0; n];
        self.read(at, &mut out)?;
        Ok(out)
    }
}

/// A file with its name: a model may come in several.
#[derive(Clone)]
pub struct ModelFile {
    pub name: String,
    pub bytes: Rc<dyn Bytes>,
}

/// A file in memory.
impl Bytes for Vec<u8> {
    fn len(&self) -> u64 {
        Vec::len(self) as u64
    }

    fn read(&self, at: u64, out: &mut [u8]) -> Result<()> {
        let start = usize::try_from(at).ok();
        let piece = start.and_then(|s| self.get(s..s.checked_add(out.len())?));
        out.copy_from_slice(piece.ok_or_else(|| Error::bad_file("The file ends too early."))?);
        Ok(())
    }
}

/// A file on disk.
#[cfg(not(target_family = "wasm"))]
pub struct DiskFile {
    file: std::cell::RefCell<std::fs::File>,
    len: u64,
}

#[cfg(not(target_family = "wasm"))]
impl DiskFile {
    /// # Errors
    /// `Fetch` where it cannot be opened.
    pub fn open(path: &std::path::Path) -> Result<Self> {
        let opened = std::fs::File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (len, file) = opened.map_err(|e| {
            Error::new(crate::error::Code::Fetch, format!("{}: {e}.", path.display()), "Check the path.")
        })?;
        Ok(Self { file: file.into(), len })
    }
}

#[cfg(not(target_family = "wasm"))]
impl Bytes for DiskFile {
    fn len(&self) -> u64 {
        self.len
    }

    fn read(&self, at: u64, out: &mut [u8]) -> Result<()> {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = self.file.borrow_mut();
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(out));
        read.map_err(|e| Error::bad_file(format!("The file cannot be read: {e}.")))
    }
}
