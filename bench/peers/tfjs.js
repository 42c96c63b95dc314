// TensorFlow.js: ?backend=wasm or webgpu. All of W but W4: it reads no GGUF.

import * as tf from '@tensorflow/tfjs-core';
// Their registration is a side effect, which a bundler drops unless it is named.
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import { GROUPS, HEADS, WORKLOADS, averageShare, threeNumbers, threePixels, weights } from '../shared/spec.js';
import { fetchBytes, tensors } from '../shared/safetensors.js';
import { timeSteps, timeTokens } from '../shared/timing.js';
import { backend, threads } from './query.js';

async function open() {
  if (backend === 'webgpu') {
    await import('@tensorflow/tfjs-backend-webgpu');
  } else {
    const wasm = await import('@tensorflow/tfjs-backend-wasm');
    wasm.setWasmPaths('/node_modules/@tensorflow/tfjs-backend-wasm/dist/');
    wasm.setThreadsCount(threads);
    supplyFilterGradient();
  }
  if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js could not open ${backend}`);
  await tf.ready();
}

/**
 * The gradient of a convolution's kernel, which the wasm backend (4.22.0) lacks: without it no convolution can be trained.
 * It is itself a convolution: pixels take the place of the batch, the output's gradient that of the kernel, dilated by the stride.
 */
function supplyFilterGradient() {
  const kernelFunc = ({ inputs: { x, dy }, attrs: { strides, pad, filterShape } }) =>
    tf.tidy(() => {
      const stride = Array.isArray(strides) ? strides[0] : strides;
      if (pad !== 'same') throw new Error(`no gradient for padding ${pad}`);
      // 'same' pads so that the output has ceil(size / stride) pixels, the odd one at the end.
      const margins = [1, 2].map((axis) => {
        const needed = (dy.shape[axis] - 1) * stride + filterShape[axis - 1] - x.shape[axis];
        const before = Math.max(needed, 0) >> 1;
        return [before, Math.max(needed, 0) - before];
      });
      const pixels = tf.transpose(tf.pad(x, [[0, 0], ...margins, [0, 0]]), [3, 1, 2, 0]); // (in, H, W, B)
      const kernel = tf.transpose(dy, [1, 2, 0, 3]); // (H', W', B, out)
      return tf.transpose(tf.conv2d(pixels, kernel, 1, 'valid', 'NHWC', stride), [1, 2, 0, 3]); // (k, k, in, out)
    });
  tf.registerKernel({ kernelName: 'Conv2DBackpropFilter', backendName: 'wasm', kernelFunc });
}

const each = (all, make) => Object.fromEntries(Object.entries(all).map(([name, { shape, data }]) => [name, make(tf.tensor(data, shape))]));
const constants = (all) => each(all, (tensor) => tensor);
const variables = (all) => each(all, (tensor) => tf.variable(tensor));

const mean = (x) => tf.mean(x);
/** Cross entropy of logits that should say real, and of those that should say generated. */
const real = (logits) => mean(tf.softplus(tf.neg(logits)));
const generated = (logits) => mean(tf.softplus(logits));

/** A step of either GAN; the networks are functions of weights and input. */
function gan(spec, generator, discriminator, realShape, latentShape) {
  const [g, d] = [variables(weights(spec.generator)), variables(weights(spec.discriminator))];
  const { rate, beta1, beta2, epsilon } = spec.adam;
  const [adamG, adamD] = [0, 1].map(() => tf.train.adam(rate, beta1, beta2, epsilon));
  const step = (i) =>
    tf.tidy(() => {
      const pictures = tf.tensor(spec.real(i), realShape);
      const [first, second] = [0, 1].map((update) => tf.tensor(spec.latent(i, update), latentShape));
      const fake = generator(g, first);
      const judge = () => tf.add(real(discriminator(d, pictures)), generated(discriminator(d, fake)));
      const lossD = adamD.minimize(judge, true, Object.values(d));
      const lossG = adamG.minimize(() => real(discriminator(d, generator(g, second))), true, Object.values(g));
      return tf.stack([lossD, lossG]);
    });
  return { step, read: async (losses) => [...(await losses.data())], drop: (losses) => losses.dispose(), inARow: true };
}

function dcgan(spec) {
  const { batch, slope, normEpsilon } = spec;
  const norm = (x, gain, bias) => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    return tf.batchNorm(x, mean, variance, bias, gain, normEpsilon);
  };
  const generator = (p, z) => {
    let h = tf.reshape(tf.matMul(z, p.fc), [batch, 7, 7, 128]);
    h = tf.relu(norm(h, p.g1, p.b1));
    h = tf.conv2dTranspose(h, p.ct1, [batch, 14, 14, 64], 2, 'same');
    h = tf.relu(norm(h, p.g2, p.b2));
    return tf.tanh(tf.add(tf.conv2dTranspose(h, p.ct2, [batch, 28, 28, 1], 2, 'same'), p.ctb));
  };
  const discriminator = (p, x) => {
    let h = tf.leakyRelu(tf.add(tf.conv2d(x, p.c1, 2, 'same'), p.cb), slope);
    h = tf.leakyRelu(norm(tf.conv2d(h, p.c2, 2, 'same'), p.g1, p.b1), slope);
    return tf.add(tf.matMul(tf.reshape(h, [batch, 6272]), p.fc), p.fb);
  };
  return gan(spec, generator, discriminator, [batch, 28, 28, 1], [batch, 64]);
}

function points(spec) {
  const network = (bend) => (p, x) => {
    const layer = (h, i) => tf.add(tf.matMul(h, p[`w${i}`]), p[`b${i}`]);
    return layer(bend(layer(bend(layer(x, 1)), 2)), 3);
  };
  const leaky = (x) => tf.leakyRelu(x, spec.slope);
  return gan(spec, network(tf.relu), network(leaky), [256, 2], [256, 2]);
}

function decoder({ batch, decoder, latent }) {
  const p = constants(weights(decoder));
  const sides = [[8, 128], [16, 64], [32, 32], [64, 3]];
  const step = (i) =>
    tf.tidy(() => {
      const h = tf.add(tf.matMul(tf.tensor(latent(i), [batch, 64]), p.fc), p.fb);
      const draw = (h, [side, channels], at) => {
        const kernel = p[`c${at + 1}`];
        return tf.add(tf.conv2dTranspose(tf.relu(h), kernel, [batch, side, side, channels], 2, 'same'), p[`b${at + 1}`]);
      };
      return tf.sigmoid(sides.reduce(draw, tf.reshape(h, [batch, 4, 4, 256])));
    });
  return { step, read: async (x) => threePixels(await x.data(), 'last'), drop: (x) => x.dispose(), inARow: true };
}

/** A step of a diffusion model; the network is a function of weights, samples and what it is told of them. */
function diffusion(spec, network) {
  const { batch, size, features, clip, decay } = spec;
  const { rate, beta1, beta2, epsilon } = spec.adam;
  const [p, average] = [0, 1].map(() => variables(weights(spec.network)));
  const adam = tf.train.adam(rate, beta1, beta2, epsilon);
  let updates = 0;
  const step = (i) =>
    tf.tidy(() => {
      const [data, noise] = [spec.data(i), spec.noise(i)].map((numbers) => tf.tensor(numbers, [batch, size]));
      const [times, condition] = [tf.tensor(spec.times(i), [batch, 1]), tf.tensor(spec.condition(i), [batch, features])];
      const noisy = tf.add(tf.mul(data, tf.sub(1, times)), tf.mul(noise, times));
      const error = () => mean(tf.square(tf.sub(network(p, noisy, condition), data)));
      const { value: loss, grads } = tf.variableGrads(error, Object.values(p));
      const norm = tf.sqrt(tf.addN(Object.values(grads).map((gradient) => tf.sum(tf.square(gradient)))));
      const scale = tf.minimum(1, tf.div(clip, tf.add(norm, 1e-6)));
      adam.applyGradients(Object.fromEntries(Object.entries(grads).map(([name, gradient]) => [name, tf.mul(gradient, scale)])));
      const share = averageShare(decay, updates++);
      for (const [name, old] of Object.entries(average)) old.assign(tf.add(old, tf.mul(tf.sub(p[name], old), share)));
      return loss;
    });
  return { step, read: async (loss) => [...(await loss.data())], drop: (loss) => loss.dispose(), inARow: true };
}

/** Samples of the same model by Euler's steps; the network predicts the data. */
function drawing({ batch, size, features, network: table, told, noise }, network) {
  const p = constants(weights(table));
  const step = (i) =>
    tf.tidy(() => {
      const euler = (x, { time, condition }, k) => {
        const data = network(p, x, tf.tensor(condition, [batch, features]));
        return tf.add(x, tf.mul(tf.sub(x, data), ((told[k + 1]?.time ?? 0) - time) / time));
      };
      return told.reduce(euler, tf.tensor(noise(i), [batch, size]));
    });
  return { step, read: async (x) => threeNumbers(await x.data()), drop: (x) => x.dispose() };
}

const trainOrDraw = (spec, network) => (spec.told ? drawing : diffusion)(spec, network);

const silu = (x) => tf.mul(x, tf.sigmoid(x));
/** Linear layers by their names. */
const linears = (p) => (x, name) => tf.fused.matMul({ a: x, b: p[`${name}.w`], bias: p[`${name}.b`] });

function residual(spec) {
  return trainOrDraw(spec, (p, x, condition) => {
    const linear = linears(p);
    const told = silu(linear(condition, 'condition'));
    let h = linear(x, 'input');
    for (const block of [1, 2, 3]) {
      const [scale, shift] = tf.split(linear(told, `modulation${block}`), 2, 1);
      h = tf.add(h, linear(silu(tf.add(tf.mul(h, tf.add(scale, 1)), shift)), `linear${block}`));
    }
    return linear(silu(h), 'output');
  });
}

function unet(spec) {
  const { batch } = spec;
  return trainOrDraw(spec, (p, x, condition) => {
    const linear = linears(p);
    const conv = (x, name, stride = 1) => tf.add(tf.conv2d(x, p[`${name}.w`], stride, 'same'), p[`${name}.b`]);
    const double = (x, name) => {
      const [kernel, bias, side] = [p[`${name}.w`], p[`${name}.b`], 2 * x.shape[1]];
      return tf.add(tf.conv2dTranspose(x, kernel, [batch, side, side, bias.shape[0]], 2, 'same'), bias);
    };
    const norm = (x, name) => {
      const [, height, width, channels] = x.shape;
      const groups = tf.reshape(x, [batch, height * width, GROUPS, channels / GROUPS]);
      const { mean, variance } = tf.moments(groups, [1, 3], true);
      const normed = tf.mul(tf.sub(groups, mean), tf.rsqrt(tf.add(variance, 1e-5)));
      return tf.add(tf.mul(tf.reshape(normed, x.shape), p[`${name}.w`]), p[`${name}.b`]);
    };
    const told = silu(linear(condition, 'condition'));
    const block = (x, name) => {
      const h = conv(silu(norm(x, `${name}.norm1`)), `${name}.conv1`);
      const [scale, shift] = tf.split(tf.reshape(linear(told, `${name}.modulation`), [batch, 1, 1, -1]), 2, 3);
      const changed = tf.add(tf.mul(norm(h, `${name}.norm2`), tf.add(scale, 1)), shift);
      const past = p[`${name}.shortcut.w`] ? conv(x, `${name}.shortcut`) : x;
      return tf.add(past, conv(silu(changed), `${name}.conv2`));
    };
    const attend = (x) => {
      const [, height, width, channels] = x.shape;
      const places = tf.reshape(norm(x, 'norm'), [-1, channels]);
      const apart = (x) => tf.transpose(tf.reshape(x, [batch, height * width, HEADS, channels / HEADS]), [0, 2, 1, 3]);
      const [q, k, v] = ['q', 'k', 'v'].map((name) => apart(linear(places, name)));
      const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(channels / HEADS));
      const mixed = tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]), [-1, channels]);
      return tf.add(x, tf.reshape(linear(mixed, 'o'), x.shape));
    };
    const picture = tf.reshape(x, [batch, 28, 28, 1]);
    const padded = tf.pad(picture, [[0, 0], [2, 2], [2, 2], [0, 0]]);
    const kept = block(conv(padded, 'down1', 2), 'block1');
    let h = attend(block(conv(kept, 'down2', 2), 'block2'));
    h = double(block(h, 'block3'), 'up2');
    h = double(block(tf.concat([h, kept], 3), 'block4'), 'up1');
    h = tf.slice(silu(h), [0, 2, 2, 0], [batch, 28, 28, h.shape[3]]);
    return tf.reshape(conv(tf.concat([h, picture], 3), 'output'), [batch, 784]);
  });
}

/** GPT-2 with a cache that grows by a row a token; the token stays on the device. */
async function transformer({ file, layers, width, heads, prompt }) {
  const p = constants(tensors(await fetchBytes(`/models/${file}.safetensors`)));
  const size = width / heads;
  let cache = [];
  let position = 0;
  const norm = (x, name) => {
    const { mean, variance } = tf.moments(x, -1, true);
    const scaled = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
    return tf.add(tf.mul(scaled, p[`${name}.g`]), p[`${name}.b`]);
  };
  const linear = (x, name) => tf.fused.matMul({ a: x, b: p[`${name}.w`], bias: p[`${name}.b`] });
  const gelu = (x) => {
    const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.square(x)))));
    return tf.mul(tf.mul(x, 0.5), tf.add(1, tf.tanh(inner)));
  };
  const mask = tf.tidy(() => {
    const seen = tf.linalg.bandPart(tf.ones([prompt.length, prompt.length]), -1, 0);
    return tf.mul(tf.sub(1, seen), -1e9);
  });
  /** (n, width) to (heads, n, size). */
  const apart = (x) => tf.transpose(tf.reshape(x, [-1, heads, size]), [1, 0, 2]);
  const attend = (x, layer) => {
    let [q, k, v] = tf.split(linear(x, `h.${layer}.attn`), 3, 1).map(apart);
    if (position) [k, v] = [tf.concat([cache[layer][0], k], 1), tf.concat([cache[layer][1], v], 1)];
    let scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(size));
    if (!position) scores = tf.add(scores, mask);
    const mixed = tf.transpose(tf.matMul(tf.softmax(scores), v), [1, 0, 2]);
    return { out: linear(tf.reshape(mixed, [-1, width]), `h.${layer}.proj`), kept: [tf.keep(k), tf.keep(v)] };
  };
  const feed = (ids) => {
    const kept = [];
    const n = ids.shape[0];
    const token = tf.tidy(() => {
      let x = tf.add(tf.gather(p.wte, ids), tf.slice(p.wpe, [position, 0], [n, width]));
      for (let layer = 0; layer < layers; layer++) {
        const attention = attend(norm(x, `h.${layer}.ln1`), layer);
        kept.push(attention.kept);
        x = tf.add(x, attention.out);
        x = tf.add(x, linear(gelu(linear(norm(x, `h.${layer}.ln2`), `h.${layer}.fc`)), `h.${layer}.fc2`));
      }
      const last = norm(tf.slice(x, [n - 1, 0], [1, width]), 'lnf');
      return tf.argMax(tf.matMul(last, p.wte, false, true), 1);
    });
    tf.dispose(cache);
    cache = kept;
    position += n;
    return token;
  };
  const prefill = () => {
    tf.dispose(cache);
    [cache, position] = [[], 0];
    const ids = tf.tensor1d(prompt, 'int32');
    const token = feed(ids);
    ids.dispose();
    return token;
  };
  return { prefill, decode: feed, read: async (token) => (await token.data())[0], drop: (token) => token.dispose() };
}

window.bench = async (workload, options) => {
  await open();
  const spec = WORKLOADS[workload];
  const tasks = { w1: dcgan, w1b8: dcgan, w2: points, w5: decoder, w6: residual, w7: residual, w8: unet, w6d: residual, w7d: residual, w8d: unet };
  const measured = tasks[workload] ? timeSteps(tasks[workload](spec), options) : timeTokens(await transformer(spec), options);
  return { version: tf.version_core, backend, threads, ...(await measured) };
};
