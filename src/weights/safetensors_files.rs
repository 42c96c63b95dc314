//! The safetensors files of a model: one, or several with an index. Only headers are read, and everything in them is checked against the
//! size of the file.
//!
//! Reference: the format's page in `huggingface/safetensors`: a length, JSON, then the data without gaps. The crate of
//! that name needs the whole file in memory, so its types are used, but not its reader.

use super::bytes::{Bytes, ModelFile};
use super::ggml_blocks::Format;
use super::gguf::HEADER_LIMIT;
use super::quoted::quoted;
use crate::error::{Error, Result};
use safetensors::Dtype;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

/// The largest index or configuration that is accepted: ten times that of the largest models.
pub const JSON_LIMIT: u64 = 4 << 20;

/// The largest numbers of tensors and of dimensions: more than any model has.
const COUNT_LIMIT: usize = 1 << 16;
const DIMS_LIMIT: usize = 8;

/// The header of a safetensors file.
#[derive(Debug, Clone)]
pub struct SafetensorsHeader {
    pub metadata: BTreeMap<String, String>,
    /// In the order of their positions.
    pub tensors: Vec<SafetensorsTensor>,
}

/// The description of a tensor.
#[derive(Debug, Clone)]
pub struct SafetensorsTensor {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// First byte in the file.
    pub at: u64,
    pub bytes: u64,
}

impl SafetensorsTensor {
    /// How Kiln reads it; `None` where it does not.
    pub fn format(&self) -> Option<Format> {
        match self.dtype {
            Dtype::F32 => Some(Format::F32),
            Dtype::F16 => Some(Format::F16),
            Dtype::BF16 => Some(Format::Bf16),
            _ => None,
        }
    }
}

impl SafetensorsHeader {
    /// Reads the header.
    ///
    /// # Errors
    /// `BadFile` where it is damaged or contradicts itself.
    pub fn read(bytes: &dyn Bytes) -> Result<Self> {
        let mut length = [0; 8];
        if bytes.len() < 8 {
            return Err(Error::bad_file("The file is too short for safetensors."));
        }
        bytes.read(0, &mut length)?;
        let length = u64::from_le_bytes(length);
        if length > HEADER_LIMIT {
            return Err(Error::bad_file(format!("The file claims a header of {length} bytes.")));
        }
        let header: HeaderJson = parse(&bytes.take(8, length)?)?;
        let data = 8 + length;
        let mut tensors = Vec::with_capacity(header.tensors.len());
        for (name, entry) in header.tensors {
            let (from, to) = entry.data_offsets;
            let weights = entry.shape.0.iter().try_fold(1u64, |n, &dim| n.checked_mul(dim as u64));
            let bits = weights.and_then(|n| n.checked_mul(entry.dtype.bitsize() as u64));
            if to < from || bits != (to - from).checked_mul(8) {
                return Err(Error::bad_file(format!(
                    "The tensor {}: its shape does not match its size.",
                    quoted(&name)
                )));
            }
            tensors.push(SafetensorsTensor {
                name,
                dtype: entry.dtype,
                shape: entry.shape.0,
                at: from,
                bytes: to - from,
            });
        }
        // Empty tensors come before the tensor that begins at the same place.
        tensors.sort_by_key(|t| (t.at, t.bytes));
        let mut next = 0;
        for tensor in &mut tensors {
            if tensor.at != next {
                let what = if tensor.at < next { "overlaps another" } else { "has a gap before it" };
                return Err(Error::bad_file(format!("The tensor {} {what}.", quoted(&tensor.name))));
            }
            next += tensor.bytes;
            tensor.at = tensor.at.saturating_add(data);
        }
        if data.checked_add(next) != Some(bytes.len()) {
            return Err(Error::bad_file("The length of the file does not match its tensors."));
        }
        Ok(Self { metadata: header.metadata, tensors })
    }
}

/// The tensors of all safetensors files among the files of a model, with their files. Where there is an index, only the tensors that it
/// names.
///
/// # Errors
/// `BadFile` where a file is damaged, is missing, or lacks a tensor that the index places there.
pub fn tensors(files: &[ModelFile]) -> Result<Vec<(SafetensorsTensor, Rc<dyn Bytes>)>> {
    let mut found = Vec::new();
    let mut homes: BTreeMap<String, &str> = BTreeMap::new();
    for file in files.iter().filter(|f| f.name.ends_with(".safetensors")) {
        for tensor in SafetensorsHeader::read(&*file.bytes)?.tensors {
            if homes.insert(tensor.name.clone(), base(&file.name)).is_some() {
                return Err(Error::bad_file(format!("The tensor {} occurs twice.", quoted(&tensor.name))));
            }
            found.push((tensor, file.bytes.clone()));
        }
    }
    if let Some(index) = files.iter().find(|f| f.name.ends_with(".safetensors.index.json")) {
        let index: Index = json(&*index.bytes)?;
        let names: BTreeSet<&str> = files.iter().map(|f| base(&f.name)).collect();
        for (tensor, home) in &index.weight_map {
            if !names.contains(home.as_str()) {
                return Err(Error::bad_file(format!("The model's file {} is missing.", quoted(home))));
            }
            if homes.get(tensor) != Some(&home.as_str()) {
                let (tensor, home) = (quoted(tensor), quoted(home));
                return Err(Error::bad_file(format!(
                    "The index places the tensor {tensor} in {home}, but it is not there."
                )));
            }
        }
        found.retain(|(tensor, _)| index.weight_map.contains_key(&tensor.name));
    }
    Ok(found)
}

/// A JSON file of limited size.
///
/// # Errors
/// `BadFile` where it is too large or has another content.
pub fn json<T: for<'de> Deserialize<'de>>(bytes: &dyn Bytes) -> Result<T> {
    if bytes.len() > JSON_LIMIT {
        return Err(Error::bad_file(format!("A JSON file of {} bytes is too large.", bytes.len())));
    }
    parse(&bytes.take(0, bytes.len())?)
}

fn parse<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T> {
    serde_json::from_slice(text).map_err(|e| Error::bad_file(format!("JSON in the file: {}.", quoted(&e.to_string()))))
}

/// The last part of a path.
pub fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

#[derive(Default)]
struct HeaderJson {
    metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, TensorInfo>,
}

#[derive(Deserialize)]
struct TensorInfo {
    dtype: Dtype,
    shape: Dims,
    data_offsets: (u64, u64),
}

struct Dims(Vec<usize>);

/// By hand, because duplicate names are errors and the number of tensors is limited.
impl<'de> Deserialize<'de> for HeaderJson {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = HeaderJson;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tensors by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<HeaderJson, A::Error> {
                let mut header = HeaderJson::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        header.metadata = map.next_value()?;
                    } else if header.tensors.len() >= COUNT_LIMIT {
                        return Err(A::Error::custom("too many tensors"));
                    } else if header.tensors.insert(name.clone(), map.next_value()?).is_some() {
                        return Err(A::Error::custom(format!("{name} occurs twice")));
                    }
                }
                Ok(header)
            }
        }
        input.deserialize_map(Read)
    }
}

impl<'de> Deserialize<'de> for Dims {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Dims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a shape")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Dims, A::Error> {
                let mut dims = Vec::new();
                while let Some(dim) = seq.next_element()? {
                    if dims.len() == DIMS_LIMIT {
                        return Err(A::Error::custom("too many dimensions"));
                    }
                    dims.push(dim);
                }
                Ok(Dims(dims))
            }
        }
        input.deserialize_seq(Read)
    }
}
