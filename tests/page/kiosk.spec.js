// A page that stands alone: a kiosk, which starts over by itself, and a frame in another page.

import { createServer } from 'node:http';
import { test, expect, visit, pick, state, card, untilStep, elsewhere, SHOTS, SMALL, SMALL_REALNVP } from './kiln.js';

test('a kiosk starts over from its link after a while without a touch; it says so before, and a touch stops it', async ({ page, site }) => {
  test.setTimeout(180_000);
  await visit(page, site, SMALL, 'device=cpu&kiosk=15');
  await untilStep(page, 5);
  await page.evaluate(() => window.kiln.set('lr_g', 0.003));
  await pick(page, 'classifier');
  await expect.poll(async () => (await state(page)).demo).toBe('classifier');
  await expect(page.locator('#cards .card')).toHaveCount(0);
  await page.getByRole('button', { name: '中文' }).click();
  await expect(page.locator('[data-do=run]')).toContainText('暂停');
  await page.locator('[data-do=share]').click();
  const warning = page.locator('#kiosk [role=alert]');
  await expect(warning).toBeVisible({ timeout: 40_000 });
  await page.screenshot({ path: `${SHOTS}/kiosk.png` });
  await page.keyboard.press('Shift');
  await expect(warning).toBeHidden();
  expect((await state(page)).demo).toBe('classifier');
  await expect(warning).toBeVisible({ timeout: 40_000 });
  await expect.poll(async () => (await state(page)).link, { timeout: 40_000 }).toBe(SMALL);
  await expect(page.locator('#share')).toBeHidden();
  await expect(page.locator('#cards .card')).toHaveCount(0);
  await expect(page.locator('[data-do=run]')).toContainText('Pause');
  // It runs anew, and what was left is not gone on with.
  await untilStep(page, 2);
  await pick(page, 'classifier');
  await expect.poll(async () => (await state(page)).demo).toBe('classifier');
  await expect(card(page, 'continued')).toHaveCount(0);
  // Nor after a reload.
  await page.reload();
  await page.waitForFunction(() => window.kiln);
  await page.evaluate(() => window.kiln.ready);
  await expect(page.locator('#cards .card')).toHaveCount(0);
});

test('a kiosk without a link goes back to the front door, and what runs behind it begins anew', async ({ page, site }) => {
  test.setTimeout(180_000);
  await page.goto(`${site}?device=cpu&kiosk=15`);
  await page.locator('[data-card=gan2d]').click();
  await page.evaluate(() => window.kiln.ready);
  await untilStep(page, 30);
  await expect(page.locator('#kiosk [role=alert]')).toBeVisible({ timeout: 40_000 });
  await expect(page.locator('#door h1')).toBeVisible({ timeout: 40_000 });
  await expect.poll(async () => (await state(page)).status).toBe('paused');
  expect((await state(page)).step).toBe(0);
  expect(new URL(page.url()).hash).toBe('');
});

test('the lines that embed a run show it whole at their size, and no browser warns of them', async ({ page, site }) => {
  const said = [];
  page.on('console', (message) => ['warning', 'error'].includes(message.type()) && said.push(message.text()));
  await visit(page, site, SMALL);
  await page.click('[data-do=share]');
  const lines = await page.locator('#share-embed').inputValue();
  const around = createServer((_, answer) => answer.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><title>x</title>${lines.replace('embed', 'embed&paused&device=cpu')}`));
  await new Promise((ready) => around.listen(0, '127.0.0.1', () => ready(null)));
  const url = `http://127.0.0.1:${around.address().port}/`;
  elsewhere.add(url);
  said.length = 0;
  await page.goto(url);
  const frame = await (await page.waitForSelector('iframe')).contentFrame();
  await frame.waitForFunction(() => window.kiln);
  await frame.evaluate(() => window.kiln.ready.then(() => window.kiln.step(2)));
  for (const link of [SMALL, SMALL_REALNVP]) {
    await frame.evaluate((one) => window.kiln.open(one).then(() => window.kiln.step(2)), link);
    const under = () => frame.locator('[data-panel=plane]').evaluate((tile) => tile.getBoundingClientRect().bottom - innerHeight);
    await expect.poll(under, link).toBeLessThanOrEqual(0);
  }
  expect(await frame.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  expect(said.filter((text) => !/Service Worker registration blocked by Playwright/.test(text))).toEqual([]);
  elsewhere.delete(url);
  around.closeAllConnections();
  around.close();
});
