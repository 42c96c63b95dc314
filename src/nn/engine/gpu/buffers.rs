//! Buffers besides the weights: activations and the key-value cache.

use super::super::{Heads, Rope};
use super::attention::AttentionShape;
use super::weights::Weight;
use cubecl::prelude::*;
use cubecl::server::Handle;

/// Activations `[n, width]`.
#[derive(Clone)]
pub struct Rows {
    pub handle: Handle,
    pub n: usize,
    pub width: usize,
}

/// Keys and values of each layer.
pub struct Cache {
    pub layers: Vec<KvLayer>,
    pub heads: Heads,
    pub context: usize,
    /// Cosines and sines of all positions, and the rotary embedding that they belong to.
    pub rope_table: Option<(Rope, Handle)>,
}

pub struct KvLayer {
    pub keys: Handle,
    pub values: Handle,
}

/// A kernel's argument of `count` elements.
pub fn arg(handle: &Handle, count: usize) -> BufferArg {
    // SAFETY: the engine allocates every buffer for the shape that its owner states.
    unsafe { BufferArg::from_raw_parts(handle.clone(), count) }
}

impl Rows {
    pub fn arg(&self, vector: usize) -> BufferArg {
        arg(&self.handle, self.n * self.width / vector)
    }
}

impl Weight {
    pub fn arg(&self) -> BufferArg {
        arg(&self.handle, self.handle.size_in_used() as usize / 4 / self.vector)
    }
}

impl Cache {
    /// The constants of the kernels.
    pub fn shape(&self, rope: Option<&Rope>) -> AttentionShape {
        let Heads { heads, kv_heads, head_dim } = self.heads;
        let (pairs, interleaved) = rope.map_or((0, false), |r| (r.frequencies.len(), r.interleaved));
        AttentionShape { head_dim, heads, kv_heads, context: self.context, pairs, interleaved }
    }

    /// Numbers in the keys of a layer, and in its values.
    pub fn size(&self) -> usize {
        self.heads.kv_heads * self.context * self.heads.head_dim
    }

    /// Cosines and sines, or any buffer where there are none: it is not read.
    pub fn rope_table(&self, q: &Rows) -> BufferArg {
        match &self.rope_table {
            Some((rope, rope_table)) => arg(rope_table, self.context * rope.frequencies.len() * 2),
            None => q.arg(1),
        }
    }
}
