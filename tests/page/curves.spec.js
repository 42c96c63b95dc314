// What curves tell: the step under the cursor, a value without a line, smoothed and logarithmic curves.

import { test, expect, visit, drawing, SMALL } from './kiln.js';

const losses = (page) => page.locator('[data-panel=losses]');

/** How far the colour of the first series reaches from left to right in a panel's plot, and how often it goes up and down, in pixels. */
const lineOf = (page, id) =>
  page.locator(`[data-panel=${id}] .scalars`).evaluate((element) => {
    const one = new OffscreenCanvas(1, 1).getContext('2d');
    one.fillStyle = getComputedStyle(element.querySelector('.legend i')).backgroundColor;
    one.fillRect(0, 0, 1, 1);
    const [r, g, b] = one.getImageData(0, 0, 1, 1).data;
    const canvas = element.querySelector('canvas');
    if (!canvas) return { columns: 0, way: 0 };
    const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const middles = [];
    for (let x = 0; x < width; x += 1) {
      const ys = [];
      for (let y = 0; y < height; y += 1) {
        const at = (y * width + x) * 4;
        if (data[at + 3] > 120 && Math.hypot(data[at] - r, data[at + 1] - g, data[at + 2] - b) < 60) ys.push(y);
      }
      if (ys.length) middles.push(ys.reduce((sum, y) => sum + y, 0) / ys.length);
    }
    return { columns: middles.length, way: middles.slice(1).reduce((sum, y, at) => sum + Math.abs(y - middles[at]), 0) };
  });

test('the step is told beside the values, the latest and the one under the cursor', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(101));
  const told = losses(page).locator('.at-step');
  await expect(told).toHaveText('step 101');
  const over = losses(page).locator('.u-over');
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await expect(told).toHaveText(/^step (4|5)\d$/);
  await page.mouse.move(5, 5);
  await expect(told).toHaveText('step 101');
});

test('a curve of one value shows it as a point', async ({ page, site }) => {
  await visit(page, site, `${SMALL}&evaluate=20`);
  await page.evaluate(() => window.kiln.step(22));
  await page.locator('[data-panel=quality]').scrollIntoViewIfNeeded();
  await expect.poll(async () => (await lineOf(page, 'quality')).columns).toBeGreaterThan(2);
  expect((await lineOf(page, 'quality')).columns).toBeLessThan(15);
});

test('curves can be smoothed and drawn on a logarithmic scale', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(150));
  await losses(page).scrollIntoViewIfNeeded();
  await expect(losses(page).locator('.at-step')).toHaveText('step 150');
  await drawing(losses(page).locator('canvas'));
  const plain = await lineOf(page, 'losses');
  const slider = losses(page).getByRole('slider', { name: 'Smooth' });
  await slider.focus();
  // Key by key: it keeps the focus while the curves are drawn anew.
  for (let presses = 0; presses < 2; presses += 1) await page.keyboard.press('ArrowRight');
  await expect(slider).toHaveAttribute('aria-valuetext', /4/);
  await expect(slider).toBeFocused();
  await page.keyboard.press('End');
  await expect(slider).toHaveAttribute('aria-valuetext', /128/);
  await expect.poll(async () => (await lineOf(page, 'losses')).way).toBeLessThan(plain.way / 2);
  await slider.press('Home');
  await expect.poll(async () => (await lineOf(page, 'losses')).way).toBeCloseTo(plain.way, 0);
  const log = losses(page).getByRole('button', { name: 'Log scale' });
  await log.click();
  await expect(log).toHaveAttribute('aria-pressed', 'true');
  await expect.poll(async () => Math.abs((await lineOf(page, 'losses')).way - plain.way)).toBeGreaterThan(2);
  await log.click();
  await expect.poll(async () => (await lineOf(page, 'losses')).way).toBeCloseTo(plain.way, 0);
});

test('where a value is 0 or less there is no logarithmic scale', async ({ page, site }) => {
  // A Wasserstein critic's loss is below 0.
  await visit(page, site, `${SMALL}&loss=wasserstein`);
  await page.evaluate(() => window.kiln.step(60));
  await losses(page).scrollIntoViewIfNeeded();
  const log = losses(page).getByRole('button', { name: 'Log scale' });
  await expect(log).toBeDisabled();
  await expect(log).toHaveAttribute('title', /above 0/);
});
