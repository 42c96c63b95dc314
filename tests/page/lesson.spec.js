// What a link of the lesson does beside opening its run.

import { test, expect, visit, state, card, untilStep, SHOTS } from './kiln.js';

/** The experiment with two values of its own. */
const experiment = (page) => page.locator('#lesson .try a').nth(1);
const marked = (page) => page.locator('.control.changed').evaluateAll((rows) => rows.map(({ dataset }) => dataset.key));
/** Whether the toolbar and the head of the first tile can be seen, the tile not under the toolbar. */
const inSight = (page) =>
  page.evaluate(() => {
    const bar = document.getElementById('toolbar').getBoundingClientRect();
    const tile = document.querySelector('.tile h2').getBoundingClientRect();
    return bar.top >= -1 && tile.top >= bar.bottom - 1 && tile.bottom <= innerHeight;
  });

/** Notes how the page is moved. */
const noteMoves = (page) =>
  page.addInitScript(() => {
    window.moves = [];
    const plain = window.scrollTo;
    window.scrollTo = (...wanted) => {
      window.moves.push(wanted[0].behavior ?? 'by the test');
      plain(...wanted);
    };
  });

for (const [width, language] of [[1100, 'en'], [700, 'zh'], [390, 'en']]) {
  test(`on a page ${width} px wide an experiment comes into sight, and what it changes is marked and said`, async ({ page, site }) => {
    await page.setViewportSize({ width, height: 800 });
    await noteMoves(page);
    await visit(page, site, 'gan2d', `paused&device=cpu&lang=${language}`);
    await page.evaluate(() => window.kiln.step(2));
    await page.click('#lesson .unfold');
    await experiment(page).scrollIntoViewIfNeeded();
    expect(await inSight(page)).toBe(false);
    await experiment(page).click();
    await expect.poll(async () => (await state(page)).link).toMatch(/loss=minimax.*lr_d=0\.005|lr_d=0\.005.*loss=minimax/);
    await untilStep(page, 1);
    await expect.poll(() => inSight(page)).toBe(true);
    expect(await page.evaluate(() => [document.activeElement.id, ...window.moves])).toEqual(['main', 'smooth']);
    // Marked by words, not by colour alone; said once.
    expect((await marked(page)).sort()).toEqual(['loss', 'lr_d']);
    const [mark, said] = language === 'zh' ? ['已更改', '损失函数：极小极大（原始）；判别器学习率：0.005'] : ['changed', /Loss: Minimax \(original\); .*: 0\.005/];
    await expect(page.locator('.control.changed .changed-mark')).toHaveText([mark, mark]);
    await expect(card(page, 'tried')).toHaveCount(1);
    await expect(card(page, 'tried')).toHaveAttribute('role', 'status');
    await expect(card(page, 'tried')).toContainText(said);
    await page.screenshot({ path: `${SHOTS}/lesson-${width}.png` });
    // Other controls, other runs: nothing of the lesson's.
    await page.evaluate(() => window.kiln.open('gan2d?batch=32'));
    expect(await marked(page)).toEqual([]);
  });
}

test('whoever wants less motion is taken to the run at once', async ({ page, site }) => {
  await page.setViewportSize({ width: 390, height: 800 });
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await noteMoves(page);
  await visit(page, site, 'gan2d');
  await page.evaluate(() => window.kiln.step(2));
  await experiment(page).click();
  expect(await page.evaluate(() => window.moves)).toEqual(['instant']);
  await expect.poll(() => inSight(page)).toBe(true);
});

test('beside the run the lesson stays where it is read, and the marks go by themselves', async ({ page, site }) => {
  await noteMoves(page);
  await visit(page, site, 'gan2d');
  await experiment(page).focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => marked(page)).toEqual(['loss', 'lr_d']);
  await expect(experiment(page)).toBeFocused();
  expect(await page.evaluate(() => window.moves)).toEqual([]);
  expect(await page.evaluate(() => scrollY)).toBeLessThan(400);
  await expect(page.locator('.changed')).toHaveCount(0, { timeout: 20_000 });
});

test('a speed that an experiment sets is marked in the toolbar, and a link to what runs changes nothing', async ({ page, site }) => {
  await visit(page, site, 'gan2d');
  await page.locator('#lesson .try a').first().click();
  await expect(page.locator('#toolbar .changed-mark')).toHaveText('changed');
  await expect(card(page, 'tried')).toContainText('Slow motion');
  await card(page, 'tried').locator('.close').click();
  await page.locator('#lesson .try a').first().click();
  // Values that the person changes after that are the person's own.
  await page.locator('[data-key=depth] input[type=number]').fill('3');
  await page.locator('[data-key=depth] input[type=number]').press('Enter');
  await expect.poll(async () => (await state(page)).link).toMatch(/depth=3/);
  expect(await marked(page)).toEqual([]);
  await expect(card(page, 'tried')).toHaveCount(0);
});

test('beside a run that was scrolled out of sight the page moves to it, and the focus stays', async ({ page, site }) => {
  await page.setViewportSize({ width: 1280, height: 500 });
  await noteMoves(page);
  await visit(page, site, 'gan2d');
  await page.evaluate(() => window.kiln.step(2));
  await page.evaluate(() => scrollTo(0, 600));
  await experiment(page).focus();
  await page.evaluate(() => (window.moves.length = 0));
  await page.keyboard.press('Enter');
  await expect.poll(() => marked(page)).toEqual(['loss', 'lr_d']);
  await expect.poll(() => inSight(page)).toBe(true);
  await expect(experiment(page)).toBeFocused();
  expect(await page.evaluate(() => window.moves)).toEqual(['smooth']);
});
