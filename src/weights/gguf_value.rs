//! Values in the metadata of a GGUF file. Lists stay packed, so that a header of many small texts does not grow in memory.

use crate::error::{Error, Result};

/// A value of the metadata.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Flag(bool),
    Text(String),
    Texts(Texts),
    Numbers(Numbers),
}

/// The number types of values and lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Flag,
    U64,
    I64,
    F64,
}

/// A list of numbers, as the file's bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    scalar: Scalar,
    bytes: Vec<u8>,
}

/// A list of texts, concatenated.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Texts {
    text: String,
    ends: Vec<u32>,
}

impl Value {
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn unsigned(&self) -> Option<u64> {
        match self {
            Self::Unsigned(n) => Some(*n),
            Self::Signed(n) => u64::try_from(*n).ok(),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Unsigned(n) => Some(*n as f64),
            Self::Signed(n) => Some(*n as f64),
            Self::Float(x) => Some(*x),
            _ => None,
        }
    }

    pub fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            _ => None,
        }
    }
}

impl Scalar {
    /// The type with this number in the file.
    pub(super) fn from_id(id: u32) -> Result<Self> {
        Ok(match id {
            0 => Self::U8,
            1 => Self::I8,
            2 => Self::U16,
            3 => Self::I16,
            4 => Self::U32,
            5 => Self::I32,
            6 => Self::F32,
            7 => Self::Flag,
            10 => Self::U64,
            11 => Self::I64,
            12 => Self::F64,
            _ => return Err(Error::bad_file(format!("The file's header has a value of the unknown type {id}."))),
        })
    }

    /// Bytes of a value.
    pub(super) fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Flag => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// A value, from [`Self::size`] bytes.
    pub(super) fn value(self, bytes: &[u8]) -> Result<Value> {
        let mut wide = [0; 8];
        let n = bytes.len().min(8);
        wide[..n].copy_from_slice(&bytes[..n]);
        let bits = u64::from_le_bytes(wide);
        Ok(match self {
            Self::U8 | Self::U16 | Self::U32 | Self::U64 => Value::Unsigned(bits),
            Self::I8 => Value::Signed(i64::from(bits as i8)),
            Self::I16 => Value::Signed(i64::from(bits as i16)),
            Self::I32 => Value::Signed(i64::from(bits as i32)),
            Self::I64 => Value::Signed(bits as i64),
            Self::F32 => Value::Float(f64::from(f32::from_bits(bits as u32))),
            Self::F64 => Value::Float(f64::from_bits(bits)),
            Self::Flag if bits < 2 => Value::Flag(bits == 1),
            Self::Flag => return Err(Error::bad_file("A boolean in the file's header is neither 0 nor 1.")),
        })
    }

    /// A list of them.
    pub(super) fn list(self, bytes: Vec<u8>) -> Result<Value> {
        if self == Self::Flag && bytes.iter().any(|&b| b > 1) {
            return Err(Error::bad_file("A boolean in the file's header is neither 0 nor 1."));
        }
        Ok(Value::Numbers(Numbers { scalar: self, bytes }))
    }
}

impl Numbers {
    pub fn len(&self) -> usize {
        self.bytes.len() / self.scalar.size()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = Value> + '_ {
        // Flags were checked when the list was read.
        self.bytes.chunks_exact(self.scalar.size()).filter_map(|b| self.scalar.value(b).ok())
    }
}

impl Texts {
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        // A header has at most 64 MB.
        self.ends.push(self.text.len() as u32);
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(from, &to)| &self.text[from as usize..to as usize])
    }
}
