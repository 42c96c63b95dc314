//! Weights in memory. Quantised weights stay quantised, in one representation for all devices and file formats.

/// A matrix `[rows, cols]`, row-major: `rows` outputs, `cols` inputs. A vector is a matrix of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    pub rows: usize,
    pub cols: usize,
    pub data: Data,
}

/// The numbers of a matrix. Quantised rows are divided into groups of equal length; a weight is `d * q + m` with its group's `d` and
/// `m` (`m` is empty where it is zero everywhere).
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    F32(Vec<f32>),
    /// IEEE half precision, as bits.
    F16(Vec<u16>),
    /// The upper half of an f32, as bits.
    Bf16(Vec<u16>),
    /// Groups of 32 weights in 16 bytes: byte `j` holds weight `j` in its low half and weight `j + 16` in its high half;
    /// `q` is 0 to 15.
    Q4 {
        q: Vec<u8>,
        d: Vec<f32>,
        m: Vec<f32>,
    },
    /// Groups of `group` (16 or 32) weights, one signed byte each.
    Q8 {
        q: Vec<i8>,
        group: usize,
        d: Vec<f32>,
        m: Vec<f32>,
    },
}

/// Weights that share a scale in [`Data::Q4`].
pub const GROUP: usize = 32;

impl Matrix {
    /// A vector of f32.
    pub fn vector(values: Vec<f32>) -> Self {
        Self { rows: 1, cols: values.len(), data: Data::F32(values) }
    }

    /// Some of its rows, in the order given.
    pub fn select(&self, rows: &[usize]) -> Self {
        let pick = |per_row: usize| rows.iter().flat_map(move |r| r * per_row..(r + 1) * per_row);
        let floats = |v: &[f32], per_row: usize| match v.is_empty() {
            true => Vec::new(),
            false => pick(per_row).map(|i| v[i]).collect(),
        };
        let cols = self.cols;
        let data = match &self.data {
            Data::F32(v) => Data::F32(floats(v, cols)),
            Data::F16(v) => Data::F16(pick(cols).map(|i| v[i]).collect()),
            Data::Bf16(v) => Data::Bf16(pick(cols).map(|i| v[i]).collect()),
            Data::Q4 { q, d, m } => Data::Q4 {
                q: pick(cols / 2).map(|i| q[i]).collect(),
                d: floats(d, cols / GROUP),
                m: floats(m, cols / GROUP),
            },
            Data::Q8 { q, group, d, m } => Data::Q8 {
                q: pick(cols).map(|i| q[i]).collect(),
                group: *group,
                d: floats(d, cols / group),
                m: floats(m, cols / group),
            },
        };
        Self { rows: rows.len(), cols, data }
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        match &self.data {
            Data::F32(v) => 4 * v.len(),
            Data::F16(v) | Data::Bf16(v) => 2 * v.len(),
            Data::Q4 { q, d, m } => q.len() + 4 * (d.len() + m.len()),
            Data::Q8 { q, d, m, .. } => q.len() + 4 * (d.len() + m.len()),
        }
    }

    /// Row `row` as f32, into `out` of `cols` numbers.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        let (from, to) = (row * self.cols, (row + 1) * self.cols);
        let affine = |d: &[f32], m: &[f32], g: usize, q: f32| d[g] * q + m.get(g).copied().unwrap_or(0.0);
        match &self.data {
            Data::F32(v) => out.copy_from_slice(&v[from..to]),
            Data::F16(v) => out.iter_mut().zip(&v[from..to]).for_each(|(o, &b)| *o = f16(b)),
            Data::Bf16(v) => out.iter_mut().zip(&v[from..to]).for_each(|(o, &b)| *o = bf16(b)),
            Data::Q4 { q, d, m } => {
                for (g, out) in (from / GROUP..).zip(out.chunks_exact_mut(GROUP)) {
                    for (j, &byte) in q[g * 16..(g + 1) * 16].iter().enumerate() {
                        out[j] = affine(d, m, g, f32::from(byte & 15));
                        out[j + 16] = affine(d, m, g, f32::from(byte >> 4));
                    }
                }
            }
            Data::Q8 { q, group, d, m } => {
                for (g, out) in (from / group..).zip(out.chunks_exact_mut(*group)) {
                    let q = &q[g * group..(g + 1) * group];
                    out.iter_mut().zip(q).for_each(|(o, &q)| *o = affine(d, m, g, f32::from(q)));
                }
            }
        }
    }
}

/// A half-precision number. The multiplication adjusts the exponent, also for subnormals.
pub fn f16(bits: u16) -> f32 {
    let (sign, rest) = (u32::from(bits & 0x8000) << 16, u32::from(bits & 0x7fff));
    if rest >= 0x7c00 {
        return f32::from_bits(sign | 0x7f80_0000 | (rest & 0x3ff) << 13);
    }
    f32::from_bits(sign | (f32::from_bits(rest << 13) * f32::from_bits(0x7780_0000)).to_bits())
}

/// The half-precision number that is nearest to a number; ties go to the even one. What is too large becomes infinite, and so does a NaN.
pub fn to_f16(value: f32) -> u16 {
    let (sign, size) = ((value.to_bits() >> 16 & 0x8000) as u16, value.abs());
    // Subnormals are 2^-24 apart, as numbers of 32 bits are from 0.5 on: the sum rounds to them, once.
    if size < f32::from_bits(0x3880_0000) {
        return sign | ((size + 0.5).to_bits() - 0.5f32.to_bits()) as u16;
    }
    let bits = size.to_bits() - (112 << 23);
    let rounded = (bits + 0xfff + (bits >> 13 & 1)) >> 13;
    sign | rounded.min(0x7c00) as u16
}

/// A bfloat16 number.
pub fn bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}
