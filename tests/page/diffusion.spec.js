// Diffusion on pictures, trained from scratch. That a run goes on from a file is in runs.spec.js; what the shipped weights do is in
// diffusion-trained.spec.js.

import { test, expect, visit, state, curve, coloursOf, drawing, untranslated, card, SMALL_DIFFUSION as SMALL, SHOTS } from './kiln.js';

const JUDGED = SMALL.replace('?', '?evaluate=20&');

const panel = (page, id) => page.locator(`[data-panel=${id}]`);
const pictures = (page, id) => panel(page, id).locator('.images canvas').first();
const link = async (page) => (await state(page)).link;
const step = (page, n) => page.evaluate((steps) => window.kiln.step(steps), n);

/** Opens a link, paused, and waits for the first pictures. */
async function open(page, site, text = SMALL, query = undefined) {
  await visit(page, site, text, query);
  await expect(pictures(page, 'samples')).toBeVisible();
}

async function drawn(page, ids) {
  for (const id of ids) {
    const canvas = panel(page, id).locator('canvas').first();
    await canvas.scrollIntoViewIfNeeded();
    await expect.poll(() => coloursOf(canvas), { message: id }).toBeGreaterThan(3);
  }
}

test('a link shows 64 pictures before anything is trained, and every view after some steps', async ({ page, site }) => {
  await open(page, site);
  expect(await state(page)).toMatchObject({ demo: 'diffusion', step: 0, link: SMALL, error: null });
  await expect(pictures(page, 'samples')).toHaveAttribute('aria-label', /: 64 pictures at step 0$/);
  await expect(pictures(page, 'chain')).toHaveAttribute('aria-label', /: 60 pictures at step 0$/);
  await drawn(page, ['samples', 'chain']);
  await expect(page.locator('#lesson h2')).toContainText('diffusion');
  await expect(page.locator('#cards .card')).toHaveCount(0);
  await step(page, 20);
  await expect(pictures(page, 'samples')).toHaveAttribute('aria-label', /: 64 pictures at step 20$/);
  await drawn(page, ['samples', 'chain', 'forward', 'losses', 'loss_by_time']);
  await expect(panel(page, 'samples').locator('.film input')).toBeVisible();
  await page.screenshot({ path: `${SHOTS}/diffusion.png`, fullPage: true });
});

test('the digits are judged: a distance, and the share of those that were asked for', async ({ page, site }) => {
  await open(page, site, JUDGED);
  await step(page, 40);
  const figure = (name) => panel(page, 'figures').locator('.figures > div', { hasText: name }).locator('dd');
  await expect(figure('Fréchet classifier distance')).toHaveText(/^\d/);
  await expect(figure('Share of digits that are the ones asked for')).toHaveText(/^[01](\.\d+)? \/ 1$/);
  await expect(figure('Measured at step')).toHaveText('20');
  await drawn(page, ['quality']);
});

test('pictures on the way are shown noisy or as they are predicted, without a restart', async ({ page, site }) => {
  await open(page, site);
  await step(page, 20);
  const noisy = await drawing(pictures(page, 'chain'));
  const samples = await drawing(pictures(page, 'samples'));
  await page.locator('#control-chain').selectOption({ label: 'Predicted' });
  await expect.poll(() => link(page)).toBe(`${SMALL}&chain=predicted`);
  await expect.poll(() => drawing(pictures(page, 'chain'))).not.toBe(noisy);
  expect(await drawing(pictures(page, 'samples'))).toBe(samples);
  expect((await state(page)).step).toBe(20);
  await page.locator('#control-chain').selectOption({ label: 'Noisy' });
  await expect.poll(() => drawing(pictures(page, 'chain'))).toBe(noisy);
});

test('steps against guidance are shown while they are asked for', async ({ page, site }) => {
  await open(page, site);
  const asks = page.locator('[data-key=table] input');
  await expect(panel(page, 'table')).toBeHidden();
  await asks.click();
  await expect(pictures(page, 'table')).toHaveAttribute('aria-label', /: 24 pictures at step 0$/);
  await drawn(page, ['table']);
  expect(await link(page)).toBe(`${SMALL}&table=true`);
  await panel(page, 'table').locator('.away').click();
  await expect(panel(page, 'table')).toBeHidden();
  await expect(asks).not.toBeChecked();
  await expect.poll(() => link(page)).toBe(SMALL);
});

test('where no trained weights ship the page says so, and it starts from scratch', async ({ page, site }) => {
  await visit(page, site, 'diffusion?space=pixels&data=emoji&batch=8&width=32&depth=1');
  await expect(card(page, 'note-no-trained-weights-space')).toContainText('no trained weights for space=pixels');
  await expect(page.locator('#control-space option:checked')).toHaveText('Pixels');
  await expect(page.locator('#control-start option:checked')).toHaveText('From scratch');
  expect(await link(page)).toBe('diffusion?space=pixels&start=scratch&data=emoji&batch=8&width=32&depth=1');
  await step(page, 3);
  await expect(pictures(page, 'samples')).toHaveAttribute('aria-label', /: 64 pictures at step 3$/);
  await drawn(page, ['samples', 'forward']);
});

test('pictures for which there is no VAE are learnt in pixels, and the page says why', async ({ page, site }) => {
  await visit(page, site, `diffusion?data=sha256:${'5'.repeat(64)}`);
  await expect(card(page, 'note-no-latents')).toContainText('a trained VAE for digits and for emoji only');
  await expect(page.locator('#control-space option:checked')).toHaveText('Pixels');
});

test('emoji are judged by names that were never trained on', async ({ page, site }) => {
  await open(page, site, 'diffusion?evaluate=20&start=scratch&data=emoji&batch=8&width=32&depth=1&steps=2');
  await step(page, 22);
  const figure = panel(page, 'figures').locator('.figures > div', { hasText: 'Share of unseen names that are recalled' });
  await expect(figure.locator('dd')).toHaveText(/^[01](\.\d+)? \/ 1$/);
  await drawn(page, ['quality']);
});

test('a U-Net learns on pixels', async ({ page, site }) => {
  await open(page, site, 'diffusion?space=unet&start=scratch&batch=8&width=32&steps=2');
  await step(page, 2);
  await expect(pictures(page, 'samples')).toHaveAttribute('aria-label', /: 64 pictures at step 2$/);
  await drawn(page, ['samples', 'chain', 'forward']);
});

test('the link that is shared gives the same run and the same pictures', async ({ page, site }) => {
  await open(page, site);
  await step(page, 10);
  // A sampler's setting changes nothing of what is learnt.
  await page.evaluate(() => window.kiln.set('guidance', 2));
  await expect.poll(() => link(page)).toMatch(/guidance=2/);
  await step(page, 20);
  const [losses, samples] = [await curve(page), await drawing(pictures(page, 'samples'))];
  expect(losses).toHaveLength(30);
  await page.click('[data-do=share]');
  await expect(page.locator('#share')).toContainText('the same run');
  const address = await page.locator('#share-link').inputValue();
  await page.goto('about:blank');
  await open(page, site, address.split('#')[1]);
  await step(page, 30);
  expect(await curve(page)).toEqual(losses);
  await expect.poll(() => drawing(pictures(page, 'samples'))).toBe(samples);
});

test('in Chinese it fits on a page 360 px wide, and everything has a name', async ({ page, site }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await open(page, site, `${JUDGED}&table=true`, 'paused&device=cpu&lang=zh');
  await step(page, 40);
  await expect(panel(page, 'forward').locator('h2')).toHaveText('真实图片逐渐变成噪声');
  await expect(panel(page, 'quality')).toBeVisible();
  await expect(page.locator('#lesson h2')).toContainText('扩散');
  await page.locator('#controls-box > summary').click();
  await expect(page.locator('#control-chain option:checked')).toHaveText('带噪声的');
  expect(await untranslated(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.screenshot({ path: `${SHOTS}/diffusion-zh.png`, fullPage: true });
});
