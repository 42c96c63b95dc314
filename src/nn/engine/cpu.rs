//! The engine on the CPU: plain vectors.

use super::{Activation, Data, Engine, Heads, Linear, Matrix, Norm, Rope};
use crate::error::{Code, Error, Result};
use async_trait::async_trait;
use kernels::{dot, matmul};
use kiln_kernels as kernels;
use std::rc::Rc;

pub struct Cpu;

/// Activations `[n, width]`.
#[derive(Clone)]
pub struct Rows {
    width: usize,
    values: Rc<Vec<f32>>,
}

/// Keys and values, `[layers, kv_heads, context, head_dim]` each.
pub struct Cache {
    keys: Vec<f32>,
    values: Vec<f32>,
    heads: Heads,
    context: usize,
}

impl Rows {
    fn new(width: usize, values: Vec<f32>) -> Self {
        Self { width, values: Rc::new(values) }
    }

    fn n(&self) -> usize {
        self.values.len() / self.width
    }

    fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.width)
    }
}

impl Cache {
    /// Where the keys of a layer's head begin.
    fn start(&self, layer: usize, head: usize) -> usize {
        (layer * self.heads.kv_heads + head) * self.context * self.heads.head_dim
    }
}

/// The numbers of a vector; norms and biases are stored as f32.
fn vector(matrix: &Matrix) -> &[f32] {
    match &matrix.data {
        Data::F32(values) => values,
        _ => &[],
    }
}

/// `activation(x W^T + b)`, row-major.
fn linear(x: &Rows, layer: &Linear<Matrix>, activation: Activation) -> Vec<f32> {
    let mut out = vec![0.0; x.n() * layer.weight.rows];
    matmul(&layer.weight, &x.values, &mut out);
    kernels::bias_act(&mut out, layer.bias.as_ref().map_or(&[], vector), 1, activation);
    out
}

/// Rotates each head of a row for its position.
fn apply_rope(row: &mut [f32], head_dim: usize, rope: &Rope, position: usize) {
    let pairs = rope.frequencies.len();
    let angles: Vec<(f32, f32)> = rope.frequencies.iter().map(|f| (position as f32 * f).sin_cos()).collect();
    for head in row.chunks_exact_mut(head_dim) {
        for (i, (sin, cos)) in angles.iter().enumerate() {
            let (a, b) = if rope.interleaved { (2 * i, 2 * i + 1) } else { (i, i + pairs) };
            (head[a], head[b]) = (head[a] * cos - head[b] * sin, head[a] * sin + head[b] * cos);
        }
    }
}

impl Cpu {
    /// The attention weights of one query over positions `0..=at`.
    fn weights(&self, query: &[f32], cache: &Cache, layer: usize, head: usize, at: usize) -> Vec<f32> {
        let (heads_shape, hd) = (cache.heads, cache.heads.head_dim);
        let start = cache.start(layer, head * heads_shape.kv_heads / heads_shape.heads);
        let scale = 1.0 / (hd as f32).sqrt();
        let keys = &cache.keys[start..start + (at + 1) * hd];
        let mut row: Vec<f32> = keys.chunks_exact(hd).map(|key| dot(query, key) * scale).collect();
        kernels::softmax(&mut row);
        row
    }
}

#[async_trait(?Send)]
impl Engine for Cpu {
    type Weight = Matrix;
    type Rows = Rows;
    type Cache = Cache;

    fn weight(&self, matrix: Matrix) -> Result<Matrix> {
        Ok(matrix)
    }

    fn cache(&self, layers: usize, context: usize, heads: Heads) -> Result<Cache> {
        let lengths = [layers, heads.kv_heads, context, heads.head_dim];
        let size = lengths.iter().try_fold(1usize, |n, &length| n.checked_mul(length));
        let room = || {
            let mut room = Vec::new();
            room.try_reserve_exact(size?).ok()?;
            room.resize(size?, 0.0);
            Some(room)
        };
        match (room(), room()) {
            (Some(keys), Some(values)) => Ok(Cache { keys, values, heads, context }),
            _ => Err(Error::new(
                Code::Unsupported,
                format!("A cache for {context} tokens does not fit in memory."),
                "Open the model with a smaller context, or choose a smaller model.",
            )),
        }
    }

    fn embed(&self, table: &Matrix, ids: &[u32]) -> Rows {
        let mut values = vec![0.0; ids.len() * table.cols];
        for (row, &id) in values.chunks_exact_mut(table.cols).zip(ids) {
            table.row(id as usize, row);
        }
        Rows::new(table.cols, values)
    }

    fn add(&self, a: &Rows, b: &Rows) -> Rows {
        let mut out = a.values.to_vec();
        kernels::add(&mut out, &b.values);
        Rows::new(a.width, out)
    }

    fn norm(&self, x: &Rows, norm: &Norm<Matrix>) -> Rows {
        self.norm_heads(x, norm, x.width)
    }

    fn linear(&self, x: &Rows, layer: &Linear<Matrix>, activation: Activation, residual: Option<&Rows>) -> Rows {
        let mut out = linear(x, layer, activation);
        if let Some(residual) = residual {
            kernels::add(&mut out, &residual.values);
        }
        Rows::new(layer.weight.rows, out)
    }

    fn swiglu(&self, x: &Rows, gate: &Linear<Matrix>, up: &Linear<Matrix>) -> Rows {
        let [mut out, up] = [gate, up].map(|layer| linear(x, layer, Activation::Identity));
        kernels::swiglu(&mut out, &up);
        Rows::new(gate.weight.rows, out)
    }

    fn norm_heads(&self, x: &Rows, norm: &Norm<Matrix>, head_dim: usize) -> Rows {
        let mut values = x.values.to_vec();
        let (weight, bias) = (vector(&norm.weight), norm.bias.as_ref().map(vector));
        values.chunks_exact_mut(head_dim).for_each(|head| kernels::norm_row(head, weight, bias, norm.eps));
        Rows::new(x.width, values)
    }

    fn attend(
        &self,
        q: &Rows,
        k: &Rows,
        v: &Rows,
        cache: &mut Cache,
        layer: usize,
        at: usize,
        rope: Option<&Rope>,
    ) -> Rows {
        let (heads_shape, hd) = (cache.heads, cache.heads.head_dim);
        let (mut queries, mut keys) = (q.values.to_vec(), k.values.to_vec());
        if let Some(rope) = rope {
            let rows = queries.chunks_exact_mut(q.width).zip(keys.chunks_exact_mut(k.width));
            for (position, (query, key)) in (at..).zip(rows) {
                apply_rope(query, hd, rope, position);
                apply_rope(key, hd, rope, position);
            }
        }
        for (position, (key, value)) in (at..).zip(keys.chunks_exact(k.width).zip(v.rows())) {
            for head in 0..heads_shape.kv_heads {
                let to = cache.start(layer, head) + position * hd;
                cache.keys[to..to + hd].copy_from_slice(&key[head * hd..(head + 1) * hd]);
                cache.values[to..to + hd].copy_from_slice(&value[head * hd..(head + 1) * hd]);
            }
        }
        let (mut out, cache) = (vec![0.0; queries.len()], &*cache);
        let (many, keys) = (queries.len() / hd, at + q.n());
        let size = many.div_ceil(kernels::part_count(&[2, queries.len(), keys])).max(1);
        kernels::each_chunk(
            &mut out,
            size * hd,
            || (),
            |(), part, out| {
                for (i, out) in (part * size..).zip(out.chunks_exact_mut(hd)) {
                    let (row, head) = (i / heads_shape.heads, i % heads_shape.heads);
                    let weights = self.weights(&queries[i * hd..][..hd], cache, layer, head, at + row);
                    let start = cache.start(layer, head * heads_shape.kv_heads / heads_shape.heads);
                    for (weight, value) in weights.iter().zip(cache.values[start..].chunks_exact(hd)) {
                        kernels::axpy(out, *weight, value);
                    }
                }
            },
        );
        Rows::new(q.width, out)
    }

    fn attention(&self, q: &Rows, cache: &Cache, layer: usize, at: usize, rope: Option<&Rope>) -> Rows {
        let hd = cache.heads.head_dim;
        let mut query = self.last(q).values.to_vec();
        if let Some(rope) = rope {
            apply_rope(&mut query, hd, rope, at);
        }
        let heads = query.chunks_exact(hd).enumerate();
        Rows::new(at + 1, heads.flat_map(|(head, query)| self.weights(query, cache, layer, head, at)).collect())
    }

    fn last(&self, x: &Rows) -> Rows {
        Rows::new(x.width, x.values[x.values.len() - x.width..].to_vec())
    }

    async fn read(&self, x: &Rows) -> Result<Vec<f32>> {
        Ok(x.values.to_vec())
    }
}
