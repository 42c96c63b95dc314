// The header's lists - the picker of demos, the device - and the list of keyboard shortcuts.

import { test, expect, pick, visit, state, SHOTS, SMALL } from './kiln.js';

const list = (page, name) => page.locator(`.${name} .pop`);
const button = (page, name) => page.locator(`.${name} > summary`);

for (const name of ['picker', 'badge']) {
  test(`the list under the ${name} opens with a key, and Escape, a click outside and the way on close it`, async ({ page, site }) => {
    await visit(page, site, SMALL);
    await button(page, name).focus();
    await page.keyboard.press('Enter');
    await expect(list(page, name)).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(list(page, name)).toBeHidden();
    await expect(button(page, name)).toBeFocused();
    await button(page, name).click();
    await list(page, name).click({ position: { x: 4, y: 4 } });
    await expect(list(page, name)).toBeVisible();
    await page.mouse.click(5, 700);
    await expect(list(page, name)).toBeHidden();
    await button(page, name).click();
    await expect(list(page, name)).toBeVisible();
    await page.locator('[data-do=run]').focus();
    await expect(list(page, name)).toBeHidden();
  });
}

test('the picker names the open demo, the keys go through its list, and what is chosen opens', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await expect(button(page, 'picker')).toHaveText('Demo: GAN in 2D');
  await button(page, 'picker').focus();
  await page.keyboard.press('Enter');
  await expect(list(page, 'picker').locator('[aria-current=page]')).toHaveText('GAN in 2D');
  await page.keyboard.press('ArrowDown');
  await expect(page.locator('[data-demo=gan2d]')).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  await expect(page.locator('[data-demo=dcgan]')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(list(page, 'picker')).toBeHidden();
  await expect.poll(async () => (await state(page)).demo, { timeout: 30_000 }).toBe('dcgan');
  await expect(button(page, 'picker')).toHaveText('Demo: GAN on pictures');
});

test('fifteen demos fit on a page 360 px wide, and so does what stands under the badge', async ({ page, changed }) => {
  // As many more as there are not, in families of which the page has not heard.
  const site = await changed((path, body) => {
    if (!path.endsWith('/demos.json')) return body;
    const demos = JSON.parse(body);
    const more = Array.from({ length: 15 - demos.length }, (_, index) => ({
      ...demos[0], name: `more${index}`, family: `family ${index % 3}`, title: { en: `Another demo with a long title, number ${index}`, zh: `另一个标题很长的演示之${index}` },
    }));
    return JSON.stringify([...demos, ...more]);
  });
  await page.setViewportSize({ width: 360, height: 640 });
  for (const language of ['en', 'zh']) {
    await page.goto('about:blank');
    await visit(page, site, 'diffusion', `paused&device=cpu&lang=${language}`);
    for (const name of ['picker', 'badge']) {
      await button(page, name).click();
      const box = await list(page, name).boundingBox();
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(360);
      expect(box.y + box.height).toBeLessThanOrEqual(640);
      await page.screenshot({ path: `${SHOTS}/header-${name}-360-${language}.png` });
      if (name === 'picker') {
        await expect(page.locator('[data-demo]')).toHaveCount(15);
        await page.locator('[data-demo]').last().scrollIntoViewIfNeeded();
        await expect(page.locator('[data-demo]').last()).toBeInViewport();
      }
      await page.keyboard.press('Escape');
    }
    expect((await page.locator('#header').boundingBox()).height).toBeLessThan(110);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  }
});

test('the list of keyboard shortcuts opens with ? and from the footer, and switches single keys off and on', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.locator('body').press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  await page.screenshot({ path: `${SHOTS}/shortcuts.png` });
  await page.locator('#keys').getByRole('checkbox').uncheck();
  await page.keyboard.press('Escape');
  await expect(page.locator('#keys')).toBeHidden();
  await page.locator('body').press('s');
  await page.locator('body').press('?');
  await page.reload();
  await page.evaluate(() => window.kiln.ready);
  await page.locator('body').press('s');
  await expect(page.locator('#keys')).toBeHidden();
  await page.locator('#footer [data-do=keys]').click();
  await page.locator('#keys input[type=checkbox]').check();
  await page.keyboard.press('Escape');
  // On a button keys are the button's.
  await page.locator('#main').focus();
  await page.locator('body').press('s');
  // That one alone was taken.
  await expect.poll(async () => (await state(page)).step).toBe(1);
});

test('at the door no run takes a key', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.locator('.brand').click();
  await expect(page.locator('#door h1')).toBeVisible();
  await page.locator('body').press('s');
  await page.locator('body').press(' ');
  await pick(page, 'gan2d');
  await expect(page.locator('#toolbar')).toBeVisible();
  expect(await state(page)).toMatchObject({ step: 0, status: 'paused' });
});
