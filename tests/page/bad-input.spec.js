import { test, expect, visit, untilStep, state, card, drop, SMALL } from './kiln.js';

test('an unknown demo in the first link is named, and something runs all the same', async ({ page, site }) => {
  await page.goto(`${site}?device=cpu#wgan3d?seed=4`);
  await page.evaluate(() => window.kiln.ready);
  await expect(card(page, 'error-unknown-demo')).toContainText('wgan3d');
  await untilStep(page, 3);
});

test('an unknown demo leaves the run as it is', async ({ page, site }) => {
  await visit(page, site, SMALL, 'device=cpu');
  await untilStep(page, 10);
  const { step } = await state(page);
  await page.evaluate(() => (location.hash = '#nonsense'));
  await expect(card(page, 'error-unknown-demo')).toBeVisible();
  await untilStep(page, step + 5);
  await expect.poll(() => page.evaluate(() => location.hash)).toBe(`#${SMALL}`);
});

test('a malformed link is told', async ({ page, site }) => {
  await visit(page, site, SMALL, 'device=cpu');
  await untilStep(page, 5);
  await page.evaluate(() => (location.hash = '#gan2d?seed=%E0%A4%A'));
  await expect(page.locator('#cards .card')).not.toHaveCount(0);
  const { step } = await state(page);
  await untilStep(page, step + 5);
});

test('values out of range are clamped and named, unknown keys are named', async ({ page, site }) => {
  await visit(page, site, 'gan2d?width=9999&batch=32&colour=blue&depth=soon');
  await expect(page.locator('#cards')).toContainText('width');
  await expect(page.locator('#cards')).toContainText('colour');
  await expect(page.locator('#cards')).toContainText('depth');
  expect((await state(page)).link).toMatch(/width=256/);
});

test('a truncated file and a foreign file are refused, and the run goes on', async ({ page, site }) => {
  await visit(page, site, SMALL, 'device=cpu');
  await untilStep(page, 10);
  const bytes = await page.evaluate(async () => [...(await window.kiln.checkpoint())]);
  for (const [wrong, name] of [
    [bytes.slice(0, Math.floor(bytes.length / 2)), 'truncated.safetensors'],
    [[...Buffer.from('This is not a checkpoint, it is a letter.')], 'letter.safetensors'],
    [[], 'empty.safetensors'],
  ]) {
    const { step } = await state(page);
    await drop(page, wrong, name);
    await expect(card(page, 'error-bad-file')).toBeVisible();
    await untilStep(page, step + 5);
    expect((await state(page)).link).toBe(SMALL);
    expect((await state(page)).status).toBe('running');
    await card(page, 'error-bad-file').locator('.close').click();
  }
});

test('a run that diverges stops, says why, and goes back to its last good checkpoint', async ({ page, site }) => {
  await visit(page, site, 'gan2d?loss=leastsquares&depth=5&batch=16');
  await page.evaluate(async () => {
    await window.kiln.step(5);
    await window.kiln.checkpoint();
    // Adam without a memory of squared gradients, at a hundred times the step size.
    for (const [key, value] of [['beta2', 0], ['lr_g', 0.1], ['lr_d', 0.1]]) window.kiln.set(key, value);
    await window.kiln.run().catch(() => {});
  });
  await expect(card(page, 'error-diverged')).toContainText('learning rate');
  await expect.poll(async () => (await state(page)).status).toBe('paused');
  await expect.poll(async () => (await state(page)).error?.code).toBe('diverged');
  await card(page, 'error-diverged').getByRole('button', { name: 'Back to step 5' }).click();
  await expect.poll(async () => (await state(page)).step).toBe(5);
  expect((await state(page)).status).toBe('paused');
  await page.evaluate(() => window.kiln.step(3));
  expect((await state(page)).error).toBeNull();
});

for (const [language, opens, most] of [['en', /Kiln does not open letter\.txt.*\.safetensors.*\.gguf.*\.png/, '1 GB'], ['zh', /打不开 letter\.txt.*\.safetensors.*\.gguf.*\.png/, '1 GB']]) {
  test(`a file of another kind is named, with what Kiln opens, and the run goes on, in ${language}`, async ({ page, site }) => {
    // No test makes a file of more than 1 GB: one only says that it is.
    await page.addInitScript(() => {
      const { get } = Object.getOwnPropertyDescriptor(Blob.prototype, 'size');
      Object.defineProperty(File.prototype, 'size', { get() { return this.name === 'huge.safetensors' ? 2 ** 31 : get.call(this); } });
    });
    await visit(page, site, SMALL, `device=cpu&lang=${language}`);
    await untilStep(page, 5);
    for (const [name, text] of [['letter.txt', 'Dear Kiln, this is a letter.'], ['table.csv', 'x,y\n1,2\n'], ['paper.pdf', '%PDF-1.7 and more'], ['tokenizer.json', '{"model": {}}']]) {
      const { step } = await state(page);
      await drop(page, Buffer.from(text), name);
      await expect(card(page, 'file')).toContainText(name);
      await expect(card(page, 'file')).toContainText('config.json');
      if (name === 'letter.txt') await expect(card(page, 'file')).toContainText(opens);
      await expect(card(page, 'error')).toHaveCount(0);
      await untilStep(page, step + 5);
      await card(page, 'file').locator('.close').click();
    }
    await drop(page, Buffer.from('any'), 'huge.safetensors');
    await expect(card(page, 'file')).toContainText('huge.safetensors');
    await expect(card(page, 'file')).toContainText(most);
    expect((await state(page)).link).toBe(SMALL);
  });
}

test('several files of other kinds are refused by the name of the first', async ({ page, site }) => {
  await visit(page, site, SMALL);
  const data = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    for (const name of ['one.txt', 'two.txt']) transfer.items.add(new File(['a letter'], name));
    return transfer;
  });
  await page.dispatchEvent('body', 'drop', { dataTransfer: data });
  await expect(card(page, 'file')).toContainText('one.txt');
  expect((await state(page)).link).toBe(SMALL);
});
