// Before a model is downloaded the page shows what it did once, says that this is a recording, and gives way to the real run.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test as base, expect, visit, state, answers, coloursOf, DIST, FIXTURES, SHOTS } from './kiln.js';

const TINY = 'tiny-llama-q8_0.gguf';
const FOLDER = join(DIST, 'www/later/recorded');
const recording = JSON.parse(await readFile(join(FOLDER, 'text.json'), 'utf8'));
const list = JSON.parse(await readFile(join(FOLDER, 'list.json'), 'utf8'));
const { tokens, chosen } = recording.panels.find(({ id }) => id === 'text').views[0];
const answer = tokens.filter(({ role }) => role === 'assistant').map(({ text }) => text).join('');

/** The page whose list of models has a tiny one, on the test's own server, in the place of the model that was recorded. */
const test = base.extend({
  recorded: async ({ changed, models }, use) => {
    const { length: bytes } = await readFile(join(FIXTURES, TINY));
    await use(
      await changed(async (path, body) => {
        if (!path.endsWith('weights/models.json')) return body;
        const manifest = JSON.parse(body);
        const model = manifest.models.find(({ id }) => list.text.model.includes(id));
        model.files = [{ name: TINY, bytes, hub: `tiny/tiny/${TINY}`, urls: [`${models.url}plain/${TINY}`] }];
        return Buffer.from(JSON.stringify({ ...manifest, endpoints: [] }));
      }),
    );
  },
});

const line = (page) => page.locator('.recording').first();
const note = (page) => page.locator('.recording.note');
const panel = (page, id) => page.locator(`[data-panel=${id}]`);
const token = (page, index) => page.locator(`.token[data-index="${index}"]`);
const download = (page) => page.locator('.consent [data-do=download]');
const gone = (page, when) => expect(page.locator('.recording:not(:empty), .recorded'), when).toHaveCount(0);
const shown = (page) => expect(line(page)).not.toBeEmpty({ timeout: 30_000 });
/** A token of the answer that is not the recorded one, and can be seen. */
const another = tokens.findIndex(({ role, text }, index) => role === 'assistant' && text.trim() && index !== chosen);

test('each recording is of a demo that needs a model, is small, and has its words in both languages', async () => {
  const demos = JSON.parse(await readFile(join(DIST, 'www/demos.json'), 'utf8'));
  for (const [name, when] of Object.entries(list)) {
    expect(demos.find((demo) => demo.name === name)?.needs.model, name).toBe(true);
    expect(when.model, name).toHaveLength(1);
    expect((await readFile(join(FOLDER, `${name}.json`))).length, name).toBeLessThan(150_000);
    for (const language of ['en', 'zh']) {
      const words = JSON.parse(await readFile(join(DIST, `www/i18n/${language}.json`), 'utf8'));
      expect(words[`${name}.recording`], `${name}, ${language}`).toContain('{model}');
    }
  }
});

test('before any byte of a model is asked for its recording is shown, and says that it is one', async ({ page, recorded, models }) => {
  test.setTimeout(120_000);
  await page.addInitScript(() => addEventListener('DOMContentLoaded', () => {
    const watch = () => {
      if (!window.kiln) return void requestAnimationFrame(watch);
      window.told = [];
      window.kiln.on('views', (event) => window.told.push(event));
    };
    watch();
  }));
  await visit(page, recorded, 'text', 'device=cpu');
  await shown(page);
  await expect(line(page)).toContainText('This is a recording: what SmolLM2-135M-Instruct wrote');
  await expect(line(page)).toContainText(recording.values.prompt);
  await expect(line(page)).toHaveRole('status');
  await expect(page.locator('.turn.assistant')).toHaveText(answer);
  for (const id of ['text', 'attention', 'lens']) {
    const tag = await panel(page, id).locator('h2').evaluate((heading) => getComputedStyle(heading, '::after').content);
    expect(tag, id).toBe('"Recording"');
  }
  await panel(page, 'attention').scrollIntoViewIfNeeded();
  await expect.poll(() => coloursOf(panel(page, 'attention').locator('canvas'))).toBeGreaterThan(3);
  await expect(panel(page, 'lens').locator('tr')).toHaveCount(31);
  // How fast it was where it was recorded is not said.
  await expect(panel(page, 'figures')).not.toContainText('per second');
  await expect(page.locator('[id=compose]')).toHaveCount(1);
  await expect(download(page)).toBeVisible();
  await answers(page);
  expect(models.asked).toEqual([]);
  // The worker knows nothing of it, and nobody who listens to it: not the link, not the events, not a saved run.
  const { link, step, status } = await state(page);
  expect({ link, step, status }).toEqual({ link: 'text', step: 0, status: 'paused' });
  expect(await page.evaluate(() => window.told.flatMap(({ panels }) => panels.flatMap(({ views }) => views.flatMap(({ tokens = [] }) => tokens))))).toEqual([]);
  const saved = await page.evaluate(async () => new TextDecoder('latin1').decode(await window.kiln.checkpoint()));
  expect(saved).not.toContain(answer.slice(0, 20));
  expect(saved).not.toContain(recording.values.prompt);
  expect(models.asked).toEqual([]);
  await page.screenshot({ path: `${SHOTS}/recorded.png`, fullPage: true });
});

test('tokens of a recording show what was weighed; what needs the model leads to its download', async ({ page, recorded, models }) => {
  test.setTimeout(120_000);
  await visit(page, recorded, 'text', 'device=cpu');
  await shown(page);
  await page.evaluate(() => {
    window.sent = [];
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...rest) {
      window.sent.push(message.type);
      return post.call(this, message, ...rest);
    };
  });
  const card = page.locator('.token-card');
  await token(page, another).click();
  await expect(card).toContainText(`Token ${another + 1} of ${tokens.length}`);
  await expect(card.locator('.candidate')).toHaveCount(10);
  await expect(note(page)).toContainText('highlighted token only');
  await expect(token(page, chosen)).toHaveClass(/looked/);
  await token(page, chosen).click();
  await expect(note(page)).toBeEmpty();
  // All heads are here, no other layer is.
  await panel(page, 'attention').locator('[data-set=head]').fill('0');
  await expect(panel(page, 'attention').locator('.value').last()).toHaveText('0 / 8');
  await expect(note(page)).toBeEmpty();
  const presses = {
    'another candidate': () => card.locator('button.candidate').first().click(),
    'another layer': () => panel(page, 'attention').locator('[data-set=layer]').fill('1'),
    Send: async () => {
      await page.locator('.composer textarea').fill('Mine');
      await page.click('.composer [data-do=send]');
    },
    Continue: () => page.click('.composer [data-do=continue]'),
    'New chat': () => page.click('.composer [data-do=new-chat]'),
  };
  for (const [name, press] of Object.entries(presses)) {
    await page.evaluate(() => document.activeElement.blur());
    await press();
    await expect(download(page), name).toBeFocused();
    await expect(note(page), name).toContainText('needs the model');
    // It stands as it was recorded.
    await expect(page.locator('.turn.assistant'), name).toHaveText(answer);
    await expect(panel(page, 'attention').locator('.value').first(), name).toHaveText(`${recording.values.layer} / 29`);
  }
  // What can be put away can be shown again.
  await page.click('[data-show=lens]');
  await expect(panel(page, 'lens')).toBeHidden();
  await page.click('[data-show=lens]');
  await expect(panel(page, 'lens')).toBeVisible();
  expect((await page.evaluate(() => window.sent)).filter((type) => type !== 'ping')).toEqual([]);
  expect(models.asked).toEqual([]);
});

test('a recording gives way to the real run as soon as the download is agreed to', async ({ page, recorded, models }) => {
  test.setTimeout(120_000);
  await visit(page, recorded, 'text?max_tokens=5', 'device=cpu');
  await shown(page);
  await page.locator('.composer textarea').fill('Mine');
  await download(page).click();
  await gone(page);
  await expect(page.locator('#said')).toHaveText('Ready: write to the model', { timeout: 30_000 });
  expect(models.asked.length).toBeGreaterThan(0);
  await expect(page.locator('.token')).toHaveCount(0);
  // What was written meanwhile is not lost.
  await expect(page.locator('.composer textarea')).toHaveValue('Mine');
  await page.click('.composer [data-do=send]');
  await page.waitForFunction(() => window.kiln.state.status === 'paused' && window.kiln.state.step > 0, null, { timeout: 60_000 });
  await expect(page.locator('.turn.user')).toHaveText(/Mine/);
  await gone(page);
  // Nor does it come back where the model is.
  await page.goto('about:blank');
  await visit(page, recorded, 'text', 'device=cpu');
  await expect(page.locator('#said')).toHaveText('Ready: write to the model', { timeout: 30_000 });
  await gone(page);
});

test('a link that asks for something of its own shows no recording of something else', async ({ page, recorded }) => {
  test.setTimeout(120_000);
  for (const link of ['text?prompt=Hello', 'text?model=hub:tiny/llama', 'text?chat=false', 'autoencoder?size=64']) {
    await page.goto('about:blank');
    await visit(page, recorded, link, 'device=cpu');
    await expect(download(page), link).toBeVisible();
    await answers(page);
    await gone(page, link);
  }
  await page.evaluate(() => window.kiln.open('text'));
  await shown(page);
  await page.evaluate(() => window.kiln.open('gan2d?width=16&batch=32'));
  await expect(panel(page, 'plane')).toBeVisible();
  await gone(page);
  await expect(page.locator('.token')).toHaveCount(0);
});

test('where a recording cannot be fetched the page asks as it does without one', async ({ page, recorded }) => {
  test.setTimeout(120_000);
  for (const name of ['list.json', 'text.json']) {
    await page.route(`**/recorded/${name}`, (route) => route.fulfill({ status: 404, body: '' }));
    await page.goto('about:blank');
    const asked = page.waitForResponse((response) => response.url().endsWith(name));
    await visit(page, recorded, 'text', 'device=cpu');
    await asked;
    await expect(download(page)).toBeVisible();
    await answers(page);
    await expect(page.locator('.composer textarea')).toBeVisible();
    await gone(page);
  await expect(page.locator('.token')).toHaveCount(0);
    await page.unrouteAll();
  }
});

test('a recording speaks the language that is chosen, on a page 360 px wide', async ({ page, recorded }) => {
  test.setTimeout(120_000);
  await page.setViewportSize({ width: 360, height: 740 });
  await visit(page, recorded, 'text', 'device=cpu&lang=zh');
  await shown(page);
  await expect(line(page)).toContainText(`SmolLM2-135M-Instruct 在本页面中对“${recording.values.prompt}”的回答`);
  await expect(panel(page, 'lens').locator('h2')).toContainText('各层会预测什么');
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.screenshot({ path: `${SHOTS}/recorded-narrow.png`, fullPage: true });
  await page.locator('#header .languages [lang=en]').click();
  await expect(line(page)).toContainText('This is a recording');
  await expect(panel(page, 'attention').locator('h2')).toHaveText('Attention');
  await expect(page.locator('.tools [data-show=attention]')).toHaveText('Attention');
});
