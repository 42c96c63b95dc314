// The tasks of two courses, each with the runs that do it. `tests/links.rs` opens every one of its links.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test, expect, visit, state, card, SMALL, SHOTS } from './kiln.js';

const LIST = JSON.parse(await readFile(fileURLToPath(new URL('../../www/later/courses.json', import.meta.url)), 'utf8'));
const dialog = (page) => page.locator('#courses');
const opener = (page) => page.locator('#lesson [data-do=courses]');

async function open(page, site, query = undefined) {
  await visit(page, site, SMALL, query);
  // On a narrow page it stands in the part of the lesson that is unfolded.
  const unfold = page.locator('#lesson .unfold');
  if (await unfold.isVisible()) await unfold.click();
  await opener(page).click();
  await expect(dialog(page)).toBeVisible();
}

test('the lesson opens the list, which nothing has fetched before, and it has every task and its runs', async ({ page, site }) => {
  const fetched = [];
  page.on('request', (request) => /courses/.test(request.url()) && fetched.push(new URL(request.url()).pathname.split('/').at(-1)));
  await visit(page, site, SMALL);
  await expect(opener(page)).toBeVisible();
  expect(fetched).toEqual([]);
  await opener(page).click();
  await expect(dialog(page)).toBeVisible();
  expect(fetched.toSorted()).toEqual(['courses.css', 'courses.js', 'courses.json']);
  await expect(page.getByRole('dialog', { name: 'Kiln beside two courses' })).toBeVisible();
  await expect(dialog(page).locator('h3')).toHaveText(LIST.map(({ course }) => course.en));
  const tasks = LIST.flatMap((one) => one.tasks);
  expect(tasks.length).toBeGreaterThan(10);
  await expect(dialog(page).locator('.tasks > li')).toHaveCount(tasks.length);
  for (const { task } of tasks) await expect(dialog(page)).toContainText(task.en);
  const links = await dialog(page).locator('a').evaluateAll((all) => all.map((one) => [one.getAttribute('href').slice(1), one.textContent]));
  expect(links).toEqual(tasks.flatMap(({ runs }) => runs.map(([link, what]) => [link, what.en])));
  await expect(dialog(page).locator('.none')).toHaveCount(tasks.filter(({ runs }) => !runs.length).length);
  await page.screenshot({ path: `${SHOTS}/courses.png` });
});

test('a link closes the list, opens its run, and Back goes to the one before', async ({ page, site }) => {
  await open(page, site);
  await dialog(page).getByRole('link', { name: 'moons' }).click();
  await expect(dialog(page)).toBeHidden();
  await expect.poll(async () => (await state(page)).link).toBe('diffusion2d?data=moons');
  await page.goBack();
  await expect.poll(async () => (await state(page)).link).toBe(SMALL);
});

test('the keys reach it and leave it, and what opened it has the focus again', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await opener(page).focus();
  await page.keyboard.press('Enter');
  await expect(dialog(page)).toBeVisible();
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement.closest('#courses') !== null)).toBe(true);
  await page.keyboard.press('Escape');
  await expect(dialog(page)).toBeHidden();
  await expect(opener(page)).toBeFocused();
});

test('in Chinese it fits on a page 360 px wide', async ({ page, site }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await open(page, site, 'paused&device=cpu&lang=zh');
  await expect(dialog(page).locator('h2')).toHaveText('Kiln 与两门课程');
  const words = await dialog(page).locator('h3, .tasks > li, a').evaluateAll((all) => all.map((one) => one.textContent));
  expect(words.filter((text) => !/\p{Script=Han}/u.test(text))).toEqual([]);
  expect(await dialog(page).evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(true);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.screenshot({ path: `${SHOTS}/courses-zh-360.png` });
});

test('a list that cannot be fetched is told, and the next try finds it', async ({ page, site }) => {
  await page.route(/courses\.json/, (route) => route.abort(), { times: 1 });
  await visit(page, site, SMALL);
  await opener(page).click();
  await expect(card(page, 'part-missing')).toBeVisible();
  await expect(dialog(page)).toBeHidden();
  // With a key: the card may stand over the button.
  await opener(page).press('Enter');
  await expect(dialog(page)).toBeVisible();
});
