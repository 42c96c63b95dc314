// What the tests of the page keep to themselves, and what is built keeps from them.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test, expect, visit, workerOf, DIST, SMALL } from './kiln.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));

test('no test of the page sleeps until something has probably happened', async () => {
  const files = (await readdir(HERE)).filter((name) => /\.m?js$/.test(name) && name !== 'house.spec.js');
  expect(files.length).toBeGreaterThan(15);
  const wrong = [];
  for (const name of files) {
    const lines = (await readFile(join(HERE, name), 'utf8')).split('\n');
    lines.forEach((line, index) => {
      // `test.setTimeout` is no wait. A wait that is what is measured, or a limit, says so above.
      const waits = /waitForTimeout/.test(line) || (/\bsetTimeout\(/.test(line) && !/test\.setTimeout/.test(line));
      if (waits && !(/setTimeout/.test(line) && /\/\/ A duration: /.test(lines[index - 1]))) wrong.push(`${name}:${index + 1}`);
    });
  }
  expect(wrong).toEqual([]);
});

test('the built modules hold nothing that breaks them for a test', async ({ page, site }) => {
  const files = (await readdir(DIST)).filter((name) => /\.(js|wasm)$/.test(name)).sort();
  const modules = ['worker-cpu', 'worker-cpu-threads', 'worker-gpu', 'worker-text', 'worker-text-threads'];
  expect(files.filter((name) => name.endsWith('.wasm'))).toEqual(modules.map((name) => `${name}_bg.wasm`).sort());
  for (const name of files) {
    const body = await readFile(join(DIST, name), 'latin1');
    for (const hook of ['kiln_crash', 'kiln_lose', 'crashed on purpose']) expect(body.includes(hook), `${hook} in ${name}`).toBe(false);
  }
  await visit(page, site, SMALL);
  expect(await workerOf(page).evaluate(() => Object.getOwnPropertyNames(self).filter((name) => /kiln/i.test(name)))).toEqual([]);
});
