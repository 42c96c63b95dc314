// axe-core finds nothing: on the front door, in a run of every demo, in each dialog and list, on cards; on light and dark ground, on
// a phone and on a large screen. What axe cannot see (canvases, what is read aloud) is in contrast.spec.js and access.spec.js.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test, expect, visit, card, SMALL, SMALL_DIGITS, SMALL_DIFFUSION, SMALL_DIFFUSION2D, SMALL_REALNVP } from './kiln.js';
import { audit } from './axe.js';

const DEMOS = JSON.parse(await readFile(fileURLToPath(new URL('../../www/demos.json', import.meta.url)), 'utf8'));
/** Colours do not depend on the size of the page, nor sizes on colours. */
const LARGE = [1440, 900, 'light'];
const LARGE_DARK = [1440, 900, 'dark'];
const PHONE = [360, 740, 'dark'];
/** Links of small networks; every other demo is opened as its plain link opens it. */
const LINKS = Object.fromEntries([SMALL, SMALL_DIGITS, SMALL_DIFFUSION, SMALL_DIFFUSION2D, SMALL_REALNVP].map((link) => [link.split('?')[0], link]));

/** Nothing is found in any size and on any ground; fewer elements than `least` cannot be the page that is meant. */
async function sound(page, where, { least = 60, sizes = [LARGE, LARGE_DARK, PHONE], prepare = async () => {} } = {}) {
  for (const [width, height, colorScheme] of sizes) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await prepare();
    // What is scrolled half out of sight is obscured by nothing of ours.
    await page.evaluate(() => document.querySelectorAll('*').forEach((one) => (one.scrollTop = 0)));
    const { found, passed, rules } = await audit(page);
    // All that is found is told at once.
    expect.soft(found, `${where}, ${width} px, ${colorScheme}`).toEqual([]);
    expect(passed, `${where}, ${width} px, ${colorScheme}`).toBeGreaterThan(least);
    expect(rules).toEqual(expect.arrayContaining(['color-contrast', 'target-size']));
    // For axe, room around a thin slider makes up for its height.
    const thin = await page.locator('input[type=range]:visible').evaluateAll((all) => all.filter((one) => one.getBoundingClientRect().height < 24).map((one) => one.outerHTML));
    expect.soft(thin, where).toEqual([]);
  }
}

/** The words of the lesson come a moment after the run. */
const explained = (page) => expect(page.locator('#lesson .explained').first()).toBeAttached();

test.beforeEach(async ({ page }) => {
  test.setTimeout(180_000);
  // A colour on its way to another one is neither.
  await page.emulateMedia({ reducedMotion: 'reduce' });
});

for (const language of ['en', 'zh']) {
  test(`the front door, in ${language}`, async ({ page, site }) => {
    await page.goto(`${site}?lang=${language}`);
    await expect(page.locator('.demo-card .shows').last()).not.toBeEmpty();
    await sound(page, 'front door');
    await page.click('.picker summary');
    await sound(page, 'front door, list of demos');
  });
}

for (const { name, does } of DEMOS) {
  test(`a run of ${name}`, async ({ page, site }) => {
    await visit(page, site, LINKS[name] ?? name, `paused&device=cpu${DEMOS.findIndex((one) => one.name === name) % 2 ? '&lang=zh' : ''}`);
    await explained(page);
    // Nothing is measured yet; of what needs a download nothing is here.
    await sound(page, `${name}, at first`);
    if (does !== 'trains') return;
    await page.evaluate(() => window.kiln.step(3));
    await expect(page.locator('.tile').first()).toBeVisible();
    await page.locator('.control .why').first().click();
    await page.locator('#lesson details summary').evaluateAll((all) => all.forEach((one) => one.click()));
    await sound(page, `${name}, after some steps`);
  });
}

test('dialogs, lists and cards', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await explained(page);
  await page.evaluate(() => window.kiln.step(120));
  for (const name of ['share', 'models', 'courses', 'glossary', 'keys']) {
    const prepare = async () => {
      if (await page.locator(`#${name}`).isVisible()) return;
      const unfold = page.locator('#lesson .unfold');
      if ((await unfold.isVisible()) && (await unfold.getAttribute('aria-expanded')) === 'false') await unfold.click();
      await page.locator(`[data-do=${name}]`).first().click();
      await expect(page.locator(`#${name}`)).toBeVisible();
    };
    await sound(page, name, { prepare, least: 20 });
    await page.keyboard.press('Escape');
    await expect(page.locator(`#${name}`)).toBeHidden();
  }
  for (const list of ['.picker', '.badge']) {
    await page.click(`${list} summary`);
    await sound(page, list);
    await page.keyboard.press('Escape');
  }
  await page.locator('#lesson .explained').first().click();
  await expect(page.locator('#term')).toBeVisible();
  await sound(page, 'a term');
  await page.keyboard.press('Escape');
  await page.evaluate(() => window.kiln.open('nonsense').catch(() => {}));
  await expect(card(page, 'error-unknown-demo')).toBeVisible();
  await page.evaluate(() => window.kiln.open('gan2d?width=9999&colour=blue'));
  await expect(page.locator('#cards .card.note').first()).toBeVisible();
  await sound(page, 'cards');
});

test('what an experiment of the lesson has changed', async ({ page, site }) => {
  for (const size of [LARGE, LARGE_DARK]) {
    await page.goto('about:blank');
    await visit(page, site, SMALL);
    await page.locator('#lesson .try a').nth(1).click();
    // The marks go by themselves: they are looked at at once.
    await expect(page.locator('.control.changed').first()).toBeVisible();
    await sound(page, 'marks', { sizes: [size] });
  }
});

test('a text with all that is shown of it', async ({ page, site, models }) => {
  await visit(page, site, `text?model=${models.url}plain/tiny/tiny-llama-q8_0.gguf&prompt=Hello%20there,%20who%20are%20you?&max_tokens=24`);
  await page.evaluate(() => window.kiln.run({ download: true }));
  await page.waitForFunction(() => window.kiln.state.status === 'paused' && window.kiln.state.step > 12, null, { timeout: 60_000 });
  await page.click('[data-show=surprise]');
  await page.locator('.turn.assistant .token').nth(2).click();
  await expect(page.locator('.token-card')).toContainText('bits');
  await sound(page, 'surprise');
  await page.click('[data-show=attention]');
  await page.click('[data-show=lens]');
  await expect(page.locator('.lens td').first()).toBeVisible();
  await page.evaluate(() => document.querySelectorAll('.lens td').forEach((cell, index) => (cell.dataset.heat = String(index % 10))));
  await sound(page, 'attention and lens');
});
