import { test, expect, visit, untilStep, state, curve, kill, card, SMALL, SMALL_DIGITS } from './kiln.js';

const WAYS = ['panic', 'close', 'hang'];

// Not the smallest network: of more than 8,192 steps a curve keeps every other one.
for (const [name, link, kills, patience] of [['points', 'gan2d?width=64&batch=128', 6, 40], ['digits', SMALL_DIGITS, 4, 4]]) {
  test(`the ${name} go on after ${kills} deaths of the worker, on the undisturbed curve`, async ({ page, site }) => {
    test.setTimeout(180_000);
    await visit(page, site, link, 'paused&device=cpu&watchdog=3000');
    await page.evaluate(() => window.kiln.run());
    for (let time = 0; time < kills; time += 1) {
      const way = WAYS[time % WAYS.length];
      // Further than ever before, then some random steps more; half of the deaths come soon after a checkpoint.
      const { step } = await state(page);
      await untilStep(page, step + patience + Math.floor(Math.random() * patience));
      if (time % 2 === 0) await page.evaluate(() => window.kiln.checkpoint().then(() => undefined));
      const far = await page.evaluate(() => Math.max(...window.curve.keys()));
      const worker = page.workers().at(-1);
      const gone = new Promise((resolve) => worker.once('close', resolve));
      await kill(page, way);
      await gone;
      await untilStep(page, far + 1, 60_000);
      console.log(`${way} at about step ${far}: went on`);
      await expect(page.locator('#cards')).toContainText('restarted');
    }
    await page.evaluate(() => window.kiln.pause());
    const disturbed = await curve(page);
    expect(await page.evaluate(() => window.contradictions)).toEqual([]);
    const last = disturbed.at(-1)[0];
    expect(disturbed.length).toBe(last);

    await page.goto('about:blank');
    await visit(page, site, link, 'paused&device=cpu');
    await page.evaluate((n) => window.kiln.step(n), last);
    expect(disturbed).toEqual((await curve(page)).slice(0, last));
  });
}

test('a worker that dies at every start is not started for ever', async ({ page, site }) => {
  await visit(page, site, SMALL, 'device=cpu');
  await untilStep(page, 5);
  await page.evaluate(() => window.kiln.pause());
  for (let time = 0; time < 3; time += 1) {
    const worker = page.workers().at(-1);
    const gone = new Promise((resolve) => worker.once('close', resolve));
    await kill(page, 'panic');
    await gone;
    if (time < 2) await expect.poll(async () => (await state(page)).status).toBe('paused');
  }
  await expect(card(page, 'stopped')).toContainText('three times');
  await card(page, 'stopped').getByRole('button', { name: 'Try again' }).click();
  await expect.poll(async () => (await state(page)).status).toBe('paused');
  await page.evaluate(() => window.kiln.step(2));
});

test('without storage the run is kept in memory, and says so', async ({ page, site }) => {
  await page.addInitScript(() => (StorageManager.prototype.getDirectory = () => Promise.reject(new Error('private'))));
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(20).then(() => window.kiln.checkpoint()).then(() => undefined));
  await expect(card(page, 'memory-only')).toContainText('memory only');
  await kill(page, 'panic');
  await expect(card(page, 'recovered-panic')).toContainText('step 20');
  await expect.poll(async () => (await state(page)).status).toBe('paused');
  expect((await state(page)).step).toBe(20);
});

for (const file of ['worker-cpu_loader.js', 'worker-cpu_bg.wasm']) {
  test(`where ${file} cannot be fetched it is told, and trying again helps`, async ({ page, site, watched }) => {
    let offline = true;
    await page.route(`**/${file}`, (route) => (offline ? route.abort() : route.continue()));
    await page.goto(`${site}?device=cpu#${SMALL}`);
    await expect(card(page, 'unreachable')).toContainText('offline');
    offline = false;
    await card(page, 'unreachable').getByRole('button', { name: 'Try again' }).click();
    await untilStep(page, 3);
    expect((await state(page)).link).toBe(SMALL);
    expect(watched).toEqual([]);
  });
}

test('digits that cannot be fetched are told, and trying again helps', async ({ page, site }) => {
  let offline = true;
  await page.route('**/train-00.idx.gz', (route) => (offline ? route.abort() : route.continue()));
  await page.goto(`${site}?device=cpu#${SMALL_DIGITS}`);
  await expect(card(page, 'error-fetch')).toContainText('train-00.idx.gz');
  await expect.poll(async () => (await state(page)).status).toBe('paused');
  offline = false;
  await card(page, 'error-fetch').getByRole('button', { name: 'Try again' }).click();
  await untilStep(page, 3);
});
