//! The header of GGUF files, versions 2 and 3. Nothing else is read, and every count is checked against the size of the file.
//!
//! Reference: `docs/gguf.md` of `ggml`. A header is counts, then metadata, then tensor descriptions; data follows, aligned.

use super::bytes::Bytes;
use super::ggml_blocks::Format;
use super::gguf_value::{Scalar, Texts, Value};
use super::quoted::quoted;
use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// The largest header that is accepted: ten times that of the largest vocabularies.
pub const HEADER_LIMIT: u64 = 64 << 20;

/// The largest number of keys or tensors: more than any model has.
const COUNT_LIMIT: u64 = 1 << 16;

/// Bytes that are read at once.
const BUFFER: u64 = 1 << 16;

/// The header of a GGUF file.
#[derive(Debug, Clone)]
pub struct Gguf {
    pub version: u32,
    pub metadata: BTreeMap<String, Value>,
    /// In the file's order.
    pub tensors: Vec<GgufTensor>,
}

/// The description of a tensor.
#[derive(Debug, Clone)]
pub struct GgufTensor {
    pub name: String,
    pub ggml_type: &'static GgmlType,
    /// Row-major, outermost first: the reverse of the order in the file.
    pub shape: Vec<usize>,
    /// First byte in the file.
    pub at: u64,
    pub bytes: u64,
}

/// A number format of `ggml`, including those that Kiln does not run: their files can still be inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GgmlType {
    id: u32,
    pub name: &'static str,
    /// Weights and bytes in a block.
    block: (u64, u64),
}

/// Numbers, names and blocks as in `gguf/constants.py` (`GGML_QUANT_SIZES`).
static GGML_TYPES: [GgmlType; 34] = {
    const fn ggml_type(id: u32, name: &'static str, weights: u64, bytes: u64) -> GgmlType {
        GgmlType { id, name, block: (weights, bytes) }
    }
    [
        ggml_type(0, "F32", 1, 4),
        ggml_type(1, "F16", 1, 2),
        ggml_type(2, "Q4_0", 32, 18),
        ggml_type(3, "Q4_1", 32, 20),
        ggml_type(6, "Q5_0", 32, 22),
        ggml_type(7, "Q5_1", 32, 24),
        ggml_type(8, "Q8_0", 32, 34),
        ggml_type(9, "Q8_1", 32, 40),
        ggml_type(10, "Q2_K", 256, 84),
        ggml_type(11, "Q3_K", 256, 110),
        ggml_type(12, "Q4_K", 256, 144),
        ggml_type(13, "Q5_K", 256, 176),
        ggml_type(14, "Q6_K", 256, 210),
        ggml_type(15, "Q8_K", 256, 292),
        ggml_type(16, "IQ2_XXS", 256, 66),
        ggml_type(17, "IQ2_XS", 256, 74),
        ggml_type(18, "IQ3_XXS", 256, 98),
        ggml_type(19, "IQ1_S", 256, 50),
        ggml_type(20, "IQ4_NL", 32, 18),
        ggml_type(21, "IQ3_S", 256, 110),
        ggml_type(22, "IQ2_S", 256, 82),
        ggml_type(23, "IQ4_XS", 256, 136),
        ggml_type(24, "I8", 1, 1),
        ggml_type(25, "I16", 1, 2),
        ggml_type(26, "I32", 1, 4),
        ggml_type(27, "I64", 1, 8),
        ggml_type(28, "F64", 1, 8),
        ggml_type(29, "IQ1_M", 256, 56),
        ggml_type(30, "BF16", 1, 2),
        ggml_type(34, "TQ1_0", 256, 54),
        ggml_type(35, "TQ2_0", 256, 66),
        ggml_type(39, "MXFP4", 32, 17),
        ggml_type(40, "NVFP4", 64, 36),
        ggml_type(41, "Q1_0", 128, 18),
    ]
};

impl GgmlType {
    /// How Kiln reads it; `None` where it does not.
    pub fn format(&self) -> Option<Format> {
        Some(match self.id {
            0 => Format::F32,
            1 => Format::F16,
            2 => Format::Q4_0,
            3 => Format::Q4_1,
            6 => Format::Q5_0,
            7 => Format::Q5_1,
            8 => Format::Q8_0,
            12 => Format::Q4K,
            13 => Format::Q5K,
            14 => Format::Q6K,
            30 => Format::Bf16,
            _ => return None,
        })
    }
}

impl Gguf {
    /// Whether a file has the magic number.
    pub fn is_one(bytes: &dyn Bytes) -> bool {
        bytes.take(0, 4).is_ok_and(|magic| magic == *b"GGUF")
    }

    /// Reads the header.
    ///
    /// # Errors
    /// `BadFile` where it is damaged or contradicts itself; `Unsupported` for another version or number format.
    pub fn read(bytes: &dyn Bytes) -> Result<Self> {
        let mut input = Input { bytes, at: 0, buffer: Vec::new(), start: 0 };
        if input.array()? != *b"GGUF" {
            return Err(Error::bad_file("This is not a GGUF file."));
        }
        let version = input.u32()?;
        if !(2..=3).contains(&version) {
            let order = if version.swap_bytes() < 16 { "big-endian " } else { "" };
            let number = if order.is_empty() { version } else { version.swap_bytes() };
            return Err(Error::unsupported(format!("The file is {order}GGUF version {number}; Kiln reads 2 and 3.")));
        }
        // The shortest tensor description: an empty name, one dimension. The shortest key: an empty name, a byte.
        let (tensor_count, key_count) = (input.count(32, "tensors")?, input.count(13, "keys")?);
        let mut metadata = BTreeMap::new();
        for _ in 0..key_count {
            let key = input.text()?;
            let value = input.value()?;
            if metadata.contains_key(&key) {
                return Err(Error::bad_file(format!("The key {} occurs twice.", quoted(&key))));
            }
            metadata.insert(key, value);
        }
        let mut tensors = Vec::with_capacity(tensor_count);
        for _ in 0..tensor_count {
            tensors.push(input.tensor()?);
        }
        let alignment = metadata.get("general.alignment").map_or(Some(32), Value::unsigned);
        let alignment = alignment.filter(|a| a.is_power_of_two() && *a <= 1 << 20);
        let alignment = alignment.ok_or_else(|| Error::bad_file("The file's alignment is not a power of two."))?;
        let data = input.at.next_multiple_of(alignment);
        place(&mut tensors, data, alignment, bytes.len())?;
        Ok(Self { version, metadata, tensors })
    }

    /// The text of a key.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).and_then(Value::text)
    }

    /// The number of a key, where it is a non-negative integer.
    pub fn unsigned(&self, key: &str) -> Option<u64> {
        self.metadata.get(key).and_then(Value::unsigned)
    }

    /// The number of a key.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.metadata.get(key).and_then(Value::number)
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        self.metadata.get(key).and_then(Value::flag)
    }
}

/// Converts offsets from the start of the data to offsets in the file, and checks that names are unique and tensors do not overlap.
fn place(tensors: &mut [GgufTensor], data: u64, alignment: u64, len: u64) -> Result<()> {
    let mut names = BTreeSet::new();
    let mut spans = Vec::with_capacity(tensors.len());
    for tensor in tensors.iter_mut() {
        let bad = |what: &str| Error::bad_file(format!("The tensor {} {what}.", quoted(&tensor.name)));
        let end = data.checked_add(tensor.at).and_then(|at| at.checked_add(tensor.bytes)).filter(|&end| end <= len);
        let end = end.ok_or_else(|| bad("lies beyond the file's end"))?;
        if !tensor.at.is_multiple_of(alignment) {
            return Err(bad("is not aligned"));
        }
        if !names.insert(tensor.name.as_str()) {
            return Err(bad("occurs twice"));
        }
        tensor.at += data;
        spans.push((tensor.at, end));
    }
    spans.sort_unstable();
    if spans.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return Err(Error::bad_file("Two tensors overlap."));
    }
    Ok(())
}

/// A reader of the header with a small buffer.
struct Input<'a> {
    bytes: &'a dyn Bytes,
    /// The next byte in the file.
    at: u64,
    buffer: Vec<u8>,
    /// Where the buffer lies in the file.
    start: u64,
}

impl Input<'_> {
    /// Checks that there are `n` more bytes, below the limit.
    fn check(&self, n: u64) -> Result<()> {
        let end = self.at.checked_add(n).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| Error::bad_file("The file ends within its header."))?;
        if end > HEADER_LIMIT {
            return Err(Error::bad_file(format!("The file's header is longer than {} MB.", HEADER_LIMIT >> 20)));
        }
        Ok(())
    }

    /// Fills `out` with the next bytes.
    fn fill(&mut self, out: &mut [u8]) -> Result<()> {
        let n = out.len() as u64;
        self.check(n)?;
        if n >= BUFFER {
            self.bytes.read(self.at, out)?;
        } else {
            if self.at < self.start || self.at + n > self.start + self.buffer.len() as u64 {
                self.buffer = self.bytes.take(self.at, BUFFER.min(self.bytes.len() - self.at))?;
                self.start = self.at;
            }
            let from = (self.at - self.start) as usize;
            out.copy_from_slice(&self.buffer[from..from + out.len()]);
        }
        self.at += n;
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        self.fill(&mut out)?;
        Ok(out)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// The next `n` bytes.
    fn raw(&mut self, n: u64) -> Result<Vec<u8>> {
        self.check(n)?;
        let mut out = vec![0; usize::try_from(n).map_err(Error::internal)?];
        self.fill(&mut out)?;
        Ok(out)
    }

    /// A number of items of at least `least` bytes each.
    fn count(&mut self, least: u64, what: &str) -> Result<usize> {
        let n = self.u64()?;
        if n > COUNT_LIMIT || n * least > self.bytes.len() - self.at {
            return Err(Error::bad_file(format!("The file claims {n} {what}.")));
        }
        usize::try_from(n).map_err(Error::internal)
    }

    fn text(&mut self) -> Result<String> {
        let n = self.u64()?;
        String::from_utf8(self.raw(n)?).map_err(|_| Error::bad_file("A text in the file's header is not UTF-8."))
    }

    fn value(&mut self) -> Result<Value> {
        match self.u32()? {
            8 => Ok(Value::Text(self.text()?)),
            9 => self.list(),
            id => {
                let scalar = Scalar::from_id(id)?;
                let raw = self.raw(scalar.size() as u64)?;
                scalar.value(&raw)
            }
        }
    }

    fn list(&mut self) -> Result<Value> {
        let (id, n) = (self.u32()?, self.u64()?);
        match id {
            8 => {
                let mut texts = Texts::default();
                for _ in 0..n {
                    texts.push(&self.text()?);
                }
                Ok(Value::Texts(texts))
            }
            9 => Err(Error::unsupported("The file's header has lists of lists.")),
            id => {
                let scalar = Scalar::from_id(id)?;
                let raw = self.raw(n.saturating_mul(scalar.size() as u64))?;
                scalar.list(raw)
            }
        }
    }

    fn tensor(&mut self) -> Result<GgufTensor> {
        let name = self.text()?;
        let bad = |what: &str| Error::bad_file(format!("The tensor {} {what}.", quoted(&name)));
        let dims = self.u32()?;
        if !(1..=4).contains(&dims) {
            return Err(bad(&format!("has {dims} dimensions")));
        }
        let mut shape = Vec::with_capacity(dims as usize);
        let mut weights = 1u64;
        for _ in 0..dims {
            let dim = self.u64()?;
            weights = weights.checked_mul(dim).filter(|&w| w > 0).ok_or_else(|| bad("has an impossible shape"))?;
            shape.push(usize::try_from(dim).map_err(|_| bad("is too large"))?);
        }
        let id = self.u32()?;
        let ggml_type = GGML_TYPES.iter().find(|k| k.id == id);
        let ggml_type = ggml_type
            .ok_or_else(|| Error::unsupported(format!("The tensor {} is of an unknown type, {id}.", quoted(&name))))?;
        let (block, size) = ggml_type.block;
        if !(shape[0] as u64).is_multiple_of(block) {
            return Err(bad(&format!("has rows of {}, which are not whole blocks of {}", shape[0], ggml_type.name)));
        }
        let bytes = (weights / block).checked_mul(size).ok_or_else(|| bad("is too large"))?;
        shape.reverse();
        Ok(GgufTensor { name, ggml_type, shape, at: self.u64()?, bytes })
    }
}
