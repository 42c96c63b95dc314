// Who is measured: Kiln, and the libraries that can do a workload in a tab.

import { WORKLOADS } from '../shared/spec.js';

/** What a library cannot do, by workload; the table names it. */
const TRAINING = Object.keys(WORKLOADS).filter((workload) => WORKLOADS[workload].adam);
const DRAWING = Object.keys(WORKLOADS).filter((workload) => WORKLOADS[workload].told);
const because = (workloads, reason) => Object.fromEntries(workloads.map((workload) => [workload, reason]));
const ORT = { ...because(TRAINING, 'does not train'), ...because(DRAWING, 'the bench makes no ONNX file of it'), w4: 'reads no GGUF file' };
const TENSORS = { w4: 'reads no GGUF file' };
const WLLAMA = because([...TRAINING, ...DRAWING, 'w3', 'w3s', 'w5'], 'runs language models from GGUF files only');

/**
 * Wrong on a software GPU (SwiftShader in Chromium 156). On a real one they are tried, and the table tells.
 * onnxruntime-web 1.30.0: the token after the prompt is right, the next is not; its older way to WebGPU, jsep, is right.
 * jax-js 0.1.25: other losses from the first step on than by wasm, after minutes.
 */
const TOKENS = 'computes other tokens on a software GPU once there is a cache';
const LOSSES = 'computes other losses on a software GPU';
const WRONG = { ort: { w3: TOKENS, w3s: TOKENS }, jax: { w1: LOSSES, w1b8: LOSSES } };

const peer = (name, library, backend, threads, cannot) => ({
  name,
  // Only an isolated page has threads, so a page that is not has one, whatever its library would like.
  isolated: threads === 'many',
  path: `/peers/peer.html?library=${library}&backend=${backend}&threads=${threads}`,
  cannot,
});

const ours = (device, threads) => ({
  name: threads === 'many' ? 'kiln-many' : 'kiln',
  isolated: threads === 'many',
  path: `/bench.html?device=${device}&threads=${threads}`,
  cannot: {},
});

/** Whose time a contender's is divided by: ours on as many threads. */
export const measure = (name) => (name.endsWith('-many') && name !== 'kiln-many' ? 'kiln-many' : 'kiln');

/**
 * Ours first. `isolated` pages come with the two headers that allow shared memory. `adapter` is none, software or hardware.
 */
export function contenders(device, adapter) {
  if (device === 'webgpu') {
    const wrong = adapter === 'software' ? WRONG : {};
    return [
      ours(device, 'one'),
      peer('tfjs-webgpu', 'tfjs', 'webgpu', 'one', TENSORS),
      peer('jax-webgpu', 'jax', 'webgpu', 'one', { ...TENSORS, ...wrong.jax }),
      peer('ort-webgpu', 'ort', 'webgpu', 'one', { ...ORT, ...wrong.ort }),
      peer('ort-jsep', 'ort', 'jsep', 'one', ORT),
    ];
  }
  const libraries = [['tfjs', TENSORS], ['jax', TENSORS], ['ort', ORT], ['wllama', WLLAMA]];
  const both = ([library, cannot]) => [
    peer(`${library}-1`, library, 'wasm', 'one', cannot),
    peer(`${library}-many`, library, 'wasm', 'many', cannot),
  ];
  return [ours(device, 'one'), ours(device, 'many'), ...libraries.flatMap(both)];
}

/**
 * The order of the runs of one workload: there and back again, so that a machine that grows slower or faster does so to all:
 * ours, a, b, b, a, ours, ours, a, b.
 */
export function interleaved(contenders, repeats) {
  const back = [...contenders].reverse();
  return Array.from({ length: repeats }, (_, i) => (i % 2 ? back : contenders)).flat();
}
