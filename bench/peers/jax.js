// jax-js: ?backend=wasm or webgpu. All of W but W4: it reads no GGUF.
//
// Its arrays are moved into what takes them: `.ref` keeps one for another use.

import { defaultDevice, init, jit, lax, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import { GROUPS, HEADS, WORKLOADS, averageShare, threeNumbers, threePixels, torchLayout, weights } from '../shared/spec.js';
import { fetchBytes, tensors } from '../shared/safetensors.js';
import { timeSteps, timeTokens } from '../shared/timing.js';
import { backend, threads } from './query.js';

const each = (all, make) => Object.fromEntries(Object.entries(all).map(([name, value]) => [name, make(value, name)]));
const arrays = (all) => each(all, ({ shape, data }) => np.array(data).reshape(shape));
const zeros = (all) => each(all, ({ shape }) => np.zeros(shape));
const scalar = (number) => np.array(new Float32Array([number])).reshape([]);
const keep = (all) => tree.ref(all);

/** Cross entropy of logits that should say real, and of those that should say generated. */
const real = (logits) => np.mean(nn.softplus(logits.neg()));
const generated = (logits) => np.mean(nn.softplus(logits));

/** Adam with PyTorch's formula; `corrections` are 1 - beta^t of both moments. Gives `[weights, first, second]`. */
function adam({ rate, beta1, beta2, epsilon }, weights, first, second, gradients, corrections) {
  const [one, two] = corrections;
  const m = each(first, (m, name) => m.mul(beta1).add(gradients[name].ref.mul(1 - beta1)));
  const v = each(second, (v, name) => v.mul(beta2).add(gradients[name].ref.mul(gradients[name]).mul(1 - beta2)));
  const next = each(weights, (weight, name) => {
    const root = np.sqrt(v[name].ref.div(two.ref)).add(epsilon);
    return weight.sub(m[name].ref.div(one.ref).div(root).mul(rate));
  });
  one.dispose();
  two.dispose();
  return [next, m, v];
}

/** A step of either GAN in one traced function; the networks are functions of weights and input. */
function gan(spec, generator, discriminator, layout, realShape, latentShape) {
  const lossD = (d, pictures, fake) => real(discriminator(keep(d), pictures)).add(generated(discriminator(d, fake)));
  const lossG = (g, d, z) => real(discriminator(d, generator(g, z)));
  const both = jit(([g, gm, gv], [d, dm, dv], pictures, first, second, one, two) => {
    const fake = lax.stopGradient(generator(keep(g), first));
    const [judged, gradientsD] = valueAndGrad(lossD)(keep(d), pictures, fake);
    const learntD = adam(spec.adam, d, dm, dv, gradientsD, [one.ref, two.ref]);
    const [fooled, gradientsG] = valueAndGrad(lossG)(keep(g), keep(learntD[0]), second);
    const learntG = adam(spec.adam, g, gm, gv, gradientsG, [one, two]);
    return [learntG, learntD, np.stack([judged, fooled])];
  });
  const begin = (network) => {
    const all = layout(network);
    return [arrays(all), zeros(all), zeros(all)];
  };
  let [g, d] = [begin(spec.generator), begin(spec.discriminator)];
  let steps = 0;
  const step = (i) => {
    steps++;
    const latents = [0, 1].map((update) => np.array(spec.latent(i, update)).reshape(latentShape));
    const corrections = [spec.adam.beta1, spec.adam.beta2].map((beta) => scalar(1 - beta ** steps));
    let losses;
    [g, d, losses] = both(g, d, np.array(spec.real(i)).reshape(realShape), ...latents, ...corrections);
    return losses;
  };
  return { step, read: async (losses) => [...(await losses.ref.data())], drop: (losses) => losses.dispose(), inARow: true };
}

const channels = (bias) => bias.reshape([1, bias.shape[0], 1, 1]);
/** Both edges of both sides of a picture. */
const edges = (padding) => [[padding, padding], [padding, padding]];
/** 4 x 4 kernel, stride 2, padding 1: halves a picture. */
const halve = (x, kernel, padding = 1) => lax.convGeneralDilated(x, kernel, [2, 2], edges(padding));
/** Its transpose, which doubles one. */
const double = (x, kernel, padding = 1) => lax.convTranspose(x, kernel, [2, 2], edges(padding), { transposeKernel: true });

/** Subtracts the mean along `axes` and divides by the deviation. */
function standardised(x, axes) {
  const centred = x.ref.sub(np.mean(x, axes, { keepdims: true }));
  const variance = np.mean(centred.ref.mul(centred.ref), axes, { keepdims: true });
  return centred.mul(np.reciprocal(np.sqrt(variance.add(1e-5))));
}

function dcgan(spec) {
  const { batch, slope } = spec;
  const norm = (x, gain, bias) => standardised(x, [0, 2, 3]).mul(channels(gain)).add(channels(bias));
  const generator = (p, z) => {
    let h = np.matmul(z, p.fc).reshape([batch, 128, 7, 7]);
    h = nn.relu(norm(h, p.g1, p.b1));
    h = nn.relu(norm(double(h, p.ct1), p.g2, p.b2));
    return np.tanh(double(h, p.ct2).add(channels(p.ctb)));
  };
  const discriminator = (p, x) => {
    let h = nn.leakyRelu(halve(x, p.c1).add(channels(p.cb)), slope);
    h = nn.leakyRelu(norm(halve(h, p.c2), p.g1, p.b1), slope);
    return np.matmul(h.reshape([batch, 6272]), p.fc).add(p.fb);
  };
  return gan(spec, generator, discriminator, torchLayout, [batch, 1, 28, 28], [batch, 64]);
}

function points(spec) {
  const network = (bend) => (p, x) => {
    const layer = (h, i) => np.matmul(h, p[`w${i}`]).add(p[`b${i}`]);
    return layer(bend(layer(bend(layer(x, 1)), 2)), 3);
  };
  const leaky = (x) => nn.leakyRelu(x, spec.slope);
  return gan(spec, network(nn.relu), network(leaky), weights, [256, 2], [256, 2]);
}

function decoder({ batch, decoder, latent }) {
  const p = arrays(torchLayout(decoder));
  const draw = jit((p, z) => {
    let h = np.matmul(z, p.fc).add(p.fb).reshape([batch, 256, 4, 4]);
    for (const i of [1, 2, 3, 4]) h = double(nn.relu(h), p[`c${i}`]).add(channels(p[`b${i}`]));
    return nn.sigmoid(h);
  });
  return {
    step: (i) => draw(keep(p), np.array(latent(i)).reshape([batch, 64])),
    read: async (x) => threePixels(await x.ref.data(), 'first'),
    drop: (x) => x.dispose(),
    inARow: true,
  };
}

/** A step of a diffusion model in one traced function; the network is a function of weights, samples and what it is told of them. */
function diffusion(spec, network, layout) {
  const { batch, size, features, clip, decay } = spec;
  const loss = (p, noisy, condition, data) => np.mean(np.square(network(p, noisy, condition).sub(data)));
  const clipped = (gradients) => {
    const squares = Object.values(gradients).map((gradient) => np.sum(np.square(gradient.ref)));
    const norm = np.sqrt(squares.reduce((sum, square) => sum.add(square)));
    const scale = np.minimum(np.reciprocal(norm.add(1e-6)).mul(clip), 1);
    const scaled = each(gradients, (gradient) => gradient.mul(scale.ref));
    scale.dispose();
    return scaled;
  };
  const update = jit(([p, m, v, average], data, noise, times, condition, one, two, share) => {
    const noisy = data.ref.mul(times.ref.neg().add(1)).add(noise.mul(times));
    const [error, gradients] = valueAndGrad(loss)(keep(p), noisy, condition, data);
    const learnt = adam(spec.adam, p, m, v, clipped(gradients), [one, two]);
    const averaged = each(average, (old, name) => old.ref.add(learnt[0][name].ref.sub(old).mul(share.ref)));
    share.dispose();
    return [[...learnt, averaged], error];
  });
  const all = layout(spec.network);
  let state = [arrays(all), zeros(all), zeros(all), arrays(all)];
  let updates = 0;
  const step = (i) => {
    const share = scalar(averageShare(decay, updates++));
    const corrections = [spec.adam.beta1, spec.adam.beta2].map((beta) => scalar(1 - beta ** updates));
    const [data, noise] = [spec.data(i), spec.noise(i)].map((numbers) => np.array(numbers).reshape([batch, size]));
    const [times, condition] = [np.array(spec.times(i)).reshape([batch, 1]), np.array(spec.condition(i)).reshape([batch, features])];
    let loss;
    [state, loss] = update(state, data, noise, times, condition, ...corrections, share);
    return loss;
  };
  return { step, read: async (loss) => [...(await loss.ref.data())], drop: (loss) => loss.dispose(), inARow: true };
}

/** Samples of the same model by Euler's steps; the network predicts the data. */
function drawing({ batch, size, features, network: table, told, noise }, network, layout) {
  const p = arrays(layout(table));
  const euler = jit((p, x, condition, time, next) => {
    const velocity = x.ref.sub(network(p, x.ref, condition)).div(time.ref);
    return x.add(velocity.mul(next.sub(time)));
  });
  const step = (i) => {
    let x = np.array(noise(i)).reshape([batch, size]);
    told.forEach(({ time, condition }, k) => {
      const next = told[k + 1]?.time ?? 0;
      x = euler(keep(p), x, np.array(condition).reshape([batch, features]), scalar(time), scalar(next));
    });
    return x;
  };
  return { step, read: async (x) => threeNumbers(await x.ref.data()), drop: (x) => x.dispose() };
}

const trainOrDraw = (spec, network, layout) => (spec.told ? drawing : diffusion)(spec, network, layout);

/** Linear layers by their names. */
const linears = (p) => (x, name) => np.matmul(x, p[`${name}.w`]).add(p[`${name}.b`]);

function residual(spec) {
  const network = (p, x, condition) => {
    const linear = linears(p);
    const told = nn.silu(linear(condition, 'condition'));
    let h = linear(x, 'input');
    for (const block of [1, 2, 3]) {
      const [scale, shift] = np.split(linear(told.ref, `modulation${block}`), 2, 1);
      h = h.ref.add(linear(nn.silu(h.mul(scale.add(1)).add(shift)), `linear${block}`));
    }
    told.dispose();
    return linear(nn.silu(h), 'output');
  };
  return trainOrDraw(spec, network, weights);
}

function unet(spec) {
  const { batch } = spec;
  const network = (p, x, condition) => {
    const linear = linears(p);
    const conv = (x, name) => {
      const kernel = p[`${name}.w`];
      return lax.convGeneralDilated(x, kernel, [1, 1], edges(kernel.shape[2] >> 1)).add(channels(p[`${name}.b`]));
    };
    const norm = (x, name) => {
      const shape = x.shape;
      const normed = standardised(x.reshape([batch, GROUPS, -1]), 2).reshape(shape);
      return normed.mul(channels(p[`${name}.w`])).add(channels(p[`${name}.b`]));
    };
    const told = nn.silu(linear(condition, 'condition'));
    const block = (x, name) => {
      const h = conv(nn.silu(norm(x.ref, `${name}.norm1`)), `${name}.conv1`);
      const [scale, shift] = np.split(linear(told.ref, `${name}.modulation`).reshape([batch, -1, 1, 1]), 2, 1);
      const changed = norm(h, `${name}.norm2`).mul(scale.add(1)).add(shift);
      const past = p[`${name}.shortcut.w`] ? conv(x, `${name}.shortcut`) : x;
      return past.add(conv(nn.silu(changed), `${name}.conv2`));
    };
    const attend = (x) => {
      const [, width, side] = x.shape;
      const places = norm(x.ref, 'norm').reshape([batch, width, side * side]).transpose([0, 2, 1]);
      const apart = (x) => x.reshape([batch, side * side, HEADS, width / HEADS]).transpose([0, 2, 1, 3]);
      const [q, k, v] = ['q', 'k', 'v'].map((name) => apart(linear(places.ref, name)));
      places.dispose();
      const scores = np.matmul(q, k.transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(width / HEADS));
      const mixed = np.matmul(nn.softmax(scores, -1), v).transpose([0, 2, 1, 3]).reshape([batch, side * side, width]);
      return x.add(linear(mixed, 'o').transpose([0, 2, 1]).reshape([batch, width, side, side]));
    };
    const picture = x.reshape([batch, 1, 28, 28]);
    const kept = block(halve(picture.ref, p['down1.w'], 3).add(channels(p['down1.b'])), 'block1');
    let h = attend(block(halve(kept.ref, p['down2.w']).add(channels(p['down2.b'])), 'block2'));
    h = double(block(h, 'block3'), p['up2.w']).add(channels(p['up2.b']));
    h = double(block(np.concatenate([h, kept], 1), 'block4'), p['up1.w'], 3).add(channels(p['up1.b']));
    told.dispose();
    return conv(np.concatenate([nn.silu(h), picture], 1), 'output').reshape([batch, 784]);
  };
  return trainOrDraw(spec, network, torchLayout);
}

/** GPT-2. Shapes are traced, so the cache has its full size, (heads, cache, size), and the position is a number on the device. */
async function transformer({ file, layers, width, heads, cache, prompt }) {
  const p = arrays(tensors(await fetchBytes(`/models/${file}.safetensors`)));
  const size = width / heads;
  const feed = (n) =>
    jit((p, ids, position, keys, values) => {
      const slots = np.arange(cache).astype(np.int32);
      const rows = np.arange(n).astype(np.int32).add(position.ref); // (n)
      const seen = np.lessEqual(slots.ref.reshape([1, cache]), rows.ref.reshape([n, 1]));
      const mask = np.where(seen, 0, -1e9).reshape([1, n, cache]);
      // A single token goes to its slot, a prompt to the first ones.
      const here = n === 1 ? np.equal(slots, position).reshape([1, cache, 1]) : (slots.dispose(), position.dispose(), undefined);
      const store = (old, rows) => {
        if (here) return np.where(here.ref, rows, old);
        old.dispose();
        return np.pad(rows, [[0, 0], [0, cache - n], [0, 0]]);
      };
      const norm = (x, name) => standardised(x, -1).mul(p[`${name}.g`]).add(p[`${name}.b`]);
      const linear = (x, name) => np.matmul(x, p[`${name}.w`]).add(p[`${name}.b`]);
      const stored = { keys: [], values: [] };
      let x = np.take(p.wte.ref, ids, 0).add(np.take(p.wpe, rows, 0));
      for (let layer = 0; layer < layers; layer++) {
        const name = `h.${layer}`;
        const joined = linear(norm(x.ref, `${name}.ln1`), `${name}.attn`).reshape([n, 3, heads, size]);
        const [q, newKeys, newValues] = np.split(joined.transpose([1, 2, 0, 3]), 3, 0).map((part) => part.reshape([heads, n, size]));
        const [k, v] = [store(keys[layer], newKeys), store(values[layer], newValues)];
        stored.keys.push(k.ref);
        stored.values.push(v.ref);
        const scores = np.matmul(q, k.transpose([0, 2, 1])).mul(1 / Math.sqrt(size)).add(mask.ref);
        const mixed = np.matmul(nn.softmax(scores, -1), v).transpose([1, 0, 2]).reshape([n, width]);
        x = x.add(linear(mixed, `${name}.proj`));
        x = x.add(linear(nn.gelu(linear(norm(x.ref, `${name}.ln2`), `${name}.fc`)), `${name}.fc2`));
      }
      mask.dispose();
      here?.dispose();
      const logits = np.matmul(norm(x.slice([n - 1, n]), 'lnf'), p.wte.transpose([1, 0]));
      return [np.argmax(logits, 1), stored.keys, stored.values];
    });
  const [feedPrompt, feedToken] = [feed(prompt.length), feed(1)];
  const whole = (numbers) => np.array(new Int32Array(numbers));
  const empty = () => Array.from({ length: layers }, () => np.zeros([heads, cache, size]));
  let [keys, values] = [empty(), empty()];
  let position = 0;
  const prefill = () => {
    position = prompt.length;
    let token;
    [token, keys, values] = feedPrompt(keep(p), whole(prompt), whole([0]).reshape([]), keys, values);
    return token;
  };
  const decode = (token) => {
    let next;
    [next, keys, values] = feedToken(keep(p), token.ref, whole([position++]).reshape([]), keys, values);
    return next;
  };
  return { prefill, decode, read: async (token) => (await token.ref.data())[0], drop: (token) => token.dispose() };
}

window.bench = async (workload, options) => {
  const devices = await init(backend);
  if (!devices.includes(backend)) throw new Error(`jax-js could not open ${backend}, only ${devices.join(', ')}`);
  defaultDevice(backend);
  const spec = WORKLOADS[workload];
  const tasks = { w1: dcgan, w1b8: dcgan, w2: points, w5: decoder, w6: residual, w7: residual, w8: unet, w6d: residual, w7d: residual, w8d: unet };
  const measured = tasks[workload] ? timeSteps(tasks[workload](spec), options) : timeTokens(await transformer(spec), options);
  return { version: VERSIONS.jax, backend, threads, ...(await measured) };
};
