// Several threads, from the second visit on: the service worker isolates the page, and everything works as before.

import { availableParallelism } from 'node:os';
import { createServer } from 'node:http';
import { test, expect, visit, state, curve, untilStep, kill, panicked, workerOf, bareWorker, elsewhere, SMALL } from './kiln.js';

test.use({ serviceWorkers: 'allow' });
test.skip(availableParallelism() < 2, 'this machine has one core');

/** As the browser counts cores. */
const most = (page) => page.evaluate(() => Math.min(navigator.hardwareConcurrency, 8));
/** Products that are worth parts. */
const LINK = 'dcgan?width=16&batch=32';

/** A first visit, and then the one that may share memory. */
async function isolated(page, site, link, query) {
  await visit(page, site, link, query);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.goto('about:blank');
  await visit(page, site, link, query);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
}

test('the second visit has the threads that the first one promised, and runs the same run', async ({ page, site }) => {
  await visit(page, site, LINK);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
  expect((await state(page)).device.threads).toBe(1);
  await page.locator('.badge summary').click();
  await expect(page.locator('.badge .pop')).toContainText(`1 (${await most(page)} after a reload)`);
  await page.evaluate(() => window.kiln.step(12));
  const alone = await curve(page);

  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.goto('about:blank');
  await visit(page, site, LINK);
  await expect.poll(async () => (await state(page)).device.threads).toBe(await most(page));
  await page.locator('.badge summary').click();
  await expect(page.locator('.badge .pop')).toContainText(new RegExp(`Threads\\s*${await most(page)}\\s`));
  await page.evaluate(() => window.kiln.step(12));
  expect(alone.length).toBe(12);
  expect(await curve(page)).toEqual(alone);
});

for (const [what, from, to] of [
  ['does not load', 'worker-cpu-threads_bg.wasm', () => 'no module'],
  ['gets no memory', 'worker-cpu-threads_loader.js', (body) => `WebAssembly.Memory = function () { throw new RangeError('too much'); };\n${body}`],
]) {
  test(`where the module with threads ${what}, the one without is taken, and after three times at once`, async ({ page, changed }) => {
    const asked = [];
    const site = await changed((path, body) => {
      if (!path.endsWith(from)) return body;
      asked.push(path);
      return to(body);
    });
    await isolated(page, site, SMALL);
    await page.evaluate(() => window.kiln.step(5));
    expect((await state(page)).device.threads).toBe(1);
    expect(asked.length).toBe(1);
    for (let visits = 1; visits < 5; visits += 1) {
      await page.goto('about:blank');
      await visit(page, site, SMALL);
    }
    expect(asked.length).toBe(3);
  });
}

test('the address can ask for one thread', async ({ page, site }) => {
  await isolated(page, site, SMALL);
  await visit(page, site, SMALL, 'paused&device=cpu&threads=1');
  await page.evaluate(() => window.kiln.step(5));
  expect((await state(page)).device.threads).toBe(1);
  expect(page.workers().some((worker) => worker.url().includes('-threads'))).toBe(false);
});

/** A module with its table of functions among its exports, as `functions`. */
function withTable(wasm) {
  let at = 8;
  const number = () => {
    let [value, shift, byte] = [0, 0, 128];
    for (; byte & 128; shift += 7) value += ((byte = wasm[at++]) & 127) * 2 ** shift;
    return value;
  };
  const written = (value) => (value > 127 ? [(value & 127) | 128, ...written(value >>> 7)] : [value]);
  for (let table = -1; at < wasm.length; ) {
    const [begin, id, size, from] = [at, wasm[at++], number(), at];
    if (id === 4) {
      const kinds = Array.from({ length: number() }, () => {
        const [kind, limits] = [wasm[at++], wasm[at++]];
        for (let bounds = 0; bounds <= (limits & 1); bounds += 1) number();
        return kind;
      });
      table = kinds.indexOf(0x70);
    }
    if (id === 7) {
      const entry = [...written(number() + 1), 9, ...Buffer.from('functions'), 1, table];
      const body = Buffer.concat([Buffer.from(entry), wasm.subarray(at, from + size)]);
      return Buffer.concat([wasm.subarray(0, begin), Buffer.from([id, ...written(body.length)]), body, wasm.subarray(from + size)]);
    }
    at = from + size;
  }
  throw new Error('a module without exports');
}

/** For `changed`: a helper of the name `breaks` has no functions to call, so that it dies in the first work that it takes part in. */
function breaking(path, body) {
  if (path.endsWith('/worker-cpu-threads_bg.wasm')) return withTable(body);
  if (!path.endsWith('/worker-cpu-threads_loader.js')) return body;
  const broken = `const { functions } = initSync(data);
    for (let at = 0; self.name === 'breaks' && at < functions.length; at += 1) functions.set(at, null);`;
  return String(body).replace('initSync(data);', broken);
}

test('a helper that dies in the middle of its work is missed, and the run goes on without', async ({ page, changed }) => {
  await isolated(page, await changed(breaking), LINK);
  await page.evaluate(() => window.kiln.step(8).then(() => window.kiln.checkpoint()).then(() => undefined));
  await expect.poll(async () => (await state(page)).device.threads).toBe(await most(page));
  await page.evaluate(() => window.kiln.run());
  panicked.add(page);
  await workerOf(page).evaluate(async () => {
    const { initSync } = await import(new URL('./worker-cpu-threads.js', location.href).href);
    const helper = new Worker('./worker-cpu-threads_loader.js', { type: 'module', name: 'breaks' });
    helper.onerror = (event) => event.preventDefault();
    // What this worker has open already.
    const { memory } = initSync();
    helper.postMessage({ module: await WebAssembly.compileStreaming(fetch('./worker-cpu-threads_bg.wasm')), memory });
  });
  await expect(page.locator('#cards')).toContainText('restarted', { timeout: 4000 });
  await expect.poll(async () => (await state(page)).device.threads).toBe(1);
  await page.evaluate(() => window.kiln.step(4));
});

test('a worker with threads that dies is followed by one without, on the same curve', async ({ page, site }) => {
  await isolated(page, site, LINK);
  await page.evaluate(() => window.kiln.step(8).then(() => window.kiln.checkpoint()).then(() => undefined));
  await page.evaluate(() => window.kiln.run());
  await untilStep(page, 10);
  await kill(page, 'panic');
  await expect(page.locator('#cards')).toContainText('restarted');
  await expect.poll(async () => (await state(page)).device.threads).toBe(1);
  await untilStep(page, 14);
  expect(await page.evaluate(() => window.contradictions)).toEqual([]);
});

test('threads end with the worker that they help', async ({ page, site, browser }) => {
  await isolated(page, site, LINK);
  const client = await browser.newBrowserCDPSession();
  const workers = async () => {
    const { targetInfos } = await client.send('Target.getTargets', { filter: [{ type: 'worker', exclude: false }] });
    return targetInfos.filter(({ url }) => url.includes('-threads')).length;
  };
  await expect.poll(workers).toBe(await most(page));
  await page.evaluate(() => window.kiln.run());
  await untilStep(page, 3);
  await kill(page, 'close');
  await expect.poll(workers).toBe(0);
});

test('pictures, files and models of other origins come in where memory is shared', async ({ page, site, models }) => {
  await isolated(page, site, `text?model=${models.url}plain/tiny/tiny-llama-q8_0.gguf&prompt=Hello&max_tokens=4`);
  await expect.poll(async () => (await state(page)).device.threads).toBe(await most(page));
  await page.evaluate(() => {
    window.kiln.run({ download: true });
  });
  await page.waitForFunction(() => window.kiln.state.step >= 4);

  await bareWorker(page, './worker-cpu-threads_loader.js?threads=2');
  const event = await page.evaluate(async () => {
    const colours = ['red', 'green', 'blue', 'black', 'white', 'gold', 'navy', 'pink'];
    const files = await Promise.all(colours.map(async (c) => new File([await window.draw(c, 'image/png')], c)));
    window.ask({ type: 'pictures', files, side: 32 });
    const taken = await window.until((e) => e.type === 'pictures' || e.type === 'error');
    await window.until((e) => e.type === 'library');
    window.ask({ type: 'open', link: `dcgan?data=sha256:${taken.sha256}&width=4&batch=16`, checkpoint: null });
    window.ask({ type: 'step', n: 2 });
    const { type, step } = await window.until((e) => e.type === 'error' || (e.type === 'views' && e.step === 2));
    return { type, step, count: taken.count };
  });
  expect(event).toEqual({ type: 'views', step: 2, count: 8 });
});

test('in a frame of another page everything goes on one thread', async ({ page, site }) => {
  await isolated(page, site, SMALL);
  const around = createServer((_, answer) => {
    answer.writeHead(200, { 'content-type': 'text/html' }).end(`<iframe src="${site}?embed&paused&device=cpu#${SMALL}"></iframe>`);
  });
  await new Promise((ready) => around.listen(0, '127.0.0.1', ready));
  const url = `http://127.0.0.1:${around.address().port}/`;
  elsewhere.add(url);
  await page.goto(url);
  const frame = await (await page.waitForSelector('iframe')).contentFrame();
  await frame.waitForFunction(() => window.kiln);
  await frame.evaluate(() => window.kiln.ready);
  const found = await frame.evaluate(() => [!!navigator.serviceWorker.controller, crossOriginIsolated, window.kiln.state.device.threads]);
  expect(found).toEqual([true, false, 1]);
  await frame.evaluate(() => window.kiln.step(5));
  elsewhere.delete(url);
  around.close();
});
