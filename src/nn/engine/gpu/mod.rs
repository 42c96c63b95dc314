//! The engine on WebGPU: kernels for one token at a time, on the wgpu device that burn opened.
//!
//! A token takes few, large dispatches, and only what is asked for is read back. The kernels are written in CubeCL, like burn's own.
//! They need neither subgroups nor f16, at most 8 storage buffers, 256 threads a workgroup and 16 KB of workgroup memory: what every
//! WebGPU device has.

mod attention;
mod buffers;
mod gemv;
pub(in crate::nn) mod rows;
mod weights;

pub use weights::Weight;

use super::{Activation, Engine, Heads, Linear, Matrix, Norm, Rope};
use crate::error::{Code, Error, Result};
use async_trait::async_trait;
use buffers::{Cache, KvLayer, Rows, arg};
use burn::tensor::Device;
use cubecl::bytes::Bytes;
use cubecl::client::Client;
use cubecl::prelude::*;
use cubecl::server::Handle;
use cubecl::wgpu::{WgpuDevice, WgpuDeviceKind};
use gemv::{Epilogue, Tile};

pub struct Gpu {
    client: Client,
}

impl Gpu {
    /// On the device that burn has open already. A worker can open WebGPU once.
    pub fn new(_open: &Device) -> Self {
        // burn opens its default device and does not say which one it is.
        let client = cubecl::Device::Wgpu(WgpuDevice::new(WgpuDeviceKind::DefaultDevice)).client();
        // An earlier model leaves buffers that nothing uses.
        let _ = client.memory_cleanup();
        Self { client }
    }

    fn rows(&self, n: usize, width: usize) -> Rows {
        Rows { handle: self.client.empty(n * width * 4), n, width }
    }

    /// A buffer of its own that stays allocated.
    fn persistent(&self, size: usize) -> Result<Handle> {
        let limit = self.client.properties().memory.max_page_size;
        if size as u64 > limit {
            return Err(Error::new(
                Code::Unsupported,
                format!("A tensor of {size} bytes is larger than this GPU's largest buffer, {limit} bytes."),
                "Choose a smaller model, or the CPU.",
            ));
        }
        Ok(self.client.memory_persistent_allocation((), |()| self.client.empty(size)))
    }

    fn norm_rows(&self, x: &Rows, norm: &Norm<Weight>, width: usize) -> Rows {
        let out = self.rows(x.n, x.width);
        let threads = if width <= 128 { 64 } else { 256 };
        // SAFETY: reads and writes `n * width` numbers of `x` and `out`, and `width` of the norm.
        unsafe {
            rows::norm::launch_unchecked(
                &self.client,
                CubeCount::Static((x.n * x.width / width) as u32, 1, 1),
                CubeDim::new_1d(threads),
                x.arg(1),
                norm.weight.arg(),
                norm.bias.as_ref().unwrap_or(&norm.weight).arg(),
                out.arg(1),
                width,
                norm.eps,
                norm.bias.is_some(),
                threads as usize,
            );
        }
        out
    }

    /// Cosines and sines for every position of the cache: a GPU's own functions are too inaccurate for large angles.
    fn rope_table(&self, rope: &Rope, context: usize) -> Handle {
        let angles = (0..context).flat_map(|p| rope.frequencies.iter().map(move |f| p as f32 * f));
        let rope_table: Vec<f32> = angles.flat_map(|angle| [angle.cos(), angle.sin()]).collect();
        self.client.memory_persistent_allocation((), |()| self.client.create(Bytes::from_elems(rope_table)))
    }
}

#[async_trait(?Send)]
impl Engine for Gpu {
    type Weight = Weight;
    type Rows = Rows;
    type Cache = Cache;

    fn weight(&self, matrix: Matrix) -> Result<Weight> {
        Weight::upload(&self.client, matrix, |size| self.persistent(size))
    }

    fn cache(&self, layers: usize, context: usize, heads: Heads) -> Result<Cache> {
        if heads.head_dim > attention::DECODE_THREADS {
            return Err(Error::unsupported(format!(
                "The model's heads have {} channels; on WebGPU at most {} are supported.",
                heads.head_dim,
                attention::DECODE_THREADS
            )));
        }
        let mut cache = Cache { layers: Vec::with_capacity(layers), heads, context, rope_table: None };
        for _ in 0..layers {
            cache
                .layers
                .push(KvLayer { keys: self.persistent(cache.size() * 4)?, values: self.persistent(cache.size() * 4)? });
        }
        Ok(cache)
    }

    fn embed(&self, table: &Weight, ids: &[u32]) -> Rows {
        let out = self.rows(ids.len(), table.cols);
        let units = table.units();
        for (row, &id) in ids.iter().enumerate() {
            // SAFETY: reads row `id` of the table, which has that many, and writes row `row` of `n`.
            unsafe {
                rows::embed::launch_unchecked(
                    &self.client,
                    CubeCount::Static(units.div_ceil(64) as u32, 1, 1),
                    CubeDim::new_1d(64),
                    table.vector,
                    table.arg(),
                    out.arg(table.vector),
                    id as usize,
                    row,
                    table.rows,
                    units,
                    table.layout,
                );
            }
        }
        out
    }

    fn add(&self, a: &Rows, b: &Rows) -> Rows {
        let (out, count) = (self.rows(a.n, a.width), a.n * a.width);
        // SAFETY: all three have `count` numbers.
        unsafe {
            rows::add::launch_unchecked(
                &self.client,
                CubeCount::Static(count.div_ceil(64) as u32, 1, 1),
                CubeDim::new_1d(64),
                a.arg(1),
                b.arg(1),
                out.arg(1),
                count,
            );
        }
        out
    }

    fn norm(&self, x: &Rows, norm: &Norm<Weight>) -> Rows {
        self.norm_rows(x, norm, x.width)
    }

    fn linear(&self, x: &Rows, layer: &Linear<Weight>, activation: Activation, residual: Option<&Rows>) -> Rows {
        let weight = &layer.weight;
        let out = self.rows(x.n, weight.rows);
        let tile = Tile::new(weight, x.n);
        // SAFETY: reads `[n, cols]` of `x`, the weight, `rows` of the bias and `[n, rows]` of the residual; writes `[n, rows]`.
        unsafe {
            gemv::linear::launch_unchecked(
                &self.client,
                tile.count(weight.rows, x.n),
                CubeDim::new_1d(gemv::GEMV_THREADS as u32),
                weight.vector,
                x.arg(weight.vector),
                weight.arg(),
                // What is absent is not read.
                layer.bias.as_ref().map_or(x.arg(1), Weight::arg),
                residual.map_or(x.arg(1), |r| r.arg(1)),
                out.arg(1),
                x.n,
                weight.rows,
                weight.units(),
                weight.layout,
                tile,
                Epilogue::new(layer.bias.is_some(), activation, residual.is_some()),
            );
        }
        out
    }

    fn swiglu(&self, x: &Rows, gate: &Linear<Weight>, up: &Linear<Weight>) -> Rows {
        let rows = gate.weight.rows;
        let out = self.rows(x.n, rows);
        let tile = Tile::new(&gate.weight, x.n);
        // SAFETY: as in `linear`, for two weights of one shape.
        unsafe {
            gemv::swiglu::launch_unchecked(
                &self.client,
                tile.count(rows, x.n),
                CubeDim::new_1d(gemv::GEMV_THREADS as u32),
                gate.weight.vector,
                x.arg(gate.weight.vector),
                gate.weight.arg(),
                up.weight.arg(),
                gate.bias.as_ref().map_or(x.arg(1), Weight::arg),
                up.bias.as_ref().map_or(x.arg(1), Weight::arg),
                out.arg(1),
                x.n,
                rows,
                gate.weight.units(),
                up.weight.units(),
                gate.weight.layout,
                up.weight.layout,
                tile,
                [gate.bias.is_some(), up.bias.is_some()],
            );
        }
        out
    }

    fn norm_heads(&self, x: &Rows, norm: &Norm<Weight>, head_dim: usize) -> Rows {
        self.norm_rows(x, norm, head_dim)
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
        if cache.rope_table.as_ref().map(|(rope, _)| rope) != rope {
            cache.rope_table = rope.map(|rope| (rope.clone(), self.rope_table(rope, cache.context)));
        }
        let (shape, size) = (cache.shape(rope), cache.size());
        let (out, KvLayer { keys, values }) = (self.rows(q.n, q.width), &cache.layers[layer]);
        // SAFETY: `at + n` positions fit the cache, whose buffers have `size` numbers.
        unsafe {
            if q.n > 1 {
                attention::store::launch_unchecked(
                    &self.client,
                    CubeCount::Static(q.n as u32, shape.kv_heads as u32, 1),
                    CubeDim::new_1d(attention::DECODE_THREADS as u32),
                    k.arg(1),
                    v.arg(1),
                    cache.rope_table(q),
                    arg(keys, size),
                    arg(values, size),
                    at,
                    shape,
                );
            }
            attention::attend::launch_unchecked(
                &self.client,
                CubeCount::Static(shape.heads as u32, q.n as u32, 1),
                CubeDim::new_1d(attention::DECODE_THREADS as u32),
                q.arg(1),
                k.arg(1),
                v.arg(1),
                cache.rope_table(q),
                arg(keys, size),
                arg(values, size),
                out.arg(1),
                at,
                shape,
                q.n == 1,
            );
        }
        out
    }

    fn attention(&self, q: &Rows, cache: &Cache, layer: usize, at: usize, rope: Option<&Rope>) -> Rows {
        let (shape, out) = (cache.shape(rope), self.rows(cache.heads.heads, at + 1));
        // SAFETY: as in `attend`.
        unsafe {
            attention::attention::launch_unchecked(
                &self.client,
                CubeCount::Static(shape.heads as u32, 1, 1),
                CubeDim::new_1d(attention::DECODE_THREADS as u32),
                q.arg(1),
                cache.rope_table(q),
                arg(&cache.layers[layer].keys, cache.size()),
                out.arg(1),
                q.n - 1,
                at,
                shape,
            );
        }
        out
    }

    fn last(&self, x: &Rows) -> Rows {
        if x.n == 1 {
            return x.clone();
        }
        let out = self.rows(1, x.width);
        // SAFETY: reads the last `width` numbers of `x`.
        unsafe {
            rows::copy::launch_unchecked(
                &self.client,
                CubeCount::Static(x.width.div_ceil(64) as u32, 1, 1),
                CubeDim::new_1d(64),
                x.arg(1),
                out.arg(1),
                (x.n - 1) * x.width,
                x.width,
            );
        }
        out
    }

    async fn read(&self, x: &Rows) -> Result<Vec<f32>> {
        let bytes =
            self.client.read_async(vec![x.handle.clone()]).await.map_err(|e| Error::device_lost(format!("{e:?}")))?;
        let values = bytes.first().ok_or_else(|| Error::internal("A read from the GPU gave nothing."))?;
        Ok(values.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }
}
