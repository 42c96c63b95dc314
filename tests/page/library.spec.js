import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, expect, visit, state, card, drop, FIXTURES, SHOTS } from './kiln.js';

const NAME = 'tiny-llama-q8_0.gguf';
const bytesOf = async (name) => [...(await readFile(join(FIXTURES, name)))];

const stands = (page, least = 1) =>
  page.waitForFunction((steps) => window.kiln.state.status === 'paused' && window.kiln.state.step >= steps, least, { timeout: 60_000, polling: 50 });

/** The model is here and waits for a question: it gets the one that is suggested. */
async function ask(page) {
  await expect(page.locator('#said')).toHaveText('Ready: write to the model', { timeout: 30_000 });
  await page.click('.composer [data-do=send]');
  await stands(page);
}

/** Keeps the tiny model, as a file of the person's own. */
async function keep(page, site) {
  await visit(page, site, 'text');
  await drop(page, await bytesOf(NAME), NAME);
  await expect.poll(async () => (await state(page)).link, { timeout: 30_000 }).toMatch(/model=sha256:[0-9a-f]{64}/);
}

test('a dropped GGUF file is kept, opened, and writes', async ({ page, site }) => {
  await keep(page, site);
  await ask(page);
  await expect(page.locator('.consent')).toBeHidden();
  await expect(page.locator('.turn.assistant .token, .turn.generated .token').first()).toBeAttached();
});

test('a model in several files is kept and opened', async ({ page, site }) => {
  await visit(page, site, 'text');
  const names = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'];
  const files = await Promise.all(names.map(async (name) => ({ name, mimeType: 'application/octet-stream', buffer: await readFile(join(FIXTURES, 'llama', name)) })));
  await page.locator('#file').setInputFiles(files);
  await expect.poll(async () => (await state(page)).link, { timeout: 30_000 }).toMatch(/model=sha256:[0-9a-f]{64}(,[0-9a-f]{64}){3}/);
  await ask(page);
});

test('tensors without their config are told, and the run stays', async ({ page, site }) => {
  await visit(page, site, 'text');
  await drop(page, await bytesOf('llama/model.safetensors'), 'model.safetensors');
  await expect(card(page, 'file')).toContainText('config.json');
  expect((await state(page)).link).toBe('text');
});

test('what is kept is listed, verified and deleted', async ({ page, site }) => {
  await keep(page, site);
  await ask(page);
  await page.click('#header [data-do=models]');
  const dialog = page.locator('#models');
  const file = dialog.locator('.kept li');
  await expect(file).toHaveCount(1);
  await expect(file).toContainText(NAME);
  await expect(file).toContainText('complete');
  await expect(dialog.locator('.room')).toContainText('available');
  await file.locator('[data-do=verify]').click();
  await expect(file).toContainText('the file is intact');
  await page.screenshot({ path: `${SHOTS}/library.png` });
  page.once('dialog', (question) => question.accept());
  await file.locator('[data-do=delete]').click();
  await expect(file).toHaveCount(0);
  await expect(dialog.locator('.none')).toHaveText('No saved models yet.');
  await page.keyboard.press('Escape');
  await page.reload();
  await page.evaluate(() => window.kiln.ready);
  await expect(page.locator('.consent')).toContainText('not saved in this browser');
});

test('another place to fetch from is tried before the usual one, and can be taken away', async ({ page, site, models }) => {
  await visit(page, site, `text?model=hub:tiny/tiny/${NAME}&prompt=Hello&max_tokens=8`);
  await page.click('#header [data-do=models]');
  const dialog = page.locator('#models');
  await dialog.locator('.endpoints summary').click();
  await dialog.locator('#endpoint').fill('not an address');
  await dialog.locator('[data-do=add-endpoint]').click();
  await expect(dialog.locator('.endpoints [role=status]')).toContainText('https://');
  await dialog.locator('#endpoint').fill(`${models.url}hub/`);
  await dialog.locator('#endpoint').press('Enter');
  await expect(dialog.locator('.endpoints li')).toHaveCount(1);
  await page.keyboard.press('Escape');
  // It is told to every new worker.
  await page.reload();
  await page.evaluate(() => window.kiln.ready);
  await page.click('[data-do=download]');
  await stands(page);
  expect(models.asked[0].path).toBe(`/hub/tiny/tiny/resolve/main/${NAME}`);
  await page.click('#header [data-do=models]');
  await dialog.locator('.endpoints summary').click();
  await dialog.locator('.endpoints li button').click();
  await expect(dialog.locator('.endpoints li')).toHaveCount(0);
});

test('a model that is a whole repository is asked for once, and opens by itself when it is kept', async ({ page, site, models }) => {
  await visit(page, site, 'text');
  await page.evaluate((url) => localStorage.setItem('kiln.endpoints', JSON.stringify([url])), `${models.url}hub/`);
  await page.goto('about:blank');
  const link = 'text?model=hub:tiny/llama&prompt=Hello&max_tokens=8';
  await visit(page, site, link);
  await expect(page.locator('.consent')).toBeVisible();
  await page.click('[data-do=download]');
  await stands(page, 4);
  const { length } = models.asked;
  expect(length).toBeGreaterThanOrEqual(3);
  await page.goto('about:blank');
  await visit(page, site, link, 'device=cpu');
  await stands(page, 4);
  await expect(page.locator('.consent')).toBeHidden();
  expect(models.asked).toHaveLength(length);
});

test('a download is shown in bytes, never runs backwards, and can be cancelled and gone on with', async ({ page, site, models }) => {
  await visit(page, site, `text?model=${models.url}slow/tiny/tiny-llama-f32.gguf&prompt=Hello&max_tokens=8`);
  await page.click('[data-do=download]');
  const bar = page.locator('.progress progress');
  await expect(page.locator('.progress small')).toContainText('MB');
  // Each width of the bar, until there were eight.
  const seen = await bar.evaluate(
    (element) =>
      new Promise((resolve) => {
        const widths = [element.value];
        new MutationObserver((_, observer) => {
          if (element.value !== widths.at(-1)) widths.push(element.value);
          if (widths.length < 8) return;
          observer.disconnect();
          resolve(widths);
        }).observe(element, { attributes: true });
      }),
  );
  expect([...seen].sort((a, b) => a - b)).toEqual(seen);
  expect(seen.at(-1)).toBeGreaterThan(seen[0]);
  await page.click('[data-do=cancel]', { timeout: 10_000 });
  await expect.poll(async () => (await state(page)).status, { timeout: 2_000 }).toBe('paused');
  await expect(page.locator('.progress')).toHaveCount(0);
  await page.click('.consent [data-do=download]');
  await stands(page);
});

test('an unknown model is named, and another can be chosen', async ({ page, site }) => {
  await visit(page, site, 'text?model=nothing-of-the-kind');
  await page.click('.consent [data-do=download]');
  await expect(card(page, 'error-unknown-model')).toBeVisible();
  await expect.poll(async () => (await state(page)).status).toBe('paused');
  await page.locator('[data-key=model] select').selectOption('smollm2-135m');
  await expect.poll(async () => (await state(page)).link).toBe('text');
});
