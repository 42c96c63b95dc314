// A model's way into the browser, with a server that fails in every way. After each test only whole files with the right
// hash have a final name.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, expect, visit, state, card, FIXTURES, slowness } from './kiln.js';

const NAME = 'tiny-llama-q8_0.gguf';
const SHORT = 'prompt=Hello&max_tokens=4';

const linkTo = (models, mode) => `text?model=${models.url}${mode}/tiny/${NAME}&${SHORT}`;

/** Opens a link and asks for its model. */
async function fetchIt(page, site, link) {
  await visit(page, site, link);
  await page.evaluate(() => {
    window.progress = [];
    window.notes = [];
    window.kiln.on('progress', ({ what, done, total, bytes }) => what && bytes && window.progress.push([done, total, what]));
    window.kiln.on('library', (stored) => (window.stored = stored));
    window.kiln.on('note', ({ code }) => window.notes.push(code));
    window.kiln.run({ download: true });
  });
}

const stands = (page, least = 1) =>
  page.waitForFunction((steps) => window.kiln.state.status === 'paused' && window.kiln.state.step >= steps, least, { timeout: 60_000, polling: 50 });

/** What is kept: `{ whole: [names], parts: [names] }`. Fails where a whole file is not what its name says. */
function kept(page) {
  return page.evaluate(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('models', { create: true });
    const whole = [];
    const parts = [];
    for await (const [name, handle] of folder.entries()) {
      if (name.endsWith('.part')) parts.push(name);
      if (!/^[0-9a-f]{64}$/.test(name)) continue;
      const digest = await crypto.subtle.digest('SHA-256', await (await handle.getFile()).arrayBuffer());
      const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      if (hex !== name) throw new Error(`${name} is kept and hashes to ${hex}`);
      whole.push(name);
    }
    return { whole, parts };
  });
}

async function neverBackwards(page) {
  const progress = await page.evaluate(() => window.progress);
  for (let at = 1; at < progress.length; at += 1) {
    expect(progress[at][0], `${progress}`).toBeGreaterThanOrEqual(progress[at - 1][0]);
    expect(progress[at][1], `${progress}`).toBeGreaterThanOrEqual(progress[at - 1][1]);
  }
}

/** A manifest with the tiny model alone, from these endpoints; `sha256` as it should be. */
async function manifest(endpoints) {
  const body = await readFile(join(FIXTURES, NAME));
  const sha256 = createHash('sha256').update(body).digest('hex');
  const file = { name: NAME, bytes: body.length, sha256, hub: `tiny/tiny/${NAME}` };
  return Buffer.from(JSON.stringify({ endpoints, models: [{ id: 'tiny', title: 'Tiny', licence: 'MIT', source: '', files: [file] }] }));
}

for (const [mode, what] of [
  ['plain', 'a server with ranges'], ['noranges', 'a server without ranges'], ['truncated', 'answers that end early'],
  ['broken', 'connections that break'], ['busy', 'a server that is busy at first'], ['stalled', 'a connection that falls silent'],
  ['private', 'a server that lets other origins see no headers'],
]) {
  test(`${what}: the model arrives`, async ({ page, site, models }) => {
    test.setTimeout(90_000);
    await fetchIt(page, site, linkTo(models, mode));
    await stands(page);
    expect(await kept(page)).toEqual({ whole: [expect.any(String)], parts: [] });
    await neverBackwards(page);
    for (const { headers, method } of models.asked) {
      expect(method).toBe('GET');
      expect(Object.keys(headers)).not.toContain('cookie');
      expect(Object.keys(headers)).not.toContain('authorization');
      expect(headers.referer).toBeUndefined();
    }
  });
}

test('a model that is not there is told, and nothing of it is kept', async ({ page, site, models }) => {
  await fetchIt(page, site, linkTo(models, 'missing'));
  await expect(card(page, 'error-fetch')).toContainText('404');
  await expect.poll(async () => (await state(page)).status).toBe('paused');
  expect(await kept(page)).toEqual({ whole: [], parts: [] });
});

test('a file with the wrong hash is deleted and told; the next mirror has the right one', async ({ page, changed, models }) => {
  const wrong = await changed(async (path, body) => (path.endsWith('models.json') ? manifest([`${models.url}wrong`]) : body));
  await fetchIt(page, wrong, `text?model=tiny&${SHORT}`);
  await expect(card(page, 'error-wrong-hash')).toBeVisible();
  expect(await kept(page)).toEqual({ whole: [], parts: [] });

  const both = await changed(async (path, body) => (path.endsWith('models.json') ? manifest([`${models.url}wrong`, `${models.url}plain`]) : body));
  await fetchIt(page, both, `text?model=tiny&${SHORT}`);
  await stands(page);
  expect((await kept(page)).whole).toHaveLength(1);
});

test('a download is cancelled within a second and goes on where it stopped', async ({ page, site, models }) => {
  await fetchIt(page, site, linkTo(models, 'slow'));
  await page.waitForFunction(() => window.progress.some(([done, total]) => done > total / 4));
  const took = await page.evaluate(async () => {
    const began = performance.now();
    await window.kiln.pause();
    return performance.now() - began;
  });
  expect(took).toBeLessThan(1_000 * (await slowness(page)));
  await expect.poll(async () => (await state(page)).status, { timeout: 1_000 }).toBe('paused');
  expect(await kept(page)).toEqual({ whole: [], parts: [expect.any(String)] });
  await page.evaluate(() => window.kiln.run({ download: true }));
  await stands(page);
  expect(models.asked).toHaveLength(2);
  expect(models.asked[1].from).toBeGreaterThan(0);
  expect(await kept(page)).toEqual({ whole: [expect.any(String)], parts: [] });
});

test('a download goes on after its tab was closed', async ({ page, context, site, models }) => {
  const first = await context.newPage();
  await fetchIt(first, site, linkTo(models, 'slow'));
  await first.waitForFunction(() => window.progress.some(([done, total]) => done > total / 4));
  await first.close();
  await fetchIt(page, site, linkTo(models, 'slow'));
  await stands(page);
  expect(models.asked).toHaveLength(2);
  expect(models.asked[1].from).toBeGreaterThan(0);
  expect(await kept(page)).toEqual({ whole: [expect.any(String)], parts: [] });
  await neverBackwards(page);
});

test('two tabs that want the same model fetch it once', async ({ page, context, site, models }) => {
  const second = await context.newPage();
  await fetchIt(page, site, linkTo(models, 'slow'));
  await page.waitForFunction(() => window.progress.length > 1);
  await fetchIt(second, site, linkTo(models, 'slow'));
  await second.waitForFunction(() => window.progress.some(([, , what]) => what === 'another tab'));
  await Promise.all([stands(page), stands(second)]);
  expect(models.asked).toHaveLength(1);
  expect(await kept(page)).toEqual({ whole: [expect.any(String)], parts: [] });
});

test('when the browser has no room the model runs from memory and says so', async ({ page, context, site, models }) => {
  const devtools = await context.newCDPSession(page);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: new URL(site).origin, quotaSize: 50_000 });
  await fetchIt(page, site, linkTo(models, 'plain'));
  await stands(page);
  expect(await page.evaluate(() => window.notes)).toContain('model-in-memory');
  expect(await kept(page)).toEqual({ whole: [], parts: [] });
});

test('in a private window the model runs from memory', async ({ page, changed, models }) => {
  const broken = "StorageManager.prototype.getDirectory = () => Promise.reject(new Error('private'));\n";
  const site = await changed((path, body) => (path.endsWith('worker-text_loader.js') ? broken + body : body));
  await fetchIt(page, site, linkTo(models, 'plain'));
  await stands(page);
  await page.waitForFunction((name) => window.stored?.files.some((file) => file.name === name && file.complete), NAME);
  const stored = await page.evaluate(() => window.stored);
  expect(stored.persistent).toBe(false);
  expect(stored.files.map(({ name }) => name)).toEqual([NAME]);
});

test('a browser that cannot rename copies', async ({ page, changed, models }) => {
  const broken = 'delete FileSystemFileHandle.prototype.move; delete FileSystemHandle.prototype.move;\n';
  const site = await changed((path, body) => (path.endsWith('worker-text_loader.js') ? broken + body : body));
  await fetchIt(page, site, linkTo(models, 'plain'));
  await stands(page);
  expect(await kept(page)).toEqual({ whole: [expect.any(String)], parts: [] });
});
