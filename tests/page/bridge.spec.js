// Scripts that drive a run: by `window.kiln`, and from a page of another origin by messages, with the client that the README gives.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test as base, expect, visit, state, elsewhere, SMALL } from './kiln.js';

const README = await readFile(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');
const CLIENT = /```js\n(function connect[^]*?)```/.exec(README)[1];

const test = base.extend({
  /** A page of another origin. */
  // eslint-disable-next-line no-empty-pattern
  embedder: async ({}, use) => {
    const server = createServer((_, answer) => answer.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>An embedder</title>'));
    await new Promise((ready) => server.listen(0, '127.0.0.1', () => ready(null)));
    const origin = `http://127.0.0.1:${server.address().port}`;
    elsewhere.add(`${origin}/`);
    await use(origin);
    elsewhere.delete(`${origin}/`);
    server.closeAllConnections();
    server.close();
  },
});

/** The embedder's page with Kiln in a frame; `window.kiln` there is the README's client. */
async function frameIn(page, embedder, address) {
  await page.goto(`${embedder}/`);
  await page.evaluate(
    ([client, src]) => {
      const connect = new Function(`${client}; return connect`)();
      window.heard = [];
      addEventListener('message', ({ data }) => window.heard.push(data));
      const frame = document.createElement('iframe');
      window.kiln = connect(frame, new URL(src).origin);
      [frame.width, frame.height, frame.src] = ['800', '700', src];
      document.body.append(frame);
    },
    [CLIENT, address],
  );
  const frame = await (await page.waitForSelector('iframe')).contentFrame();
  await frame.waitForFunction(() => window.kiln);
  await frame.evaluate(() => window.kiln.ready);
  return frame;
}

test('a script reads the schema, the values and the latest numbers, and loads what it has saved', async ({ page, site }) => {
  await visit(page, site, SMALL);
  expect(await page.evaluate(() => window.kiln.metrics)).toEqual({ step: 0, figures: {}, series: {} });
  await page.evaluate(() => window.kiln.step(60));
  const found = await page.evaluate(async () => {
    const { kiln } = window;
    const { schema, values, metrics } = kiln;
    // What is handed out is a copy.
    kiln.values.lr_g = 7;
    const bytes = await kiln.checkpoint();
    await kiln.set('lr_g', 0.003);
    const changed = kiln.values.lr_g;
    await kiln.step(5);
    await kiln.load(bytes);
    const refused = [];
    for (const wrong of [new ArrayBuffer(7), 'nothing']) refused.push(await kiln.load(wrong).then(() => '', ({ code }) => code));
    return { live: schema.properties.lr_g['x-live'], values, metrics, changed, now: kiln.values.lr_g, state: kiln.state, refused };
  });
  expect(found.live).toBe(true);
  expect(found.values).toMatchObject({ width: 16, batch: 32, data: 'ring', lr_g: 0.001 });
  expect(found.metrics.step).toBe(60);
  expect(Object.keys(found.metrics.series)).toEqual(expect.arrayContaining(['discriminator', 'generator', 'modes']));
  for (const value of Object.values(found.metrics.series)) expect(value).toEqual(expect.any(Number));
  expect([found.changed, found.now]).toEqual([0.003, 0.001]);
  expect(found.state).toMatchObject({ step: 60, status: 'paused' });
  expect(found.refused).toEqual(['bad-file', 'bad-file']);
  // A setting that is refused rejects, with the worker's code.
  expect(await page.evaluate(() => window.kiln.set('nonsense', 1).then(() => '', ({ code }) => code))).toBe('bad-command');
});

test('a page of another origin that the address names drives the run, with the client of the README', async ({ page, site, embedder }) => {
  const frame = await frameIn(page, embedder, `${site}?embed&paused&device=cpu&bridge=${embedder}#${SMALL}`);
  await expect(frame.locator('#bridged')).toBeHidden();
  const found = await page.evaluate(async () => {
    const { ask, on } = window.kiln;
    await ask('ready');
    const steps = [];
    await on('state', ({ step }) => steps.push(step));
    const views = new Promise((resolve) => on('views', resolve));
    await ask('step', 4);
    const { panels } = await views;
    await ask('set', 'lr_g', 0.003);
    const bytes = await ask('checkpoint');
    const [values, metrics, schema] = [await ask('values'), await ask('metrics'), await ask('schema')];
    await ask('open', 'gan2d?seed=9&width=16&batch=32');
    const opened = await ask('state');
    await ask('load', bytes);
    const loaded = await ask('state');
    await ask('run');
    const { status } = await ask('state');
    await ask('pause');
    await ask('off', 'state');
    steps.push('off');
    await ask('step', 2);
    const refused = [];
    for (const [verb, ...args] of [['open', 'nonsense'], ['set', 'nonsense', 1], ['nonsense'], ['constructor'], ['on', 'card'], ['load', 'nothing']]) {
      refused.push(await ask(verb, ...args).then(() => '', ({ code, message }) => `${code} ${message.length > 0}`));
    }
    return { steps, panels: panels.map(({ id }) => id), values, metrics, live: schema.properties.lr_g['x-live'], opened, loaded, status, refused };
  });
  await expect(frame.locator('#bridged')).toContainText(embedder);
  expect(found.panels).toContain('plane');
  expect(found.values.lr_g).toBe(0.003);
  expect(found.metrics.step).toBe(4);
  expect(found.live).toBe(true);
  expect(found.opened).toMatchObject({ step: 0, status: 'paused' });
  expect(found.opened.link).toContain('seed=9');
  expect(found.loaded).toMatchObject({ step: 4, demo: 'gan2d' });
  expect(found.status).toBe('running');
  expect(found.steps).toContain(4);
  expect(found.steps.at(-1)).toBe('off');
  expect(found.refused).toEqual(['unknown-demo true', 'bad-command true', 'bad-command true', 'bad-command true', 'bad-command true', 'bad-file true']);
});

for (const [who, query] of [['an origin that the address does not name', '&bridge=https://example.org'], ['any page, where the address names none', '']]) {
  test(`${who} is neither heard nor told of anything`, async ({ page, site, embedder }) => {
    const frame = await frameIn(page, embedder, `${site}?embed&paused&device=cpu${query}#${SMALL}`);
    // When the frame has had the last message it has had all of them, and it would have answered before it said so.
    const had = frame.evaluate(() => new Promise((resolve) => addEventListener('message', ({ data }) => data === 'last' && resolve(null))));
    await frame.evaluate(() => null);
    await page.evaluate(() => {
      const { contentWindow } = document.querySelector('iframe');
      for (const verb of ['state', 'run']) contentWindow.postMessage({ kiln: 1, id: 1, verb, args: [] }, '*');
      contentWindow.postMessage('last', '*');
    });
    await had;
    await frame.evaluate(() => window.kiln.step(1));
    expect(await frame.evaluate(() => window.kiln.state)).toMatchObject({ step: 1, status: 'paused' });
    expect(await page.evaluate(() => window.heard)).toEqual([]);
    await expect(frame.locator('#bridged')).toBeHidden();
  });
}

test('only the page around the frame is heard, not another window of its origin, and no window is that has no page around it', async ({ page, site, embedder }) => {
  const frame = await frameIn(page, embedder, `${site}?embed&paused&device=cpu&bridge=${embedder}#${SMALL}`);
  await page.evaluate(() => window.kiln.ask('ready'));
  const had = frame.evaluate(() => new Promise((resolve) => addEventListener('message', ({ data }) => data === 'last' && resolve(null))));
  await frame.evaluate(() => null);
  // A frame beside it, of the embedder's own origin.
  await page.evaluate(() => {
    window.heard.length = 0;
    const beside = document.createElement('iframe');
    document.body.append(beside);
    const script = beside.contentDocument.createElement('script');
    script.textContent = `parent.frames[0].postMessage({ kiln: 1, id: 1, verb: 'state' }, '*'); parent.frames[0].postMessage('last', '*');`;
    beside.contentDocument.body.append(script);
  });
  await had;
  await page.evaluate(() => window.kiln.ask('state'));
  // The answer to the one that was asked by the page itself.
  expect(await page.evaluate(() => window.heard.length)).toBe(1);
  await visit(page, site, SMALL, `paused&device=cpu&bridge=${site.slice(0, -1)}`);
  await expect(page.locator('#bridged')).toBeHidden();
  expect((await state(page)).status).toBe('paused');
});
