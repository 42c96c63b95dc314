//! Zip files, written by hand: right ones, and the same ones with whatever is to be wrong.

use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::Write;

/// A file of a zip.
#[derive(Clone)]
pub struct Entry {
    pub name: String,
    pub flags: u16,
    /// 0 stored, 8 deflate.
    pub method: u16,
    /// As it lies in the zip.
    pub data: Vec<u8>,
    /// What the zip says of the unpacked file.
    pub bytes: u32,
    pub crc: u32,
}

impl Entry {
    pub fn stored(name: &str, bytes: &[u8]) -> Self {
        let crc = rawzip::crc32(bytes);
        Self { name: name.into(), flags: 0, method: 0, data: bytes.into(), bytes: bytes.len() as u32, crc }
    }

    pub fn packed(name: &str, bytes: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("memory");
        Self { method: 8, data: encoder.finish().expect("memory"), ..Self::stored(name, bytes) }
    }

    /// What both headers have in common: version, flags, method, time, date, sum, sizes, length of the name.
    fn common(&self) -> Vec<u8> {
        let mut out = [20, self.flags, self.method, 0, 0].map(u16::to_le_bytes).concat();
        out.extend([self.crc, self.data.len() as u32, self.bytes].map(u32::to_le_bytes).concat());
        out.extend([self.name.len() as u16, 0].map(u16::to_le_bytes).concat());
        out
    }
}

pub fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let at = out.len() as u32;
        out.extend([b"PK\x03\x04", &entry.common()[..], entry.name.as_bytes(), &entry.data].concat());
        let rest = [&[0; 10][..], &at.to_le_bytes()].concat();
        directory.extend([b"PK\x01\x02\x14\0", &entry.common()[..], &rest, entry.name.as_bytes()].concat());
    }
    let start = out.len() as u32;
    out.extend(&directory);
    let count = entries.len() as u16;
    out.extend([&b"PK\x05\x06"[..], &[0, 0, count, count].map(u16::to_le_bytes).concat()].concat());
    out.extend([directory.len() as u32, start].map(u32::to_le_bytes).concat());
    out.extend([0, 0]);
    out
}
