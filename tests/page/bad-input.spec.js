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
    [[...Buffer.from('This is not a checkpoint, it is a letter.')], 'letter.txt'],
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

test('a run that diverges stops, says where, and goes back to its last good checkpoint', async ({ page, site }) => {
  await visit(page, site, 'gan2d?width=16&batch=32&loss=wasserstein&lr_g=0.1&lr_d=0.1&beta1=0.99', 'paused&device=cpu');
  await page.evaluate(() => window.kiln.step(3).then(() => window.kiln.checkpoint()).then(() => undefined));
  // A worker that computes infinities by itself cannot be ordered: the event is what a diverged run sends.
  await page.workers()[0].evaluate(() =>
    postMessage({ type: 'error', code: 'diverged', message: 'A loss is no longer a finite number.', help: 'Lower the learning rate.', step: 4, fatal: false }),
  );
  await expect(card(page, 'error-diverged')).toContainText('diverged at step 4');
  await card(page, 'error-diverged').getByRole('button', { name: 'Back to step 3' }).click();
  await expect.poll(async () => (await state(page)).status).toBe('paused');
  expect((await state(page)).step).toBe(3);
});
