// For people who use the page otherwise than with eyes and a mouse.

import { test, expect, visit, untilStep, state, answers, pick, SMALL, SHOTS } from './kiln.js';

test('whoever wants less motion begins each run by hand', async ({ page, site }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await visit(page, site, SMALL, 'device=cpu');
  expect((await state(page)).status).toBe('paused');
  await answers(page);
  expect(await state(page)).toMatchObject({ status: 'paused', step: 0 });
  await pick(page, 'diffusion2d');
  await expect.poll(async () => (await state(page)).demo).toBe('diffusion2d');
  await answers(page);
  expect(await state(page)).toMatchObject({ status: 'paused', step: 0 });
  await page.evaluate(() => (location.hash = '#gan2d?seed=3'));
  await expect.poll(async () => (await state(page)).link).toBe('gan2d?seed=3');
  await answers(page);
  expect((await state(page)).step).toBe(0);
  await page.click('[data-do=run]');
  await untilStep(page, 5);
  // In the place of what runs another one runs.
  await page.evaluate(() => (location.hash = '#gan2d?seed=4'));
  await expect.poll(async () => (await state(page)).link).toBe('gan2d?seed=4');
  await untilStep(page, 5);
});

test('a button whose name says what it will do has no pressed state', async ({ page, site }) => {
  await visit(page, site, SMALL, 'device=cpu');
  for (const button of ['[data-do=run]', '.pen']) {
    const before = await page.locator(button).textContent();
    await page.click(button);
    await expect(page.locator(button)).not.toHaveText(before);
    expect(await page.locator(button).getAttribute('aria-pressed')).toBeNull();
  }
});

test('nothing that is read aloud by itself changes at each step', async ({ page, site }) => {
  for (const link of [SMALL, 'realnvp?batch=32&couplings=4&width=16&point=0,0']) {
    await page.goto('about:blank');
    await visit(page, site, link, 'paused&device=cpu');
    await page.evaluate(() => window.kiln.step(2));
    await expect(page.locator('#said')).toContainText('step 2');
    await page.evaluate(() => {
      window.read = [];
      // The live regions as they stand, and those that come.
      const live = '[aria-live=polite], [aria-live=assertive], [role=status], [role=alert], [role=log], output';
      new MutationObserver((changes) => {
        for (const { target } of changes) {
          const region = (target.nodeType === Node.TEXT_NODE ? target.parentElement : target)?.closest(live);
          if (region) window.read.push(`${region.className || region.id}: ${region.textContent}`);
        }
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    await page.evaluate(() => window.kiln.run());
    await untilStep(page, 40);
    await page.evaluate(() => window.kiln.pause());
    await answers(page);
    // That it runs, and that it is paused.
    const read = await page.evaluate(() => window.read);
    expect(read.filter((said) => !said.startsWith('off-screen')), link).toEqual([]);
    expect(read.length, read.join('\n')).toBeLessThanOrEqual(2);
    expect(await page.locator('output').count()).toBe(0);
  }
});

test('where the person\'s own colours hold, what is pressed, keys and the icon can be seen', async ({ page, site }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(3));
  await page.click('[data-act=train_generator]');
  const ground = (selector) => page.locator(selector).first().evaluate((element) => getComputedStyle(element).backgroundColor);
  const canvas = await page.evaluate(() => {
    const one = Object.assign(document.createElement('i'), { style: 'background: Canvas' });
    document.body.append(one);
    return getComputedStyle(one).backgroundColor;
  });
  expect(await ground('[data-act=train_generator]')).not.toBe(await ground('[data-act=train_both]'));
  expect(await ground('[data-do=run] .icon')).not.toBe(await ground('[data-do=run]'));
  const keys = await page.locator('.key i.real, .key i.generated').evaluateAll((dots) => dots.map((dot) => getComputedStyle(dot).backgroundColor));
  expect(keys.length).toBe(2);
  expect(new Set([...keys, canvas]).size).toBe(3);
  await page.screenshot({ path: `${SHOTS}/forced-colours.png` });
});
