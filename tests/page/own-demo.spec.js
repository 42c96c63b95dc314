// The page knows no demo: one that a worker brings is in the picker, runs, is shared, saved and taken up again like all others.
// `tests/own_demo.rs` registers one in Rust, by one line.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test, expect, answers, pick, visit, untilStep, state, card, drop, keep } from './kiln.js';

const WORKER = fileURLToPath(new URL('own-demo-worker.js', import.meta.url));

/** The page with that worker in the place of the CPU's. `listed` is what the file of demos holds. */
const served = (changed, listed = (body) => body) =>
  changed(async (path, body) => {
    if (path.endsWith('/worker-cpu_loader.js')) return readFile(WORKER);
    return path.endsWith('/demos.json') ? listed(body) : body;
  });

const place = (page) => page.locator('[data-panel=own]').innerText();

test('a demo of which the page has never heard is in the picker, opens and runs', async ({ page, changed }) => {
  await visit(page, await served(changed), 'walk?seed=4');
  await expect(page.locator('[data-demo=walk]')).toHaveText('Random walk');
  await expect(page.locator('[data-demo=walk]')).toHaveAttribute('aria-current', 'page');
  // Those that are in the file alone are there, too.
  expect(await page.locator('[data-demo]').count()).toBeGreaterThan(5);
  await pick(page, 'walk');
  await expect.poll(async () => (await state(page)).link).toBe('walk');
  await untilStep(page, 20);
  await page.click('[data-do=run]');
  await expect.poll(async () => (await state(page)).status).toBe('paused');
  await expect(page.locator('[data-panel=own] h2')).toHaveText('Where it is');
  await expect(page.locator('[data-panel=own]')).toContainText('Place');
  await expect(page.locator('#lesson')).toBeHidden();
  await expect(page.locator('.control')).toHaveCount(3);
  await page.getByRole('button', { name: '中文' }).click();
  await expect(page.locator('[data-demo=walk]')).toHaveText('随机游走');
  // No name of a text that the page does not have.
  expect(await page.locator('body').innerText()).not.toMatch(/walk\.|own-place/);
});

test('its link gives the same run, and its controls are those of its schema', async ({ page, changed }) => {
  const site = await served(changed);
  await visit(page, site, 'walk?seed=4');
  await page.evaluate(() => window.kiln.step(7));
  const before = await place(page);
  await page.locator('[data-key=seed] input[type=number]').fill('9');
  await page.locator('[data-key=seed] input[type=number]').press('Enter');
  await expect.poll(async () => (await state(page)).link).toBe('walk?seed=9');
  await page.evaluate(() => window.kiln.pause());
  await page.evaluate(() => window.kiln.open('walk?seed=4'));
  await expect(page).toHaveURL(/#walk\?seed=4$/);
  await page.evaluate(() => window.kiln.step(7));
  expect(await place(page)).toBe(before);
  await page.locator('[data-key=stride] input[type=number]').fill('3');
  await page.locator('[data-key=stride] input[type=number]').press('Enter');
  await expect(page).toHaveURL(/stride=3/);
  expect((await state(page)).step).toBe(7);
});

test('it goes on from a saved file, and after a reload from where it was', async ({ page, changed }) => {
  const site = await served(changed);
  await visit(page, site, 'walk?seed=4');
  await page.evaluate(() => window.kiln.step(9));
  const whole = await place(page);
  await page.evaluate(() => window.kiln.open('walk?seed=4'));
  await page.evaluate(() => window.kiln.step(5));
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('[data-do=save]')]);
  expect(download.suggestedFilename()).toBe('kiln-walk-5.safetensors');
  await keep(page);
  await page.reload();
  await page.evaluate(() => window.kiln.ready);
  expect(await state(page)).toMatchObject({ demo: 'walk', link: 'walk?seed=4', step: 5 });
  await page.evaluate(() => window.kiln.step(4));
  expect(await place(page)).toBe(whole);
  await page.evaluate(() => window.kiln.open('walk?seed=99'));
  await drop(page, await readFile(await download.path()), 'run.safetensors');
  await expect.poll(async () => (await state(page)).step).toBe(5);
  await page.evaluate(() => window.kiln.step(4));
  expect(await place(page)).toBe(whole);
});

test('a live setting changes on the page when the worker has taken it, and goes back with a card where it is refused', async ({ page, changed }) => {
  await visit(page, await served(changed), 'walk');
  const field = page.locator('[data-key=stride] input[type=number]');
  // Seven is taken when a checkpoint is asked for.
  await page.evaluate(() => void window.kiln.set('stride', 7));
  await answers(page);
  await expect(field).toHaveValue('1');
  expect((await state(page)).link).toBe('walk');
  await page.evaluate(() => window.kiln.checkpoint().then(() => undefined));
  await expect(field).toHaveValue('7');
  expect((await state(page)).link).toBe('walk?stride=7');
  // Six is refused.
  await field.fill('6');
  await field.press('Enter');
  await expect(card(page, 'error-bad-command')).toContainText('Six is refused.');
  await expect(field).toHaveValue('7');
  await page.locator('[data-key=stride] input[type=range]').fill('120');
  await expect(card(page, 'error-bad-command')).toBeVisible();
  await expect(field).toHaveValue('7');
  await expect(page.locator('[data-key=stride] input[type=range]')).toHaveAttribute('aria-valuetext', '7');
  expect((await state(page)).link).toBe('walk?stride=7');
  await field.fill('2');
  await field.press('Enter');
  await expect(page).toHaveURL(/stride=2$/);
  await expect(field).toHaveValue('2');
});

test('without the file of demos the picker shows what the worker has told, and a model that nothing opens is refused', async ({ page, changed }) => {
  await visit(page, await served(changed, () => 'not JSON'), 'walk');
  expect((await state(page)).demo).toBe('walk');
  await expect(page.locator('[data-demo]')).toHaveText(['Random walk']);
  await drop(page, Buffer.from('GGUF'), 'model.gguf');
  await expect(card(page, 'file')).toContainText('Nothing here opens model.gguf.');
});
