// The workloads are those that the recorded answers belong to: a drift in a seed, a shape or a layout shows here at once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longName, tensors, withLongNames } from '../shared/safetensors.js';
import { ANSWERS, WORKLOADS, averageShare, permuted, random, threeNumbers, threePixels, torchLayout } from '../shared/spec.js';

/** A sum that knows its order. */
const weighed = (numbers) => numbers.reduce((sum, number, i) => sum + number * ((i % 7) - 3), 0);
const network = (parameters) => Object.values(torchLayout(parameters)).reduce((sum, { data }) => sum + weighed(data), 0);
const near = (actual, expected, what) => assert.ok(Math.abs(actual - expected) < 1e-4, `${what}: ${actual}, not ${expected}`);

test('the generator is mulberry32', () => {
  const next = random(1);
  for (const expected of [0.6270739405881613, 0.002735721180215478, 0.5274470399599522]) assert.equal(next(), expected);
});

test('weights in the layouts of PyTorch are as recorded', () => {
  const { w1, w2, w5, w6, w7, w8 } = WORKLOADS;
  near(network(w1.generator), 232.9227579992141, 'w1 generator');
  near(network(w1.discriminator), -12.156909227769148, 'w1 discriminator');
  near(network(w2.generator), -26.106242924959588, 'w2 generator');
  near(network(w2.discriminator), 7.569968087645975, 'w2 discriminator');
  near(network(w5.decoder), -25.158580290155044, 'w5 decoder');
  near(network(w6.network), 280.2722552167001, 'w6');
  near(network(w7.network), -91.53399682612395, 'w7');
  near(network(w8.network), 82.63959351273407, 'w8');
});

test('inputs are as recorded, and come again after eight steps', () => {
  const recorded = { w1: [8.483885175, -90.540644679], w1b8: [-15.895606673, 24.228538677], w2: [-2.219075996, -20.123924974] };
  for (const [workload, [real, latent]] of Object.entries(recorded)) {
    near(weighed(WORKLOADS[workload].real(9)), real, `${workload} real`);
    near(weighed(WORKLOADS[workload].latent(9, 1)), latent, `${workload} latent`);
    assert.deepEqual(WORKLOADS[workload].real(1), WORKLOADS[workload].real(9));
  }
  near(weighed(WORKLOADS.w5.latent(5)), 78.361755721, 'w5 latent');
  const diffusion = {
    w6: [485.272641051, 71.372344801, -10.559451866],
    w7: [-14.474805257, -58.251226880, -19.232313812],
    w8: [26.20236281, -106.173078171, 11.230529101],
  };
  for (const [workload, [data, noise, condition]] of Object.entries(diffusion)) {
    near(weighed(WORKLOADS[workload].data(9)), data, `${workload} data`);
    near(weighed(WORKLOADS[workload].noise(9)), noise, `${workload} noise`);
    near(weighed(WORKLOADS[workload].condition(9)), condition, `${workload} condition`);
  }
  assert.deepEqual(WORKLOADS.w3s.prompt.slice(0, 3), [13, 7932, 7659]);
});

test('a diffusion model is told the time by waves, and the class of ten samples out of eleven', () => {
  const { features, batch, times, labels, condition } = WORKLOADS.w7;
  const rows = Array.from({ length: batch }, (_, row) => condition(0).subarray(row * features, (row + 1) * features));
  const [time] = times(0);
  near(rows[0][2], Math.sin(time * Math.PI), 'the second sine');
  near(rows[0][3], Math.cos(time * Math.PI), 'the second cosine');
  rows.forEach((row, i) => {
    const expected = Array.from({ length: 10 }, (_, label) => Number(label === i % 11));
    assert.deepEqual([...row.subarray(12)], expected, `sample ${i}, label ${labels[i]}`);
  });
});

test('samples are drawn from the noise of training, with all classes told, from time 1 downwards', () => {
  const { w6, w6d, w8d } = WORKLOADS;
  assert.deepEqual(w6d.noise(9), w6.noise(1).subarray(0, 64 * 784));
  assert.equal(w8d.noise(0).length, 16 * 784);
  near(w6d.told[0].time, 1, 'the first time');
  near(w6d.told.at(-1).time, 0.1, 'the last time');
  near(w6d.told[4].condition[22 + 2], Math.sin(0.6 * Math.PI), 'the second sine of the second sample');
  assert.deepEqual([...w6d.told[4].condition.subarray(22 + 12, 44)], [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(threeNumbers([1, 2, 3, 4, 5]), [1, 3, 5]);
});

test('an average of weights follows quickly at first', () => {
  near(averageShare(0.995, 0), 0.9, 'the first update');
  near(averageShare(0.995, 5000), 0.005, 'a late one');
});

test('every workload has its answer', () => {
  assert.deepEqual(Object.keys(ANSWERS), Object.keys(WORKLOADS));
  for (const [workload, answer] of Object.entries(ANSWERS)) assert.ok(answer.length > 0, workload);
});

test('axes change places', () => {
  const { shape, data } = permuted({ shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }, [1, 0]);
  assert.deepEqual([shape, [...data]], [[3, 2], [1, 4, 2, 5, 3, 6]]);
});

test('the same three pixels are found in both layouts', () => {
  const last = Float32Array.from({ length: 16 * 64 * 64 * 3 }, (_, i) => i);
  const first = permuted({ shape: [16, 64, 64, 3], data: last }, [0, 3, 1, 2]).data;
  assert.deepEqual(threePixels(first, 'first'), threePixels(last, 'last'));
  assert.deepEqual(threePixels(last, 'last'), [0, 12345, 196607]);
});

test('a file with short names reads as GPT-2', () => {
  assert.deepEqual(['wte', 'h.11.ln1.g', 'h.0.fc2.w', 'lnf.b'].map(longName), ['wte.weight', 'h.11.ln_1.weight', 'h.0.mlp.c_proj.weight', 'ln_f.bias']);
  const header = '{"lnf.g":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'.padEnd(64);
  const file = new Uint8Array(8 + 64 + 8);
  new DataView(file.buffer).setBigUint64(0, 64n, true);
  file.set(new TextEncoder().encode(header), 8);
  new Float32Array(file.buffer, 72).set([3, 4]);
  assert.deepEqual([...tensors(withLongNames(file))['ln_f.weight'].data], [3, 4]);
});
