// Every text can be read, on light and on dark ground.

import { test, expect, visit, state, card, SMALL, SHOTS } from './kiln.js';
import { faint, noteCanvases } from './contrast.js';

/** Nothing that stands on the page now is too faint. */
async function legible(page, least) {
  // The words of the page, and those of the lesson, come a moment later than the run.
  await expect(page.locator('#lesson h2')).toBeVisible();
  const { found, looked } = await faint(page);
  expect(found).toEqual([]);
  expect(looked).toBeGreaterThan(least);
}

for (const colorScheme of ['light', 'dark']) {
  const here = async (page) => {
    await page.emulateMedia({ colorScheme });
    await noteCanvases(page);
  };

  test(`the points can be read, ${colorScheme}`, async ({ page, site }) => {
    await here(page);
    await visit(page, site, `${SMALL}&colour=blue`);
    await page.evaluate(() => window.kiln.step(120));
    // One list of the header at a time: each closes when something else is clicked.
    for (const list of ['.picker', '.badge']) {
      await page.click(`${list} summary`);
      await expect(page.locator(`${list} .pop`)).toBeVisible();
      await legible(page, 80);
    }
    await page.click('[data-key=loss] .why');
    await page.click('#lesson summary >> nth=0');
    await page.evaluate(() => window.kiln.open('nonsense').catch(() => {}));
    await expect(card(page, 'error-unknown-demo')).toBeVisible();
    await expect(page.locator('#cards .card.note').first()).toBeVisible();
    await legible(page, 80);
    await page.locator('#lesson .try a').nth(1).click();
    await expect(page.locator('.control.changed').first()).toBeVisible();
    await legible(page, 80);
    for (const [press, dialog] of [['share', '#share'], ['models', '#models'], ['courses', '#courses'], ['glossary', '#glossary'], ['keys', '#keys']]) {
      await page.locator(`[data-do=${press}]`).first().click();
      await expect(page.locator(dialog)).toBeVisible();
      await legible(page, 80);
      await page.keyboard.press('Escape');
    }
  });

  test(`the pictures of the VAE can be read, ${colorScheme}`, async ({ page, site }) => {
    test.setTimeout(120_000);
    await here(page);
    await visit(page, site, 'vae', 'device=cpu');
    await expect(page.locator('[data-panel=reconstructions] canvas')).toBeVisible({ timeout: 30_000 });
    await expect.poll(async () => (await state(page)).status, { timeout: 30_000 }).toBe('paused');
    // What a canvas writes is known once it was in sight.
    for (const tile of await page.locator('.tile:visible').all()) await tile.scrollIntoViewIfNeeded();
    await legible(page, 80);
  });

  test(`a text can be read on every shade of heat and surprise, ${colorScheme}`, async ({ page, site, models }) => {
    test.setTimeout(120_000);
    await here(page);
    await visit(page, site, `text?model=${models.url}plain/tiny/tiny-llama-q8_0.gguf&prompt=Hello%20there,%20who%20are%20you?&max_tokens=24`);
    await legible(page, 30);
    await page.evaluate(() => window.kiln.run({ download: true }));
    await page.waitForFunction(() => window.kiln.state.status === 'paused' && window.kiln.state.step > 12, null, { timeout: 60_000 });
    await page.click('[data-show=marks]');
    await page.click('[data-show=surprise]');
    await page.locator('.turn.assistant .token').nth(2).click();
    await expect(page.locator('.token-card')).toContainText('bits');
    /** A model of two layers does not come to every shade by itself. */
    const shade = (name, most) =>
      page.evaluate(
        ([key, count]) => document.querySelectorAll('.reading .token').forEach((token, index) => (token.dataset[key] = String(index % (count + 1)))),
        [name, most],
      );
    await shade('surprise', 5);
    await legible(page, 60);
    await page.click('[data-show=attention]');
    await page.click('[data-show=lens]');
    await expect(page.locator('.lens td').first()).toBeVisible();
    await expect(page.locator('[data-panel=attention] canvas')).toBeVisible();
    await shade('heat', 9);
    await page.evaluate(() => document.querySelectorAll('.lens td').forEach((cell, index) => (cell.dataset.heat = String(index % 10))));
    await legible(page, 80);
    await page.screenshot({ path: `${SHOTS}/contrast-text-${colorScheme}.png`, fullPage: true });
  });
}
