//! The IDX format of the MNIST files: a magic number with the rank, big-endian dimensions, then bytes.
//! Gzipped or plain: some hosts unpack `.gz` on the way.

use crate::error::{Code, Error, Result};
use flate2::read::GzDecoder;
use std::io::Read;

/// Bytes with their dimensions, the first of which counts the items.
#[derive(Debug, Clone, PartialEq)]
pub struct Idx {
    pub dims: Vec<usize>,
    pub bytes: Vec<u8>,
}

/// Largest file that is unpacked: four times the largest shard that Kiln ships.
const LIMIT: u64 = 32 << 20;

/// The bytes of a file that may be gzipped.
///
/// # Errors
/// `BadFile` for a damaged archive.
pub fn unpacked(file: &[u8]) -> Result<Vec<u8>> {
    if !file.starts_with(&[0x1f, 0x8b]) {
        return Ok(file.to_vec());
    }
    let mut bytes = Vec::new();
    let unpack = GzDecoder::new(file).take(LIMIT).read_to_end(&mut bytes);
    unpack.map_err(|e| bad(format!("it does not unpack ({e})")))?;
    Ok(bytes)
}

/// # Errors
/// `BadFile` for a damaged archive, another element type, or a size that does not agree with the dimensions.
pub fn parse(file: &[u8]) -> Result<Idx> {
    let mut bytes = unpacked(file)?;
    let [0, 0, 8, rank @ 1..=4, ..] = bytes[..] else {
        return Err(bad("it is not an IDX file of bytes".into()));
    };
    let start = 4 + 4 * rank as usize;
    let header = bytes.get(4..start).ok_or_else(|| bad("it ends within its header".into()))?;
    let dims: Vec<usize> =
        header.chunks_exact(4).map(|d| u32::from_be_bytes([d[0], d[1], d[2], d[3]]) as usize).collect();
    let size = dims.iter().try_fold(1usize, |all, &d| all.checked_mul(d));
    if size != Some(bytes.len() - start) {
        return Err(bad(format!("its dimensions {dims:?} do not agree with its {} bytes", bytes.len() - start)));
    }
    bytes.drain(..start);
    Ok(Idx { dims, bytes })
}

/// The header of a plain IDX file of bytes.
pub fn header(dims: &[usize]) -> Vec<u8> {
    let sizes = dims.iter().flat_map(|&d| (d as u32).to_be_bytes());
    [0, 0, 8, dims.len() as u8].into_iter().chain(sizes).collect()
}

fn bad(what: String) -> Error {
    Error::new(Code::BadFile, format!("A data file is damaged: {what}."), "Reload the page.")
}
