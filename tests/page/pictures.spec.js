import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, expect, visit, untilStep, state, coloursOf, card, SHOTS } from './kiln.js';
import { HOSTILE, bomb, disc, discs, dropAll, zip } from './pictures.js';

/** A run that pictures are dropped on: small, so that it learns them at once. */
const SMALL = 'vae?start=scratch&width=4&batch=8&latent=2';
const KEPT = /data=sha256:[0-9a-f]{64}/;

const taken = (page) => card(page, 'pictures');
const choice = (page) => page.locator('#control-data');

async function trains(page, step = 3) {
  await expect.poll(async () => (await state(page)).link, { timeout: 30_000 }).toMatch(KEPT);
  await untilStep(page, step);
}

test('pictures that are dropped become the data, and are there after a reload', async ({ page, site }) => {
  test.setTimeout(120_000);
  await visit(page, site, SMALL);
  await dropAll(page, discs(24));
  await expect(taken(page)).toContainText('24 pictures');
  await expect(taken(page)).toContainText('never leave this tab');
  await trains(page);
  const { link } = await state(page);
  // What else was set stays.
  expect(link).toMatch(/width=4/);
  const inputs = page.locator('[data-panel=reconstructions] canvas');
  await inputs.scrollIntoViewIfNeeded();
  await expect.poll(() => coloursOf(inputs)).toBeGreaterThan(3);
  await expect(choice(page).locator('option:checked')).toHaveText('Your pictures (24)');
  await page.screenshot({ path: `${SHOTS}/pictures.png`, fullPage: true });
  await page.evaluate(() => window.kiln.pause());
  await page.reload();
  await page.evaluate(() => window.kiln.ready);
  expect((await state(page)).link).toBe(link);
  await expect(choice(page).locator('option:checked')).toHaveText('Your pictures (24)');
  const { step } = await state(page);
  await page.evaluate(() => window.kiln.step(2));
  expect((await state(page)).step).toBe(step + 2);
  // Another set can be chosen, and this one again.
  await choice(page).selectOption('mnist');
  await expect.poll(async () => (await state(page)).link).not.toMatch(KEPT);
  await choice(page).selectOption({ label: 'Your pictures (24)' });
  await expect.poll(async () => (await state(page)).link).toMatch(KEPT);
});

test('pictures dropped on a demo that has no use for them open the VAE', async ({ page, site }) => {
  test.setTimeout(90_000);
  await visit(page, site, 'gan2d?width=16&batch=32');
  await dropAll(page, discs(10));
  await expect.poll(async () => (await state(page)).demo, { timeout: 30_000 }).toBe('vae');
  expect((await state(page)).link).toMatch(KEPT);
});

test('the GAN learns from them as well', async ({ page, site }) => {
  test.setTimeout(120_000);
  await visit(page, site, 'dcgan?width=8&batch=8');
  await dropAll(page, discs(16));
  await trains(page);
  expect((await state(page)).demo).toBe('dcgan');
});

test('a zip is opened, and each file that is no picture gets its note', async ({ page, site }) => {
  test.setTimeout(120_000);
  await visit(page, site, SMALL);
  const inside = [...discs(12).map((file) => ({ ...file, name: `faces/${file.name}` })), ...HOSTILE.map((file) => ({ ...file, name: `faces/${file.name}` }))];
  await dropAll(page, [{ name: 'faces.zip', bytes: zip(inside) }]);
  await expect(taken(page)).toContainText('12 pictures', { timeout: 30_000 });
  await expect(taken(page)).toContainText(`Files left out: ${HOSTILE.length}.`);
  await taken(page).locator('summary').click();
  for (const { name, codes } of HOSTILE) {
    const note = taken(page).locator('li').filter({ hasText: name });
    await expect(note, name).toBeVisible();
    expect(codes, name).toContain(await note.getAttribute('data-code'));
  }
  await trains(page);
  await page.screenshot({ path: `${SHOTS}/pictures-left-out.png` });
});

test('hostile files among good ones are left out, and nothing falls over', async ({ page, site }) => {
  test.setTimeout(120_000);
  await visit(page, site, SMALL);
  await dropAll(page, [...discs(10), ...HOSTILE, { name: 'bomb.zip', bytes: bomb() }]);
  await expect(taken(page)).toContainText('10 pictures', { timeout: 60_000 });
  await expect(taken(page)).toContainText(`Files left out: ${HOSTILE.length + 1}.`);
  await trains(page);
  expect(page.workers()).toHaveLength(1);
  await expect(page.locator('#cards [data-key^=recovered]')).toHaveCount(0);
});

test('where nothing is a picture the run stays as it is, and it is said why', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(2));
  await page.evaluate(() => window.kiln.run());
  const { link } = await state(page);
  await dropAll(page, HOSTILE);
  await expect(page.locator('#cards .card.error, #cards .card.warn').first()).toContainText('letter.png', { timeout: 30_000 });
  const { step } = await state(page);
  await untilStep(page, step + 3);
  expect(await state(page)).toMatchObject({ link, status: 'running' });
});

test('taking pictures in can be cancelled', async ({ page, site }) => {
  test.setTimeout(120_000);
  await visit(page, site, SMALL);
  const { link } = await state(page);
  await dropAll(page, [{ name: 'large.png', bytes: disc(1, 700) }], 1500);
  await page.evaluate(() => {
    window.ended = new Promise((resolve) => window.kiln.on('progress', ({ what, done, total }) => what === '' && done >= total && resolve()));
  });
  await page.click('.progress [data-do=cancel]', { timeout: 30_000 });
  await expect(page.locator('.progress')).toHaveCount(0, { timeout: 1000 });
  // What was on its way when it was cancelled comes before this.
  await page.evaluate(() => window.ended);
  await expect(page.locator('.progress')).toHaveCount(0);
  await expect(taken(page)).toHaveCount(0);
  expect((await state(page)).link).toBe(link);
  // And others can be brought.
  await dropAll(page, discs(9));
  await expect(taken(page)).toContainText('9 pictures', { timeout: 30_000 });
});

test('pictures and folders are chosen with their buttons', async ({ page, site }) => {
  test.setTimeout(120_000);
  const folder = await mkdtemp(join(tmpdir(), 'kiln-'));
  try {
    await mkdir(join(folder, 'more'));
    for (const [index, { name, bytes }] of discs(14).entries()) await writeFile(join(folder, index % 2 ? 'more' : '', name), bytes);
    await writeFile(join(folder, 'notes.txt'), 'not a picture');
    await visit(page, site, SMALL);
    await expect(page.locator('[data-key=data] .private')).toHaveText('Your pictures never leave this tab.');
    const press = async (name) => (await Promise.all([page.waitForEvent('filechooser'), page.click(`[data-do=${name}]`)]))[0];
    const files = await press('pictures');
    expect(files.isMultiple()).toBe(true);
    await files.setFiles(discs(9).map(({ name, bytes }) => ({ name, mimeType: 'image/png', buffer: bytes })));
    await expect(taken(page)).toContainText('9 pictures', { timeout: 30_000 });
    await trains(page, 1);
    await (await press('folder')).setFiles(folder);
    await expect(taken(page)).toContainText('14 pictures', { timeout: 30_000 });
    await expect(taken(page)).toContainText('Files left out: 1.');
    await expect(taken(page).locator('li')).toContainText('notes.txt');
    await trains(page, 1);
    // In the order of their hashes, which hang on the browser's decoder.
    const options = choice(page).locator('option');
    await expect(options).toHaveCount(4);
    for (const text of ['Your pictures (9)', 'Your pictures (14)']) await expect(options.filter({ hasText: text })).toHaveCount(1);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a link to pictures that are not kept here says so', async ({ page, site }) => {
  await visit(page, site, `vae?start=scratch&width=4&data=sha256:${'0'.repeat(64)}`);
  await page.evaluate(() => window.kiln.run().catch(() => {}));
  await expect(page.locator('#cards .card.error').first()).toBeVisible();
  await expect(choice(page).locator('option:checked')).toHaveText('Pictures not saved in this browser');
});
