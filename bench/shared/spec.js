// The workloads: sizes, seeded weights and inputs, and the answers that whoever computes the same must give.
//
// Weights are in TensorFlow's layouts: kernels [height, width, in, out], of transposed convolutions [height, width, out, in],
// dense layers [in, out], pixels with their channels side by side. `torchLayout` turns them into PyTorch's.

/** Numbers in [0, 1) from a 32-bit seed: mulberry32 (Tommy Ettinger, public domain). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `n` numbers in ±`bound`. */
export function uniform(seed, n, bound) {
  const next = random(seed);
  return Float32Array.from({ length: n }, () => (next() * 2 - 1) * bound);
}

const product = (shape) => shape.reduce((a, b) => a * b, 1);

/**
 * Parameters by name: `[shape, fan-in, pixels]`. With a fan-in they are uniform in ±sqrt(3 / fan-in), which keeps the variance,
 * and without one they are ones ('1') or zeros ('0'). Each has its own seed, counted up from `seed`. `pixels` is
 * `[axis, height, width, channels]` where an axis of a dense layer's weights is a picture.
 */
function parameters(seed, table) {
  return Object.entries(table).map(([name, [shape, fanIn, pixels]], place) => ({ name, shape, fanIn, pixels, seed: seed + place }));
}

/** The weights of a network, `{name: {shape, data}}`. */
export function weights(network) {
  const data = ({ shape, fanIn, seed }) => {
    const n = product(shape);
    return typeof fanIn === 'string' ? new Float32Array(n).fill(Number(fanIn)) : uniform(seed, n, Math.sqrt(3 / fanIn));
  };
  return Object.fromEntries(network.map((parameter) => [parameter.name, { shape: parameter.shape, data: data(parameter) }]));
}

/** A tensor with its axes in another order. */
export function permuted({ shape, data }, order) {
  const strides = shape.map((_, axis) => product(shape.slice(axis + 1)));
  const out = new Float32Array(data.length);
  let written = 0;
  const walk = (depth, from) => {
    if (depth === order.length) out[written++] = data[from];
    else for (let i = 0; i < shape[order[depth]]; i++) walk(depth + 1, from + i * strides[order[depth]]);
  };
  walk(0, 0);
  return { shape: order.map((axis) => shape[axis]), data: out };
}

/** The weights of a network as PyTorch lays them out, but for dense layers, which stay [in, out]. */
export function torchLayout(network) {
  const all = weights(network);
  for (const { name, shape, pixels } of network) {
    if (shape.length === 4) all[name] = permuted(all[name], [3, 2, 0, 1]);
    if (!pixels) continue;
    const [axis, height, width, channels] = pixels;
    const before = product(shape.slice(0, axis));
    const after = product(shape.slice(axis + 1));
    const apart = permuted({ shape: [before, height, width, channels, after], data: all[name].data }, [0, 3, 1, 2, 4]);
    all[name] = { shape, data: apart.data };
  }
  return all;
}

const adam = { rate: 2e-4, beta1: 0.5, beta2: 0.999, epsilon: 1e-8 };

/** DCGAN (Radford et al. 2015) on 28 x 28 x 1; batch norm by the batch's own statistics. */
const w1 = {
  batch: 64,
  adam,
  slope: 0.2,
  normEpsilon: 1e-5,
  generator: parameters(100, {
    fc: [[64, 6272], 64, [1, 7, 7, 128]],
    g1: [[128], '1'],
    b1: [[128], '0'],
    ct1: [[4, 4, 64, 128], 512],
    g2: [[64], '1'],
    b2: [[64], '0'],
    ct2: [[4, 4, 1, 64], 256],
    ctb: [[1], '0'],
  }),
  discriminator: parameters(200, {
    c1: [[4, 4, 1, 64], 16],
    cb: [[64], '0'],
    c2: [[4, 4, 64, 128], 1024],
    g1: [[128], '1'],
    b1: [[128], '0'],
    fc: [[6272, 1], 6272, [0, 7, 7, 128]],
    fb: [[1], '0'],
  }),
  real: (step) => uniform(1000 + (step % 8), 64 * 784, 1),
  /** The latents of the discriminator's update (0) and of the generator's (1). */
  latent: (step, update) => uniform(2000 + (step % 8) * 2 + update, 64 * 64, 1.7),
};

/** The same with the first 8 of each batch: small enough for a software GPU. */
const w1b8 = {
  ...w1,
  batch: 8,
  real: (step) => w1.real(step).slice(0, 8 * 784),
  latent: (step, update) => w1.latent(step, update).slice(0, 8 * 64),
};

const dense = (seed, outputs) =>
  parameters(seed, {
    w1: [[2, 128], 2],
    b1: [[128], '0'],
    w2: [[128, 128], 128],
    b2: [[128], '0'],
    w3: [[128, outputs], 128],
    b3: [[outputs], '0'],
  });

/** Eight clusters on a ring of radius 2, each within ±0.05. */
function ring(step) {
  const next = random(3000 + (step % 8));
  const points = new Float32Array(512);
  for (let i = 0; i < 256; i++) {
    const angle = ((i % 8) * Math.PI) / 4;
    points[2 * i] = 2 * Math.cos(angle) + (next() - 0.5) * 0.1;
    points[2 * i + 1] = 2 * Math.sin(angle) + (next() - 0.5) * 0.1;
  }
  return points;
}

/** A GAN of points in the plane: 2-128-128-2 (ReLU) against 2-128-128-1 (leaky ReLU). */
const w2 = {
  batch: 256,
  adam,
  slope: 0.2,
  generator: dense(300, 2),
  discriminator: dense(400, 1),
  real: ring,
  latent: (step, update) => uniform(4000 + (step % 8) * 2 + update, 512, 1.7),
};

/** A transformer of GPT-2's shape; weights from models.py, prompt of 64 tokens, cache of 128. */
const gpt2 = (file, layers, width, heads, vocabulary) => ({
  file,
  layers,
  width,
  heads,
  vocabulary,
  positions: 1024,
  cache: 128,
  prompt: Array.from({ length: 64 }, (_, i) => (i * 7919 + 13) % vocabulary),
});

/** SmolLM2-135M-Instruct with weights of 4 bits and a common offset, 32 tokens after a prompt of 18. */
const w4 = {
  file: 'smollm2-135m-q4_1.gguf',
  prompt: 'The history of the printing press begins in Europe around the year 1440, when Johannes Gutenberg',
  tokens: 32,
  cache: 512,
};

/** The decoder of a VAE: 16 latents of 64 numbers to 64 x 64 x 3, by four transposed convolutions. */
const w5 = {
  batch: 16,
  decoder: parameters(500, {
    fc: [[64, 4096], 64, [1, 4, 4, 256]],
    fb: [[4096], '0'],
    c1: [[4, 4, 128, 256], 1024],
    b1: [[128], '0'],
    c2: [[4, 4, 64, 128], 512],
    b2: [[64], '0'],
    c3: [[4, 4, 32, 64], 256],
    b3: [[32], '0'],
    c4: [[4, 4, 3, 32], 128],
    b4: [[3], '0'],
  }),
  latent: (step) => uniform(5000 + (step % 4), 16 * 64, 1.7),
};

/** Three numbers of W5's pictures, counted with the channels of a pixel side by side (`last`) or apart (`first`). */
export function threePixels(pictures, channels) {
  const picture = 64 * 64 * 3;
  const at = (place) => {
    if (channels === 'last') return pictures[place];
    const inside = place % picture;
    return pictures[place - inside + (inside % 3) * 4096 + Math.floor(inside / 3)];
  };
  return [0, 12345, 16 * picture - 1].map(at);
}

export const WORKLOADS = { w1, w1b8, w2, w3: gpt2('gpt2', 12, 768, 12, 50257), w3s: gpt2('gpt2s', 6, 384, 6, 8192), w4, w5 };

/**
 * `check` of each workload: both losses of the first three steps (W1, W2), the tokens after the prompt (W3), the text (W4),
 * three pixels of the first three batches (W5). Kiln and at least one other library gave each.
 */
export const ANSWERS = {
  w1: [1.539214, 0.790691, 1.450534, 0.847644, 1.444524, 0.907766],
  w1b8: [1.584477, 0.792525, 1.672148, 0.924629, 1.759728, 0.975343],
  w2: [1.331606, 0.633526, 1.31162, 0.636773, 1.283946, 0.633204],
  w3: [918, 918, 918, 918, 918, 918, 918],
  w3s: [7390, 5356, 5356, 5356, 5356, 5356, 5356],
  w4: ["'s invention of the movable-type printing press revolutionized the printing industry.\n\nThe invention of the printing pre"],
  w5: [0.499991, 0.488857, 0.503557, 0.502799, 0.472841, 0.509874, 0.502163, 0.493618, 0.504798],
};
