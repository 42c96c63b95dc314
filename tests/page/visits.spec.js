// Nothing is lost: every run is an entry of the history, is kept under a name of its own, and is found again.

import { test, expect, pick, visit, untilStep, state, card, drop, kill, slowness, SMALL, SMALL_DIGITS } from './kiln.js';

const paused = (page) => expect.poll(async () => (await state(page)).status).toBe('paused');
const at = (page, link, step) => expect.poll(async () => [(await state(page)).link, (await state(page)).step]).toEqual([link, step]);

/** Takes `n` steps and waits until the run is written as it stands then. */
async function keep(page, n) {
  await page.evaluate(async (steps) => {
    const { kiln } = window;
    const last = kiln.state.step + steps;
    const written = new Promise((resolve) => kiln.on('kept', ({ step }) => step === last && resolve(null)));
    await kiln.step(steps);
    await kiln.checkpoint();
    await written;
  }, n);
}

const LEAVE = {
  'a control that restarts': async (page) => {
    await page.locator('[data-key=depth] input[type=number]').fill('3');
    await page.locator('[data-key=depth] input[type=number]').press('Enter');
  },
  Reset: (page) => page.click('[data-do=reset]'),
  'New seed': (page) => page.click('[data-do=seed]'),
  "another demo's tab": (page) => pick(page, 'classifier'),
  'a link of the lesson': (page) => page.locator('#lesson .try a').first().click(),
  'a typed link': (page) => page.evaluate(() => (location.hash = '#gan2d?seed=77&width=16')),
};

for (const [name, leave] of Object.entries(LEAVE)) {
  test(`after ${name} the run that was left is one click away, and one Back`, async ({ page, site }) => {
    await visit(page, site, SMALL);
    await page.evaluate(() => window.kiln.step(37));
    await leave(page);
    await expect(card(page, 'left')).toContainText('37');
    await card(page, 'left').getByRole('button', { name: 'step 37' }).click();
    await at(page, SMALL, 37);
    await leave(page);
    await expect.poll(async () => (await state(page)).step).not.toBe(37);
    await expect(card(page, 'left')).toBeVisible();
    await page.goBack();
    await at(page, SMALL, 37);
    await expect.poll(() => page.evaluate(() => location.hash)).toBe(`#${SMALL}`);
    await page.evaluate(() => window.kiln.step(3));
    expect((await state(page)).step).toBe(40);
  });
}

test('Forward leads to the run that Back has left, where it was', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(10));
  await page.click('[data-do=seed]');
  await expect.poll(async () => (await state(page)).step).toBe(0);
  const { link } = await state(page);
  await page.evaluate(() => window.kiln.step(21));
  await page.goBack();
  await at(page, SMALL, 10);
  await page.goForward();
  await at(page, link, 21);
});

test("a demo's tab goes on with its last run", async ({ page, site }) => {
  await visit(page, site, `${SMALL}&seed=5`);
  await page.evaluate(() => window.kiln.step(25));
  await pick(page, 'classifier');
  await expect.poll(async () => (await state(page)).demo).toBe('classifier');
  await pick(page, 'gan2d');
  await expect(card(page, 'continued')).toContainText('25');
  await expect.poll(async () => (await state(page)).link).toBe('gan2d?seed=5&width=16&batch=32');
});

test('an embedded run adds no entries to the history of the page around it', async ({ page, site }) => {
  await visit(page, site, SMALL, 'embed&paused&device=cpu');
  const before = await page.evaluate(() => history.length);
  await page.evaluate(() => window.kiln.step(5));
  await page.evaluate(() => window.kiln.open('gan2d?seed=9&width=16&batch=32'));
  await expect.poll(() => page.evaluate(() => location.hash)).toContain('seed=9');
  expect(await page.evaluate(() => history.length)).toBe(before);
});

test('a saved file that is dropped leaves the run before it one Back away', async ({ page, site }) => {
  await visit(page, site, SMALL);
  const bytes = await page.evaluate(async () => [...(await window.kiln.step(4).then(() => window.kiln.checkpoint()))]);
  await page.evaluate(() => window.kiln.step(30));
  await drop(page, bytes, 'run.safetensors');
  await at(page, SMALL, 4);
  await page.goBack();
  await at(page, SMALL, 34);
});

test('a dropped model that is of no use leads back to the run', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(33));
  await drop(page, Buffer.from('GGUF and then nothing that could be a model'), 'broken.gguf');
  await expect(card(page, 'error-')).toBeVisible();
  await at(page, SMALL, 33);
  await expect(card(page, 'error-')).toBeVisible();
});

test("an earlier visit's run is offered at every opening, and never written over", async ({ page, site }) => {
  await visit(page, site, SMALL);
  await keep(page, 212);
  await page.goto('about:blank');
  // Through the start page and the tab, with another run before it.
  await visit(page, site, 'classifier?batch=16');
  await pick(page, 'gan2d');
  await expect(card(page, 'offer')).toContainText('212');
  await page.evaluate(() => window.kiln.open('gan2d?width=16&batch=32'));
  await expect(card(page, 'offer')).toContainText('212');
  await card(page, 'offer').locator('.close').click();
  await keep(page, 186);
  await page.goto('about:blank');
  await visit(page, site, SMALL);
  await expect(card(page, 'offer')).toContainText('212');
  await card(page, 'offer').getByRole('button', { name: 'Continue' }).click();
  await at(page, SMALL, 212);
});

test('a run whose offer was closed is kept from its first steps', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await keep(page, 300);
  await page.goto('about:blank');
  await visit(page, site, SMALL);
  await card(page, 'offer').locator('.close').click();
  await keep(page, 12);
  await page.reload();
  await page.evaluate(() => window.kiln.ready);
  expect((await state(page)).step).toBe(12);
});

test('a run that had begun, and of which nothing was kept, begins anew after a reload, also where it was paused', async ({ page, site }) => {
  await visit(page, site, SMALL, 'device=cpu');
  await untilStep(page, 1);
  // As a reload leaves it that comes between the pause and its checkpoint.
  await Promise.all([
    page.waitForEvent('load'),
    page.evaluate(() => {
      history.replaceState({ run: 'never-kept', paused: true, begun: true }, '');
      location.reload();
    }),
  ]);
  await page.evaluate(() => window.kiln.ready);
  await untilStep(page, 1);
});

test('a run is kept as it stands at a pause, however often it was written before, and comes back paused', async ({ page, site }) => {
  await visit(page, site, SMALL, 'device=cpu');
  for (let time = 0; time < 3; time += 1) {
    await page.evaluate(() => window.kiln.run());
    await untilStep(page, (await state(page)).step + 50);
    const kept = page.evaluate(async () => {
      let last = -1;
      window.kiln.on('kept', ({ step }) => (last = step));
      await window.kiln.pause();
      const { step } = window.kiln.state;
      while (last < step) await new Promise((resolve) => window.kiln.on('kept', resolve));
      return step;
    });
    const step = await kept;
    await page.reload();
    await page.evaluate(() => window.kiln.ready);
    expect(await state(page)).toMatchObject({ step, status: 'paused' });
    await expect(card(page, 'continued')).toContainText(step.toLocaleString('en'));
  }
});

test('a live control that was moved just before a reload loses nothing', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await keep(page, 150);
  await page.evaluate(() => window.kiln.set('lr_g', 0.004));
  await expect.poll(() => page.evaluate(() => location.hash)).toMatch(/lr_g=0\.004/);
  await page.reload();
  await page.evaluate(() => window.kiln.ready);
  expect((await state(page)).step).toBe(150);
});

test('two tabs that go on with one run keep both', async ({ page, site, context }) => {
  await visit(page, site, SMALL);
  await keep(page, 40);
  const entry = await page.evaluate(() => history.state);
  const other = await context.newPage();
  await other.goto(`${site}?paused&device=cpu`);
  // As a browser does it that duplicates a tab.
  await other.evaluate(([was, link]) => history.replaceState(was, '', `#${link}`), [entry, SMALL]);
  await other.reload();
  await other.evaluate(() => window.kiln.ready);
  expect((await state(other)).step).toBe(40);
  await keep(page, 100);
  await keep(other, 5);
  await page.reload();
  await page.evaluate(() => window.kiln.ready);
  expect((await state(page)).step).toBe(140);
  await other.reload();
  await other.evaluate(() => window.kiln.ready);
  expect((await state(other)).step).toBe(45);
});

test('a run that was kept before runs had names is found again', async ({ page, site }) => {
  await visit(page, site, SMALL);
  const link = SMALL;
  await keep(page, 61);
  await page.evaluate(async (name) => {
    // It is written once more: not while its files are taken away.
    const written = new Promise((resolve) => window.kiln.on('kept', resolve));
    const bytes = await window.kiln.checkpoint();
    await written;
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('kiln-runs', { create: true });
    for await (const old of folder.keys()) {
      // One that is written at this moment can be taken away when it has been.
      await folder.removeEntry(old).catch(() => new Promise((resolve) => window.kiln.on('kept', resolve)).then(() => folder.removeEntry(old)));
    }
    const put = async (title, data) => {
      const stream = await (await folder.getFileHandle(title, { create: true })).createWritable();
      await stream.write(data);
      await stream.close();
    };
    await put('0badcafe-a.safetensors', bytes);
    await put('0badcafe.json', JSON.stringify({ link: name, step: 61, file: '0badcafe-a.safetensors', length: bytes.byteLength, at: 1 }));
  }, link);
  await page.goto('about:blank');
  await visit(page, site, link);
  await card(page, 'offer').getByRole('button', { name: 'Continue' }).click();
  await at(page, link, 61);
});

test('storage that never answers does not hold up the page', async ({ page, site }) => {
  await page.addInitScript(() => (StorageManager.prototype.getDirectory = () => new Promise(() => {})));
  await page.goto(`${site}?device=cpu#${SMALL}`);
  await page.reload();
  await untilStep(page, 5, 20_000);
  await expect(card(page, 'memory-only')).toBeVisible({ timeout: 20_000 });
});

test('a worker that hangs while it starts is told of within seconds, and can be started anew', async ({ page, site }) => {
  let hangs = true;
  await page.route('**/worker-cpu_loader.js', (route) => (hangs ? route.fulfill({ contentType: 'text/javascript', body: 'for (;;);' }) : route.continue()));
  const from = Date.now();
  await page.goto(`${site}?device=cpu#${SMALL}`);
  await expect(card(page, 'slow')).toBeVisible({ timeout: 20_000 });
  const took = Date.now() - from;
  expect(took).toBeLessThan(15_000 * (await slowness(page)));
  hangs = false;
  await card(page, 'slow').getByRole('button', { name: 'Try again' }).click();
  await untilStep(page, 3);
  await expect(card(page, 'slow')).toHaveCount(0);
});

test('what was changed while it ran is not called the same run', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(5));
  await page.click('[data-do=share]');
  await expect(page.locator('#share')).toContainText('the same run');
  await page.keyboard.press('Escape');
  await page.evaluate(() => window.kiln.set('speed', 'slow'));
  await page.evaluate(() => window.kiln.set('lr_g', 0.003));
  await expect.poll(async () => (await state(page)).link).toMatch(/lr_g/);
  await page.click('[data-do=share]');
  await expect(page.locator('#share')).toContainText('a different run');
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('[data-do=share-save]')]);
  expect(file.suggestedFilename()).toBe('kiln-gan2d-5.safetensors');
  // The file knows, too.
  await page.keyboard.press('Escape');
  await page.click('[data-do=reset]');
  await page.click('[data-do=share]');
  await expect(page.locator('#share')).toContainText('the same run');
  await page.keyboard.press('Escape');
  await page.goBack();
  await expect.poll(async () => (await state(page)).step).toBe(5);
  await page.click('[data-do=share]');
  await expect(page.locator('#share')).toContainText('a different run');
});

test('a run that is lost soon after it was taken up again goes back to where it was taken up', async ({ page, site }) => {
  await visit(page, site, SMALL_DIGITS);
  await keep(page, 6);
  await page.reload();
  await page.evaluate(() => window.kiln.ready);
  await kill(page, 'close');
  await paused(page);
  await expect.poll(async () => (await state(page)).step, { timeout: 30_000 }).toBe(6);
});

test('Back, Back while a run goes on ends at the last of them, and nothing of the one between is lost', async ({ page, site }) => {
  await visit(page, site, `${SMALL_DIGITS}&seed=1`);
  await keep(page, 3);
  await page.click('[data-do=reset]');
  await expect.poll(async () => (await state(page)).step).toBe(0);
  await keep(page, 6);
  await page.evaluate(() => (location.hash = '#dcgan?width=8&batch=8&seed=9'));
  await untilStep(page, 2, 60_000);
  await page.evaluate(() => history.go(-1));
  await page.evaluate(() => history.go(-1));
  await expect.poll(async () => (await state(page)).step, { timeout: 30_000 }).toBe(3);
  await page.goForward();
  await expect.poll(async () => (await state(page)).step, { timeout: 30_000 }).toBe(6);
  await page.goForward();
  await expect.poll(async () => (await state(page)).link).toContain('seed=9');
});

test('a run that has diverged can be left: nothing is downloaded, and what comes next is kept', async ({ page, site }) => {
  await visit(page, site, 'gan2d?loss=leastsquares&depth=5&batch=16');
  await page.evaluate(async () => {
    await window.kiln.step(5);
    await window.kiln.checkpoint();
    for (const [key, value] of [['beta2', 0], ['lr_g', 0.1], ['lr_d', 0.1]]) window.kiln.set(key, value);
    await window.kiln.run().catch(() => {});
  });
  await expect(card(page, 'error-diverged')).toBeVisible({ timeout: 60_000 });
  // The watch over other origins would see a request.
  await pick(page, 'text');
  await expect.poll(async () => (await state(page)).demo).toBe('text');
  await expect(page.locator('.consent [data-do=download]')).toBeVisible();
  await page.evaluate((link) => window.kiln.open(link), SMALL);
  await keep(page, 8);
  const { step } = await state(page);
  await page.reload();
  await page.evaluate(() => window.kiln.ready);
  expect((await state(page)).step).toBe(step);
});
