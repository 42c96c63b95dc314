//! Launches attention.

use super::super::attention::{Attend, Attention};
use super::attention::{Plan, THREADS, forward, of_keys, of_queries};
use super::launch::{arg, empty, whole};
use burn::backend::{Cube, TensorMetadata};
use burn_wgpu::CubeTensor;
use cubecl::prelude::*;

fn plan(sizes: Attention) -> Plan {
    Plan { heads: sizes.heads, width: sizes.width, causal: sizes.causal }
}

/// A workgroup for each of so many positions of each head of each sequence.
fn count(positions: usize, sizes: Attention) -> CubeCount {
    CubeCount::Static(positions as u32, sizes.heads as u32, sizes.batch as u32)
}

impl Attend for Cube {
    fn attend(q: CubeTensor, k: CubeTensor, v: CubeTensor, sizes: Attention) -> CubeTensor {
        let [q, k, v] = [q, k, v].map(whole);
        let out = empty(&q, q.shape());
        // SAFETY: all are of these sizes.
        unsafe {
            forward::launch_unchecked(
                &q.client,
                count(sizes.queries, sizes),
                CubeDim::new_1d(THREADS as u32),
                arg(&q),
                arg(&k),
                arg(&v),
                arg(&out),
                sizes.queries,
                sizes.keys,
                plan(sizes),
            );
        }
        out
    }

    fn attend_backward(
        q: CubeTensor,
        k: CubeTensor,
        v: CubeTensor,
        gradient: CubeTensor,
        sizes: Attention,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let [q, k, v, gradient] = [q, k, v, gradient].map(whole);
        let [of_q, of_k, of_v] = [&q, &k, &v].map(|tensor| empty(tensor, tensor.shape()));
        let statistics = empty(&q, [sizes.batch, sizes.heads, sizes.queries, 2]);
        // SAFETY: all are of these sizes, and the statistics have two numbers for each head's query.
        unsafe {
            of_queries::launch_unchecked(
                &q.client,
                count(sizes.queries, sizes),
                CubeDim::new_1d(THREADS as u32),
                arg(&q),
                arg(&k),
                arg(&v),
                arg(&gradient),
                arg(&of_q),
                arg(&statistics),
                sizes.queries,
                sizes.keys,
                plan(sizes),
            );
            of_keys::launch_unchecked(
                &q.client,
                count(sizes.keys, sizes),
                CubeDim::new_1d(THREADS as u32),
                arg(&q),
                arg(&k),
                arg(&v),
                arg(&gradient),
                arg(&statistics),
                arg(&of_k),
                arg(&of_v),
                sizes.queries,
                sizes.keys,
                plan(sizes),
            );
        }
        (of_q, of_k, of_v)
    }
}
