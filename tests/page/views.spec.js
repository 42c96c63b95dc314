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

/** The series (by their places in the legend) whose colours stand in each column of pixels of a panel's curves. */
const drawnIn = (page, id) =>
  page.locator(`[data-panel=${id}] .scalars`).evaluate((element) => {
    const rgb = (colour) => {
      const one = new OffscreenCanvas(1, 1).getContext('2d');
      one.fillStyle = colour;
      one.fillRect(0, 0, 1, 1);
      return [...one.getImageData(0, 0, 1, 1).data.subarray(0, 3)];
    };
    const colours = [...element.querySelectorAll('.legend i')].map((dot) => rgb(getComputedStyle(dot).backgroundColor));
    const canvas = element.querySelector('canvas');
    const over = element.querySelector('.u-over').getBoundingClientRect();
    const scale = canvas.width / canvas.getBoundingClientRect().width;
    const [left, top] = [over.left - canvas.getBoundingClientRect().left, over.top - canvas.getBoundingClientRect().top];
    const [x0, y0, width, height] = [left, top, over.width, over.height].map((length) => Math.round(length * scale));
    const { data } = canvas.getContext('2d').getImageData(x0, y0, width, height);
    return Array.from({ length: width }, (_, x) => {
      const found = new Set();
      for (let y = 0; y < height; y += 1) {
        const [r, g, b, alpha] = data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4);
        const off = colours.map((c) => Math.hypot(c[0] - r, c[1] - g, c[2] - b));
        const nearest = off.indexOf(Math.min(...off));
        if (alpha > 120 && off[nearest] < 60) found.add(nearest);
      }
      return [...found].sort();
    });
  });

/** In how many of the columns between the steps `from` and `to`, of `all` that are drawn, a series stands. */
const share = (columns, series, from, to, all) => {
  const some = columns.slice(Math.ceil(((from - 1) / (all - 1)) * columns.length), Math.floor(((to - 1) / (all - 1)) * columns.length));
  return some.filter((found) => found.includes(series)).length / some.length;
};

test('a player that did not train leaves a gap in its curves, and what is measured every ten steps does not', async ({ page, site }) => {
  test.setTimeout(120_000);
  await visit(page, site, `${SMALL_DIGITS}&evaluate=5000`);
  const legend = page.locator('[data-panel=losses] .legend .key b');
  for (const players of ['both', 'discriminator', 'both']) {
    await page.evaluate((name) => window.kiln.act(`train_${name}`), players);
    await page.evaluate(() => window.kiln.step(40));
    await expect(legend.nth(0)).toHaveText(/\d/);
    await expect(legend.nth(1)).toHaveText(players === 'both' ? /\d/ : '–');
  }
  for (const id of ['losses', 'gradients']) {
    await page.locator(`[data-panel=${id}] canvas`).first().scrollIntoViewIfNeeded();
    // The gradient is known from step 10 on, and again at step 90. Curves are drawn at leisure: the last rows come a little later.
    await expect(async () => {
      const columns = await drawnIn(page, id);
      expect(share(columns, 0, 12, 118, 120), `${id} of the one that trained`).toBeGreaterThan(0.9);
      expect(share(columns, 1, 44, 78, 120), `${id} of the one that did not`).toBe(0);
      for (const [from, to] of [[12, 38], [92, 118]]) expect(share(columns, 1, from, to, 120), `${id} from ${from} to ${to}`).toBeGreaterThan(0.5);
    }).toPass({ timeout: 15_000 });
  }
});

test('a measure has one value, in the figures and in the legend of its curve', async ({ page, site }) => {
  test.setTimeout(120_000);
  await visit(page, site, `${SMALL_DIGITS}&evaluate=20`);
  await page.evaluate(() => window.kiln.step(40));
  const figures = page.locator('[data-panel=figures]');
  const legend = page.locator('[data-panel=quality] .legend .key b');
  await page.locator('[data-panel=quality]').scrollIntoViewIfNeeded();
  for (const [series, name] of ['Fréchet classifier distance', 'Entropy of the digits', 'Diversity relative to real digits'].entries()) {
    const figure = figures.locator('.figures > div', { hasText: name }).locator('dd');
    // Both are read anew at each try: the curve may be drawn later than the figures.
    await expect(async () => {
      const value = await legend.nth(series).textContent();
      expect(value, name).toMatch(/\d/);
      expect((await figure.textContent()).split(' / ')[0], name).toBe(value);
    }).toPass({ timeout: 15_000 });
  }
  await expect(figures.locator('.figures > div', { hasText: 'Measured at step' }).locator('dd')).toHaveText('20');
  await expect(page.locator('[data-panel=quality] h2')).toHaveText('Quality of 1,024 generated digits');
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
  // What clears the points stands with them, and only while there are any.
  await expect(page.locator('.plane [data-act=clear]')).toBeVisible();
  await expect(page.locator('#toolbar [data-act=clear]')).toHaveCount(0);
  await untilStep(page, 20);
  await canvas.focus();
  for (const key of ['ArrowLeft', 'ArrowUp', 'Enter', 'Shift+ArrowRight', ' ']) await canvas.press(key);
  const before = (await state(page)).link;
  await expect.poll(async () => (await state(page)).link).not.toBe(before);
  await page.click('.pen');
  await page.click('[data-act=clear]');
  await expect.poll(async () => (await state(page)).link).not.toMatch(/data=drawn/);
  await expect(page.locator('[data-act=clear]')).toHaveCount(0);
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

test('a button brings the film back to now', async ({ page, site }) => {
  await visit(page, site, SMALL_DIGITS);
  for (const n of [1, 4, 4]) await page.evaluate((steps) => window.kiln.step(steps), n);
  const samples = page.locator('[data-panel=samples] .images');
  const now = samples.locator('[data-do=now]');
  await expect(samples).toHaveAttribute('data-step', '9');
  await expect(now).toBeDisabled();
  await samples.locator('input[type=range]').press('Home');
  await page.evaluate(() => window.kiln.step(2));
  await expect(samples).not.toHaveAttribute('data-step', '11');
  await now.click();
  await expect(samples).toHaveAttribute('data-step', '11');
  await expect(now).toBeDisabled();
  await expect(samples.locator('input[type=range]')).toBeFocused();
  // It is followed again.
  await page.evaluate(() => window.kiln.step(1));
  await expect(samples).toHaveAttribute('data-step', '12');
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
