//! The number formats of model files, to [`Matrix`]: quantised weights are repacked, and never rounded again.
//!
//! Reference: the block layouts of `ggml` (`block_q4_0` and so on in its `ggml-common.h`), whose arithmetic the `gguf`
//! Python package repeats. Each row is divided into blocks; a block has its scales, then its quantised weights.

use crate::error::{Error, Result};
use crate::nn::engine::{Data, GROUP, Matrix, f16};

/// A number format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

impl Format {
    /// Weights and bytes in a block.
    pub fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::Q4_0 => (32, 18),
            Self::Q4_1 => (32, 20),
            Self::Q5_0 => (32, 22),
            Self::Q5_1 => (32, 24),
            Self::Q8_0 => (32, 34),
            Self::Q4K => (256, 144),
            Self::Q5K => (256, 176),
            Self::Q6K => (256, 210),
        }
    }
}

/// A matrix that is being read. Blocks arrive piece by piece, so that a tensor is never in memory twice.
pub struct MatrixBuilder {
    format: Format,
    rows: usize,
    cols: usize,
    floats: Vec<f32>,
    halves: Vec<u16>,
    nibbles: Vec<u8>,
    quants: Vec<i8>,
    d: Vec<f32>,
    m: Vec<f32>,
}

impl MatrixBuilder {
    /// Allocates `[rows, cols]`: at most twice the bytes of the tensor in its file.
    ///
    /// # Errors
    /// `BadFile` where a row is not a whole number of blocks, `Unsupported` where memory does not suffice.
    pub fn new(format: Format, rows: usize, cols: usize) -> Result<Self> {
        let (block, _) = format.block();
        let n = rows.checked_mul(cols).filter(|_| cols.is_multiple_of(block));
        let n = n.ok_or_else(|| {
            Error::bad_file(format!("Rows of {cols} weights cannot be divided into blocks of {block}."))
        })?;
        let four = matches!(format, Format::Q4_0 | Format::Q4_1 | Format::Q4K);
        let scaled = block > 1;
        let group = if format == Format::Q6K { 16 } else { GROUP };
        let shifted = matches!(format, Format::Q4_0 | Format::Q4_1 | Format::Q5_1 | Format::Q4K | Format::Q5K);
        Ok(Self {
            format,
            rows,
            cols,
            floats: allocate(format == Format::F32, n)?,
            halves: allocate(matches!(format, Format::F16 | Format::Bf16), n)?,
            nibbles: allocate(four, n / 2)?,
            quants: allocate(scaled && !four, n)?,
            d: allocate(scaled, n / group)?,
            m: allocate(shifted, n / group)?,
        })
    }

    /// Adds whole blocks.
    pub fn push(&mut self, bytes: &[u8]) {
        match self.format {
            Format::F32 => self.floats.extend(bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b))),
            Format::F16 | Format::Bf16 => {
                self.halves.extend(bytes.as_chunks().0.iter().map(|&b| u16::from_le_bytes(b)))
            }
            Format::Q4_0 => bytes.as_chunks().0.iter().for_each(|b| self.q4_0(b)),
            Format::Q4_1 => bytes.as_chunks().0.iter().for_each(|b| self.q4_1(b)),
            Format::Q5_0 => bytes.as_chunks().0.iter().for_each(|b| self.q5_0(b)),
            Format::Q5_1 => bytes.as_chunks().0.iter().for_each(|b| self.q5_1(b)),
            Format::Q8_0 => bytes.as_chunks().0.iter().for_each(|b| self.q8_0(b)),
            Format::Q4K => bytes.as_chunks().0.iter().for_each(|b| self.q4_k(b)),
            Format::Q5K => bytes.as_chunks().0.iter().for_each(|b| self.q5_k(b)),
            Format::Q6K => bytes.as_chunks().0.iter().for_each(|b| self.q6_k(b)),
        }
    }

    /// The matrix.
    ///
    /// # Errors
    /// `BadFile` where blocks are missing.
    pub fn finish(self) -> Result<Matrix> {
        let n = self.rows * self.cols;
        if self.floats.len() + self.halves.len() + 2 * self.nibbles.len() + self.quants.len() != n {
            return Err(Error::bad_file("The tensor ends before its last row."));
        }
        let data = match self.format {
            Format::F32 => Data::F32(self.floats),
            Format::F16 => Data::F16(self.halves),
            Format::Bf16 => Data::Bf16(self.halves),
            Format::Q4_0 | Format::Q4_1 | Format::Q4K => Data::Q4 { q: self.nibbles, d: self.d, m: self.m },
            Format::Q6K => Data::Q8 { q: self.quants, group: 16, d: self.d, m: self.m },
            Format::Q5_0 | Format::Q5_1 | Format::Q8_0 | Format::Q5K => {
                Data::Q8 { q: self.quants, group: GROUP, d: self.d, m: self.m }
            }
        };
        Ok(Matrix { rows: self.rows, cols: self.cols, data })
    }

    /// `d * (q - 8)`; nibbles are in the same order as ours.
    fn q4_0(&mut self, block: &[u8; 18]) {
        let d = half(block, 0);
        self.d.push(d);
        self.m.push(-8.0 * d);
        self.nibbles.extend(&block[2..]);
    }

    /// `d * q + m`.
    fn q4_1(&mut self, block: &[u8; 20]) {
        self.d.push(half(block, 0));
        self.m.push(half(block, 2));
        self.nibbles.extend(&block[4..]);
    }

    /// `d * (q - 16)`, the fifth bits in four bytes of their own.
    fn q5_0(&mut self, block: &[u8; 22]) {
        self.d.push(half(block, 0));
        self.quants.extend(five_bits(&block[2..]).map(|q| q as i8 - 16));
    }

    /// `d * q + m`.
    fn q5_1(&mut self, block: &[u8; 24]) {
        self.d.push(half(block, 0));
        self.m.push(half(block, 2));
        self.quants.extend(five_bits(&block[4..]).map(|q| q as i8));
    }

    /// `d * q`.
    fn q8_0(&mut self, block: &[u8; 34]) {
        self.d.push(half(block, 0));
        self.quants.extend(block[2..].iter().map(|&q| q as i8));
    }

    /// Eight groups of 32; a byte holds a weight of an even group and one of the odd group after it.
    fn q4_k(&mut self, block: &[u8; 144]) {
        self.scales(block);
        for pair in block[16..].as_chunks::<32>().0 {
            let (left, right) = pair.split_at(16);
            self.nibbles.extend(left.iter().zip(right).map(|(a, b)| (a & 15) | (b << 4)));
            self.nibbles.extend(left.iter().zip(right).map(|(a, b)| (a >> 4) | (b & 0xf0)));
        }
    }

    /// As [`Self::q4_k`]; bit `g` of the 32 bytes before the nibbles is the fifth bit of group `g`.
    fn q5_k(&mut self, block: &[u8; 176]) {
        self.scales(block);
        let (high, low) = (&block[16..48], &block[48..]);
        for (pair, nibbles) in low.as_chunks::<32>().0.iter().enumerate() {
            for odd in 0..2 {
                let weights = nibbles.iter().zip(high);
                self.quants
                    .extend(weights.map(|(n, h)| ((n >> (4 * odd) & 15) | (h >> (2 * pair + odd) & 1) << 4) as i8));
            }
        }
    }

    /// Sixteen groups of 16 with signed scales, `d * scale * (q - 32)`; of each half block, nibbles first, then pairs of
    /// bits.
    fn q6_k(&mut self, block: &[u8; 210]) {
        let (low, rest) = block.split_at(128);
        let (high, scales) = rest.split_at(64);
        let d = half(block, 208);
        self.d.extend(scales[..16].iter().map(|&s| d * f32::from(s as i8)));
        for (low, high) in low.chunks_exact(64).zip(high.chunks_exact(32)) {
            for quarter in 0..4 {
                let nibbles = &low[32 * (quarter % 2)..];
                let weights = nibbles.iter().zip(high);
                self.quants.extend(
                    weights.map(|(n, h)| ((n >> (4 * (quarter / 2)) & 15) | (h >> (2 * quarter) & 3) << 4) as i8 - 32),
                );
            }
        }
    }

    /// The scales of the K formats: two halves, then eight pairs of six-bit factors in twelve bytes.
    fn scales(&mut self, block: &[u8]) {
        let (d, m, s) = (half(block, 0), half(block, 2), &block[4..16]);
        for g in 0..8 {
            let (scale, min) = match g {
                0..4 => (s[g] & 63, s[g + 4] & 63),
                _ => ((s[g + 4] & 15) | (s[g - 4] >> 6) << 4, (s[g + 4] >> 4) | (s[g] >> 6) << 4),
            };
            self.d.push(d * f32::from(scale));
            self.m.push(-m * f32::from(min));
        }
    }
}

/// Allocates `n` numbers where they are wanted. A tab has at most 4 GB.
fn allocate<T>(wanted: bool, n: usize) -> Result<Vec<T>> {
    let mut out = Vec::new();
    let reserved = out.try_reserve_exact(if wanted { n } else { 0 });
    reserved.map_err(|_| Error::unsupported(format!("A tensor of {n} numbers does not fit in memory.")))?;
    Ok(out)
}

/// The half-precision number at `at`.
fn half(block: &[u8], at: usize) -> f32 {
    f16(u16::from_le_bytes([block[at], block[at + 1]]))
}

/// Weights of five bits: four bytes of fifth bits, then 16 bytes of nibbles.
fn five_bits(block: &[u8]) -> impl Iterator<Item = u8> + '_ {
    (0..GROUP).map(|j| {
        let fifth = block[j / 8] >> (j % 8) & 1;
        let nibble = block[4 + j % 16] >> (4 * (j / 16)) & 15;
        nibble | fifth << 4
    })
}
