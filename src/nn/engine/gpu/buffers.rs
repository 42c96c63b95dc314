//! What lies on the device besides weights: activations and the cache.

use super::super::{Heads, Rope};
use super::attention::Shape;
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
    pub layers: Vec<Layer>,
    pub heads: Heads,
    pub context: usize,
    /// Cosines and sines of all positions, and what they were made for.
    pub turns: Option<(Rope, Handle)>,
}

pub struct Layer {
    pub keys: Handle,
    pub values: Handle,
}

/// A kernel's argument of `count` elements.
pub fn arg(handle: &Handle, count: usize) -> BufferArg {
    // SAFETY: every buffer is made by the engine, of the shape that its owner states.
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
    /// The kernels' constants.
    pub fn shape(&self, rope: Option<&Rope>) -> Shape {
        let Heads { heads, kv_heads, head_dim } = self.heads;
        let (pairs, interleaved) = rope.map_or((0, false), |r| (r.frequencies.len(), r.interleaved));
        Shape { head_dim, heads, kv_heads, context: self.context, pairs, interleaved }
    }

    /// Numbers of a layer's keys, and of its values.
    pub fn size(&self) -> usize {
        self.heads.kv_heads * self.context * self.heads.head_dim
    }

    /// Cosines and sines; any buffer where there are none, for it is not read.
    pub fn turns(&self, q: &Rows) -> BufferArg {
        match &self.turns {
            Some((rope, turns)) => arg(turns, self.context * rope.frequencies.len() * 2),
            None => q.arg(1),
        }
    }
}
