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

/** What `make(step)` gives, again after eight steps; it is made once, so that no step is charged for it but the first eight. */
function eight(make) {
  const made = [];
  return (step) => (made[step % 8] ??= make(step % 8));
}

/** Classes that a diffusion model is told; in its place their number stands for "not told". */
const CLASSES = 10;
/** Sines and cosines that tell the time. */
const WAVES = 12;

/** What a diffusion model is told of each sample: `[n, WAVES + CLASSES]`. */
function condition(times, labels) {
  const out = new Float32Array(times.length * (WAVES + CLASSES));
  times.forEach((time, row) => {
    const at = row * (WAVES + CLASSES);
    for (let i = 0; i < WAVES; i++) out[at + i] = (i % 2 ? Math.cos : Math.sin)(time * (Math.PI / 2) * 2 ** (i >> 1));
    if (labels[row] < CLASSES) out[at + WAVES + labels[row]] = 1;
  });
  return out;
}

/** How far an average of weights goes toward the weights at its update `i`, from 0 on: it follows quickly at first. */
export const averageShare = (decay, i) => 1 - Math.min(decay, (1 + i) / (10 + i));

const layer = (name, shape, fanIn, outputs) => ({ [`${name}.w`]: [shape, fanIn], [`${name}.b`]: [[outputs], '0'] });
const linear = (name, inputs, outputs) => layer(name, [inputs, outputs], inputs, outputs);

/**
 * A fully connected network of three residual blocks. Time and class scale and shift their inputs, by `embedding` units between.
 */
function residual(seed, { size, width, embedding }) {
  const told = linear('condition', WAVES + CLASSES, embedding);
  const block = (i) => ({ ...linear(`modulation${i}`, embedding, 2 * width), ...linear(`linear${i}`, width, width) });
  const blocks = [1, 2, 3].map(block).reduce((all, one) => ({ ...all, ...one }));
  return parameters(seed, { ...linear('input', size, width), ...told, ...blocks, ...linear('output', width, size) });
}

/** Of a U-Net's norms, and of its attention. */
export const [GROUPS, HEADS] = [8, 2];

/** A U-Net on 28 x 28 x 1: `width` channels at 16 x 16, twice as many at 8 x 8, where places attend to one another. */
function unet(seed, { width, embedding }) {
  const told = linear('condition', WAVES + CLASSES, embedding);
  const norm = (name, channels) => ({ [`${name}.w`]: [[channels], '1'], [`${name}.b`]: [[channels], '0'] });
  const conv = (name, side, inputs, outputs) => layer(name, [side, side, inputs, outputs], side * side * inputs, outputs);
  // Each pixel of a doubled picture depends on four taps of the kernel.
  const double = (name, inputs, outputs) => layer(name, [4, 4, outputs, inputs], 4 * inputs, outputs);
  const block = (name, inputs, outputs) => ({
    ...norm(`${name}.norm1`, inputs),
    ...conv(`${name}.conv1`, 3, inputs, outputs),
    ...norm(`${name}.norm2`, outputs),
    ...conv(`${name}.conv2`, 3, outputs, outputs),
    ...linear(`${name}.modulation`, embedding, 2 * outputs),
    ...(inputs === outputs ? {} : conv(`${name}.shortcut`, 1, inputs, outputs)),
  });
  return parameters(seed, {
    ...told,
    ...conv('down1', 4, 1, width),
    ...block('block1', width, width),
    ...conv('down2', 4, width, 2 * width),
    ...block('block2', 2 * width, 2 * width),
    ...norm('norm', 2 * width),
    ...['q', 'k', 'v', 'o'].reduce((all, name) => ({ ...all, ...linear(name, 2 * width, 2 * width) }), {}),
    ...block('block3', 2 * width, 2 * width),
    ...double('up2', 2 * width, width),
    ...block('block4', 2 * width, width),
    ...double('up1', width, width),
    ...conv('output', 3, width + 1, 1),
  });
}

/**
 * A diffusion model: flow matching that predicts the data. From the noisy sample `(1 - time) data + time noise` of `size` numbers
 * in ±`bound`; gradients are clipped to the norm `clip`, and the weights are averaged. Every eleventh sample's class is not told.
 */
function diffusion(seed, network, { batch, bound, ...sizes }) {
  const { size } = sizes;
  const labels = Uint8Array.from({ length: batch }, (_, i) => i % (CLASSES + 1));
  const times = eight((step) => uniform(10 * seed + 16 + step, batch, 0.5).map((number) => number + 0.5));
  return {
    ...sizes,
    batch,
    features: WAVES + CLASSES,
    adam: { rate: 1e-3, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 },
    clip: 1,
    decay: 0.995,
    network: network(seed, sizes),
    labels,
    times,
    data: eight((step) => uniform(10 * seed + step, batch * size, bound)),
    noise: eight((step) => uniform(10 * seed + 8 + step, batch * size, 1.7)),
    condition: eight((step) => condition(times(step), labels)),
  };
}

/** Steps in which samples are drawn. */
const SAMPLER_STEPS = 10;

/** The network of a diffusion model as it draws `batch` samples: Euler's steps from noise to data, a class told to each. */
function drawing({ size, width, embedding, features, network, noise }, batch) {
  const labels = Uint8Array.from({ length: batch }, (_, i) => i % CLASSES);
  const times = Array.from({ length: SAMPLER_STEPS }, (_, i) => 1 - i / SAMPLER_STEPS);
  return {
    ...{ size, width, embedding, features, network, batch, labels },
    noise: (step) => noise(step).subarray(0, batch * size),
    /** The times of the steps, and what is told at each. */
    told: times.map((time) => ({ time, condition: condition(Array(batch).fill(time), labels) })),
  };
}

/** The first, middle and last number of a list. */
export const threeNumbers = (numbers) => [0, numbers.length >> 1, numbers.length - 1].map((place) => numbers[place]);

/** On the pixels of 28 x 28, on 16 latents, and on the pixels by convolutions. */
const w6 = diffusion(600, residual, { batch: 128, bound: 1, size: 784, width: 512, embedding: 256 });
const w7 = diffusion(700, residual, { batch: 128, bound: 1.7, size: 16, width: 256, embedding: 64 });
const w8 = diffusion(800, unet, { batch: 16, bound: 1, size: 784, width: 32, embedding: 128 });
const [w6d, w7d, w8d] = [drawing(w6, 64), drawing(w7, 64), drawing(w8, 16)];

const w3 = gpt2('gpt2', 12, 768, 12, 50257);
const w3s = gpt2('gpt2s', 6, 384, 6, 8192);
export const WORKLOADS = { w1, w1b8, w2, w3, w3s, w4, w5, w6, w7, w8, w6d, w7d, w8d };

/**
 * `check` of each workload: both losses of the first three steps (W1, W2), the tokens after the prompt (W3), the text (W4),
 * three pixels of the first three batches (W5), the loss of the first three steps (W6, W7, W8), three numbers of the samples of the
 * first three batches (W6d, W7d, W8d). Kiln and at least one other library gave each; the last three are PyTorch's (torch_steps.py), and
 * Kiln and TensorFlow.js agree with them.
 */
export const ANSWERS = {
  w1: [1.539214, 0.790691, 1.450534, 0.847644, 1.444524, 0.907766],
  w1b8: [1.584477, 0.792525, 1.672148, 0.924629, 1.759728, 0.975343],
  w2: [1.331606, 0.633526, 1.31162, 0.636773, 1.283946, 0.633204],
  w3: [918, 918, 918, 918, 918, 918, 918],
  w3s: [7390, 5356, 5356, 5356, 5356, 5356, 5356],
  w4: ["'s invention of the movable-type printing press revolutionized the printing industry.\n\nThe invention of the printing pre"],
  w5: [0.499991, 0.488857, 0.503557, 0.502799, 0.472841, 0.509874, 0.502163, 0.493618, 0.504798],
  w6: [0.800515, 0.607475, 0.531074],
  w7: [1.508488, 1.24411, 1.065101],
  w8: [0.950886, 0.89523, 0.689385],
  w6d: [0.26767, 0.732475, 1.241313, 0.361919, 0.100579, 0.729421, 1.099997, 0.822396, 0.263587],
  w7d: [-0.08223, -0.014652, 0.41314, -0.200865, -0.267877, -0.131142, -0.219581, 0.013704, 0.039124],
  w8d: [-0.090989, 0.001748, 0.713151, 0.034353, -0.089847, 0.730411, 0.146613, -0.104161, 0.887558],
};
