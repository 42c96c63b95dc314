// A page for every screen: what stands above what, what leads where, and that nothing jumps.

import { test, expect, visit, untilStep, state, SHOTS, SMALL } from './kiln.js';

const boxOf = (page, selector) => page.locator(selector).first().boundingBox();

for (const width of [360, 768, 1100]) {
  test(`on a page ${width} px wide the lesson begins above the run, and its rest can be unfolded`, async ({ page, site }) => {
    await page.setViewportSize({ width, height: 740 });
    await visit(page, site, 'diffusion');
    await page.evaluate(() => window.kiln.step(1));
    const [lesson, toolbar, tile] = [await boxOf(page, '#lesson'), await boxOf(page, '#toolbar'), await boxOf(page, '.tile')];
    expect(lesson.y + lesson.height).toBeLessThanOrEqual(toolbar.y);
    expect(toolbar.y + toolbar.height).toBeLessThanOrEqual(tile.y);
    expect(lesson.y).toBeLessThan(150);
    // The run begins on the first screen.
    expect(toolbar.y).toBeLessThan(740);
    const seen = () => page.locator('#lesson :is(p, li, summary):visible').count();
    const before = await seen();
    expect(await page.locator('#lesson .try a:visible').count()).toBe(3);
    const unfold = page.locator('#lesson .unfold');
    await expect(unfold).toHaveAttribute('aria-expanded', 'false');
    await unfold.click();
    await expect(unfold).toHaveAttribute('aria-expanded', 'true');
    expect(await seen()).toBeGreaterThan(before + 20);
    expect(await page.locator('#lesson .try a:visible').count()).toBeGreaterThan(10);
    await unfold.click();
    expect(await seen()).toBe(before);
    // Another demo's lesson is folded again.
    await unfold.click();
    await page.evaluate((link) => (location.hash = `#${link}`), SMALL);
    await expect(page.locator('#lesson h2')).toContainText('game');
    await expect(unfold).toHaveAttribute('aria-expanded', 'false');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
  });
}

test('the lesson goes beside the run where there is room for it, and the keyboard finds it there', async ({ page, site }) => {
  await page.setViewportSize({ width: 900, height: 800 });
  await visit(page, site, SMALL);
  const before = (one, other) =>
    page.evaluate(([a, b]) => Boolean(document.querySelector(a).compareDocumentPosition(document.querySelector(b)) & Node.DOCUMENT_POSITION_FOLLOWING), [one, other]);
  expect(await before('#lesson', '#toolbar')).toBe(true);
  await page.setViewportSize({ width: 1280, height: 800 });
  expect(await before('#main', '#lesson')).toBe(true);
  expect((await boxOf(page, '#lesson')).x).toBeGreaterThan((await boxOf(page, '#main')).x);
  await expect(page.locator('#lesson .see')).toBeVisible();
  await expect(page.locator('#lesson .unfold')).toBeHidden();
  await expect(page.locator('#bar')).toBeHidden();
});

test('on a phone a bar runs and pauses, and leads to the run, the controls and the lesson', async ({ page, site }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(3));
  const bar = page.locator('#bar');
  const inSight = (selector) => page.locator(selector).first().evaluate((element) => {
    const { top } = element.getBoundingClientRect();
    return top >= 0 && top < innerHeight / 2;
  });
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.tagName);
  await bar.getByRole('button', { name: 'Controls' }).click();
  expect(await inSight('#controls-box')).toBe(true);
  await expect(page.locator('#controls .control').first()).toBeVisible();
  expect(await focused()).toBe('controls-title');
  await bar.getByRole('button', { name: 'The run' }).click();
  expect(await inSight('#toolbar')).toBe(true);
  expect(await focused()).toBe('main');
  await expect(page.locator('#main')).toHaveClass(/arrived/);
  await expect(page.locator('#main')).not.toHaveClass(/arrived/);
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  // Nothing is hidden for good under the bar.
  const [footer, top] = [await boxOf(page, '#footer p'), (await bar.boundingBox()).y];
  expect(footer.y + footer.height).toBeLessThanOrEqual(top);
  await bar.getByRole('button', { name: 'Lesson' }).click();
  expect(await inSight('#lesson')).toBe(true);
  expect(await focused()).toBe('lesson');
  await bar.getByRole('button', { name: 'Run', exact: true }).click();
  await expect.poll(async () => (await state(page)).status).toBe('running');
  await bar.getByRole('button', { name: 'Pause' }).click();
  await expect.poll(async () => (await state(page)).status).toBe('paused');
  await page.screenshot({ path: `${SHOTS}/phone-bar.png` });
});

/** The rows in which the parts of the toolbar stand: their tops. */
const rowsOf = (page, selector) =>
  page.locator(selector).evaluateAll((buttons) => {
    const middles = buttons.filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect()).map(({ top, bottom }) => Math.round((top + bottom) / 2));
    return [...new Set(middles)].filter((at, index, all) => !all.slice(0, index).some((other) => Math.abs(other - at) < 10)).length;
  });

for (const [demo, language] of [['gan2d', 'en'], ['gan2d', 'zh'], ['dcgan', 'en'], ['vae', 'en'], ['diffusion', 'zh'], ['text', 'en']]) {
  test(`the toolbar of ${demo} has three tidy rows at most at 360 px, in ${language}`, async ({ page, site }) => {
    await page.setViewportSize({ width: 360, height: 740 });
    await visit(page, site, demo, `paused&device=cpu&lang=${language}`);
    // Far into a run, too.
    await page.locator('.step-count').evaluate((count) => (count.textContent = count.textContent.replace('0', '12,345')));
    expect(await rowsOf(page, '#toolbar :is(button, select, .step-count)')).toBeLessThanOrEqual(3);
    if (await page.locator('#toolbar .switch').count()) expect(await rowsOf(page, '#toolbar .switch button')).toBe(1);
    const outside = await page.locator('#toolbar > *').evaluateAll((parts) => parts.filter((one) => one.getBoundingClientRect().right > innerWidth).map(({ className }) => className));
    expect(outside).toEqual([]);
    // No word is cut off.
    const cut = await page.locator('#toolbar button').evaluateAll((buttons) => buttons.filter((one) => one.scrollWidth > one.clientWidth + 1).map(({ textContent }) => textContent));
    expect(cut).toEqual([]);
  });
}

/** Where nothing is so much as begun by the person, what has moved on the page so far: its cumulative layout shift. */
const noteShifts = (page) =>
  page.addInitScript(() => {
    window.shifts = [];
    new PerformanceObserver((list) => window.shifts.push(...list.getEntries())).observe({ type: 'layout-shift', buffered: true });
  });

for (const width of [360, 1280]) {
  for (const [demo, steps] of [['gan2d', 60], ['dcgan', 12], ['diffusion', 6]]) {
    test(`nothing jumps while ${demo} loads and takes its first steps, ${width} px`, async ({ page, site }) => {
      test.setTimeout(120_000);
      await page.setViewportSize({ width, height: width < 500 ? 740 : 900 });
      await noteShifts(page);
      await visit(page, site, demo, 'device=cpu');
      const { step } = await state(page);
      await page.evaluate(() => window.kiln.run());
      await untilStep(page, step + steps, 90_000);
      const moved = await page.evaluate(() =>
        window.shifts
          .filter(({ hadRecentInput }) => !hadRecentInput)
          .map(({ value, sources }) => ({ value, what: sources.map(({ node }) => node?.id || node?.className || node?.nodeName).join(', ') })),
      );
      const sum = moved.reduce((all, { value }) => all + value, 0);
      console.log(`${demo} at ${width} px: ${sum.toFixed(3)}`);
      expect(sum, JSON.stringify(moved, null, 1)).toBeLessThan(0.1);
    });
  }
}
