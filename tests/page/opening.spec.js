import { test, expect, pick, visit, untilStep, state, coloursOf, card, SHOTS, SMALL } from './kiln.js';

test('a link opens the points and they learn', async ({ page, site }) => {
  const from = Date.now();
  await visit(page, site, 'gan2d?seed=7', 'device=cpu');
  await untilStep(page, 1);
  console.log(`first step after ${Date.now() - from} ms`);
  await untilStep(page, 200);
  expect((await state(page)).link).toBe('gan2d?seed=7');
  for (const canvas of await page.locator('.plane canvas, .plot canvas').all()) expect(await coloursOf(canvas)).toBeGreaterThan(3);
  await page.screenshot({ path: `${SHOTS}/gan2d.png`, fullPage: true });
});

test('a link opens the digits and they learn', async ({ page, site }) => {
  await visit(page, site, 'dcgan', 'device=cpu');
  await untilStep(page, 30, 120_000);
  await expect(page.locator('[data-panel=samples] canvas').first()).toBeVisible();
  expect(await coloursOf(page.locator('[data-panel=samples] canvas').first())).toBeGreaterThan(20);
  expect(await coloursOf(page.locator('[data-panel=real] canvas').first())).toBeGreaterThan(20);
  await page.screenshot({ path: `${SHOTS}/dcgan.png`, fullPage: true });
});

test('in a frame that names no link something moves', async ({ page, site }) => {
  await visit(page, site, '', 'embed');
  await untilStep(page, 10);
  await expect(page).toHaveURL(/#gan2d/);
});

test('it works from any sub-path', async ({ page, site }) => {
  await visit(page, `${site}some/sub/path/`, SMALL);
  await page.evaluate(() => window.kiln.step(3));
  expect((await state(page)).step).toBe(3);
});

test('the picker and typed links open other demos and run them', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await pick(page, 'dcgan');
  await expect.poll(async () => (await state(page)).demo, { timeout: 30_000 }).toBe('dcgan');
  await expect(page.locator('#lesson h2')).toContainText('digits');
  await page.evaluate(() => (location.hash = '#gan2d?seed=3'));
  await expect.poll(async () => (await state(page)).link).toBe('gan2d?seed=3');
  await untilStep(page, 5);
});

test('an embedded page shows the run alone', async ({ page, site }) => {
  await visit(page, site, SMALL, 'embed&device=cpu');
  await expect(page.locator('#header')).toBeHidden();
  await expect(page.locator('#lesson')).toBeHidden();
  await expect(page.locator('#toolbar')).toBeVisible();
  await untilStep(page, 5);
});

test('the page speaks Chinese and remembers it', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.getByRole('button', { name: '中文' }).click();
  await expect(page.locator('[data-do=run]')).toContainText('运行');
  await expect(page.locator('#lesson h2')).toContainText('博弈');
  await page.reload();
  await expect(page.locator('[data-do=run]')).toContainText('运行');
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh-Hans');
  await page.screenshot({ path: `${SHOTS}/chinese.png`, fullPage: true });
});

for (const [name, link] of [['points', SMALL], ['digits', 'dcgan?width=8&batch=8']]) {
  test(`the ${name} fit on a page 360 px wide`, async ({ page, site }) => {
    await page.setViewportSize({ width: 360, height: 740 });
    await visit(page, site, link);
    await page.evaluate(() => window.kiln.step(3));
    await page.locator('#controls-box > summary').click();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(360);
    await page.screenshot({ path: `${SHOTS}/narrow-${name}.png`, fullPage: true });
  });
}

test('in the dark it is dark', async ({ page, site }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(20));
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(20, 22, 26)');
  await page.screenshot({ path: `${SHOTS}/dark.png` });
});

test('with JavaScript off it says so in both languages', async ({ browser, site }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(site);
  await expect(page.locator('noscript .card')).toBeVisible();
  await expect(page.locator('noscript .card')).toContainText('Turn JavaScript on');
  await expect(page.locator('noscript .card')).toContainText('Kiln 需要 JavaScript');
  await page.screenshot({ path: `${SHOTS}/without-javascript.png` });
  await context.close();
});

test('without WebAssembly it says what to do', async ({ page, site }) => {
  await page.addInitScript(() => delete globalThis.WebAssembly);
  await page.goto(site);
  await expect(card(page, 'wasm')).toContainText('WebAssembly');
  expect(await page.evaluate(() => window.kiln.ready.catch((error) => error.code))).toBe('wasm');
});

test('without WebGPU it runs on the CPU and says why in the badge', async ({ page, site }) => {
  await page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined }));
  await visit(page, site, SMALL, '');
  await untilStep(page, 5);
  await page.click('.badge summary');
  await expect(page.locator('.badge .pop')).toContainText('does not support WebGPU');
  expect((await state(page)).device.kind).toBe('cpu');
  await expect(page.locator('#cards .card')).toHaveCount(0);
});

test('a software adapter is not preferred to the CPU', async ({ page, site }) => {
  await visit(page, site, SMALL, '');
  await untilStep(page, 5);
  await page.click('.badge summary');
  await expect(page.locator('.badge .pop')).toContainText('software');
  expect(page.workers()).toHaveLength(1);
});
