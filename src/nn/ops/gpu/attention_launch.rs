//! Launches the kernels of attention.

use super::super::attention::{Attention, AttentionOps};
use super::attention::{ATTENTION_THREADS, AttentionPlan, forward, grad_keys_values, grad_queries};
use super::buffers::{arg, contiguous, empty};
use burn::backend::{Cube, TensorMetadata};
use burn_wgpu::CubeTensor;
use cubecl::prelude::*;

fn plan(sizes: Attention) -> AttentionPlan {
    AttentionPlan { heads: sizes.heads, width: sizes.width, causal: sizes.causal }
}

/// A workgroup for each position of each head of each sequence.
fn count(positions: usize, sizes: Attention) -> CubeCount {
    CubeCount::Static(positions as u32, sizes.heads as u32, sizes.batch as u32)
}

impl AttentionOps for Cube {
    fn attention_forward(q: CubeTensor, k: CubeTensor, v: CubeTensor, sizes: Attention) -> CubeTensor {
        let [q, k, v] = [q, k, v].map(contiguous);
        let out = empty(&q, q.shape());
        // SAFETY: all are of these sizes.
        unsafe {
            forward::launch_unchecked(
                &q.client,
                count(sizes.queries, sizes),
                CubeDim::new_1d(ATTENTION_THREADS as u32),
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

    fn attention_backward(
        q: CubeTensor,
        k: CubeTensor,
        v: CubeTensor,
        gradient: CubeTensor,
        sizes: Attention,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let [q, k, v, gradient] = [q, k, v, gradient].map(contiguous);
        let [grad_q, grad_k, grad_v] = [&q, &k, &v].map(|tensor| empty(tensor, tensor.shape()));
        let statistics = empty(&q, [sizes.batch, sizes.heads, sizes.queries, 2]);
        // SAFETY: all are of these sizes, and the statistics have two numbers for each query of each head.
        unsafe {
            grad_queries::launch_unchecked(
                &q.client,
                count(sizes.queries, sizes),
                CubeDim::new_1d(ATTENTION_THREADS as u32),
                arg(&q),
                arg(&k),
                arg(&v),
                arg(&gradient),
                arg(&grad_q),
                arg(&statistics),
                sizes.queries,
                sizes.keys,
                plan(sizes),
            );
            grad_keys_values::launch_unchecked(
                &q.client,
                count(sizes.keys, sizes),
                CubeDim::new_1d(ATTENTION_THREADS as u32),
                arg(&q),
                arg(&k),
                arg(&v),
                arg(&gradient),
                arg(&statistics),
                arg(&grad_k),
                arg(&grad_v),
                sizes.queries,
                sizes.keys,
                plan(sizes),
            );
        }
        (grad_q, grad_k, grad_v)
    }
}
