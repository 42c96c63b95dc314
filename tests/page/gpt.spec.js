// A language model that learns in the tab. That a run is the same twice and goes on from a file is in runs.spec.js, how texts are drawn
// in texts.spec.js.

import { test, expect, visit, state, keep, untilStep, untranslated, SHOTS } from './kiln.js';

const SMALL = 'gpt?evaluate=20&batch=8&layers=1';
const rows = (page) => page.locator('[data-panel=completions] .rows-of-text li');
const tokens = (page) => page.locator('[data-panel=text] .token');
const step = (page, n) => page.evaluate((steps) => window.kiln.step(steps), n);
const figure = (page, name) => page.locator('[data-panel=figures] div', { hasText: name }).locator('dd');

test('it learns to sort before one’s eyes, and its film shows how', async ({ page, site }) => {
  test.setTimeout(120_000);
  await visit(page, site, 'gpt?data=sort');
  expect((await state(page)).link).toBe('gpt?data=sort');
  await expect(page.locator('[data-key=context] input').first()).toBeDisabled();
  // Before it has learnt anything it writes as well.
  await expect(rows(page)).toHaveCount(8);
  await expect(page.locator('[data-panel=completions]')).toContainText('right would be');
  await step(page, 220);
  await expect.poll(async () => Number.parseFloat(await figure(page, 'Right answers').textContent())).toBeGreaterThan(0.95);
  await expect(rows(page).locator('.verdict').filter({ hasText: '✓' })).toHaveCount(8);
  await page.locator('[data-panel=completions] .film input').press('Home');
  await expect(page.locator('[data-panel=completions]')).toContainText('right would be');
  await page.screenshot({ path: `${SHOTS}/gpt-sort.png`, fullPage: true });
});

test('a prompt is continued, and each character says what else was likely and where it looks', async ({ page, site }) => {
  await visit(page, site, `${SMALL}&prompt=mar`);
  await step(page, 40);
  await expect(tokens(page).nth(3)).toHaveText('r');
  await tokens(page).nth(4).click();
  await expect(page.locator('.token-card')).toContainText('What else could have come here');
  await expect(page.locator('[data-panel=attention]')).toContainText('this head looks at');
  await page.locator('[data-key=prompt] textarea').fill('jo');
  await page.locator('[data-key=prompt] textarea').press('Tab');
  await expect.poll(async () => (await tokens(page).allTextContents()).slice(1, 3).join('')).toBe('jo');
  expect((await state(page)).link).toContain('prompt=jo');
  expect((await state(page)).step).toBe(40);
});

test('another text brings its own settings, and what was named stays', async ({ page, site }) => {
  await visit(page, site, 'gpt?batch=8');
  const value = (key) => page.locator(`[data-key=${key}] input[type=number], [data-key=${key}] select`).first();
  await expect(value('width')).toHaveValue('64');
  await value('data').selectOption({ label: 'Sort' });
  await expect.poll(async () => (await state(page)).link).toBe('gpt?data=sort&batch=8');
  await expect(value('width')).toHaveValue('48');
  await expect(value('layers')).toHaveValue('3');
});

test('its words are Chinese ones, and it goes on after the page was loaded anew', async ({ page, site }) => {
  await visit(page, site, SMALL, 'paused&device=cpu&lang=zh');
  await step(page, 25);
  expect(await untranslated(page)).toEqual([]);
  await keep(page);
  await page.reload();
  await page.evaluate(() => window.kiln.ready);
  await untilStep(page, 25);
  await expect(page.locator('[data-panel=losses]')).toBeVisible();
  await step(page, 20);
  expect((await state(page)).step).toBe(45);
  await page.screenshot({ path: `${SHOTS}/gpt-zh.png`, fullPage: true });
});
