// Kiln's page of the bench: `window.bench(workload, options)` on ?device=cpu, with &threads=many or without, or ?device=webgpu.
// Weights and inputs are those of shared/spec.js, the steps are the product's own (src/).

import { WORKLOADS, permuted, threeNumbers, threePixels, torchLayout } from './shared/spec.js';
import { fetchBytes, withLongNames } from './shared/safetensors.js';
import { timeSteps, timeTexts, timeTokens } from './shared/timing.js';

/** As the page has at most: www/capable.js. */
const MOST = 8;

const query = new URLSearchParams(location.search);
const device = query.get('device') ?? 'cpu';
const several = device === 'cpu' && query.get('threads') === 'many' && crossOriginIsolated;
const threads = several ? Math.min(navigator.hardwareConcurrency, MOST) : 1;

/** All numbers of a network in the order of its layers. Kiln's dense layers are PyTorch's: [out, in]. */
function flat(network) {
  const all = torchLayout(network);
  const tensors = network.map(({ name }) => (all[name].shape.length === 2 ? permuted(all[name], [1, 0]) : all[name]));
  return joined(tensors.map(({ data }) => data));
}

function joined(lists) {
  const out = new Float32Array(lists.reduce((sum, list) => sum + list.length, 0));
  lists.reduce((at, list) => (out.set(list, at), at + list.length), 0);
  return out;
}

/** W1, W1b8, W2: one update of each network. */
async function gan({ GanStep }, workload, options) {
  const spec = WORKLOADS[workload];
  const step = await GanStep.open(workload === 'w2' ? 'w2' : 'w1', flat(spec.generator), flat(spec.discriminator));
  return timeSteps(
    {
      step: (i) => step.step(spec.batch, spec.real(i), spec.latent(i, 0), spec.latent(i, 1)),
      read: async () => [...(await step.losses())],
      inARow: true,
    },
    options,
  );
}

/** W3, W3s: random weights. */
async function tokens({ Text }, workload, options) {
  const { file, layers, width, heads, vocabulary, positions, cache, prompt } = WORKLOADS[workload];
  const config = {
    model_type: 'gpt2',
    architectures: ['GPT2LMHeadModel'],
    layer_norm_epsilon: 1e-5,
    activation_function: 'gelu_new',
    n_layer: layers,
    n_embd: width,
    n_head: heads,
    n_positions: positions,
    vocab_size: vocabulary,
  };
  const weights = withLongNames(await fetchBytes(`/models/${file}.safetensors`));
  const text = await Text.open(weights, JSON.stringify(config), cache);
  const ids = Uint32Array.from(prompt);
  return timeTokens({ prefill: () => text.prefill(ids), decode: (id) => text.decode(id) }, options);
}

/** W4: SmolLM2. */
async function texts({ Text }, workload, options) {
  const { file, prompt, tokens, cache } = WORKLOADS[workload];
  const text = await Text.open(await fetchBytes(`/models/${file}`), undefined, cache);
  const ids = text.encode(prompt);
  const write = async (n) => {
    const began = performance.now();
    const written = [await text.prefill(ids)];
    const times = [performance.now() - began];
    while (written.length < n) {
      written.push(await text.decode(written.at(-1)));
      times.push(performance.now() - began);
    }
    return { times, text: text.text(Uint32Array.from(written)) };
  };
  return timeTexts(write, tokens, options);
}

/** W5: a VAE's decoder. */
async function pictures({ Decoder }, workload, options) {
  const { decoder, latent } = WORKLOADS[workload];
  const all = torchLayout(decoder);
  const model = await Decoder.open(joined(decoder.map(({ name }) => all[name].data)));
  return timeSteps({ step: (i) => model.decode(latent(i)), read: async (pixels) => threePixels(pixels, 'first') }, options);
}

/** W6, W7, W8: an update of a diffusion model. */
async function diffusion({ DiffusionStep }, workload, options) {
  const { size, width, embedding, network, data, noise, times, labels } = WORKLOADS[workload];
  const step = await DiffusionStep.open(workload, size, width, embedding, flat(network));
  return timeSteps(
    {
      step: (i) => step.step(data(i), noise(i), times(i), labels),
      read: async () => [await step.loss()],
      inARow: true,
    },
    options,
  );
}

/** W6d, W7d, W8d: a batch of samples of the same models. */
async function samples({ DiffusionSampling }, workload, options) {
  const { size, width, embedding, network, told, noise, labels } = WORKLOADS[workload];
  const model = await DiffusionSampling.open(workload, size, width, embedding, flat(network));
  return timeSteps({ step: (i) => model.draw(noise(i), told.length, labels), read: async (samples) => threeNumbers(samples) }, options);
}

const HOW = { w1: gan, w1b8: gan, w2: gan, w3: tokens, w3s: tokens, w4: texts, w5: pictures, w6: diffusion, w7: diffusion, w8: diffusion, w6d: samples, w7d: samples, w8d: samples };

/** The module, with all its threads at work where it has several. */
async function load() {
  const folder = `./pkg/${threads > 1 ? 'threads' : device}`;
  const module = await import(`${folder}/kiln_bench.js`);
  if (threads === 1) {
    await module.default();
    return module;
  }
  const compiled = await WebAssembly.compileStreaming(fetch(`${folder}/kiln_bench_bg.wasm`));
  const { memory } = module.initSync({ module: compiled });
  for (let i = 1; i < threads; i++) {
    new Worker('./helper.js', { type: 'module' }).postMessage({ module: compiled, memory });
  }
  while (module.threads() < threads) await new Promise((resolve) => setTimeout(resolve, 10));
  return module;
}

window.bench = async (workload, options = {}) => {
  if (!HOW[workload]) return { skip: `there is no workload ${workload}` };
  if (!['cpu', 'webgpu'].includes(device)) return { skip: `there is no device ${device}` };
  const module = await load();
  return { version: 'kiln', backend: device, threads, ...(await HOW[workload](module, workload, options)) };
};
