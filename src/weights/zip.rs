//! Zip files, entry by entry, in memory. Whatever an entry claims, it is not unpacked beyond the limit.

use super::bytes::Bytes;
use crate::error::{Error, Result};
use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ReaderAt, ZipArchive, ZipArchiveEntryWayfinder, ZipLocator};
use std::io::{self, Read};
use std::rc::Rc;

/// Characters of the name of an entry that are kept.
const LONGEST_NAME: usize = 300;

/// An opened zip file.
pub struct Zip(ZipArchive<At>);

/// A file of a zip.
pub struct ZipEntry {
    /// As in the zip; it is not used as a path.
    pub name: String,
    /// Bytes in the zip, according to the zip.
    pub packed: u64,
    /// Unpacked bytes, according to the zip.
    pub bytes: u64,
    pub encrypted: bool,
    method: CompressionMethod,
    at: ZipArchiveEntryWayfinder,
}

struct At(Rc<dyn Bytes>);

impl ReaderAt for At {
    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        let n = self.0.len().saturating_sub(at).min(out.len() as u64) as usize;
        self.0.read(at, &mut out[..n]).map_err(io::Error::other)?;
        Ok(n)
    }
}

impl Zip {
    /// Whether a file begins like a zip.
    pub fn is_one(head: &[u8]) -> bool {
        head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
    }

    /// # Errors
    /// `BadFile` where there is no directory.
    pub fn open(bytes: Rc<dyn Bytes>) -> Result<Self> {
        let end = bytes.len();
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let found = ZipLocator::new().locate_in_reader(At(bytes), &mut buffer, end);
        found.map(Self).map_err(|(_, e)| bad(e))
    }

    /// At most `most` entries, without folders, and the error that ended the list early.
    pub fn entries(&self, most: usize) -> (Vec<ZipEntry>, Option<Error>) {
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let (mut read, mut entries) = (self.0.entries(&mut buffer), Vec::new());
        loop {
            let entry = match read.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => return (entries, None),
                Err(e) => return (entries, Some(bad(e))),
            };
            if entry.is_dir() {
                continue;
            }
            if entries.len() == most {
                return (entries, Some(Error::bad_file(format!("Only the first {most} files of a zip are read."))));
            }
            entries.push(ZipEntry {
                name: String::from_utf8_lossy(entry.file_path().as_bytes()).chars().take(LONGEST_NAME).collect(),
                packed: entry.compressed_size_hint(),
                bytes: entry.uncompressed_size_hint(),
                encrypted: entry.flags().is_encrypted(),
                method: entry.compression_method(),
                at: entry.wayfinder(),
            });
        }
    }

    /// Unpacks an entry, whose size the caller has accepted. `check` is called with what is unpacked after each piece, and can end it with a
    /// result of its own.
    ///
    /// # Errors
    /// `BadFile` where it is damaged, or compressed by an unsupported method.
    pub fn unpack<E>(
        &self,
        entry: &ZipEntry,
        check: &dyn Fn(&[u8]) -> std::result::Result<(), E>,
    ) -> Result<std::result::Result<Vec<u8>, E>> {
        let found = self.0.get_entry(entry.at).map_err(bad)?;
        let reader: Box<dyn Read + '_> = match entry.method {
            CompressionMethod::STORE => Box::new(found.reader()),
            CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(found.reader())),
            _ => return Err(Error::bad_file("It is compressed by a method that Kiln does not support.")),
        };
        const UNPACK_BYTES: u64 = 1 << 16;
        let (mut reader, mut out) = (found.verifying_reader(reader), Vec::new());
        loop {
            match reader.by_ref().take(UNPACK_BYTES).read_to_end(&mut out) {
                Ok(0) => return Ok(Ok(out)),
                Ok(_) => {}
                Err(e) => return Err(bad(e)),
            }
            if out.len() as u64 > entry.bytes {
                return Err(bad("a file unpacks to more than it announces"));
            }
            if let Err(ended) = check(&out) {
                return Ok(Err(ended));
            }
            // Exactly, and only after its check: a vector that doubles would take up to three times as much.
            out.reserve_exact(entry.bytes as usize - out.len());
        }
    }
}

fn bad(why: impl std::fmt::Display) -> Error {
    Error::bad_file(format!("The zip is damaged: {why}."))
}
