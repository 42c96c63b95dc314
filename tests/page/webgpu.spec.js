import { test, expect, visit, untilStep, state, kill, card, SHOTS } from './kiln.js';

// SwiftShader is 10 to 150 times slower than the CPU: the smallest networks, and few steps.
const TINY = 'gan2d?width=16&depth=1&batch=16';

test('the run moves to WebGPU, survives its loss once, and goes on on the CPU after the second', async ({ page, site }) => {
  test.setTimeout(300_000);
  await visit(page, site, TINY, 'device=webgpu&paused');
  await page.evaluate(() => window.kiln.step(5));
  await expect.poll(async () => (await state(page)).device?.kind, { timeout: 150_000 }).toBe('webgpu');
  await expect(card(page, 'on-gpu')).toBeVisible();
  expect((await state(page)).step).toBe(5);
  await page.evaluate(() => window.kiln.step(2));
  expect((await state(page)).step).toBe(7);
  await page.screenshot({ path: `${SHOTS}/webgpu.png` });

  await page.evaluate(() => window.kiln.checkpoint().then(() => undefined));
  await kill(page, 'lose');
  await expect(card(page, 'recovered-device-lost')).toBeVisible({ timeout: 60_000 });
  await expect.poll(async () => (await state(page)).status, { timeout: 150_000 }).toBe('paused');
  expect((await state(page)).device.kind).toBe('webgpu');
  expect((await state(page)).step).toBe(7);

  await kill(page, 'lose');
  await expect(card(page, 'moved-to-cpu')).toBeVisible({ timeout: 60_000 });
  await expect.poll(async () => (await state(page)).device?.kind, { timeout: 60_000 }).toBe('cpu');
  await page.evaluate(() => window.kiln.step(5));
  await untilStep(page, 12);
});
