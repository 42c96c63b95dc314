// A person's own files: what is said of them while they are read and afterwards, and the way out.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, expect, visit, untilStep, state, SMALL, FIXTURES } from './kiln.js';

/** A file of a model of so many MB that no model is in, dropped on the page. */
async function dropLarge(page, name, megabytes) {
  const data = await page.evaluateHandle(
    ([title, count]) => {
      const transfer = new DataTransfer();
      const piece = new Uint8Array(1e6);
      piece.set([71, 71, 85, 70]);
      transfer.items.add(new File(Array(count).fill(piece), title));
      return transfer;
    },
    [name, megabytes],
  );
  await page.dispatchEvent('body', 'drop', { dataTransfer: data });
}

/** The files that this browser keeps, as the worker says when it is asked. */
const kept = (page) =>
  page.evaluate(async () => {
    const { names } = await new Promise((resolve) => {
      const off = window.kiln.on('library', ({ files }) => (off(), resolve({ names: files.map(({ name }) => name) })));
      document.querySelector('[data-do=models]').click();
    });
    document.getElementById('models').close();
    return names;
  });

for (const [language, reading] of [['en', 'Reading large.gguf'], ['zh', '正在读取 large.gguf']]) {
  test(`a file of this machine is read and not downloaded, and reading it can be cancelled, in ${language}`, async ({ page, site }) => {
    test.setTimeout(120_000);
    await visit(page, site, SMALL, `device=cpu&lang=${language}`);
    await untilStep(page, 3);
    const { link } = await state(page);
    await page.evaluate(() => {
      window.arrived = new Promise((resolve) => window.kiln.on('library', ({ files }) => files.some(({ name, complete }) => complete && name === 'large.gguf') && resolve()));
      window.after = [];
    });
    await dropLarge(page, 'large.gguf', 200);
    await expect(page.locator('.progress')).toContainText(reading, { timeout: 30_000 });
    await page.click('.progress [data-do=cancel]', { timeout: 5_000 });
    await expect(page.locator('.progress')).toHaveCount(0, { timeout: 1_000 });
    // What the worker tells of it until its end shows no bar again.
    await page.evaluate(() => new MutationObserver(() => window.after.push(document.getElementById('progress').textContent)).observe(document.getElementById('progress'), { childList: true, subtree: true }));
    await page.evaluate(() => window.arrived);
    expect((await page.evaluate(() => window.after)).filter((text) => text.includes('large.gguf'))).toEqual([]);
    const { step } = await state(page);
    await untilStep(page, step + 3);
    expect(await state(page)).toMatchObject({ link, status: 'running', error: null });
    await expect(page.locator('#cards .card.error')).toHaveCount(0);
    // Nor is it kept.
    await expect.poll(() => kept(page)).not.toContain('large.gguf');
  });
}

test('a model of several files is called by the one that holds its weights', async ({ page, site }) => {
  await visit(page, site, 'text');
  const names = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'];
  const files = await Promise.all(names.map(async (name) => ({ name, mimeType: 'application/octet-stream', buffer: await readFile(join(FIXTURES, 'llama', name)) })));
  await page.locator('#file').setInputFiles(files);
  await expect.poll(async () => (await state(page)).link, { timeout: 30_000 }).toMatch(/model=sha256/);
  await expect(page.locator('#control-model option:checked')).toHaveText('model.safetensors');
});
