// What the tests share: a served page, a run that stands, its curves, and ways to end a worker.

import { test as base, expect } from '@playwright/test';
import { fileURLToPath } from 'node:url';
import { serve } from './serve.mjs';
import { serveModels } from './models-server.mjs';

export const DIST = process.env.KILN_DIST || fileURLToPath(new URL('../../dist', import.meta.url));
export const FIXTURES = fileURLToPath(new URL('../fixtures/text', import.meta.url));
export const SHOTS = fileURLToPath(new URL('../../test-results', import.meta.url));

/** Small networks: what is tested here is the page. */
export const SMALL = 'gan2d?width=16&batch=32';
export const SMALL_DIGITS = 'dcgan?width=8&batch=8';
export const SMALL_DIFFUSION2D = 'diffusion2d?batch=32&width=16&depth=1';
export const SMALL_REALNVP = 'realnvp?batch=32&couplings=4&width=16';
export const SMALL_DIFFUSION = 'diffusion?start=scratch&batch=16&width=64&depth=1';

/** Origins besides the page's that a test has named. */
export const elsewhere = new Set();

/** Pages whose workers a test has made panic: a panic ends in an exception that nobody catches. */
export const panicked = new WeakSet();

export const test = base.extend({
  site: [
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const server = await serve(DIST);
      await use(`http://127.0.0.1:${server.address().port}/`);
      server.closeAllConnections();
      server.close();
    },
    { scope: 'worker' },
  ],
  /** A server of the tiny models, for the tests that name it: `models.url` and what was `asked` of it. */
  // eslint-disable-next-line no-empty-pattern
  models: async ({}, use) => {
    const server = await serveModels({ folder: FIXTURES });
    const url = `http://127.0.0.1:${server.address().port}/`;
    elsewhere.add(url);
    await use({ url, asked: server.asked });
    elsewhere.delete(url);
    server.closeAllConnections();
    server.close();
  },
  /** The page with other bodies in some files' places: `changed((path, body) => body)` gives its address. */
  // eslint-disable-next-line no-empty-pattern
  changed: async ({}, use) => {
    const servers = [];
    await use(async (change) => {
      const server = await serve(DIST, 0, change);
      servers.push(server);
      const url = `http://127.0.0.1:${server.address().port}/`;
      elsewhere.add(url);
      return url;
    });
    for (const server of servers) {
      elsewhere.delete(`http://127.0.0.1:${server.address().port}/`);
      server.closeAllConnections();
      server.close();
    }
  },
  // In every test: nothing is asked of an origin that the test does not name, and nothing is against the policy.
  watched: [
    async ({ page, site }, use) => {
      const wrong = [];
      page.on('request', (request) => {
        const url = request.url();
        const known = [site, ...elsewhere].some((origin) => url.startsWith(origin));
        if (!known && !/^(blob|data):/.test(url)) wrong.push(`asked of another origin: ${url}`);
      });
      page.on('console', (message) => {
        if (/Content Security Policy|Content-Security-Policy/.test(message.text())) wrong.push(message.text());
      });
      page.on('pageerror', (error) => {
        const said = `uncaught: ${error.stack ?? error}`;
        if (!panicked.has(page) || !/RuntimeError: unreachable\s[^]*_bg\.wasm/.test(said)) wrong.push(said);
      });
      await use(wrong);
      expect(wrong).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** Opens the page and waits for its first run, paused unless `query` says otherwise. */
export async function visit(page, site, link, query = 'paused&device=cpu') {
  await page.goto(`${site}?${query}#${link}`);
  await page.waitForFunction(() => window.kiln);
  await page.evaluate(() => window.kiln.ready);
  await collect(page);
}

/** Goes to a demo as a person does: the picker in the header, then its name. */
export async function pick(page, demo) {
  await page.locator('.picker summary').click();
  await page.locator(`[data-demo=${demo}]`).click();
}

/** Keeps every row of the loss curves that comes, as `window.curve`: step to values. */
export async function collect(page) {
  await page.evaluate(() => {
    if (window.curve) return;
    window.curve = new Map();
    window.contradictions = [];
    window.kiln.on('views', ({ panels }) => {
      for (const { id, views } of panels) {
        for (const view of views) {
          if (id !== 'losses' || view.type !== 'scalars') continue;
          const rows = new Float32Array(view.rows.buffer, view.rows.byteOffset, view.rows.byteLength / 4);
          const width = view.series.length + 1;
          for (let at = 0; at + width <= rows.length; at += width) {
            const values = [...rows.subarray(at + 1, at + width)].join();
            const before = window.curve.get(rows[at]);
            if (before !== undefined && before !== values) window.contradictions.push([rows[at], before, values]);
            window.curve.set(rows[at], values);
          }
        }
      }
    });
  });
}

export const curve = (page) => page.evaluate(() => [...window.curve].sort((a, b) => a[0] - b[0]));
export const state = (page) => page.evaluate(() => ({ ...window.kiln.state }));

export async function untilStep(page, step, timeout = 60_000) {
  await page.waitForFunction((least) => window.kiln.state.step >= least, step, { timeout, polling: 50 });
}

/** How many answers of the worker come: what it was told before them is done, or has begun. */
export function answers(page, count = 2) {
  return page.evaluate(
    (wanted) =>
      new Promise((resolve) => {
        let seen = 0;
        // The page asks for one each second, whatever the run does.
        const off = window.kiln.on('status', () => {
          seen += 1;
          if (seen < wanted) return;
          off();
          resolve();
        });
      }),
    count,
  );
}

/** Makes a checkpoint, and waits until the browser's storage has it. */
export const keep = (page) =>
  page.evaluate(() => {
    const { step } = window.kiln.state;
    // A run that was left may be written only now: it is not the one that is meant.
    const id = history.state?.run;
    const written = new Promise((resolve) => window.kiln.on('kept', (one) => one.step >= step && (!id || one.id === id) && resolve()));
    return window.kiln.checkpoint().then(() => written);
  });

/** The page's worker: the only one, or the one that has helpers. */
export const workerOf = (page) => page.workers().find((one) => one.url().includes('threads=')) ?? page.workers().at(-1);

/** For `changed`: keeps the GPU device that the worker opens where `kill(page, 'lose')` finds it. */
const KEEPING = `
const request = GPUAdapter.prototype.requestDevice;
GPUAdapter.prototype.requestDevice = async function (...wanted) {
  return (self.device = await request.apply(this, wanted));
};
`;
export const keepingDevice = (path, body) => (path.endsWith('/worker-gpu_loader.js') ? KEEPING + body : body);

/**
 * Ends the page's worker in one of the ways in which workers end. Rust panics where it may not wait: of one thread, because a
 * helper of others has nothing to be woken by; of several, because it is told that one of its helpers has died.
 */
export async function kill(page, way) {
  if (way === 'panic') panicked.add(page);
  await workerOf(page).evaluate(async (how) => {
    // The module that runs here already: another import of it is the same instance.
    const several = new URLSearchParams(location.search).has('threads');
    const module = how === 'panic' && (await import(location.href.replace(/_loader\.js.*/, '.js')));
    const die = () => {
      if (how === 'panic') (several ? module.lost : module.help)();
      else if (how === 'close') self.close();
      else if (how === 'lose') self.device.destroy();
      else if (how === 'throw') throw new Error('broken on purpose');
      else for (;;);
    };
    // A duration: none. This call is answered before the worker is gone.
    setTimeout(die);
  }, way);
}

/** How many different colours a canvas has. */
export function coloursOf(locator) {
  return locator.evaluate((canvas) => {
    const copy = document.createElement('canvas');
    copy.width = 64;
    copy.height = 64;
    const context = copy.getContext('2d');
    context.drawImage(canvas, 0, 0, 64, 64);
    return new Set(new Uint32Array(context.getImageData(0, 0, 64, 64).data.buffer)).size;
  });
}

/** A canvas as it is drawn: one that cannot be seen is not, and one that can is at the next frame. */
export async function drawing(locator) {
  await locator.scrollIntoViewIfNeeded();
  return locator.evaluate(async (canvas) => {
    for (let frames = 0; frames < 2; frames += 1) await new Promise(requestAnimationFrame);
    return canvas.toDataURL();
  });
}

/** Names on the page that are not in Chinese; abbreviations such as DDPM may stay. */
export const untranslated = (page) =>
  page.locator('#panels h2, #panels dt, #controls :is(legend, label, option)').evaluateAll((names) =>
    names.map(({ textContent }) => textContent.trim()).filter((name) => name && !/\p{Script=Han}|^[A-Z]+$/u.test(name)),
  );

/** What `slowness` takes on the machine that the bounds of time were measured on, at rest, in milliseconds. */
const AT_REST = 21;

/** A machine that is slower than this many times is no excuse any more. */
const SLOWEST = 3;

/** How many times as long as there this machine takes now, from 1 to `SLOWEST`: a bound of time is multiplied by it. */
export const slowness = (page) =>
  page.evaluate(
    async ([atRest, slowest]) => {
      const took = [];
      for (let looks = 0; looks < 6; looks += 1) {
        const from = performance.now();
        let x = 1;
        for (let at = 0; at < 1.5e7; at += 1) x = (Math.imul(x, 1664525) + 1013904223) | 0;
        if (x === 0) throw new Error('never: the loop is not left out');
        // The first is compiled on its way.
        if (looks) took.push(performance.now() - from);
        await new Promise(requestAnimationFrame);
      }
      // The median: one pause of the machine says nothing of the others.
      const median = took.sort((a, b) => a - b)[2];
      return Math.min(slowest, Math.max(1, median / atRest));
    },
    [AT_REST, SLOWEST],
  );

export const card = (page, key) => page.locator(`#cards [data-key^="${key}"]`);

/** Drops a file on the page, as a person would. */
export async function drop(page, bytes, name) {
  const data = await page.evaluateHandle(
    ([numbers, title]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(numbers)], title));
      return transfer;
    },
    [[...bytes], name],
  );
  await page.dispatchEvent('body', 'drop', { dataTransfer: data });
}

/** A worker of the test's own in the page: `ask(message)` sends, `until(found)` waits for an event. */
export async function bareWorker(page, way = './worker-cpu_loader.js') {
  await page.evaluate((way) => {
    const worker = new Worker(new URL(way, document.baseURI), { type: 'module' });
    const events = [];
    worker.addEventListener('message', ({ data }) => events.push(data));
    window.ask = (message) => worker.postMessage(message);
    window.until = (found, from = 0) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const event = events.slice(from).find(found);
          if (!event) return;
          clearTimeout(late);
          worker.removeEventListener('message', look);
          resolve(event);
        };
        // A duration: the longest that anything takes. Else nothing would say what came instead.
        const late = setTimeout(() => reject(new Error(`nothing came; there was ${JSON.stringify(events.map((e) => e.message ?? e.type))}`)), 30_000);
        worker.addEventListener('message', look);
        look();
      });
    window.count = () => events.length;
    window.draw = async (colour, type, [width, height] = [178, 218]) => {
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext('2d');
      context.fillStyle = colour;
      context.fillRect(0, 0, width, height);
      return canvas.convertToBlob({ type });
    };
  }, way);
  // Nobody listens before hello.
  await page.evaluate(() => window.until((e) => e.type === 'hello'));
  await page.evaluate(() => window.ask({ type: 'start', software: false, proven: [] }));
  await page.evaluate(() => window.until((e) => e.type === 'device'));
}

/** Draws on a canvas with the mouse, along points whose coordinates go from 0 to 1. */
export async function stroke(page, canvas, points) {
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
  await page.mouse.move(...at(points[0]));
  await page.mouse.down();
  for (const point of points.slice(1)) await page.mouse.move(...at(point), { steps: 6 });
  await page.mouse.up();
}
