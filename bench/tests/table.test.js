// What the table says follows from the results: medians, ratios, agreement, and who is missing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contenders, interleaved } from '../runner/contenders.js';
import { agrees, failures, markdown, summary } from '../runner/table.js';
import { ANSWERS } from '../shared/spec.js';
import { median, timeSteps, timeTokens } from '../shared/timing.js';

const result = (name, samples, more = {}) => ({ workload: 'w2', name, samples, check: ANSWERS.w2, threads: 1, ...more });
const results = [
  result('kiln', [2, 1, 9]),
  result('jax-1', [5, 4, 6], { version: '0.1' }),
  result('jax-1', [7, 8, 7], { version: '0.1' }),
  result('kiln', [4, 4, 4]),
  { workload: 'w2', name: 'ort-1', skip: 'does not train' },
];

test('a median is in the middle', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
});

test('the ratio is that of the medians of the repeats', () => {
  const [kiln, jax] = summary(results);
  assert.deepEqual(kiln.ms, { middle: 3, least: 2, most: 4, count: 2 });
  assert.deepEqual(jax.ms, { middle: 6, least: 5, most: 7, count: 2 });
  assert.equal(kiln.ratio, undefined);
  assert.equal(jax.ratio, 2);
  const many = [...results, result('kiln-many', [1.5]), result('jax-many', [6])];
  assert.deepEqual(summary(many).map(({ ratio }) => ratio), [undefined, 2, undefined, 0.5, 4], 'by ours with as many threads');
});

test('the table has a row for who was measured and a reason for who was not', () => {
  const table = markdown(summary(results), { device: 'cpu', machine: 'a machine' });
  assert.match(table, /\| w2 \| kiln \| 1 \| 3\.00 \(2\.00 to 4\.00\) \|/);
  assert.match(table, /\| w2 \| jax-1 0\.1 \| 1 \| 6\.00 \(5\.00 to 7\.00\) \| 2\.00 x \| agrees \|/);
  assert.match(table, /Not measured: ort-1: does not train \(w2\)/);
  assert.match(table, /machine: a machine/);
  assert.doesNotMatch(table, /dispatches/);
  const gpu = [result('kiln', [1], { gpu: { dispatches: 157, submits: 2 }, first_pipelines: 31, gpu_peak_bytes: 2e6 })];
  assert.match(markdown(summary(gpu), { device: 'webgpu' }), /\| 157 \| 2 \| 31 \| 2\.00 \|/);
});

test('rounding agrees, and other numbers, tokens or texts do not', () => {
  assert.ok(agrees('w2', ANSWERS.w2.map((loss) => loss * 1.0005)));
  assert.ok(agrees('w2', ANSWERS.w2.slice(0, 2)), 'a slow GPU checks fewer steps');
  assert.ok(!agrees('w2', [ANSWERS.w2[0] * 1.01]));
  assert.ok(!agrees('w2', [NaN]) && !agrees('w2', []) && !agrees('w2', undefined));
  assert.ok(agrees('w3s', ANSWERS.w3s) && !agrees('w3s', [ANSWERS.w3s[0] + 1]));
  assert.ok(agrees('w4', ANSWERS.w4) && !agrees('w4', ['another text']));
});

test('it fails where ours is missing once or anybody disagrees, and not where a peer is missing', () => {
  assert.deepEqual(failures(summary(results)), []);
  assert.equal(failures(summary([...results, { workload: 'w2', name: 'kiln', error: 'the page crashed' }])).length, 1);
  assert.equal(failures(summary([...results, result('jax-1', [1], { check: [0] })])).length, 1);
});

test('runs go there and back again', () => {
  assert.deepEqual(interleaved(['kiln', 'a', 'b'], 3).join(' '), 'kiln a b b a kiln kiln a b');
  assert.equal(contenders('cpu', 'none')[0].name, 'kiln');
  assert.equal(contenders('webgpu', 'software')[0].path, '/bench.html?device=webgpu&threads=one');
  assert.ok(contenders('cpu', 'none')[1].isolated && contenders('cpu', 'none')[1].name === 'kiln-many');
});

test('who draws samples is told how many a second', () => {
  const table = markdown(summary([result('kiln', [32], { workload: 'w8d', check: [] })]), {});
  assert.match(table, /samples a second/);
  assert.match(table, /\| 500 \|/);
});

test('who does not train is asked for no step of training', () => {
  for (const { name, cannot } of contenders('cpu', 'none')) {
    const trains = ['w1', 'w1b8', 'w2', 'w6', 'w7', 'w8'].filter((workload) => !cannot[workload]);
    assert.equal(trains.length, name.startsWith('ort') || name.startsWith('wllama') ? 0 : 6, name);
  }
});

test('the first steps are checked and not timed', async () => {
  const steps = [];
  const timed = await timeSteps({ step: (i) => (steps.push(i), i), read: async (i) => [i] }, { budgetMs: 4, warm: 4, most: 5 });
  assert.deepEqual(timed.check, [0, 1, 2]);
  assert.ok(timed.samples.length >= 1 && timed.samples.length <= steps.length - 4);
  assert.deepEqual(steps, [...steps.keys()]);
  assert.equal(timed.pipelined_ms, undefined);
});

test('a step is charged for its own calls alone', async () => {
  let dispatches = 0;
  const none = { submits: 0, passes: 0, writes: 0, pipelines: 0, buffers: 0, live: 0, peak: 0 };
  globalThis.__probe = { read: () => ({ ...none, dispatches }) };
  const task = { step: () => (dispatches += 7), read: async () => [0], limit: 2, restart: () => (dispatches += 1000) };
  const timed = await timeSteps(task, { budgetMs: 4, least: 6 });
  delete globalThis.__probe;
  assert.equal(timed.gpu.dispatches, 7);
});

test('tokens follow one another, and the prompt comes again after forty', async () => {
  const fed = [];
  const model = { prefill: () => (fed.push('prompt'), 100), decode: (id) => (fed.push(id), id + 1) };
  const timed = await timeTokens(model, { budgetMs: 50 });
  assert.deepEqual(timed.check, [100, 101, 102, 103, 104, 105, 106]);
  const first = fed.lastIndexOf('prompt', fed.indexOf(100)) + 1;
  const again = fed.indexOf('prompt', first);
  assert.deepEqual(fed.slice(first, again), Array.from({ length: 40 }, (_, i) => 100 + i));
});

test('steps in a row are all taken, whether or not a task frees its results', async () => {
  for (const drop of [undefined, () => {}]) {
    let steps = 0;
    const step = async () => {
      steps += 1;
      await new Promise((resolve) => setTimeout(resolve, 4));
    };
    const { pipelined_ms } = await timeSteps({ step, read: async () => [0], drop, inARow: true }, { budgetMs: 40 });
    assert.ok(pipelined_ms >= 3.5, `${pipelined_ms} ms for a step that takes 4`);
    assert.ok(steps > 5);
  }
});
