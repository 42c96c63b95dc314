//! Weights on the GPU: quantised weights stay quantised, and kernels unpack them in registers.
//!
//! A matrix is one buffer of 32-bit words. A row is divided into units of one vector of words each: 32 weights of 4 bits, 16 of 8
//! bits, 8 of 16 bits or 4 of 32 bits. After all rows come the scales `d` of all groups, then their `m`s if there are any.

use super::super::{Data, GROUP, Matrix};
use crate::error::Result;
use cubecl::bytes::Bytes;
use cubecl::client::Client;
use cubecl::prelude::*;
use cubecl::server::Handle;

/// How a matrix is stored in its buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WeightLayout {
    F32,
    F16,
    Bf16,
    Q4 {
        low: bool,
    },
    /// `shared` units of 16 weights share a scale.
    Q8 {
        shared: usize,
        low: bool,
    },
}

impl WeightLayout {
    /// Vectors of activations that a unit of weights is multiplied by.
    pub const fn parts(self) -> usize {
        match self {
            Self::F32 => 1,
            Self::F16 | Self::Bf16 => 2,
            Self::Q8 { .. } => 4,
            Self::Q4 { .. } => 8,
        }
    }

    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16 | Self::Bf16)
    }

    pub const fn is_q4(self) -> bool {
        matches!(self, Self::Q4 { .. })
    }

    /// Whether groups have an `m`.
    pub const fn low(self) -> bool {
        matches!(self, Self::Q4 { low: true } | Self::Q8 { low: true, .. })
    }

    /// Units that share a scale.
    pub const fn shared(self) -> usize {
        match self {
            Self::Q8 { shared, .. } => shared,
            _ => 1,
        }
    }
}

/// A matrix `[rows, cols]` on the device.
pub struct Weight {
    pub handle: Handle,
    pub layout: WeightLayout,
    pub rows: usize,
    pub cols: usize,
    /// Words in a unit, and numbers in a vector of activations: 4, or 1 where the length of rows of f32 is no multiple of 4.
    pub vector: usize,
}

impl Weight {
    /// Units in a row.
    pub fn units(&self) -> usize {
        self.cols / (self.layout.parts() * self.vector)
    }

    /// Uploads a matrix to a buffer of its own. Nothing of it stays in Rust's memory.
    pub fn upload(client: &Client, matrix: Matrix, allocate: impl FnOnce(usize) -> Result<Handle>) -> Result<Self> {
        let Matrix { rows, cols, data } = matrix;
        let (layout, pieces) = match data {
            Data::F32(values) => (WeightLayout::F32, vec![Bytes::from_elems(values)]),
            // The kernels read whole units; no known checkpoint has such rows.
            Data::F16(_) | Data::Bf16(_) if cols % 8 != 0 => {
                let matrix = Matrix { rows, cols, data };
                let mut values = vec![0.0; rows * cols];
                values.chunks_exact_mut(cols).enumerate().for_each(|(r, row)| matrix.row(r, row));
                (WeightLayout::F32, vec![Bytes::from_elems(values)])
            }
            Data::F16(bits) => (WeightLayout::F16, vec![Bytes::from_elems(bits)]),
            Data::Bf16(bits) => (WeightLayout::Bf16, vec![Bytes::from_elems(bits)]),
            Data::Q4 { q, d, m } => {
                (WeightLayout::Q4 { low: !m.is_empty() }, vec![Bytes::from_elems(q), scales(d), scales(m)])
            }
            Data::Q8 { q, group, d, m } => {
                let layout = WeightLayout::Q8 { shared: group * 2 / GROUP, low: !m.is_empty() };
                (layout, vec![Bytes::from_elems(q), scales(d), scales(m)])
            }
        };
        let vector = if layout == WeightLayout::F32 && cols % 4 != 0 { 1 } else { 4 };
        let size = pieces.iter().map(|p| p.len()).sum::<usize>();
        let handle = allocate(size)?;
        let mut from = 0;
        for piece in pieces.into_iter().filter(|p| !p.is_empty()) {
            let to = from + piece.len() as u64;
            client.write(&handle.clone().offset_start(from).offset_end(size as u64 - to), piece);
            from = to;
        }
        // Otherwise the writes, with their bytes, would wait in a queue for a dozen more.
        let _ = client.flush();
        Ok(Self { handle, layout, rows, cols, vector })
    }
}

/// Scales, padded to a whole vector.
fn scales(mut values: Vec<f32>) -> Bytes {
    values.resize(values.len().next_multiple_of(4), 0.0);
    Bytes::from_elems(values)
}

/// Vector `part` of a unit's weights, without scale.
#[cube]
pub fn unpack<N: Size>(
    unit: Vector<u32, N>,
    #[comptime] part: usize,
    #[comptime] layout: WeightLayout,
) -> Vector<f32, N> {
    if comptime!(layout == WeightLayout::F32) {
        Vector::<f32, N>::reinterpret(unit)
    } else {
        let mut out = Vector::<f32, N>::empty();
        #[unroll]
        for i in 0..4usize {
            out.insert(i, weight(unit, comptime!(part * 4 + i), layout));
        }
        out
    }
}

/// Weight `i` of a unit, without scale.
#[cube]
fn weight<N: Size>(unit: Vector<u32, N>, #[comptime] i: usize, #[comptime] layout: WeightLayout) -> f32 {
    if comptime!(layout.is_q4()) {
        // Byte `j` holds weights `j` and `j + 16`.
        let word = unit.extract(comptime!(i % 16 / 4));
        f32::cast_from((word >> comptime!((i % 4 * 8 + i / 16 * 4) as u32)) & 15u32)
    } else if comptime!(layout == WeightLayout::F16) {
        half(unit.extract(comptime!(i / 2)) >> comptime!((i % 2 * 16) as u32))
    } else if comptime!(layout == WeightLayout::Bf16) {
        let word = unit.extract(comptime!(i / 2));
        if comptime!(i.is_multiple_of(2)) {
            f32::reinterpret(word << 16u32)
        } else {
            f32::reinterpret(word & 0xffff_0000u32)
        }
    } else {
        let byte = (unit.extract(comptime!(i / 4)) >> comptime!((i % 4 * 8) as u32)) & 255u32;
        f32::cast_from(byte ^ 128u32) - 128.0f32
    }
}

/// The half-precision number in the lower 16 bits, without the feature f16, which not every device has. It is right for
/// subnormals, also where the device flushes subnormal f32 to zero.
#[cube]
fn half(bits: u32) -> f32 {
    let rest = bits & 0x7fffu32;
    let normal = f32::reinterpret((rest << 13u32) + 0x3800_0000u32);
    let subnormal = f32::cast_from(rest) * 5.960_464_5e-8f32;
    let magnitude = select(rest < 0x400u32, subnormal, normal);
    select((bits & 0x8000u32) != 0u32, -magnitude, magnitude)
}

/// Scale `i` of the list that begins at vector `from`.
#[cube]
pub fn scale<N: Size>(w: &[Vector<u32, N>], from: usize, i: usize) -> f32 {
    let four = w[from + i / 4];
    let (odd, upper) = (i % 2 == 1, i % 4 >= 2);
    let lower_half = select(odd, four.extract(1usize), four.extract(0usize));
    let upper_half = select(odd, four.extract(3usize), four.extract(2usize));
    f32::reinterpret(select(upper, upper_half, lower_half))
}
