//! Makes a data set of a person's pictures: from files and zips to one IDX file of bytes `[n, height, width, 3]`.
//!
//! The type of a file is determined by its content. Its size in pixels is read and checked before it is decoded, and only one picture is
//! in memory at a time.

use super::bytes::Bytes;
use super::manifest::hex;
use super::zip::Zip;
use crate::data::album::{MAX_PICTURES, MIN_PICTURES};
use crate::data::{LeftOut, Taken, idx};
use crate::error::{Code, Error, Result};
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::rc::Rc;

/// A file that a person offers.
pub struct Offered {
    pub name: String,
    pub bytes: u64,
    pub open: Box<dyn Fn() -> Result<Rc<dyn Bytes>>>,
}

/// How a picture is cropped and scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The square in its centre, scaled to this side: for sets of pictures.
    Square(u32),
    /// The whole picture, with its longer side at most this and both sides multiples of 8: for single pictures.
    Within(u32),
}

/// A crop of a picture, and the size that it is scaled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
    pub to_width: u32,
    pub to_height: u32,
}

/// Decodes pictures, and is told about progress.
#[async_trait(?Send)]
pub trait Decode {
    /// Decodes a file to RGB over white, row by row, upright, cropped as by [`Fit::cut`]; returns width and height too.
    ///
    /// # Errors
    /// The message of the decoder.
    async fn decode(&self, file: Vec<u8>, fit: Fit) -> std::result::Result<(Vec<u8>, u32, u32), String>;

    /// Called between files with the bytes that are done and the total; `false` cancels.
    async fn turn(&self, done: f64, total: f64) -> bool;
}

/// Files of a zip that are read.
const MAX_ENTRIES: usize = 20_000;
/// Bytes of a picture's file, and bytes that are unpacked from a zip.
const MAX_FILE: u64 = 64 << 20;
const MAX_UNPACKED: u64 = 4 << 30;
/// Side and pixels of a picture before it is cropped.
const MAX_SIDE: usize = 16_384;
const MAX_PIXELS: usize = 64 << 20;
/// Notes on files that are skipped.
const MAX_NOTES: usize = 100;
/// Bytes that tell the type of a file.
const HEAD: u64 = 12;

/// Why a file is skipped: a stable code and a sentence.
type Why = (&'static str, String);
type Outcome<T> = std::result::Result<T, Why>;

impl Fit {
    /// The crop of a picture of `width` x `height`.
    pub fn cut(self, width: u32, height: u32) -> Cut {
        let (crop, to) = match self {
            Fit::Square(side) => ([width.min(height); 2], [side; 2]),
            Fit::Within(most) => {
                let scale = (f64::from(most) / f64::from(width.max(height))).min(1.0);
                let to = [width, height].map(|s| ((f64::from(s) * scale / 8.0) as u32 * 8).max(8));
                let whole = |s: u32, to: u32| ((f64::from(to) / scale).round() as u32).clamp(1, s);
                ([whole(width, to[0]), whole(height, to[1])], to)
            }
        };
        let [w, h] = crop;
        Cut { x: (width - w) / 2, y: (height - h) / 2, width: w, height: h, to_width: to[0], to_height: to[1] }
    }
}

/// The set and its description; `None` where it was cancelled.
///
/// # Errors
/// `BadFile` where too few of the files are pictures.
pub async fn import(files: Vec<Offered>, fit: Fit, decode: &dyn Decode) -> Result<Option<(Vec<u8>, Taken)>> {
    let total = files.iter().map(|f| f.bytes as f64).sum();
    let (set, notes) = (Vec::new(), Vec::new());
    let mut import = Import { fit, decode, total, before: 0.0, set, size: (0, 0), count: 0, notes, left_out: 0 };
    for file in files {
        if !decode.turn(import.before, total).await || !import.file(&file).await {
            return Ok(None);
        }
        import.before += file.bytes as f64;
    }
    import.finish().map(Some)
}

struct Import<'a> {
    fit: Fit,
    decode: &'a dyn Decode,
    total: f64,
    /// Bytes of the files that are done.
    before: f64,
    set: Vec<u8>,
    size: (u32, u32),
    count: usize,
    notes: Vec<LeftOut>,
    left_out: u32,
}

impl Import<'_> {
    fn full(&self) -> bool {
        self.count == if matches!(self.fit, Fit::Square(_)) { MAX_PICTURES } else { 1 }
    }

    fn too_many(&self) -> Why {
        let text = match self.fit {
            Fit::Square(_) => format!("The set is full: at most {MAX_PICTURES} pictures, or 4 GB from one zip."),
            Fit::Within(_) => "Only one picture is used, and there was one before it.".into(),
        };
        ("too-many", text)
    }

    fn leave_out(&mut self, name: &str, (code, text): Why) {
        self.left_out += 1;
        if self.notes.len() < MAX_NOTES {
            let name = name.chars().filter(|c| !c.is_control()).take(200).collect();
            self.notes.push(LeftOut { name, code: code.into(), text });
        }
    }

    /// A picture, or a zip of them; `false` where it was cancelled.
    async fn file(&mut self, file: &Offered) -> bool {
        if is_hidden(&file.name) {
            return true;
        }
        let opened = (file.open)().and_then(|bytes| Ok((bytes.take(0, bytes.len().min(HEAD))?, bytes)));
        let (head, bytes) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.leave_out(&file.name, ("damaged", error.message));
                return true;
            }
        };
        if Zip::is_one(&head) {
            return self.zip(&file.name, bytes).await;
        }
        let whole = match (self.full(), check_type(&head)) {
            (true, _) => Err(self.too_many()),
            (_, Err(why)) => Err(why),
            _ if bytes.len() > MAX_FILE => Err(large()),
            _ => bytes.take(0, bytes.len()).map_err(|error| ("damaged", error.message)),
        };
        self.picture(&file.name, whole).await;
        true
    }

    async fn zip(&mut self, zip_name: &str, bytes: Rc<dyn Bytes>) -> bool {
        let size = bytes.len() as f64;
        let zip = match Zip::open(bytes) {
            Ok(zip) => zip,
            Err(error) => {
                self.leave_out(zip_name, ("damaged", error.message));
                return true;
            }
        };
        let (entries, ended) = zip.entries(MAX_ENTRIES);
        let ended = ended.map(|e| (if entries.len() == MAX_ENTRIES { "too-many" } else { "damaged" }, e.message));
        let (mut packed, unpacked) = (0.0f64, Cell::new(0));
        for entry in entries {
            if !self.decode.turn(self.before + packed.min(size), self.total).await {
                return false;
            }
            packed += entry.packed as f64;
            if is_hidden(&entry.name) {
                continue;
            }
            let whole = if self.full() || unpacked.get() > MAX_UNPACKED {
                Err(self.too_many())
            } else if entry.encrypted {
                Err(("encrypted", "It is encrypted.".into()))
            } else if entry.bytes > MAX_FILE {
                Err(large())
            } else {
                let before = unpacked.get();
                // Whatever the entry claims, only pictures are unpacked beyond the first piece.
                let check = |out: &[u8]| {
                    unpacked.set(before + out.len() as u64);
                    if out.len() as u64 > MAX_FILE { Err(large()) } else { check_type(out) }
                };
                zip.unpack(&entry, &check).unwrap_or_else(|error| Err(("damaged", error.message)))
            };
            self.picture(&format!("{zip_name}/{}", entry.name), whole).await;
        }
        if let Some(why) = ended {
            self.leave_out(zip_name, why);
        }
        true
    }

    /// A picture's file, or why it cannot be used.
    async fn picture(&mut self, name: &str, whole: Outcome<Vec<u8>>) {
        let decoded = match whole.and_then(|file| check_size(&file).map(|()| file)) {
            Ok(file) => self.decode.decode(file, self.fit).await.map_err(undecodable),
            Err(why) => Err(why),
        };
        match decoded {
            Ok((pixels, width, height)) => {
                self.set.extend(pixels);
                self.size = (width, height);
                self.count += 1;
            }
            Err(why) => self.leave_out(name, why),
        }
    }

    fn finish(self) -> Result<(Vec<u8>, Taken)> {
        let Self { set, size: (width, height), count, notes, left_out, fit, .. } = self;
        let fewest = if matches!(fit, Fit::Square(_)) { MIN_PICTURES } else { 1 };
        if count < fewest {
            let whys: String = notes.iter().take(3).map(|n| format!(" {}: {}", n.name, n.text)).collect();
            let left_out = if left_out > 0 { format!("; files left out: {left_out}") } else { String::new() };
            return Err(Error::new(
                Code::BadFile,
                format!("Pictures needed: {fewest} or more; pictures found: {count}{left_out}.{whys}"),
                "Choose pictures in JPEG, PNG, WebP, GIF or BMP, a folder of them, or a zip.",
            ));
        }
        let file = [idx::header(&[count, height as usize, width as usize, 3]), set].concat();
        let taken = Taken {
            sha256: hex(&Sha256::digest(&file)),
            count: count as u32,
            width,
            height,
            left_out: notes,
            left_out_in_all: left_out,
        };
        Ok((file, taken))
    }
}

/// Files that operating systems add: hidden files, and the resource forks of macOS.
fn is_hidden(name: &str) -> bool {
    let hidden = |part: &str| part.starts_with('.') && !part.trim_start_matches('.').is_empty();
    name.split(['/', '\\']).any(|part| part == "__MACOSX" || hidden(part))
}

/// Checks that a file begins like a picture.
fn check_type(file: &[u8]) -> Outcome<()> {
    if file.is_empty() {
        return Err(("empty", "It is empty.".into()));
    }
    if Zip::is_one(file) {
        return Err(("not-a-picture", "A zip inside a zip is not opened.".into()));
    }
    let none = |_| ("not-a-picture", "It is not a JPEG, PNG, WebP, GIF or BMP.".into());
    imagesize::image_type(file).map(|_| ()).map_err(none)
}

/// Checks the type and the size in the header, before a file is decoded.
fn check_size(file: &[u8]) -> Outcome<()> {
    check_type(file)?;
    let size = imagesize::blob_size(file).map_err(|_| ("damaged", "It ends within its header.".to_string()))?;
    // A bitmap whose rows run downwards has a negative height.
    let height = if file.starts_with(b"BM") { (size.height as i32).unsigned_abs() as usize } else { size.height };
    match (size.width, height) {
        (0, _) | (_, 0) => Err(("empty", "It has no pixels.".into())),
        (width, height) if width.max(height) > MAX_SIDE || width * height > MAX_PIXELS => Err((
            "too-large",
            format!("It has {width} x {height} pixels; {MAX_SIDE} a side and 64 million in all are read."),
        )),
        _ => Ok(()),
    }
}

fn undecodable(why: String) -> Why {
    let why: String = why.trim_end_matches('.').chars().take(150).collect();
    ("damaged", format!("It cannot be decoded: {why}."))
}

fn large() -> Why {
    ("too-large", "It is larger than 64 MB.".into())
}
