import { test, expect, visit, untilStep, state, collect, SMALL, SMALL_DIGITS } from './kiln.js';

test('every button of the toolbar does what it says', async ({ page, site }) => {
  await visit(page, site, SMALL);
  const press = (name) => page.click(`[data-do=${name}]`);
  await press('run');
  await untilStep(page, 10);
  await expect(page.locator('[data-do=run]')).toContainText('Pause');
  await press('run');
  await expect.poll(async () => (await state(page)).status).toBe('paused');
  const { step } = await state(page);
  await press('step');
  await expect.poll(async () => (await state(page)).step).toBe(step + 1);
  await press('reset');
  await expect.poll(async () => (await state(page)).step).toBe(0);
  await press('seed');
  await expect.poll(async () => (await state(page)).link).toMatch(/seed=/);
  await press('share');
  await expect(page.locator('#share-link')).toHaveValue(/#gan2d\?.*seed=/);
  await expect(page.locator('#share-embed')).toHaveValue(/<iframe src=.*\?embed#gan2d/);
  await page.locator('#share button').first().click();
  await page.keyboard.press('Escape');
  const [download] = await Promise.all([page.waitForEvent('download'), press('save')]);
  expect(download.suggestedFilename()).toMatch(/^kiln-gan2d-\d+\.safetensors$/);
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), press('load')]);
  await chooser.setFiles(await download.path());
  await expect(page.locator('#cards')).toContainText('is loaded');
  await page.locator('select[data-do=speed]').selectOption({ index: 0 });
  await expect.poll(async () => (await state(page)).link).toMatch(/speed=/);
});

test('every action of the points can be pressed', async ({ page, site }) => {
  await visit(page, site, SMALL);
  for (const button of await page.locator('[data-act]').all()) {
    await button.click();
    await page.evaluate(() => window.kiln.step(2));
  }
  await page.click('[data-act=train_generator]');
  await expect(page.locator('[data-act=train_generator]')).toHaveAttribute('aria-pressed', 'true');
  await expect(page.locator('[data-act=train_both]')).toHaveAttribute('aria-pressed', 'false');
  expect((await state(page)).error).toBeNull();
});

test('a live control acts without a restart', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(5));
  const slider = page.locator('[data-key=lr_g] input[type=range]');
  await slider.focus();
  await slider.press('ArrowRight');
  await expect.poll(async () => (await state(page)).link).toMatch(/lr_g=/);
  expect((await state(page)).step).toBe(5);
  const number = page.locator('[data-key=lr_g] input[type=number]');
  await number.fill('0.004');
  await number.press('Enter');
  await expect.poll(async () => (await state(page)).link).toMatch(/lr_g=0\.004/);
});

test('a control that restarts opens the changed link, and the run goes on running', async ({ page, site }) => {
  await visit(page, site, SMALL, 'device=cpu');
  await page.locator('[data-key=loss] select').selectOption({ index: 2 });
  await expect.poll(async () => (await state(page)).link).toMatch(/loss=leastsquares/);
  await untilStep(page, 5);
  const depth = page.locator('[data-key=depth] input[type=number]');
  await depth.fill('99');
  await depth.press('Enter');
  await expect.poll(async () => (await state(page)).link).toMatch(/depth=5/);
  await expect(depth).toHaveValue('5');
});

test('the description of a control can be read', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.click('[data-key=loss] .why');
  await expect(page.locator('[data-key=loss] .about')).toBeVisible();
});

test('switches and presets of the digits restart them', async ({ page, site }) => {
  test.setTimeout(90_000);
  await visit(page, site, SMALL_DIGITS);
  await page.locator('[data-key=conditional] input').click();
  await expect.poll(async () => (await state(page)).link, { timeout: 30_000 }).toMatch(/conditional=false/);
  await page.locator('[data-key=conditional] input').click();
  await expect.poll(async () => (await state(page)).link, { timeout: 30_000 }).not.toMatch(/conditional/);
  await page.locator('[data-key=digit] select').selectOption({ index: 4 });
  await expect.poll(async () => (await state(page)).link).toMatch(/digit=3/);
  await page.locator('[data-key=width] .preset').last().click();
  await expect.poll(async () => (await state(page)).link, { timeout: 30_000 }).toMatch(/width=64/);
});

test('space runs and pauses, s steps', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await page.locator('body').press('s');
  await expect.poll(async () => (await state(page)).step).toBe(1);
  await page.locator('body').press(' ');
  await expect.poll(async () => (await state(page)).status).toBe('running');
  await page.locator('body').press(' ');
  await expect.poll(async () => (await state(page)).status).toBe('paused');
});

test('window.kiln opens, runs, pauses, steps, sets, acts and tells', async ({ page, site }) => {
  await visit(page, site, SMALL);
  await collect(page);
  const told = await page.evaluate(async () => {
    const { kiln } = window;
    const seen = [];
    const off = kiln.on('state', ({ status }) => seen.at(-1) !== status && seen.push(status));
    await kiln.open('gan2d?width=16&batch=16&seed=5');
    const opened = { ...kiln.state };
    await kiln.step(3);
    const stepped = kiln.state.step;
    await kiln.run();
    const running = kiln.state.status;
    await kiln.pause();
    const paused = kiln.state.status;
    off();
    kiln.set('lr_g', 0.002);
    kiln.act('train_generator');
    await kiln.step();
    const bytes = await kiln.checkpoint();
    const refused = await kiln.open('nonsense?x=1').catch(({ code, help }) => ({ code, help }));
    return { opened, stepped, running, paused, seen, size: bytes.byteLength, refused, after: { ...kiln.state } };
  });
  expect(told.opened).toMatchObject({ status: 'paused', demo: 'gan2d', step: 0, device: { kind: 'cpu' }, error: null });
  expect(told.opened.link).toContain('seed=5');
  expect(told.stepped).toBe(3);
  expect(told.running).toBe('running');
  expect(told.paused).toBe('paused');
  expect(told.seen).toContain('running');
  expect(told.size).toBeGreaterThan(10);
  expect(told.refused.code).toBe('unknown-demo');
  expect(told.refused.help.length).toBeGreaterThan(5);
  expect(told.after.link).toMatch(/seed=5.*lr_g=0\.002|lr_g=0\.002.*seed=5/);
});
