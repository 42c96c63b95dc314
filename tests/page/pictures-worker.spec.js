// A person's pictures, as the worker takes them: what the page does with them is its own matter.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test, expect, visit, bareWorker, slowness } from './kiln.js';

const read = async (name) => [...(await readFile(fileURLToPath(new URL(`../fixtures/pictures/${name}`, import.meta.url))))];

async function worker(page, site) {
  await visit(page, site, 'gan2d?width=16&batch=32');
  await bareWorker(page);
}

test('pictures become a set that a run learns from', async ({ page, site }) => {
  await worker(page, site);
  const given = { cmyk: await read('cmyk.jpg'), turned: await read('turned.jpg'), gif: await read('animated.gif') };
  const taken = await page.evaluate(async (given) => {
    const files = [];
    for (const [i, type] of ['image/png', 'image/jpeg', 'image/webp', 'image/png', 'image/jpeg', 'image/webp'].entries()) {
      files.push(new File([await window.draw(['red', 'green', 'blue'][i % 3], type)], `drawn-${i}`));
    }
    for (const [name, bytes] of Object.entries(given)) files.push(new File([new Uint8Array(bytes)], name));
    files.push(new File(['no picture at all'], 'notes.txt'), new File([], 'empty.png'));
    window.ask({ type: 'pictures', files, side: 32 });
    const event = await window.until((e) => e.type === 'pictures' || e.type === 'error');
    await window.until((e) => e.type === 'library');
    return event;
  }, given);
  expect(taken).toMatchObject({ type: 'pictures', count: 9, width: 32, height: 32, left_out_in_all: 2 });
  expect(taken.left_out.map((l) => l.code)).toEqual(['not-a-picture', 'empty']);

  const drawn = await page.evaluate(async (sha256) => {
    const from = window.count();
    window.ask({ type: 'open', link: `dcgan?data=sha256:${sha256}&width=4&batch=16`, checkpoint: null });
    window.ask({ type: 'step', n: 2 });
    const event = await window.until((e) => e.type === 'error' || (e.type === 'views' && e.step === 2), from);
    const real = event.panels?.find((p) => p.id === 'real').views[0];
    return real ? { ...real, pixels: [...real.pixels] } : event;
  }, taken.sha256);
  expect(drawn).toMatchObject({ width: 32, height: 32, channels: 3, count: 16 });
  // The set's colours alone: red, green, blue, the red of the inks, the first green of the animation, blue above white.
  for (let i = 0; i < drawn.count; i++) {
    const [r, g, b] = drawn.pixels.slice(3072 * i, 3072 * i + 3);
    expect(Math.max(r, g, b) > 100 && Math.min(r, g, b) < 60, `${r} ${g} ${b}`).toBe(true);
  }
});

test('a large batch of pictures is ended within a second, and the run beside it goes on', async ({ page, site }) => {
  await worker(page, site);
  const ms = await page.evaluate(async () => {
    window.ask({ type: 'open', link: 'gan2d?width=16&batch=32', checkpoint: null });
    window.ask({ type: 'run' });
    const large = await window.draw('red', 'image/jpeg', [3000, 2000]);
    const files = Array.from({ length: 3000 }, (_, i) => new File([large], `${i}.jpg`));
    const from = window.count();
    window.ask({ type: 'pictures', files, side: 32 });
    await window.until((e) => e.type === 'progress' && e.what === 'pictures' && e.done > 0, from);
    const first = await window.until((e) => e.type === 'status' && e.status === 'running', from);
    await window.until((e) => e.type === 'status' && e.step > first.step, from);
    const [before, began] = [window.count(), performance.now()];
    window.ask({ type: 'pictures-cancel' });
    await window.until((e) => e.type === 'progress' && e.what === '', before);
    return performance.now() - began;
  });
  expect(ms).toBeLessThan(1000 * (await slowness(page)));
});

test('one whole picture is cut to multiples of eight', async ({ page, site }) => {
  await worker(page, site);
  const taken = await page.evaluate(async () => {
    window.ask({ type: 'pictures', files: [new File([await window.draw('red', 'image/png', [1001, 500])], 'a')], most: 512 });
    return window.until((e) => e.type === 'pictures' || e.type === 'error');
  });
  expect(taken).toMatchObject({ count: 1, width: 512, height: 248 });
});
