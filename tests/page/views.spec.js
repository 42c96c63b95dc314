import { test, expect, visit, untilStep, state, answers, coloursOf, SMALL, SMALL_DIGITS } from './kiln.js';

test('every view of the points is drawn', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(60));
  for (const panel of ['plane', 'losses', 'quality']) {
    const canvas = page.locator(`[data-panel=${panel}] canvas`).first();
    await expect.poll(() => coloursOf(canvas), { message: panel }).toBeGreaterThan(3);
  }
  await expect(page.locator('[data-panel=figures] dd').first()).toHaveText(/\d/);
});

test('every view of the digits is drawn', async ({ page, site }) => {
  test.setTimeout(120_000);
  await visit(page, site, `${SMALL_DIGITS}&evaluate=20`);
  await page.evaluate(() => window.kiln.step(40));
  for (const panel of ['samples', 'real', 'losses', 'outputs', 'gradients', 'classes', 'quality']) {
    const canvas = page.locator(`[data-panel=${panel}] canvas`).first();
    await canvas.scrollIntoViewIfNeeded();
    await expect.poll(() => coloursOf(canvas), { message: panel }).toBeGreaterThan(3);
  }
  await expect(page.locator('[data-panel=figures] dd').first()).toHaveText(/\d/);
});

test('points drawn with the mouse become the data', async ({ page, site }) => {
  await visit(page, site, SMALL, 'device=cpu');
  await page.click('.pen');
  const canvas = page.locator('.plane canvas');
  const box = await canvas.boundingBox();
  await page.mouse.move(box.x + 60, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 60, box.y + box.height / 2, { steps: 20 });
  await page.mouse.up();
  await expect.poll(async () => (await state(page)).link).toMatch(/data=drawn/);
  await untilStep(page, 20);
  await canvas.focus();
  for (const key of ['ArrowLeft', 'ArrowUp', 'Enter', 'Shift+ArrowRight', ' ']) await canvas.press(key);
  const before = (await state(page)).link;
  await expect.poll(async () => (await state(page)).link).not.toBe(before);
  await page.click('.pen');
  await page.click('[data-act=clear]');
  await expect.poll(async () => (await state(page)).link).not.toMatch(/data=drawn/);
});

test('the film goes back through time and comes back', async ({ page, site }) => {
  await visit(page, site, SMALL_DIGITS);
  for (const n of [1, 4, 4]) await page.evaluate((steps) => window.kiln.step(steps), n);
  const samples = page.locator('[data-panel=samples] .images');
  const slider = samples.locator('input[type=range]');
  const canvas = samples.locator('canvas').first();
  await expect(samples).toHaveAttribute('data-step', '9');
  const now = await canvas.evaluate((element) => element.toDataURL());
  await slider.focus();
  await slider.press('Home');
  await expect(samples).not.toHaveAttribute('data-step', '9');
  await expect.poll(() => canvas.evaluate((element) => element.toDataURL())).not.toBe(now);
  // What is looked at stays while the run goes on.
  const shown = await samples.getAttribute('data-step');
  await page.evaluate(() => window.kiln.step(2));
  await expect(samples).toHaveAttribute('data-step', shown);
  await slider.press('End');
  await expect(samples).toHaveAttribute('data-step', '11');
});

test('nothing watches what another demo has taken away', async ({ page, site }) => {
  await page.addInitScript(() => {
    const watched = new Map();
    for (const name of ['ResizeObserver', 'IntersectionObserver']) {
      const { prototype } = window[name];
      const { observe, disconnect } = prototype;
      prototype.observe = function (target, ...rest) {
        watched.set(this, [...(watched.get(this) ?? []), target]);
        return observe.call(this, target, ...rest);
      };
      prototype.disconnect = function () {
        watched.delete(this);
        return disconnect.call(this);
      };
    }
    window.watched = () => [...watched.values()].flat();
  });
  await visit(page, site, SMALL_DIGITS);
  await page.evaluate(() => window.kiln.step(3));
  expect(await page.evaluate(() => window.watched().length)).toBeGreaterThan(5);
  for (const link of [SMALL, SMALL_DIGITS, SMALL]) {
    await page.evaluate((text) => window.kiln.open(text).then(() => window.kiln.step(2)), link);
  }
  await expect.poll(() => page.evaluate(() => window.watched().filter((target) => !target.isConnected).map((target) => target.className))).toEqual([]);
});

test('points that wait to be sent are not sent to another demo', async ({ page, site }) => {
  await page.clock.install();
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(2));
  await page.click('.pen');
  await page.locator('.plane canvas').press(' ');
  await page.evaluate((link) => {
    window.refused = [];
    window.kiln.on('error', ({ message }) => window.refused.push(message));
    return window.kiln.open(link).then(() => window.kiln.step(1));
  }, SMALL_DIGITS);
  await page.clock.fastForward(1000);
  await answers(page);
  expect(await page.evaluate(() => window.refused)).toEqual([]);
});
