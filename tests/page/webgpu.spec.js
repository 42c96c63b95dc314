import { test, expect, visit, untilStep, state, kill, keepingDevice, card, curve, SMALL_DIFFUSION, SMALL_DIFFUSION2D, SHOTS } from './kiln.js';

// SwiftShader is 10 to 150 times slower than the CPU: the smallest networks, and few steps.
const TINY = 'gan2d?width=16&depth=1&batch=16';

test('the run moves to WebGPU, survives its loss once, and goes on on the CPU after the second', async ({ page, changed }) => {
  test.setTimeout(300_000);
  const site = await changed(keepingDevice);
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

/** Ends the browser's GPU process, as a driver that fails does. */
async function killGpuProcess(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  process.kill(processInfo.find(({ type }) => type === 'GPU').id, 'SIGKILL');
}

const LOSSES = {
  'its device': ({ page }) => kill(page, 'lose'),
  'its worker': ({ page }) => kill(page, 'throw'),
  'the GPU process': ({ browser }) => killGpuProcess(browser),
};

for (const [name, lose] of Object.entries(LOSSES)) {
  test(`a run on WebGPU that loses ${name} goes on by itself`, async ({ page, browser, changed }) => {
    test.setTimeout(300_000);
    const site = await changed(keepingDevice);
    // It runs while it is handed over: what was wanted before must be wanted still.
    await visit(page, site, TINY, 'device=webgpu');
    await expect.poll(async () => (await state(page)).device?.kind, { timeout: 150_000 }).toBe('webgpu');
    const { step } = await state(page);
    await untilStep(page, step + 1, 120_000);
    await lose({ page, browser });
    await expect(page.locator('#cards [data-key^="recovered"], #cards [data-key="moved-to-cpu"]').first()).toBeVisible({ timeout: 90_000 });
    // It may have been at a later step already when it was lost: what counts are the steps after it runs again.
    await expect.poll(async () => (await state(page)).status, { timeout: 150_000 }).toBe('running');
    await untilStep(page, (await state(page)).step + 5, 150_000);
    expect((await state(page)).status).toBe('running');
  });
}

/** Counts what the GPU worker asks of the device, from its first line on. */
const COUNTING = `
self.asked = { dispatches: 0, submits: 0, bytes: 0 };
const count = (type, name, add) => {
  const plain = type.prototype[name];
  type.prototype[name] = function (...args) {
    add(this, args);
    return plain.apply(this, args);
  };
};
count(GPUComputePassEncoder, 'dispatchWorkgroups', () => (self.asked.dispatches += 1));
count(GPUComputePassEncoder, 'dispatchWorkgroupsIndirect', () => (self.asked.dispatches += 1));
count(GPUQueue, 'submit', () => (self.asked.submits += 1));
count(GPUBuffer, 'mapAsync', (buffer, [, , size]) => (self.asked.bytes += size ?? buffer.size));
`;

test('a language model writes the same on WebGPU as on the CPU, and shows its inside there too', async ({ page, site, changed, models }) => {
  test.setTimeout(400_000);
  const there = await changed((path, body) => (path === '/worker-gpu_loader.js' ? COUNTING + body : body));
  const link = `text?model=${models.url}plain/tiny/tiny-llama-q8_0.gguf&prompt=Hello&greedy=true&max_tokens=12`;
  const reading = () => page.locator('.reading').evaluate((element) => element.textContent);
  const stands = (steps) => page.waitForFunction((n) => window.kiln.state.status === 'paused' && window.kiln.state.step >= n, steps, { timeout: 200_000 });
  await visit(page, site, link);
  await page.evaluate(() => window.kiln.run({ download: true }));
  await stands(12);
  const onCpu = await reading();

  await visit(page, there, link, 'device=webgpu&paused');
  await expect.poll(async () => (await state(page)).device?.kind, { timeout: 150_000 }).toBe('webgpu');
  const worker = page.workers().find((w) => w.url().includes('worker-gpu'));
  await page.evaluate(() => window.kiln.step(6, { download: true }));
  const before = await worker.evaluate(() => ({ ...self.asked }));
  await page.evaluate(() => window.kiln.step(4));
  const after = await worker.evaluate(() => ({ ...self.asked }));
  const each = Object.fromEntries(Object.keys(before).map((key) => [key, (after[key] - before[key]) / 4]));
  console.log(`a token of a Llama with 2 layers on WebGPU: ${each.dispatches} dispatches, ${each.submits} submits, ${each.bytes} bytes read`);
  // Nine a layer, and embedding, norm and head; a few more where the page's views look.
  expect(each.dispatches).toBeLessThan(30);
  await page.evaluate(() => window.kiln.run());
  await stands(12);
  expect(await reading()).toBe(onCpu);
  for (const key of ['attention', 'lens']) await page.evaluate((name) => window.kiln.set(name, true), key);
  await expect(page.locator('[data-panel=attention] canvas')).toBeVisible({ timeout: 60_000 });
  await expect(page.locator('[data-panel=lens]')).toBeVisible();
  await page.screenshot({ path: `${SHOTS}/webgpu-text.png`, fullPage: true });
});

for (const link of [`${SMALL_DIFFUSION2D}&steps=3`, `${SMALL_DIFFUSION}&steps=2`, 'gpt?data=sort&batch=8']) {
  test(`${link} learns the same on WebGPU as on the CPU`, async ({ page, site }) => {
    test.setTimeout(400_000);
    const losses = async (query) => {
      await page.goto('about:blank');
      await visit(page, site, link, `${query}&paused`);
      const kind = query.slice('device='.length);
      await expect.poll(async () => (await state(page)).device?.kind, { timeout: 150_000 }).toBe(kind);
      await page.evaluate(() => window.kiln.step(6));
      return curve(page);
    };
    const [cpu, gpu] = [await losses('device=cpu'), await losses('device=webgpu')];
    expect(gpu.map(([step]) => step)).toEqual(cpu.map(([step]) => step));
    expect(cpu.length).toBeGreaterThan(5);
    cpu.forEach(([step, loss], index) => expect(Number(gpu[index][1]) / Number(loss), `step ${step}`).toBeCloseTo(1, 3));
  });
}
