import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { test as base, expect, visit, state, answers, coloursOf, elsewhere, SHOTS } from './kiln.js';
import { serveModels } from './models-server.mjs';
import { disc, dropAll } from './pictures.js';

const FIXTURES = fileURLToPath(new URL('../fixtures/autoencoder', import.meta.url));
const WEIGHTS = 'diffusion_pytorch_model.safetensors';
const CONFIG = 'config.json';

/** A server of the tiny autoencoder, in diffusers' layout: `tiny.url` is its repository, and what was `asked` of it. */
const test = base.extend({
  // eslint-disable-next-line no-empty-pattern
  tiny: async ({}, use) => {
    const server = await serveModels({ folder: join(FIXTURES, 'tiny') });
    const url = `http://127.0.0.1:${server.address().port}/`;
    elsewhere.add(url);
    await use({ url, asked: server.asked });
    elsewhere.delete(url);
    server.closeAllConnections();
    server.close();
  },
});

const panel = (page, id) => page.locator(`[data-panel=${id}]`);
/** A canvas as it is drawn: one that cannot be seen is not, and one that can is at the next frame. */
async function picture(page, id) {
  const canvas = panel(page, id).locator('canvas').first();
  await canvas.scrollIntoViewIfNeeded();
  return canvas.evaluate(async (element) => {
    for (let frames = 0; frames < 2; frames += 1) await new Promise(requestAnimationFrame);
    return element.toDataURL();
  });
}

const linkTo = (tiny, values = '') => `autoencoder?model=${tiny.url}plain/${WEIGHTS}&size=64${values && `&${values}`}`;

/** Waits until a picture has been decoded. */
async function stands(page) {
  await expect(panel(page, 'decoded').locator('canvas')).toBeVisible({ timeout: 60_000 });
  await expect.poll(async () => (await state(page)).status, { timeout: 60_000 }).toBe('paused');
}

async function run(page, site, tiny, values, query) {
  await visit(page, site, linkTo(tiny, values), query);
  await page.evaluate(() => window.kiln.run({ download: true }));
  await stands(page);
}

/** The person's own copy of the model. */
const own = async (folder = 'tiny') =>
  Promise.all([CONFIG, WEIGHTS].map(async (name) => ({ name, bytes: await readFile(join(FIXTURES, folder, name)) })));

test('before a download the page says what TAESD weighs and asks', async ({ page, site }) => {
  await page.goto(`${site}?device=cpu#autoencoder`);
  await page.evaluate(() => window.kiln.ready);
  const consent = page.locator('.consent');
  await expect(consent).toContainText('TAESD');
  await expect(consent).toContainText('MIT');
  await expect(consent.locator('[data-do=download]')).toHaveText('Download 10 MB');
  // Of the models only autoencoders are offered.
  await expect(page.locator('#control-model option')).toHaveText([/TAESD/, /Stable Diffusion/, /Use my own file/, /From a URL/]);
  await answers(page);
  expect((await state(page)).status).toBe('paused');
  await page.screenshot({ path: `${SHOTS}/autoencoder-consent.png`, fullPage: true });
});

test('a model that is fetched by its address encodes and decodes a picture', async ({ page, site, tiny }) => {
  test.setTimeout(120_000);
  await run(page, site, tiny);
  expect(tiny.asked.length).toBeGreaterThan(0);
  for (const id of ['picture', 'latent', 'pad', 'decoded', 'difference']) {
    await panel(page, id).scrollIntoViewIfNeeded();
    await expect.poll(() => coloursOf(panel(page, id).locator('canvas').first()), { message: id }).toBeGreaterThan(2);
  }
  await expect(panel(page, 'figures').locator('dd').first()).toHaveText(/\d/);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1280);
  await page.screenshot({ path: `${SHOTS}/autoencoder.png`, fullPage: true });
});

test('what is painted into a channel is decoded, and can be taken back', async ({ page, site, tiny }) => {
  test.setTimeout(120_000);
  await run(page, site, tiny);
  const before = await picture(page, 'decoded');
  const canvas = page.locator('.pad canvas');
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  await page.mouse.move(box.x + box.width * 0.2, box.y + box.height * 0.2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.8, box.y + box.height * 0.8, { steps: 6 });
  await page.mouse.up();
  await expect.poll(() => picture(page, 'decoded'), { timeout: 30_000 }).not.toBe(before);
  await expect.poll(async () => (await state(page)).link).toMatch(/edits=/);
  await page.click('[data-act=reset_latent]');
  await expect.poll(() => picture(page, 'decoded'), { timeout: 30_000 }).toBe(before);
});

test('a channel is chosen, turned up, and noise is added', async ({ page, site, tiny }) => {
  test.setTimeout(120_000);
  await run(page, site, tiny);
  const latent = panel(page, 'latent').locator('canvas');
  const pad = await picture(page, 'pad');
  await latent.focus();
  for (const key of ['ArrowRight', 'ArrowRight', 'Enter']) await latent.press(key);
  await expect.poll(async () => (await state(page)).link).toMatch(/channel=1/);
  await expect.poll(() => picture(page, 'pad')).not.toBe(pad);
  const before = await picture(page, 'decoded');
  const gain = panel(page, 'channels').getByRole('slider', { name: 'Gain 1' });
  await gain.focus();
  for (let press = 0; press < 10; press += 1) await gain.press('ArrowRight');
  await expect.poll(() => picture(page, 'decoded'), { timeout: 30_000 }).not.toBe(before);
  const turned = await picture(page, 'decoded');
  await page.click('[data-act=noise]');
  await expect.poll(() => picture(page, 'decoded'), { timeout: 30_000 }).not.toBe(turned);
});

test("a picture of the person's own is encoded, and is there after a reload", async ({ page, site, tiny }) => {
  test.setTimeout(120_000);
  await run(page, site, tiny);
  const before = await picture(page, 'picture');
  await dropAll(page, [{ name: 'disc.png', bytes: disc(3, 120) }]);
  await expect(page.locator('#cards [data-key=pictures]')).toContainText('Picture added');
  await expect.poll(async () => (await state(page)).link).toMatch(/picture=sha256:[0-9a-f]{64}/);
  await stands(page);
  await expect.poll(() => picture(page, 'picture')).not.toBe(before);
  await page.reload();
  await page.evaluate(() => window.kiln.ready);
  await page.evaluate(() => window.kiln.run({ download: true }));
  await stands(page);
  await expect(page.locator('#control-picture option:checked')).toHaveText(/Your picture/);
});

test('files of an autoencoder that are dropped open it, and not the language model', async ({ page, site }) => {
  test.setTimeout(120_000);
  await visit(page, site, 'gan2d?width=16&batch=32');
  await dropAll(page, await own());
  await expect.poll(async () => (await state(page)).link, { timeout: 30_000 }).toMatch(/^autoencoder\?model=sha256:[0-9a-f]{64},[0-9a-f]{64}$/);
  await stands(page);
});

test('a single file of tensors that names an encoder opens the autoencoder', async ({ page, site }) => {
  await visit(page, site, 'gan2d?width=16&batch=32');
  await dropAll(page, (await own()).slice(1));
  await expect.poll(async () => (await state(page)).link, { timeout: 30_000 }).toMatch(/^autoencoder\?model=sha256:[0-9a-f]{64}$/);
});

test('the autoencoder speaks Chinese, in the dark, on a page 390 px wide', async ({ page, site, tiny }) => {
  test.setTimeout(120_000);
  await page.setViewportSize({ width: 390, height: 800 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await run(page, site, tiny, '', 'paused&device=cpu&lang=zh');
  await expect(panel(page, 'decoded').locator('h2')).toHaveText('解码结果');
  await page.locator('#controls-box > summary').click();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await page.screenshot({ path: `${SHOTS}/autoencoder-narrow.png`, fullPage: true });
});
