// A normalizing flow in the plane. That a run is the same twice and goes on from a file is in runs.spec.js.

import { test, expect, visit, state, coloursOf, drawing, untranslated, SMALL_REALNVP as SMALL, SHOTS } from './kiln.js';

const plane = (page) => page.locator('[data-panel=plane] .plane canvas');
const legend = (page) => page.locator('[data-panel=plane] .legend');
const passed = (page) => page.locator('[data-panel=plane] .sliders input');
const link = async (page) => (await state(page)).link;
const step = (page, n) => page.evaluate((steps) => window.kiln.step(steps), n);

/** Opens a link, paused, and waits until the plane is drawn with its slider. */
async function open(page, site, text = SMALL, query = undefined) {
  await visit(page, site, text, query);
  await expect(passed(page)).toBeVisible();
  await expect.poll(() => coloursOf(plane(page))).toBeGreaterThan(3);
}

test('a link opens the plane with its density, and the latent space on which nothing is drawn', async ({ page, site }) => {
  await open(page, site, 'realnvp');
  expect(await state(page)).toMatchObject({ demo: 'realnvp', step: 0, link: 'realnvp', error: null });
  await expect(page.locator('[data-panel=plane] h2')).toHaveText('From noise to data');
  await expect(page.locator('#lesson h2')).toContainText('flow');
  await expect(page.locator('#cards .card')).toHaveCount(0);
  await expect(legend(page)).toContainText('Density');
  await expect(legend(page)).not.toContainText('Discriminator');
  const latent = page.locator('[data-panel=latent]');
  await expect.poll(async () => (await drawing(latent.locator('canvas'))) && coloursOf(latent.locator('canvas'))).toBeGreaterThan(3);
  await expect(latent.locator('.legend')).toHaveText('Real');
  await expect(page.locator('[data-panel=plane] .pen')).toHaveCount(1);
  await expect(latent.locator('.pen')).toHaveCount(0);
  await page.screenshot({ path: `${SHOTS}/realnvp.png`, fullPage: true });
});

test('the slider takes the points back through the couplings to noise, and forth again', async ({ page, site }) => {
  await open(page, site);
  await step(page, 40);
  const data = await drawing(plane(page));
  await passed(page).press('Home');
  await expect.poll(() => link(page)).toBe(`${SMALL}&passed=0`);
  await expect.poll(() => drawing(plane(page))).not.toBe(data);
  const noise = await drawing(plane(page));
  await passed(page).scrollIntoViewIfNeeded();
  const box = await passed(page).boundingBox();
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  await expect.poll(() => link(page)).toBe(`${SMALL}&passed=2`);
  await expect.poll(() => drawing(plane(page))).not.toBe(noise);
  await expect.poll(() => drawing(plane(page))).not.toBe(data);
  // All of them are the default, whatever their number.
  await passed(page).press('End');
  await expect.poll(() => link(page)).toBe(SMALL);
  await expect.poll(() => drawing(plane(page))).toBe(data);
  expect((await state(page)).step).toBe(40);
});

test('a place that is clicked shows its latent, its way and its log density; the arrow keys move it, and the link keeps it', async ({ page, site }) => {
  await open(page, site);
  await step(page, 20);
  const before = await drawing(plane(page));
  const density = page.locator('[data-panel=figures] .figures > div', { hasText: 'Log density at the chosen point' }).locator('dd');
  const latent = page.locator('[data-panel=latent] .legend');
  await expect(density).toHaveCount(0);
  await expect(page.locator('[data-panel=plane] .hint')).toContainText('its latent');
  const click = async (across, down) => {
    await plane(page).scrollIntoViewIfNeeded();
    const box = await plane(page).boundingBox();
    await page.mouse.click(box.x + across * box.width, box.y + down * box.height);
  };
  await click(0.75, 0.25);
  await expect.poll(() => link(page)).toMatch(/&point=1\.(4|5)\d,1\.(4|5)\d$/);
  await expect(density).toHaveText(/^-?\d+\.\d\d$/);
  await expect(latent).toContainText('Chosen point');
  await expect.poll(() => drawing(plane(page))).not.toBe(before);
  // The arrow keys go on from there.
  const clicked = [await link(page), await density.textContent()];
  for (let press = 0; press < 3; press += 1) await plane(page).press('Shift+ArrowLeft');
  await expect.poll(() => link(page)).toMatch(/&point=-?0\.(2|3)\d,1\.(4|5)\d$/);
  await expect(density).not.toHaveText(clicked[1]);
  expect((await state(page)).step).toBe(20);
  // While points are drawn a press draws, and the chosen one stays.
  await page.click('[data-panel=plane] .pen');
  await click(0.3, 0.7);
  await expect.poll(() => link(page)).toMatch(/data=drawn.*&point=-?0\.(2|3)/);
  await page.click('[data-panel=plane] .pen');
  await page.goto('about:blank');
  await open(page, site, clicked[0]);
  await expect(latent).toContainText('Chosen point');
  await expect(density).toHaveText(/^-?\d/);
});

test('on digits it draws samples and shows the unseen ones in order, in Chinese, too', async ({ page, site }) => {
  await visit(page, site, 'realnvp?space=digits&batch=32&couplings=2&width=16&evaluate=20', 'paused&device=cpu&lang=zh');
  await step(page, 20);
  for (const id of ['samples', 'ranked']) {
    const canvas = page.locator(`[data-panel=${id}] canvas`).first();
    await canvas.scrollIntoViewIfNeeded();
    await expect.poll(() => coloursOf(canvas), { message: id }).toBeGreaterThan(10);
  }
  await expect(page.locator('[data-panel=ranked] .row-names li')).toHaveCount(10);
  await expect(page.locator('[data-panel=plane]')).toHaveCount(0);
  await expect(page.locator('[data-panel=figures] dt', { hasText: '没见过的数字的负对数似然' })).toHaveCount(1);
  expect(await untranslated(page)).toEqual([]);
  await page.screenshot({ path: `${SHOTS}/realnvp-digits.png`, fullPage: true });
});

test('the switches put layers away and bring them back', async ({ page, site }) => {
  await open(page, site);
  const all = await drawing(plane(page));
  for (const key of ['density', 'grid']) {
    const control = page.locator(`[data-key=${key}] input`);
    await control.click();
    await expect.poll(() => link(page)).toBe(`${SMALL}&${key}=false`);
    await expect.poll(() => drawing(plane(page))).not.toBe(all);
    if (key === 'density') await expect(legend(page)).not.toContainText('Density');
    await control.click();
    await expect.poll(() => drawing(plane(page))).toBe(all);
    await expect(legend(page)).toContainText('Density');
  }
  expect(await link(page)).toBe(SMALL);
});

test('training lowers the nats of unseen points towards the entropy of the data', async ({ page, site }) => {
  await open(page, site, 'realnvp?evaluate=100');
  const nats = await page.evaluate(async () => {
    const measured = [];
    window.kiln.on('views', ({ panels }) => {
      const figures = panels.find(({ id }) => id === 'figures')?.views[0]?.figures ?? [];
      const value = figures.find(({ id }) => id === 'nll_held_out')?.value;
      if (value !== undefined && value !== measured.at(-1)) measured.push(value);
    });
    // Untrained, it has some 3.8 nats.
    while (!(measured.at(-1) < 2) && window.kiln.state.step < 1000) await window.kiln.step(100);
    return measured;
  });
  expect(nats.at(-1)).toBeLessThan(2);
  const figure = (name) => page.locator('[data-panel=figures] .figures > div', { hasText: name }).locator('dd');
  await expect(figure('Negative log-likelihood of unseen points')).toHaveText(/^-?\d/);
  // A ring of eight normal groups of deviation 0.08: -0.13 nats.
  await expect(figure('Entropy of the data')).toHaveText(/^-0\.[012]/);
  await expect(figure('Modes covered')).toHaveText(/ \/ 8$/);
  for (const id of ['losses', 'quality', 'latent']) {
    const canvas = page.locator(`[data-panel=${id}] canvas`).first();
    await canvas.scrollIntoViewIfNeeded();
    await expect.poll(() => coloursOf(canvas), { message: id }).toBeGreaterThan(3);
  }
});

test('in Chinese it fits on a page 360 px wide, and everything has a name', async ({ page, site }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await open(page, site, SMALL.replace('?', '?evaluate=20&'), 'paused&device=cpu&lang=zh');
  await step(page, 20);
  await expect(page.locator('[data-panel=plane] h2')).toHaveText('从噪声到数据');
  await expect(legend(page)).toContainText('密度');
  await expect(page.locator('[data-panel=figures] dt', { hasText: '数据的熵' })).toHaveCount(1);
  await expect(page.locator('#lesson h2')).toContainText('标准化流');
  await page.locator('#controls-box > summary').click();
  expect(await untranslated(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.screenshot({ path: `${SHOTS}/realnvp-zh.png`, fullPage: true });
});
