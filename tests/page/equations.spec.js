// The equation of each lesson, whose terms carry the values that stand on the page, and the steps of the algorithm.

import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test, expect, visit, state, untilStep, SHOTS, SMALL, SMALL_DIFFUSION2D, SMALL_REALNVP } from './kiln.js';

const WWW = fileURLToPath(new URL('../../www/', import.meta.url));
const DEMOS = JSON.parse(await readFile(`${WWW}demos.json`, 'utf8')).map(({ name }) => name);
const equation = async (demo) => JSON.parse(await readFile(`${WWW}later/equations/${demo}.json`, 'utf8'));

/** Terms of a line's formula. */
const named = ({ math }) => math.split(' ').filter((part) => part.startsWith('@')).map((part) => part.slice(1));
const term = (page, value) => page.locator(`#lesson .term[data-value="${value}"]`).first();
const lines = (page) => page.locator('#lesson .line .of').allTextContents();

/** Opens a link, and answers the values of its settings. */
const valuesOf = (page, link) =>
  page.evaluate(async (wanted) => {
    let values;
    const off = window.kiln.on('schema', (event) => (values = event.values));
    await window.kiln.open(wanted);
    off();
    return values;
  }, link);

/** Every text for people in a file, with its place. */
function* texts(part, at = '') {
  if (part === null || typeof part !== 'object') return;
  if ('en' in part || 'zh' in part) yield [at, part];
  for (const [key, inner] of Object.entries(part)) yield* texts(inner, `${at}.${key}`);
}

test('each demo has an equation and steps, and says all of it in both languages', async () => {
  expect((await readdir(`${WWW}later/equations`)).sort()).toEqual(DEMOS.map((name) => `${name}.json`).sort());
  for (const demo of DEMOS) {
    const { terms, lines: all, steps } = await equation(demo);
    expect(all.length, demo).toBeGreaterThan(2);
    expect(steps.flatMap(({ list }) => list).length, demo).toBeGreaterThan(2);
    // Every term stands in a line, and every line names terms that there are.
    expect([...new Set(all.flatMap(named))].sort(), demo).toEqual(Object.keys(terms).sort());
    const said = [...texts({ terms, lines: all, steps })];
    for (const [at, text] of said) {
      expect(text.en, `${demo}${at}`).toMatch(/[\w.!?)]$/);
      expect(text.zh, `${demo}${at}`).toMatch(/[^\s]/);
      expect(text.zh.includes('您'), `${demo}${at}`).toBe(false);
    }
    for (const [name, { about, name: title }] of Object.entries(terms)) {
      expect(about.en.length, `${demo}.${name}`).toBeGreaterThan(12);
      expect(title.zh.length, `${demo}.${name}`).toBeGreaterThan(0);
    }
  }
});

/** Links of the demos that learn fast, and steps up to their first check. */
const FAST = [
  ['gan2d', `${SMALL}&evaluate=20`, 20],
  ['diffusion2d', `${SMALL_DIFFUSION2D}&evaluate=20`, 20],
  ['realnvp', `${SMALL_REALNVP}&evaluate=20`, 20],
  ['classifier', 'classifier?batch=8&evaluate=20', 20],
  ['dcgan', 'dcgan?width=8&batch=8&evaluate=20', 40],
  ['vae', 'vae?start=scratch&width=4&batch=8&evaluate=20', 40],
  ['gpt', 'gpt?batch=8&layers=1&width=16&evaluate=20', 80],
];

for (const [demo, link, steps] of FAST) {
  test(`each value in the equation of ${demo} is one that stands on the page, and agrees with it`, async ({ page, site }) => {
    test.setTimeout(120_000);
    await visit(page, site, SMALL);
    const values = await valuesOf(page, link);
    await page.evaluate((count) => window.kiln.step(count), steps);
    const { terms, lines: all, steps: groups } = await equation(demo);
    for (const { when, done } of [...all, ...groups, ...groups.flatMap(({ list }) => list)]) for (const key of Object.keys({ ...when, ...done })) expect(values, key).toHaveProperty(key);
    for (const { value } of Object.values(terms)) if (value && !value.includes('.')) expect(values, value).toHaveProperty(value);
    // What is measured comes a little after its step.
    const shown = page.locator('#lesson .term[data-value*="."]');
    await expect.poll(async () => (await shown.locator('.value').allTextContents()).filter((text) => text === '–'), { timeout: 30_000 }).toEqual([]);
    expect(await shown.count()).toBeGreaterThan(1);
    for (const button of await shown.all()) {
      const [panel, name] = (await button.getAttribute('data-value')).split('.');
      // Read anew each time: the last steps may still be on their way to the page.
      const value = async () => (await button.locator('.value').textContent()).replace('≈ ', '');
      if (panel === 'outputs') expect(Number(await value())).toBeGreaterThan(0);
      else if (panel === 'figures') {
        const written = async () => (await page.locator('[data-panel=figures] dd').allTextContents()).map((text) => text.split(' / ')[0]);
        await expect.poll(async () => (await written()).includes(await value()), name).toBe(true);
      } else {
        // Curves out of sight are not drawn.
        await page.locator(`[data-panel=${panel}]`).scrollIntoViewIfNeeded();
        await expect.poll(async () => (await page.locator(`[data-panel=${panel}] .key b`).allTextContents()).includes(await value()), name).toBe(true);
      }
    }
  });
}

test('a value in the equation follows the run, and is not announced', async ({ page, site }) => {
  await visit(page, site, SMALL);
  const loss = term(page, 'losses.discriminator');
  await expect(loss).toBeVisible();
  await page.evaluate(() => window.kiln.step(1));
  await expect(loss.locator('.value')).toHaveText(/^\d\.\d{3}$/);
  const first = await loss.locator('.value').textContent();
  await expect(loss).toHaveAccessibleName(new RegExp(`${first} The discriminator's loss$`));
  await page.evaluate(() => window.kiln.step(40));
  const legend = page.locator('[data-panel=losses] .key b').first();
  await expect.poll(async () => (await loss.locator('.value').textContent()) === (await legend.textContent())).toBe(true);
  expect(await loss.locator('.value').textContent()).not.toBe(first);
  // No live region is around the values.
  expect(await page.locator('#lesson [aria-live] .value, #lesson [role=status] .value').count()).toBe(0);
});

test('a touch explains a term, and so does the keyboard; one at a time', async ({ page, site }) => {
  await visit(page, site, SMALL);
  const about = page.locator('#term-about');
  await expect(about).toHaveText('Choose a term to see what it means.');
  await term(page, 'losses.discriminator').click();
  await expect(about).toContainText('ln 4');
  await expect(term(page, 'losses.discriminator')).toHaveAttribute('aria-expanded', 'true');
  await page.locator('#lesson .term').nth(1).focus();
  await page.keyboard.press('Enter');
  await expect(about).toContainText('between 0 and 1');
  await expect(page.locator('#lesson .term[aria-expanded=true]')).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(page.locator('#lesson .term[aria-expanded=true]')).toHaveCount(0);
  await expect(page.locator('#lesson .term').nth(1)).toBeFocused();
  await expect(about).toHaveText('Choose a term to see what it means.');
});

test('the settings choose the lines of the equation, and tell which steps are not done', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await expect(page.locator('#lesson .term').nth(1)).toHaveText(/log\s*D/);
  await page.evaluate(() => window.kiln.open('gan2d?width=16&batch=32&loss=wasserstein'));
  await expect(page.locator('#lesson .line').first()).toContainText('∇');
  await page.evaluate(() => window.kiln.open('diffusion2d?batch=32&width=16&depth=1'));
  await expect.poll(() => lines(page)).not.toContain('Guidance toward a class');
  await page.evaluate(() => window.kiln.open('diffusion2d?batch=32&width=16&depth=1&objective=ddpm&predict=noise&conditional=true'));
  await expect.poll(() => lines(page)).toContain('Guidance toward a class');
  await expect(page.locator('#lesson .line').first()).toContainText('α');
  // What the toolbar's switch turns off.
  await page.evaluate(() => window.kiln.open('gan2d?width=16&batch=32'));
  await expect(page.locator('#lesson .steps li.off')).toHaveCount(0);
  await page.evaluate(() => window.kiln.act('train_discriminator'));
  await expect(page.locator('#lesson .steps li.off')).toHaveText(/update the generator.*not with these settings/);
});

test('the steps that are done are lit, and say how often', async ({ page, site }) => {
  await visit(page, site, `${SMALL}&evaluate=20`);
  const group = (on) => page.locator(`#lesson .steps[data-on=${on}]`);
  await expect(group('step')).toHaveAttribute('data-lit', 'false');
  await page.evaluate(() => window.kiln.step(1));
  await expect(group('step')).toHaveAttribute('data-lit', 'true');
  await expect(group('step').locator('.now')).toHaveText('just done');
  await expect(group('check')).toHaveAttribute('data-lit', 'false');
  await page.evaluate(() => window.kiln.run());
  await expect(group('step').locator('.now')).toHaveText(/running, [\d.,]+ a second/);
  await expect(group('check').locator('.now')).toHaveText(/last at step [\d,]+/);
  await page.evaluate(() => window.kiln.pause());
  for (const on of ['step', 'look', 'check']) await expect(group(on)).toHaveAttribute('data-lit', 'false');
});

test('what the worker tells of its progress lights the step that it is at', async ({ page, site }) => {
  await visit(page, site, SMALL);
  // There is one equation at a time: the page's own is not to come after this one.
  await expect(page.locator('#lesson .term').first()).toBeVisible();
  await expect(page.locator('#lesson .explained').first()).toBeAttached();
  const lit = await page.evaluate(async () => {
    const { equationOf } = await import('./www/later/equation.js');
    const heard = new Map();
    const session = { state: { status: 'loading', step: 0, speed: 0 }, schema: { demo: 'autoencoder', values: {} }, on: (name, fn) => (heard.set(name, fn), () => {}) };
    const element = document.body.appendChild(document.createElement('div'));
    (await equationOf('autoencoder')).show(element, { session, panels: { says: () => undefined } });
    const seen = [];
    for (const what of ['encoding', 'decoding', '']) {
      heard.get('progress')({ what, done: 0, total: 1, bytes: false });
      await new Promise((drawn) => new MutationObserver(drawn).observe(element, { subtree: true, attributes: true }));
      seen.push([...element.querySelectorAll('[data-lit=true]')].map(({ dataset }) => dataset.on));
    }
    element.remove();
    return seen;
  });
  expect(lit).toEqual([['encoding'], ['decoding'], []]);
});

test('the equation of a text has the probabilities of its newest token', async ({ page, site, models }) => {
  await visit(page, site, `text?model=${models.url}plain/tiny/tiny-llama-q8_0.gguf&max_tokens=12&prompt=Hello&chat=false`);
  await page.evaluate(() => window.kiln.run({ download: true }));
  await page.waitForFunction(() => window.kiln.state.status === 'paused' && window.kiln.state.step >= 1, undefined, { timeout: 60_000, polling: 50 });
  const card = page.locator('.token-card dd');
  for (const [value, at] of [['text.raw', 1], ['text.p', 2]]) await expect.poll(async () => (await term(page, value).locator('.value').textContent()) === (await card.nth(at).textContent())).toBe(true);
  await expect(page.locator('.token-card dd').nth(3)).toHaveText(`${await term(page, 'text.bits').locator('.value').textContent()} bits`);
  await expect(term(page, 'temperature').locator('.value')).toHaveText('0.7');
  await page.evaluate(() => window.kiln.set('greedy', true));
  await expect(term(page, 'temperature')).toHaveCount(0);
});

test('the words change with the language, and the term that is explained stays', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await term(page, 'losses.discriminator').click();
  await page.getByRole('button', { name: '中文' }).click();
  await expect(page.locator('#term-about')).toContainText('判别器的损失');
  await expect(page.locator('#lesson .steps .of').first()).toContainText('每一步训练');
});

test('no term is wider than a phone', async ({ page, site }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await visit(page, site, SMALL);
  await page.locator('#lesson .unfold').click();
  await expect(page.locator('#lesson .term').first()).toBeVisible();
  const room = await page.locator('#lesson .line').first().evaluate((line) => line.clientWidth);
  expect(room).toBeGreaterThan(250);
  for (const demo of DEMOS) {
    const { terms } = await equation(demo);
    const wide = await page.evaluate(
      async ({ sources, most }) => {
        const { mathOf } = await import('./www/later/notation.js');
        const place = document.querySelector('#lesson .term');
        const before = [...place.childNodes];
        const found = sources.filter((source) => {
          place.replaceChildren(mathOf(source));
          return place.getBoundingClientRect().width > most;
        });
        place.replaceChildren(...before);
        return found;
      },
      { sources: Object.values(terms).map(({ math }) => math), most: room },
    );
    expect(wide, demo).toEqual([]);
  }
  await page.screenshot({ path: `${SHOTS}/equation-360.png`, fullPage: true });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});

test('the equation comes beside the lesson and pushes nothing away', async ({ page, site }) => {
  await page.addInitScript(() => {
    window.shifted = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => !entry.hadRecentInput && (window.shifted += entry.value))).observe({ type: 'layout-shift', buffered: true });
  });
  await visit(page, site, SMALL, 'device=cpu');
  await expect(page.locator('#lesson .term').first()).toBeVisible();
  await untilStep(page, 60);
  expect(await page.evaluate(() => window.shifted)).toBeLessThan(0.1);
  expect((await state(page)).demo).toBe('gan2d');
});

test('whoever reads the last step, or chooses an experiment below it, still sees the run', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await expect(page.locator('#lesson .term').first()).toBeVisible();
  const plane = () => page.locator('.plane canvas').first().evaluate((canvas) => canvas.getBoundingClientRect().top);
  const before = await plane();
  await page.locator('#lesson .steps li').last().scrollIntoViewIfNeeded();
  await expect(page.locator('#lesson .steps li').last()).toBeInViewport();
  expect([await plane(), await page.evaluate(() => scrollY)]).toEqual([before, 0]);
  await page.locator('#lesson .try a').last().focus();
  expect([await plane(), await page.evaluate(() => scrollY)]).toEqual([before, 0]);
  // Another demo's lesson is read from its beginning.
  await page.evaluate(() => window.kiln.open('diffusion2d?batch=32&width=16&depth=1'));
  await expect(page.locator('#lesson h2')).toContainText('diffusion');
  expect(await page.locator('#lesson').evaluate(({ scrollTop }) => scrollTop)).toBe(0);
});

test('without its equation a lesson is still read', async ({ page, site }) => {
  await page.route('**/later/equations/*', (route) => route.abort());
  await visit(page, site, SMALL);
  await expect(page.locator('#lesson h2')).toContainText('game');
  await expect(page.locator('#lesson .term')).toHaveCount(0);
});
