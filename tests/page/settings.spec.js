// Settings that do nothing say so, numbers out of range are told, and what acts on a tile stands in its head.

import { test, expect, visit, state, drawing, card, stroke, SMALL, SHOTS } from './kiln.js';

const row = (page, key) => page.locator(`[data-key=${key}]`);
const panel = (page, id) => page.locator(`[data-panel=${id}]`);

test('a setting that does nothing as the others stand is disabled, and says which one it waits for', async ({ page, site }) => {
  await visit(page, site, 'diffusion2d?batch=32&width=16&depth=1');
  await page.click('[data-do=more]');
  const eta = row(page, 'eta');
  await expect(eta.locator('input[type=number]')).toBeDisabled();
  await expect(eta.locator('input[type=range]')).toBeDisabled();
  await expect(eta).toContainText('Only acts with Sampler: ');
  await page.selectOption('#control-sampler', { label: await page.locator('#control-sampler option').nth(2).innerText() });
  await expect(eta.locator('input[type=number]')).toBeEnabled();
  await expect(eta).not.toContainText('Only acts');
  await eta.locator('input[type=number]').fill('0.5');
  await eta.locator('input[type=number]').press('Enter');
  await expect.poll(async () => (await state(page)).link).toContain('eta=0.5');
  await expect(row(page, 'guidance')).toContainText('Only acts with');
});

test('at first the settings that a beginner needs are shown, and those that the link names; all at a click', async ({ page, site }) => {
  await visit(page, site, `${SMALL}&beta1=0.4`);
  await expect(row(page, 'beta1')).toBeVisible();
  await expect(row(page, 'beta2')).toHaveCount(0);
  const all = page.locator('[data-do=more]');
  await expect(all).toHaveText(/^All settings \(\d more\)$/);
  await all.press('Enter');
  await expect(row(page, 'beta2')).toBeVisible();
  await expect(all).toHaveAttribute('aria-expanded', 'true');
  await all.click();
  await expect(row(page, 'beta2')).toHaveCount(0);
});

test('a number out of range gives way to the nearest within it, and the person is told', async ({ page, site }) => {
  await visit(page, site, SMALL);
  const batch = row(page, 'batch');
  await batch.locator('input[type=number]').fill('5000');
  await batch.locator('input[type=number]').press('Enter');
  await expect.poll(async () => (await state(page)).link).toContain('batch=1024');
  await expect(batch).toContainText('5000 is outside 4 to 1024.');
  await batch.locator('input[type=number]').fill('64');
  await batch.locator('input[type=number]').press('Enter');
  await expect(batch).not.toContainText('outside');
});

test('data that nobody has drawn are not trained on in silence', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.selectOption('#control-data', { label: 'Drawn by you' });
  await expect(card(page, 'note')).toContainText('draw some on the plane');
  expect((await state(page)).link).not.toContain('drawn');
});

test('what acts on a tile stands in its head, and the toolbar has the rest', async ({ page, site }) => {
  await visit(page, site, 'vae');
  await expect(panel(page, 'reconstructions').locator('[data-act=other_pictures]')).toBeVisible({ timeout: 30_000 });
  await expect(page.locator('#toolbar [data-act]')).toHaveCount(0);
  const shown = panel(page, 'chosen').locator('.images canvas').first();
  await expect(shown).toBeVisible();
  const before = await drawing(shown);
  await panel(page, 'chosen').locator('[data-act=random_latent]').click();
  await expect.poll(() => drawing(shown)).not.toBe(before);
  await visit(page, site, SMALL);
  await expect(page.locator('#toolbar [data-act=train_both]')).toBeVisible();
});

test('a digit that is drawn is recognised while the classifier learns, and wrong ones are marked', async ({ page, site }) => {
  await visit(page, site, 'classifier?batch=16&evaluate=5000');
  await page.evaluate(() => window.kiln.step(5));
  await expect(panel(page, 'examples').locator('.captions, .caption').first()).toBeVisible();
  await expect(panel(page, 'examples')).toContainText('→');
  await expect(panel(page, 'figures')).toContainText('Accuracy on the digits of the last step');
  await stroke(page, panel(page, 'drawing').locator('.pad canvas'), [[0.3, 0.25], [0.7, 0.25], [0.45, 0.8]]);
  await expect(panel(page, 'drawing').locator('.histogram canvas, .histogram')).not.toHaveCount(0);
  await page.screenshot({ path: `${SHOTS}/classifier.png`, fullPage: true });
});

test('a run goes on while its tab is hidden, or waits if the person says so, and goes on when it is seen again', async ({ page, site }) => {
  // Chromium's headless tabs are never hidden by themselves.
  await page.addInitScript(() => {
    let hidden = false;
    Object.defineProperty(document, 'visibilityState', { get: () => (hidden ? 'hidden' : 'visible') });
    window.hide = (value) => {
      hidden = value;
      document.dispatchEvent(new Event('visibilitychange'));
    };
  });
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.run());
  const status = async () => (await state(page)).status;
  const { step } = await state(page);
  await page.evaluate(() => window.hide(true));
  await expect.poll(async () => (await state(page)).step).toBeGreaterThan(step + 50);
  await page.evaluate(() => window.hide(false));
  await page.locator('#footer [data-do=away]').check();
  await page.evaluate(() => window.hide(true));
  await expect.poll(status).toBe('paused');
  await page.evaluate(() => window.hide(false));
  await expect.poll(status).toBe('running');
  await page.reload();
  await expect(page.locator('#footer [data-do=away]')).toBeChecked();
});
