// Diffusion in the plane. That a run is the same twice and goes on from a file is in runs.spec.js.

import { test, expect, visit, state, coloursOf, drawing, untranslated, SMALL_DIFFUSION2D as SMALL, SHOTS } from './kiln.js';

const plane = (page) => page.locator('[data-panel=plane] .plane canvas');
const legend = (page) => page.locator('[data-panel=plane] .legend');
const time = (page) => page.locator('[data-panel=plane] .sliders input');
const link = async (page) => (await state(page)).link;
const step = (page, n) => page.evaluate((steps) => window.kiln.step(steps), n);

/** Opens a link, paused, and waits until the plane is drawn with its slider. */
async function open(page, site, text = SMALL, query = undefined) {
  await visit(page, site, text, query);
  await expect(time(page)).toBeVisible();
  await expect.poll(() => coloursOf(plane(page))).toBeGreaterThan(3);
}

test('a link opens the plane, and the points move before anything is trained', async ({ page, site }) => {
  await open(page, site, 'diffusion2d');
  expect(await state(page)).toMatchObject({ demo: 'diffusion2d', step: 0, link: 'diffusion2d', error: null });
  await expect(page.locator('[data-panel=plane] h2')).toHaveText('From noise to data');
  await expect(page.locator('#lesson h2')).toContainText('diffusion');
  await expect(page.locator('#cards .card')).toHaveCount(0);
  const data = await drawing(plane(page));
  await time(page).press('End');
  await expect.poll(() => drawing(plane(page))).not.toBe(data);
  await expect(legend(page)).toContainText('Predicted end');
  await time(page).press('Home');
  await expect.poll(() => drawing(plane(page))).toBe(data);
  expect((await state(page)).step).toBe(0);
  await page.screenshot({ path: `${SHOTS}/diffusion2d.png`, fullPage: true });
});

test('the keys and the pointer move the time, and the worker answers with the points', async ({ page, site }) => {
  await open(page, site);
  await step(page, 5);
  const data = await drawing(plane(page));
  await time(page).press('End');
  await expect.poll(() => link(page)).toMatch(/time=1/);
  await expect.poll(() => drawing(plane(page))).not.toBe(data);
  for (let press = 0; press < 4; press += 1) await time(page).press('ArrowLeft');
  await expect.poll(() => link(page)).toMatch(/time=0\.98/);
  const noise = await drawing(plane(page));
  await time(page).scrollIntoViewIfNeeded();
  const box = await time(page).boundingBox();
  const at = (part) => [box.x + part * box.width, box.y + box.height / 2];
  await page.mouse.move(...at(0.8));
  await page.mouse.down();
  await page.mouse.move(...at(0.5), { steps: 6 });
  await page.mouse.up();
  await expect.poll(() => link(page)).toMatch(/time=0\.(4|5)/);
  await expect.poll(() => drawing(plane(page))).not.toBe(noise);
  expect((await state(page)).step).toBe(5);
});

test('the switches put layers away and bring them back', async ({ page, site }) => {
  await open(page, site);
  const all = await drawing(plane(page));
  for (const [key, name] of [['arrows', 'Velocity field'], ['paths', 'Paths']]) {
    const control = page.locator(`[data-key=${key}] input`);
    await expect(legend(page)).toContainText(name);
    await control.click();
    await expect(legend(page)).not.toContainText(name);
    await expect.poll(() => drawing(plane(page))).not.toBe(all);
    await control.click();
    await expect(legend(page)).toContainText(name);
    await expect.poll(() => drawing(plane(page))).toBe(all);
  }
  const density = page.locator('[data-key=density] input');
  await density.click();
  await expect(legend(page)).toContainText('Density');
  await expect.poll(() => drawing(plane(page))).not.toBe(all);
  await density.click();
  await expect(legend(page)).not.toContainText('Density');
  await expect.poll(() => drawing(plane(page))).toBe(all);
  await page.locator('[data-key=grid] input').click();
  await expect.poll(() => drawing(plane(page))).not.toBe(all);
  expect(await link(page)).toBe(`${SMALL}&grid=true`);
});

test('after some hundred steps the points are in all eight groups', async ({ page, site }) => {
  await open(page, site, 'diffusion2d?evaluate=100');
  await page.evaluate(async () => {
    let covered = 0;
    window.kiln.on('views', ({ panels }) => {
      const figures = panels.find(({ id }) => id === 'figures')?.views[0]?.figures ?? [];
      covered = figures.find(({ id }) => id === 'modes')?.value ?? 0;
    });
    while (covered < 8 && window.kiln.state.step < 800) await window.kiln.step(100);
  });
  const figure = (name) => page.locator('[data-panel=figures] .figures > div', { hasText: name }).locator('dd');
  await expect(figure('Modes covered')).toHaveText('8 / 8');
  for (const name of ['Energy distance of two draws', 'Straightness of paths']) await expect(figure(name)).toHaveText(/^\d/);
  for (const id of ['losses', 'quality', 'loss_by_time']) {
    const canvas = page.locator(`[data-panel=${id}] canvas`).first();
    await canvas.scrollIntoViewIfNeeded();
    await expect.poll(() => coloursOf(canvas), { message: id }).toBeGreaterThan(3);
  }
});

test('another sampler draws at once, and nothing is trained anew', async ({ page, site }) => {
  await open(page, site);
  await step(page, 20);
  const euler = await drawing(plane(page));
  const sampler = page.locator('#control-sampler');
  await sampler.selectOption({ label: 'DDPM' });
  await expect.poll(() => link(page)).toBe(`${SMALL}&sampler=ddpm`);
  await expect.poll(() => drawing(plane(page))).not.toBe(euler);
  expect((await state(page)).step).toBe(20);
  await sampler.selectOption({ label: 'Euler' });
  await expect.poll(() => drawing(plane(page))).toBe(euler);
  expect(await state(page)).toMatchObject({ step: 20, link: SMALL });
});

test('points drawn with the mouse become the data, and are cleared', async ({ page, site }) => {
  await open(page, site);
  await page.click('.pen');
  await plane(page).scrollIntoViewIfNeeded();
  const box = await plane(page).boundingBox();
  await page.mouse.move(box.x + 60, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 60, box.y + box.height / 2, { steps: 20 });
  await page.mouse.up();
  await expect.poll(() => link(page)).toMatch(/data=drawn&points=/);
  await expect(page.locator('#control-data option:checked')).toHaveText('Drawn by you');
  await step(page, 3);
  expect((await state(page)).step).toBe(3);
  await page.click('.pen');
  await page.click('[data-act=clear]');
  await expect.poll(() => link(page)).toBe(SMALL);
});

test('in Chinese it fits on a page 360 px wide, and everything has a name', async ({ page, site }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await open(page, site, SMALL.replace('?', '?evaluate=20&'), 'paused&device=cpu&lang=zh');
  await step(page, 20);
  await expect(page.locator('[data-panel=plane] h2')).toHaveText('从噪声到数据');
  await expect(page.locator('#lesson h2')).toContainText('扩散');
  await page.locator('#controls-box > summary').click();
  await expect(page.locator('#control-field option:checked')).toHaveText('网络');
  expect(await untranslated(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.screenshot({ path: `${SHOTS}/diffusion2d-zh.png`, fullPage: true });
});
