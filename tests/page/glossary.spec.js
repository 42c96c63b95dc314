// The glossary: its dialog, the words that are marked in a lesson, and the card of each.

import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test, expect, visit, state, SMALL, SHOTS } from './kiln.js';
import { patternOf } from '../../www/later/term-pattern.js';

const WWW = fileURLToPath(new URL('../../www/', import.meta.url));
const read = async (path) => JSON.parse(await readFile(`${WWW}${path}`, 'utf8'));
const [ENGLISH, CHINESE] = [await read('later/glossary.en.json'), await read('later/glossary.zh.json')];
const dialog = (page) => page.locator('#glossary');
const terms = (page) => page.locator('#lesson .explained');
const popup = (page) => page.locator('#term');

/** The ids of what is marked in a text. */
function found(words, text) {
  const entries = Object.entries(words).map(([id, entry]) => ({ id, ...entry }));
  const { pattern, idOf } = patternOf(entries);
  return [...text.matchAll(pattern)].map(([one]) => [idOf(one), one]);
}

test('both languages explain the same words, each in two sentences', () => {
  expect(Object.keys(ENGLISH).length).toBeGreaterThanOrEqual(60);
  expect(Object.keys(CHINESE)).toEqual(Object.keys(ENGLISH));
  const forms = { en: new Map(), zh: new Map() };
  for (const [id, one] of Object.entries(ENGLISH)) {
    expect(one.text.match(/[.](\s|$)/g)?.length, id).toBeGreaterThanOrEqual(2);
    expect(CHINESE[id].text.match(/。/g)?.length, id).toBeGreaterThanOrEqual(2);
    expect(CHINESE[id].paper, id).toEqual(one.paper);
    expect(CHINESE[id].term, id).toBeTruthy();
    // One form leads to one term.
    for (const [language, words] of [['en', ENGLISH], ['zh', CHINESE]]) {
      for (const form of words[id].forms) {
        const key = form.toLowerCase();
        expect(forms[language].get(key), `${form} is a form of two terms`).toBeUndefined();
        forms[language].set(key, id);
      }
    }
  }
});

test('the longest term that fits is found, as a whole word', () => {
  expect(found(ENGLISH, 'The Negative log-likelihood, with logits and batches.')).toEqual([
    ['log-likelihood', 'Negative log-likelihood'], ['logit', 'logits'], ['batch', 'batches'],
  ]);
  expect(found(ENGLISH, 'Modern commodes weigh bit by bit; non-latent; relatent.')).toEqual([]);
  expect(found(CHINESE, '负对数似然，DCGAN，KL 散度和潜变量')).toEqual([
    ['log-likelihood', '负对数似然'], ['DCGAN', 'DCGAN'], ['KL divergence', 'KL 散度'], ['latent', '潜变量'],
  ]);
  expect(found(CHINESE, 'XKLY')).toEqual([]);
});

test('every lesson has words that are explained, in both languages', async () => {
  const used = new Set();
  for (const name of (await readdir(`${WWW}lessons`)).filter((one) => one.endsWith('.json'))) {
    const { lead, see, try: tried, more = [] } = await read(`lessons/${name}`);
    const texts = [...lead, ...see.map(([, text]) => text), ...tried.map(([, , text]) => text), ...more];
    const ids = new Set(texts.flatMap((text) => found(name.endsWith('.zh.json') ? CHINESE : ENGLISH, text)).map(([id]) => id));
    expect(ids.size, name).toBeGreaterThanOrEqual(3);
    ids.forEach((id) => used.add(id));
  }
  expect(used.size).toBeGreaterThanOrEqual(60);
});

test('the words come after the first picture, and the first use of each is a button', async ({ page, site }) => {
  const order = [];
  page.on('request', (request) => /glossary\.\w+\.json/.test(request.url()) && order.push('words'));
  await page.exposeFunction('noted', (what) => order.push(what));
  await page.goto(`${site}?paused&device=cpu#${SMALL}`);
  await page.waitForFunction(() => window.kiln);
  await page.evaluate(() => void window.kiln.on('views', () => window.noted('views')));
  await expect(terms(page).first()).toBeVisible();
  expect(order[0]).toBe('views');
  const marked = await terms(page).evaluateAll((all) => all.map(({ dataset }) => dataset.term));
  expect(marked.length).toBeGreaterThan(5);
  expect(new Set(marked).size).toBe(marked.length);
  // In the order of reading: no earlier text has the word.
  expect(await terms(page).first().getAttribute('data-term')).toBe('generator');
  for (const button of await terms(page).all()) {
    expect(await button.getAttribute('role')).toBe('button');
    expect(await button.getAttribute('aria-haspopup')).toBe('dialog');
  }
  await expect(page.locator('#lesson :is(a, summary, button) .explained')).toHaveCount(0);
});

for (const [width, language, term] of [[1440, 'en', 'generator'], [360, 'zh', 'generator']]) {
  test(`a word of the lesson is explained beside it, ${width} px, ${language}`, async ({ page, site }) => {
    await page.setViewportSize({ width, height: 740 });
    await visit(page, site, SMALL, `paused&device=cpu&lang=${language}`);
    const word = page.locator(`#lesson .explained[data-term="${term}"]`);
    const step = (await state(page)).step;
    // With the keyboard: Space runs nothing here.
    await word.focus();
    await page.keyboard.press('Space');
    await expect(popup(page)).toBeVisible();
    const words = language === 'zh' ? CHINESE : ENGLISH;
    await expect(popup(page)).toContainText(words[term].text);
    await expect(page.getByRole('dialog', { name: words[term].term ?? term })).toBeVisible();
    const [box, place] = [await popup(page).boundingBox(), await word.boundingBox()];
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(width);
    expect(Math.min(Math.abs(box.y - place.y - place.height), Math.abs(place.y - box.y - box.height))).toBeLessThan(12);
    await page.screenshot({ path: `${SHOTS}/glossary-term-${width}.png` });
    await page.keyboard.press('Escape');
    await expect(popup(page)).toBeHidden();
    await expect(word).toBeFocused();
    expect(await state(page)).toMatchObject({ status: 'paused', step });
    await word.click();
    await popup(page).getByRole('button').click();
    await expect(dialog(page)).toBeVisible();
    await expect(popup(page)).toBeHidden();
    await expect(dialog(page).locator(`[data-entry="${term}"]`)).toBeInViewport();
    await page.keyboard.press('Escape');
    await expect(dialog(page)).toBeHidden();
  });
}

for (const [language, typed, first] of [['en', 'FRECHET', 'Fréchet distance'], ['zh', '潜变', 'latent']]) {
  test(`typing finds a term in the list of all, ${language}`, async ({ page, site }) => {
    await page.goto(`${site}?lang=${language}`);
    await page.click('#footer [data-do=glossary]');
    await expect(dialog(page)).toBeVisible();
    const entries = dialog(page).locator('[data-entry]');
    await expect(entries).toHaveCount(Object.keys(ENGLISH).length);
    await dialog(page).getByRole('searchbox').fill(typed);
    await expect(entries.first()).toHaveAttribute('data-entry', first);
    expect(await entries.count()).toBeLessThan(Object.keys(ENGLISH).length / 2);
    await expect(dialog(page).locator('[role=status]')).toContainText(String(await entries.count()));
    await page.screenshot({ path: `${SHOTS}/glossary-${language}.png` });
    // The English word is found in Chinese, too.
    await dialog(page).getByRole('searchbox').fill('log-likelihood');
    await expect(entries.first()).toHaveAttribute('data-entry', 'log-likelihood');
    await dialog(page).getByRole('searchbox').fill('qqq');
    await expect(entries).toHaveCount(0);
  });
}

test('in another language the lesson is marked anew, and without the words it stays as it is', async ({ page, site }) => {
  await page.route(/glossary\.zh\.json/, (route) => route.abort(), { times: 1 });
  await visit(page, site, SMALL);
  await expect(terms(page).first()).toHaveText('generator');
  await page.getByRole('button', { name: '中文' }).click();
  await expect(page.locator('#lesson h2')).toHaveText('两个网络的博弈');
  await expect(terms(page)).toHaveCount(0);
  await expect(page.locator('#lesson .lead').first()).toContainText('生成器把随机数变成点');
  await page.getByRole('button', { name: 'EN', exact: true }).click();
  await expect(terms(page).first()).toHaveText('generator');
  await page.getByRole('button', { name: '中文' }).click();
  await expect(terms(page).first()).toHaveText('生成器');
});
