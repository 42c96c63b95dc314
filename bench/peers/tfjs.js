// TensorFlow.js: ?backend=wasm or webgpu. All of W but W4: it reads no GGUF.

import * as tf from '@tensorflow/tfjs-core';
// Their registration is a side effect, which a bundler drops unless it is named.
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import { WORKLOADS, threePixels, weights } from '../shared/spec.js';
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
  const tasks = { w1: dcgan, w1b8: dcgan, w2: points, w5: decoder };
  const measured = tasks[workload] ? timeSteps(tasks[workload](spec), options) : timeTokens(await transformer(spec), options);
  return { version: tf.version_core, backend, threads, ...(await measured) };
};
