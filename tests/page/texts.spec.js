// Short texts through training, and a text of a demo that trains: drawn from a worker of the test's own.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test, expect, visit, state, answers, card, keep, SHOTS } from './kiln.js';
import { audit } from './axe.js';
import { faint, noteCanvases } from './contrast.js';

const WORKER = fileURLToPath(new URL('texts-worker.js', import.meta.url));

/** Opens the page with that worker in the place of the CPU's. */
async function open(page, changed, link = 'sums') {
  await visit(page, await changed((path, body) => (path.endsWith('/worker-cpu_loader.js') ? readFile(WORKER) : body)), link);
  await expect(rows(page)).toHaveCount(4);
}

const view = (page) => page.locator('[data-panel=continuations] .texts');
const group = (page) => page.locator('.rows-of-text');
const rows = (page) => page.locator('.rows-of-text li');
const line = (page, row) => rows(page).nth(row).locator('.line');
const written = (page, row) => rows(page).nth(row).locator('.token');
const said = (page) => page.locator('.texts .said');
const slider = (page) => view(page).locator('.film input');
const step = (page, n) => page.evaluate((steps) => window.kiln.step(steps), n);
const shades = (page, row) => written(page, row).evaluateAll((spans) => spans.map(({ dataset }) => Number(dataset.heat)));

test('each text is a row whose tokens are shaded by their probability, and an answer is right or wrong', async ({ page, changed }) => {
  await open(page, changed);
  // What is at the end of a line has a sign; what is within the text breaks it.
  await expect(line(page, 0)).toHaveText('12+34=99↵');
  await expect(written(page, 0)).toHaveText(['9', '9', '↵']);
  expect(await line(page, 2).evaluate((element) => element.innerText)).toBe('Two lines:\nthe first is 0\nthe second␣');
  await expect(line(page, 3)).toHaveText(/^↵↵反+a+$/);
  const [first, third] = await Promise.all([0, 2].map((row) => line(page, row).boundingBox()));
  expect(third.height).toBeGreaterThan(2.5 * first.height);
  await expect(rows(page).nth(0).locator('.verdict')).toHaveText(/✗\s*wrong\s*right would be 46/);
  await expect(rows(page).nth(1).locator('.verdict')).toHaveCount(0);
  expect(await shades(page, 0)).toEqual([1, 1, 1]);
  await step(page, 6);
  await expect(line(page, 0)).toHaveText('12+34=46↵');
  await expect(rows(page).nth(0).locator('.verdict')).toHaveText(/^✓\s*right\s*$/);
  // 7 of 12, of 13 and of 14, in ninths.
  expect(await shades(page, 0)).toEqual([5, 5, 5]);
  const grounds = () => page.locator('.rows-of-text .token').evaluateAll((spans) => spans.map((span) => getComputedStyle(span).backgroundColor));
  expect(new Set(await grounds()).size).toBeGreaterThan(3);
  // What was given has none.
  expect(await line(page, 0).evaluate((element) => getComputedStyle(element).backgroundColor)).toBe('rgba(0, 0, 0, 0)');
});

test('what a model writes is text, whatever its characters mean elsewhere', async ({ page, changed }) => {
  await open(page, changed);
  await expect(line(page, 1)).toHaveText('<i>&lt;</i>');
  await expect(line(page, 1).locator('i')).toHaveCount(0);
  await expect(page.locator('.reading')).toContainText('Mary <b>had</b> a lamb 0');
});

test('the pointer and the keyboard find the probability of a token, with one stop for all', async ({ page, changed }) => {
  await open(page, changed);
  await step(page, 5);
  await expect(said(page)).toHaveText(/^Point at/);
  await written(page, 0).nth(1).hover();
  await expect(said(page)).toHaveText('“6” had a probability of 46.2 %.');
  await page.mouse.move(0, 0);
  await expect(said(page)).toHaveText(/^Point at/);
  expect(await group(page).locator('[tabindex], button, a').count()).toBe(0);
  await group(page).focus();
  await page.keyboard.press('ArrowRight');
  await expect(said(page)).toHaveText('“4” had a probability of 50.0 %.');
  await expect(page.locator('.texts [aria-live]')).toHaveText('“4” had a probability of 50.0 %. Text 1 of 4.');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await expect(said(page)).toHaveText('“↵” had a probability of 42.9 %.');
  await page.keyboard.press('ArrowRight');
  await expect(said(page)).toHaveText('“<” had a probability of 50.0 %.');
  await expect(written(page, 1).nth(0)).toHaveClass(/at/);
  await page.keyboard.press('ArrowUp');
  await expect(page.locator('.token.at')).toHaveAttribute('data-row', '0');
  await page.keyboard.press('End');
  await expect(page.locator('.token.at')).toHaveAttribute('data-row', '3');
  // Of the place that is looked at the page says the next value, and says it to the eye alone.
  await page.keyboard.press('Home');
  await page.locator('.texts [aria-live]').evaluate((element) => (element.textContent = ''));
  await step(page, 1);
  await expect(said(page)).toHaveText('“4” had a probability of 58.3 %.');
  await expect(page.locator('.texts [aria-live]')).toHaveText('');
  await page.keyboard.press('Escape');
  await expect(said(page)).toHaveText(/^Point at/);
  await written(page, 1).nth(0).click();
  await expect(said(page)).toHaveText('“<” had a probability of 58.3 %.');
});

test('the film of the texts goes back to the first step, stays there and comes back to now', async ({ page, changed }) => {
  await open(page, changed);
  await expect(view(page).locator('.film')).toBeHidden();
  await step(page, 5);
  await expect(view(page)).toHaveAttribute('data-step', '5');
  await slider(page).press('Home');
  await expect(view(page)).toHaveAttribute('data-step', '0');
  await expect(line(page, 0)).toHaveText('12+34=99↵');
  await expect(rows(page).nth(0)).toHaveAttribute('data-right', 'false');
  await expect(view(page).locator('.when')).toHaveText('As it was at step 0');
  await step(page, 2);
  await expect(line(page, 2)).toContainText('the first is 0');
  await slider(page).press('ArrowRight');
  await expect(line(page, 2)).toContainText('the first is 1');
  await view(page).locator('[data-do=now]').click();
  await expect(line(page, 2)).toContainText('the first is 7');
  await step(page, 1);
  await expect(line(page, 2)).toContainText('the first is 8');
});

test('the film plays from the first step to now, step by step where less motion is wanted', async ({ page, changed }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await open(page, changed);
  await step(page, 3);
  const play = view(page).locator('[data-do=play]');
  await expect(play).toHaveAccessibleName('Step: Continuations');
  const seen = [];
  for (let press = 0; press < 5; press += 1) {
    await play.click();
    seen.push(await view(page).getAttribute('data-step'));
  }
  // From the end it begins anew.
  expect(seen).toEqual(['0', '1', '2', '3', '0']);
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  await expect(play).toHaveAccessibleName('Play: Continuations');
  await page.evaluate(() => {
    window.played = [];
    const element = document.querySelector('.texts');
    new MutationObserver(() => window.played.push(element.dataset.step)).observe(element, { attributeFilter: ['data-step'] });
  });
  await play.click();
  await expect(play).toHaveAccessibleName('Pause: Continuations');
  await expect(view(page).locator('[data-do=now]')).toBeDisabled();
  await expect(play).toHaveAccessibleName('Play: Continuations');
  expect([...new Set(await page.evaluate(() => window.played))].filter((at) => at !== '0')).toEqual(['1', '2', '3']);
});

test('of many steps the film keeps two hundred at most, among them the first, the newest and the one that is looked at', async ({ page, changed }) => {
  await open(page, changed);
  await step(page, 5);
  await slider(page).press('Home');
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight']) await slider(page).press(key);
  await expect(line(page, 2)).toContainText('the first is 3');
  await step(page, 240);
  await expect(view(page)).toHaveAttribute('data-step', '3');
  const kept = Number(await slider(page).getAttribute('max')) + 1;
  expect(kept).toBeLessThanOrEqual(200);
  expect(kept).toBeGreaterThan(100);
  await slider(page).press('Home');
  await expect(line(page, 2)).toContainText('the first is 0');
  await slider(page).press('End');
  await expect(line(page, 2)).toContainText('the first is 245');
});

test('a run that goes on from an earlier checkpoint keeps the film up to there', async ({ page, changed }) => {
  await open(page, changed);
  await step(page, 4);
  await keep(page);
  await step(page, 5);
  await slider(page).press('Home');
  await page.evaluate(() => window.kiln.set('temperature', 2));
  await card(page, 'error-diverged').getByRole('button', { name: /step 4/ }).click();
  await expect.poll(async () => (await state(page)).step).toBe(4);
  await expect(view(page)).toHaveAttribute('data-step', '4');
  await expect(line(page, 2)).toContainText('the first is 4');
  await expect(slider(page)).toHaveAttribute('max', '4');
  await step(page, 2);
  await expect(line(page, 2)).toContainText('the first is 6');
  // Another run begins its own.
  await page.evaluate(() => window.kiln.open('sums?seed=2'));
  await expect(view(page)).toHaveAttribute('data-step', '0');
  await expect(view(page).locator('.film')).toBeHidden();
});

test('where pictures come in another size their film begins anew, and now is shown', async ({ page, changed }) => {
  await open(page, changed, 'sums?pictures=true');
  await step(page, 3);
  const pictures = page.locator('[data-panel=pictures] .images');
  await pictures.locator('.film input').press('Home');
  await expect(pictures).toHaveAttribute('data-step', '0');
  await step(page, 4);
  await expect(pictures).toHaveAttribute('data-step', '7');
  await expect(pictures.locator('[data-do=now]')).toBeDisabled();
  await expect(pictures.locator('.film input')).toHaveAttribute('max', '2');
});

test('texts that are no film are those of now', async ({ page, changed }) => {
  await open(page, changed, 'sums?film=false');
  await step(page, 3);
  await expect(line(page, 2)).toContainText('the first is 3');
  await expect(view(page).locator('.film')).toHaveCount(0);
});

test('the texts are told in both languages, fit a phone and can be read', async ({ page, changed }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await noteCanvases(page);
  await open(page, changed);
  await step(page, 30);
  const fits = async () => expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await fits();
  await page.getByRole('button', { name: '中文' }).click();
  await expect(said(page)).toHaveText(/^指向/);
  await expect(rows(page).nth(0).locator('.verdict')).toHaveText(/^✓\s*正确\s*$/);
  await expect(view(page).locator('[data-do=play]')).toHaveAccessibleName('播放：Continuations');
  await slider(page).press('Home');
  await expect(rows(page).nth(0).locator('.verdict')).toHaveText(/✗\s*错误\s*正确答案是 46/);
  await fits();
  expect(await page.locator('#panels').innerText()).not.toMatch(/texts?\.|film\.|tokens?\./);
  await view(page).locator('[data-do=now]').click();
  for (const colorScheme of ['light', 'dark']) {
    // Without motion the colours change at once.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    expect((await faint(page)).found).toEqual([]);
    await page.screenshot({ path: `${SHOTS}/texts-360-${colorScheme}.png`, fullPage: true });
  }
  expect((await audit(page)).found).toEqual([]);
});

test('a text of a demo that only lets a token be chosen has no composer', async ({ page, changed }) => {
  await open(page, changed);
  await step(page, 1);
  await expect(page.locator('.composer')).toBeHidden();
  await expect(page.locator('.composer :is(button, textarea)')).toHaveCount(0);
  await expect(page.locator('#toolbar [data-act]')).toHaveCount(0);
  // It is a sample that comes anew: why it ended is nothing to act on, and it is not read aloud.
  await expect(page.locator('.tokens .stop')).toHaveText('');
  await step(page, 3);
  await expect(page.locator('.reading')).toContainText('a lamb 4');
  await expect(page.locator('.tokens > [aria-live]')).toHaveText('');
});

test('a newline of such a text is seen and chosen like any other token, and copied as what it is', async ({ page, changed }) => {
  await open(page, changed, `sums?prompt=${encodeURIComponent('\nMary')}`);
  const first = page.locator('.reading .token').first();
  expect(await first.evaluate((element) => getComputedStyle(element, '::before').content)).toBe('"↵"');
  await first.click({ position: { x: 4, y: 8 } });
  await expect(first).toHaveClass(/chosen/);
  await expect(page.locator('.token-card .piece')).toHaveText('↵');
  expect(await page.locator('.reading').evaluate((element) => element.textContent)).toBe('\nMary a lamb 0');
});

test('a token of such a text is chosen by a click, shows what else could have come and where it looks, while the model learns', async ({ page, changed }) => {
  await open(page, changed);
  const token = page.locator('.reading .token').nth(18);
  await token.click();
  await expect(token).toHaveClass(/chosen/);
  await expect(page.locator('.token-card .piece')).toHaveText('l');
  await expect(page.locator('.candidates li')).toHaveCount(2);
  // None of them can be put in its place.
  await expect(page.locator('.candidates button')).toHaveCount(0);
  await page.locator('[data-show=attention]').click();
  const attention = page.locator('[data-panel=attention]');
  await expect(attention).toBeVisible();
  await expect(attention.locator('.attended li')).toHaveText(['M 100 %']);
  await attention.locator('[data-set=head]').fill('2');
  await expect(attention.locator('.attended li')).toHaveText(['r 100 %']);
  await expect.poll(async () => (await state(page)).link).toMatch(/head=2/);
  await attention.locator('[data-set=layer]').fill('1');
  await expect.poll(async () => (await state(page)).link).toMatch(/layer=1/);
  await expect(page.locator('.reading .token[data-heat="9"]')).toHaveText('r');
  await page.locator('.reading').focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.locator('.reading .token').nth(19)).toHaveClass(/chosen/);
  // What is looked at stays, by its place, while the text comes anew.
  await page.evaluate(() => window.kiln.run());
  await expect.poll(async () => (await state(page)).step).toBeGreaterThan(3);
  await expect(page.locator('.token-card .piece')).toHaveText('a');
  await expect(page.locator('.reading .token').nth(19)).toHaveClass(/at/);
  await page.evaluate(() => window.kiln.pause());
  await answers(page);
  await expect(page.locator('.token-card .piece')).toHaveText('a');
});
