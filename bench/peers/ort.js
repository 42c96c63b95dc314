// onnxruntime-web: ?backend=wasm, webgpu (its newer way to a GPU, in C++) or jsep (its older one, in JavaScript). It computes but
// does not train: W3, W3s and W5, from models.py's ONNX files.

import { WORKLOADS, threePixels } from '../shared/spec.js';
import { fetchBytes } from '../shared/safetensors.js';
import { timeSteps, timeTokens } from '../shared/timing.js';
import { backend, threads } from './query.js';

const provider = backend === 'wasm' ? 'wasm' : 'webgpu';
const BUILDS = {
  wasm: () => import('onnxruntime-web/wasm'),
  webgpu: () => import('onnxruntime-web/webgpu'),
  jsep: () => import('onnxruntime-web'),
};

async function open() {
  const ort = await BUILDS[backend]();
  ort.env.wasm.wasmPaths = '/node_modules/onnxruntime-web/dist/';
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  return ort;
}

async function session(ort, file, more = {}) {
  const model = await fetchBytes(`/models/${file}.onnx`);
  return ort.InferenceSession.create(model, { executionProviders: [provider], graphOptimizationLevel: 'all', ...more });
}

async function decoder(ort, { batch, latent }) {
  const model = await session(ort, 'vae');
  return {
    step: (i) => model.run({ z: new ort.Tensor('float32', latent(i), [batch, 64]) }),
    read: async ({ image }) => threePixels(image.data, 'first'),
  };
}

async function transformer(ort, { file, layers, width, heads, prompt }) {
  const names = Array.from({ length: layers }, (_, layer) => [`${layer}.key`, `${layer}.value`]).flat();
  // On a GPU keys and values stay there; logits are wanted here.
  const there = Object.fromEntries(names.map((name) => [`present.${name}`, 'gpu-buffer']));
  const model = await session(ort, file, provider === 'webgpu' ? { preferredOutputLocation: { ...there, logits: 'cpu' } } : {});
  const empty = () => new ort.Tensor('float32', new Float32Array(0), [1, heads, 0, width / heads]);
  const whole = (numbers) => new ort.Tensor('int64', BigInt64Array.from(numbers, BigInt), [1, numbers.length]);
  const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
  let cache = {};
  let position = 0;
  const forget = () => names.forEach((name) => cache[`present.${name}`]?.dispose());
  const feed = async (ids) => {
    const end = position + ids.length;
    const past = names.map((name) => [`past_key_values.${name}`, cache[`present.${name}`] ?? empty()]);
    const present = await model.run({
      input_ids: whole(ids),
      position_ids: whole(range(position, end)),
      attention_mask: whole(range(0, end).fill(1)),
      ...Object.fromEntries(past),
    });
    forget();
    [cache, position] = [present, end];
    return present.logits.data.reduce((best, logit, id, all) => (logit > all[best] ? id : best), 0);
  };
  const prefill = () => {
    forget();
    [cache, position] = [{}, 0];
    return feed(prompt);
  };
  return { prefill, decode: (id) => feed([id]) };
}

window.bench = async (workload, options) => {
  const ort = await open();
  const spec = WORKLOADS[workload];
  const measured =
    workload === 'w5' ? timeSteps(await decoder(ort, spec), options) : timeTokens(await transformer(ort, spec), options);
  return { version: VERSIONS.ort, backend, threads, ...(await measured) };
};
