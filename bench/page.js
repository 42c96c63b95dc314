// window.bench(workload, options) as the harness expects it: w3, w3s, w4 and w5 on the CPU, one thread.

import init, { Decoder, GanStep, Text } from './pkg/kiln_bench.js';

const PREFILL = 64;
const SHAPES = {
  w3: { file: 'gpt2', n_layer: 12, n_embd: 768, n_head: 12, n_positions: 1024, vocab_size: 50257 },
  w3s: { file: 'gpt2s', n_layer: 6, n_embd: 384, n_head: 6, n_positions: 1024, vocab_size: 8192 },
};
const PROMPT = 'The history of the printing press begins in Europe around the year 1440, when Johannes Gutenberg';
const now = () => performance.now();
const bytes = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());

/** The harness's names in a safetensors header, as GPT-2's own. */
function rename(file) {
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  const names = { ln1: 'ln_1', ln2: 'ln_2', attn: 'attn.c_attn', proj: 'attn.c_proj', fc: 'mlp.c_fc', fc2: 'mlp.c_proj', lnf: 'ln_f' };
  const ends = { w: 'weight', b: 'bias', g: 'weight' };
  const ours = (name) => {
    if (name === 'wte' || name === 'wpe') return `${name}.weight`;
    const parts = name.split('.');
    const end = ends[parts.pop()];
    return [...parts.slice(0, -1), names[parts.at(-1)], end].join('.');
  };
  const renamed = Object.fromEntries(Object.entries(header).map(([name, tensor]) => [ours(name), tensor]));
  let text = JSON.stringify(renamed);
  text += ' '.repeat((8 - (text.length % 8)) % 8);
  const out = new Uint8Array(8 + text.length + file.length - 8 - length);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(new TextEncoder().encode(text), 8);
  out.set(file.subarray(8 + length), 8 + text.length);
  return out;
}

async function timed(samples, work) {
  const began = now();
  const result = await work();
  samples.push(now() - began);
  return result;
}

async function random(workload, budget) {
  const { file, ...shape } = SHAPES[workload];
  const config = JSON.stringify({ model_type: 'gpt2', architectures: ['GPT2LMHeadModel'], layer_norm_epsilon: 1e-5, activation_function: 'gelu_new', ...shape });
  const text = new Text(rename(await bytes(`/models/${file}.safetensors`)), config, 128);
  const prompt = Uint32Array.from({ length: PREFILL }, (_, i) => (i * 7919 + 13) % shape.vocab_size);
  const [prefill, samples, check] = [[], [], []];
  let began = now();
  while (prefill.length < 5 && now() - began < budget) await timed(prefill, () => text.prefill(prompt));
  const first = now();
  let id = await text.prefill(prompt);
  check.push(id);
  began = now();
  for (let i = 0; samples.length < 60 && (samples.length < 5 || now() - began < budget); i++) {
    id = i % 40 ? await timed(samples, () => text.decode(id)) : await text.decode(i ? await text.prefill(prompt) : id);
    if (check.length < 7) check.push(id);
  }
  return { first_ms: prefill[0], cold_ms: first, samples, prefill: { samples: prefill }, check, unit: 'ms/token' };
}

async function smollm2(budget) {
  const text = new Text(await bytes('/models/smollm2-135m-q4_1.gguf'), undefined, 512);
  const prompt = text.encode(PROMPT);
  const run = async () => {
    const [began, ids] = [now(), []];
    let id = await text.prefill(prompt);
    const first = now() - began;
    ids.push(id);
    while (ids.length < 32) ids.push((id = await text.decode(id)));
    return { first, mean: (now() - began - first) / (ids.length - 1), ids };
  };
  const warm = await run();
  const cold = now();
  const runs = [];
  const began = now();
  while (runs.length < 3 || (now() - began < budget && runs.length < 6)) runs.push(await run());
  return {
    first_ms: warm.first, cold_ms: cold, samples: runs.map((r) => r.mean), prefill: { samples: runs.map((r) => r.first) },
    check: [text.text(Uint32Array.from(runs[0].ids)).slice(0, 120)], unit: 'ms/token',
  };
}

/** A VAE's decoder; weights, inputs and timing are the harness's own. */
async function vae(options) {
  const [{ W5, materialize, toNCHW }, { drive }] = await Promise.all([import('/lib/spec.mjs'), import('/lib/driver.js')]);
  const weights = toNCHW('w5', materialize(W5.p));
  const all = Object.keys(W5.p).flatMap((name) => [...weights[name].data]);
  const decoder = new Decoder(Float32Array.from(all));
  // Places are counted with the channels of a pixel side by side.
  const at = (pixels, place) => pixels[Math.floor(place / 12288) * 12288 + (place % 3) * 4096 + Math.floor((place % 12288) / 3)];
  return drive({ step: (i) => decoder.decode(W5.z(i)), read: async (pixels) => [0, 12345, 16 * 12288 - 1].map((place) => at(pixels, place)) }, options);
}

/** A linear layer's weights, `[in, out]` as the harness has them, as PyTorch's `[out, in]`. */
function transposed({ shape: [inputs, outputs], data }) {
  const out = new Float32Array(data.length);
  for (let i = 0; i < inputs; i++) for (let o = 0; o < outputs; o++) out[o * inputs + i] = data[i * outputs + o];
  return { shape: [outputs, inputs], data: out };
}

/** A GAN's training step; weights, inputs and timing are the harness's own. */
async function gan(workload, options) {
  const [{ W1, W1B8, W2, materialize, toNCHW }, { drive }] = await Promise.all([import('/lib/spec.mjs'), import('/lib/driver.js')]);
  const spec = { w1: W1, w1b8: W1B8, w2: W2 }[workload];
  const flat = (net, layouts) => {
    const weights = toNCHW(layouts, materialize(net));
    const all = Object.keys(net).map((name) => (weights[name].shape.length === 2 ? transposed(weights[name]) : weights[name]));
    return Float32Array.from(all.flatMap(({ data }) => [...data]));
  };
  const kind = workload === 'w2' ? 'w2' : 'w1';
  const step = new GanStep(kind, flat(spec.g, `${kind}g`), flat(spec.d, `${kind}d`));
  return drive({ step: (i) => step.step(spec.batch, spec.real(i), spec.z(i, 0), spec.z(i, 1)), read: async () => [...(await step.losses())] }, options);
}

window.bench = async (workload, options = {}) => {
  const { budgetMs = 8000 } = options;
  if (!['w1', 'w1b8', 'w2', 'w4', 'w5'].includes(workload) && !SHAPES[workload]) return { skip: 'not written yet' };
  await init();
  const result = ['w1', 'w1b8', 'w2'].includes(workload) ? await gan(workload, options) : workload === 'w5' ? await vae(options) : workload === 'w4' ? await smollm2(budgetMs) : await random(workload, budgetMs);
  return { version: 'kiln', backend: 'cpu', threads: 1, ...result };
};
