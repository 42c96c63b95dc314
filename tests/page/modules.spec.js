// The CPU's two modules: a link that needs the other one starts it, and what is open stays until that has opened the link.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, expect, pick, visit, state, card, drop, keep, curve, untilStep, workerOf, FIXTURES, SMALL } from './kiln.js';

const MODEL = 'plain/tiny/tiny-llama-q8_0.gguf';
const linkTo = (models) => `text?model=${models.url}${MODEL}&prompt=Hello&max_tokens=4`;

/** The modules that were asked for. */
function asked(page) {
  const found = [];
  page.on('request', (request) => {
    const module = /worker-[a-z-]+(?=_bg\.wasm)/.exec(request.url());
    if (module) found.push(module[0]);
  });
  return found;
}

const write = (page) => page.evaluate(() => window.kiln.run({ download: true }));

test('a visit loads the module of its link and no other', async ({ page, site, models }) => {
  const modules = asked(page);
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(3));
  await page.goto('about:blank');
  await visit(page, site, linkTo(models));
  await write(page);
  await untilStep(page, 4);
  expect(modules).toEqual(['worker-cpu', 'worker-text']);
});

test('a demo of the other module starts it, and the way back goes on where the run was left', async ({ page, site, models }) => {
  const modules = asked(page);
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(6));
  const before = await curve(page);
  await page.evaluate((link) => window.kiln.open(link), linkTo(models));
  expect((await state(page)).demo).toBe('text');
  await write(page);
  await untilStep(page, 4);
  expect(page.workers()).toHaveLength(1);
  await page.goBack();
  await expect.poll(async () => (await state(page)).demo).toBe('gan2d');
  await page.evaluate(() => window.kiln.step(1));
  expect(await state(page)).toMatchObject({ link: SMALL, step: 7, error: null });
  expect(await page.evaluate(() => window.contradictions)).toEqual([]);
  expect((await curve(page)).slice(0, 6)).toEqual(before);
  expect(modules).toEqual(['worker-cpu', 'worker-text', 'worker-cpu']);
});

test('a saved file of the other module is opened there', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(5));
  const bytes = await page.evaluate(async () => [...(await window.kiln.checkpoint())]);
  await page.goto('about:blank');
  await visit(page, site, 'text');
  await drop(page, bytes, 'run.safetensors');
  await expect.poll(async () => (await state(page)).demo).toBe('gan2d');
  await page.evaluate(() => window.kiln.step(1));
  expect(await state(page)).toMatchObject({ link: SMALL, step: 6 });
});

test('where the list of demos cannot be fetched the worker says where a demo lives', async ({ page, site, models }) => {
  const modules = asked(page);
  await page.route('**/demos.json', (route) => route.abort());
  await visit(page, site, linkTo(models));
  expect((await state(page)).demo).toBe('text');
  expect(modules).toEqual(['worker-cpu', 'worker-text']);
});

test('where the other module cannot be loaded the run goes on, and trying again helps', async ({ page, site }) => {
  let offline = true;
  await page.route('**/worker-text*', (route) => (offline ? route.abort() : route.continue()));
  await visit(page, site, SMALL, 'device=cpu');
  await untilStep(page, 3);
  const refused = await page.evaluate(() => window.kiln.open('text').then(() => null, (error) => error.code));
  expect(refused).toBe('unreachable');
  await expect(card(page, 'error-module')).toBeVisible();
  const { step, link } = await state(page);
  expect(link).toBe(SMALL);
  await untilStep(page, step + 3);
  offline = false;
  await card(page, 'error-module').getByRole('button', { name: 'Try again' }).click();
  await expect.poll(async () => (await state(page)).demo).toBe('text');
});

test('a module that does not come can be waited for no longer, and the run goes on', async ({ page, site }) => {
  let comes = () => {};
  const held = new Promise((resolve) => (comes = () => resolve(null)));
  await page.route('**/worker-text_bg.wasm', (route) => held.then(() => route.abort()));
  await visit(page, site, SMALL, 'device=cpu');
  await untilStep(page, 3);
  await page.evaluate(() => {
    window.kiln.open('text').catch((error) => (window.refused = error.code));
  });
  await expect(page.locator('#progress')).toContainText('Loading this part of Kiln');
  await page.locator('#progress [data-do=cancel]').click();
  await page.waitForFunction(() => window.refused === 'cancelled');
  const { step } = await state(page);
  await untilStep(page, step + 3);
  await expect(page.locator('#cards .card.error')).toHaveCount(0);
  comes();
});

test('another click does not wait for a module that is on its way', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(5));
  await page.route('**/worker-text_bg.wasm', () => {});
  await page.evaluate(() => void window.kiln.open('text').catch(({ code }) => (window.refused = code)));
  await expect(page.locator('#progress')).toContainText('Loading');
  await pick(page, 'classifier');
  await expect.poll(async () => (await state(page)).demo).toBe('classifier');
  expect(await page.evaluate(() => window.refused)).toBe('superseded');
});

test('a link that the other module refuses leaves the run as it is', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(4));
  const refused = await page.evaluate(() => window.kiln.open(`autoencoder?${'x'.repeat(300_000)}`).then(() => null, (error) => error.code));
  expect(refused).toBe('bad-link');
  await expect(card(page, 'error-bad-link')).toBeVisible();
  await page.evaluate(() => window.kiln.step(1));
  expect(await state(page)).toMatchObject({ demo: 'gan2d', step: 5 });
  expect(page.workers()).toHaveLength(1);
});

test('a model that is dropped where nothing is kept goes along to the module that reads it', async ({ page, changed }) => {
  const broken = "StorageManager.prototype.getDirectory = () => Promise.reject(new Error('private'));\n";
  const site = await changed((path, body) => (/worker-[a-z]+_loader\.js$/.test(path) ? broken + body : body));
  await visit(page, site, SMALL);
  await drop(page, [...(await readFile(join(FIXTURES, 'tiny-llama-q8_0.gguf')))], 'own.gguf');
  await expect.poll(async () => (await state(page)).demo).toBe('text');
  // It is here, so that nobody is asked whether it may be downloaded.
  await page.evaluate(() => window.kiln.open(`${window.kiln.state.link}&prompt=Hello&max_tokens=2`).then(() => window.kiln.run()));
  await untilStep(page, 2);
  expect((await state(page)).error).toBe(null);
});

test.describe('while a module is still being built', () => {
  const announced = "postMessage({ type: 'error', code: 'not-built', message: 'It is being built.', help: 'Load the page again.', step: 0, fatal: true });";
  const without = (changed, name) => changed((path, body) => (path.endsWith(`/${name}_loader.js`) ? announced : body));

  test('a demo that needs it is told of, and the run goes on', async ({ page, changed }) => {
    await visit(page, await without(changed, 'worker-text'), SMALL);
    await page.evaluate(() => window.kiln.step(2));
    await page.evaluate(() => window.kiln.open('text').catch(() => {}));
    await expect(card(page, 'error-not-built')).toContainText('still being built');
    await page.evaluate(() => window.kiln.step(1));
    expect(await state(page)).toMatchObject({ demo: 'gan2d', step: 3 });
  });

  test('a link that needs it is told of, and another demo opens', async ({ page, changed }) => {
    await visit(page, await without(changed, 'worker-text'), 'text?prompt=Hello');
    await expect(card(page, 'error-not-built')).toContainText('still being built');
    expect((await state(page)).demo).toBe('gan2d');
  });

  test('the CPU trains where it is the module for the graphics card', async ({ page, changed }) => {
    await visit(page, await without(changed, 'worker-gpu'), SMALL, 'paused&device=webgpu');
    await page.locator('.badge summary').click();
    await expect(page.locator('.badge .pop')).toContainText('still being built');
    await page.evaluate(() => window.kiln.step(2));
    await expect(page.locator('#cards .card.warn, #cards .card.error')).toHaveCount(0);
  });
});

test('a worker that dies is followed by one of the same module', async ({ page, site, models }) => {
  const modules = asked(page);
  // Of a run of one token only the end is told: it shows all the same that the worker is at work, and how long it may be silent.
  await visit(page, site, linkTo(models).replace('max_tokens=4', 'max_tokens=1'), 'paused&device=cpu&watchdog=3000');
  await write(page);
  await untilStep(page, 1);
  await keep(page);
  await workerOf(page).evaluate(() => void self.close());
  await expect(card(page, 'recovered-silent')).toBeVisible({ timeout: 30_000 });
  await expect.poll(async () => (await state(page)).demo).toBe('text');
  expect(new Set(modules)).toEqual(new Set(['worker-text']));
});
