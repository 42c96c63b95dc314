// Nothing is downloaded unasked, and a model that is here already is simply used.

import { test, expect, visit, state, card, SHOTS } from './kiln.js';

const linkTo = (models, values = '') => `text?model=${models.url}plain/tiny/tiny-llama-q8_0.gguf&max_tokens=8${values && `&${values}`}`;
const field = (page) => page.locator('.composer textarea');
const turns = (page, role) => page.locator(`.turn.${role}`);
const stands = (page, least = 1) =>
  page.waitForFunction((steps) => window.kiln.state.status === 'paused' && window.kiln.state.step >= steps, least, { timeout: 60_000, polling: 50 });

const PRESSES = {
  Space: (page) => page.locator('body').press(' '),
  s: (page) => page.locator('body').press('s'),
  Run: (page) => page.click('[data-do=run]'),
  Step: (page) => page.click('[data-do=step]'),
  Send: async (page) => {
    await field(page).fill('Hello');
    await page.click('.composer [data-do=send]');
  },
  'a suggestion': (page) => page.locator('.suggestions button').first().click(),
  'a live control': async (page) => {
    await page.locator('#control-temperature').fill('1.5');
    await page.locator('#control-temperature').press('Enter');
  },
  'New seed': (page) => page.click('[data-do=seed]'),
  Reset: (page) => page.click('[data-do=reset]'),
};

test('only the button that names the size downloads; all else leads to it', async ({ page, site, models }) => {
  await visit(page, site, linkTo(models), 'device=cpu');
  const download = page.locator('.consent [data-do=download]');
  for (const [name, press] of Object.entries(PRESSES)) {
    await press(page);
    await expect.poll(async () => (await state(page)).status, { message: name }).toBe('paused');
    await expect(download, name).toBeVisible();
    if (['Space', 's', 'Run', 'Step', 'Send', 'a suggestion'].includes(name)) await expect(download, name).toBeFocused();
    await page.evaluate(() => document.activeElement.blur());
  }
  const refused = await page.evaluate(() => window.kiln.run().catch(({ code }) => code));
  expect(refused).toBe('consent');
  expect(await page.evaluate(() => window.kiln.step().catch(({ code }) => code))).toBe('consent');
  // An answer of the worker to whatever it was told last, after which a request would have been on its way.
  await page.evaluate(() => window.kiln.checkpoint());
  expect(models.asked).toEqual([]);
  await download.click();
  await expect.poll(() => models.asked.length).toBeGreaterThan(0);
  await expect(page.locator('.consent')).toBeHidden();
});

test('where nothing was asked nothing is answered: the default is a suggestion that one can take', async ({ page, site, models }) => {
  await visit(page, site, linkTo(models), 'device=cpu');
  await page.click('.consent [data-do=download]');
  await expect(page.locator('.consent')).toBeHidden();
  await expect(page.locator('#said')).toHaveText('Ready: write to the model');
  await expect(page.locator('.token')).toHaveCount(0);
  await expect(field(page)).toHaveAttribute('placeholder', /Why is the sky blue/);
  await page.screenshot({ path: `${SHOTS}/text-ready.png`, fullPage: true });
  // The first message is the first: no answer to another one before it.
  await field(page).fill('Hello');
  await field(page).press('Enter');
  await stands(page);
  await expect(turns(page, 'user')).toHaveCount(1);
  await expect(turns(page, 'user')).toContainText('Hello');
  await expect(turns(page, 'assistant')).toHaveCount(1);
});

test('an empty Send takes the suggestion', async ({ page, site, models }) => {
  await visit(page, site, linkTo(models), 'device=cpu');
  await page.click('.consent [data-do=download]');
  await expect(page.locator('#said')).toHaveText('Ready: write to the model');
  await page.click('.composer [data-do=send]');
  await stands(page);
  await expect(turns(page, 'user')).toContainText('Why is the sky blue?');
});

for (const time of [1, 2, 3, 4]) {
  test(`a model that is here already is opened without a word (${time})`, async ({ page, site, models }) => {
    await visit(page, site, linkTo(models), 'device=cpu');
    await page.click('.consent [data-do=download]');
    await expect(page.locator('#said')).toHaveText('Ready: write to the model');
    const asked = models.asked.length;
    await page.goto('about:blank');
    await visit(page, site, linkTo(models, 'prompt=Hello'), 'device=cpu');
    await stands(page);
    await expect(turns(page, 'assistant')).toHaveCount(1);
    await page.goto('about:blank');
    await visit(page, site, linkTo(models), 'device=cpu');
    await expect(page.locator('#said')).toHaveText('Ready: write to the model');
    await expect(page.locator('.consent')).toBeHidden();
    await expect(card(page, 'error-')).toHaveCount(0);
    expect(models.asked.length).toBe(asked);
  });
}
