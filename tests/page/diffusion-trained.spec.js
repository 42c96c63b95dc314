// What a diffusion model on pictures does with the weights that ship, before any training: it draws what is asked for in words,
// repairs, starts from a drawing.

import { test, expect, visit, collect, state, curve, coloursOf, drawing, keep, untilStep, untranslated, SHOTS, stroke } from './kiln.js';

const EMOJI = 'diffusion?data=emoji&steps=4';

const panel = (page, id) => page.locator(`[data-panel=${id}]`);
const pictures = (page, id) => panel(page, id).locator('.images canvas').first();
const link = async (page) => (await state(page)).link;
const toggle = (page, key) => page.locator(`[data-key=${key}] input`);
const words = (page) => page.locator('#control-words');
const note = (page) => panel(page, 'samples').locator('.note');

/** Opens a link as a person does: the shipped weights are loaded, everything is shown, and it stands. */
async function open(page, site, text, query = 'device=cpu') {
  await visit(page, site, text, query);
  await stands(page);
}

async function stands(page) {
  await expect(pictures(page, 'samples')).toBeVisible();
  await expect.poll(async () => (await state(page)).status).toBe('paused');
}

async function ask(page, text) {
  await words(page).fill(text);
  await words(page).press('Enter');
}

test('a link opens trained weights: digits stand there before anything is trained, and Run trains them on', async ({ page, site }) => {
  const from = Date.now();
  await open(page, site, 'diffusion');
  await expect.poll(() => coloursOf(pictures(page, 'samples'))).toBeGreaterThan(30);
  console.log(`digits of the shipped weights after ${Date.now() - from} ms`);
  expect(await state(page)).toMatchObject({ demo: 'diffusion', step: 0, link: 'diffusion', error: null, status: 'paused' });
  await expect(page.locator('#cards .card')).toHaveCount(0);
  await expect(page.locator('#control-start option:checked')).toHaveText('Trained weights');
  const shipped = await drawing(pictures(page, 'samples'));
  await page.locator('[data-do=run]').click();
  await untilStep(page, 2);
  await page.evaluate(() => window.kiln.pause());
  // They go on from where they were, and not from random numbers: a digit's error is small already.
  // From scratch the first ones are above 0.7.
  const losses = (await curve(page)).slice(0, 2).map(([, loss]) => Number(loss));
  expect(Math.max(...losses)).toBeLessThan(0.6);
  await expect.poll(() => drawing(pictures(page, 'samples'))).not.toBe(shipped);
  // From scratch at a click.
  await page.locator('#lesson .try a').first().click();
  await expect.poll(() => link(page)).toBe('diffusion?start=scratch');
  await untilStep(page, 1);
});

test('words in English and in Chinese say what is drawn, and a word that is not known is named', async ({ page, site }) => {
  await open(page, site, EMOJI);
  const inTurn = await drawing(pictures(page, 'samples'));
  await ask(page, 'red heart');
  await expect.poll(() => link(page)).toBe(`${EMOJI}&words=red%20heart`);
  await expect.poll(() => drawing(pictures(page, 'samples'))).not.toBe(inTurn);
  const heart = await drawing(pictures(page, 'samples'));
  await ask(page, '红色的花');
  await expect.poll(() => link(page)).toBe(`${EMOJI}&words=%E7%BA%A2%E8%89%B2%E7%9A%84%E8%8A%B1`);
  await expect.poll(() => drawing(pictures(page, 'samples'))).not.toBe(heart);
  await expect(note(page)).toHaveCount(0);
  // What is not known is left out; what remains is drawn as if it stood alone.
  await ask(page, 'red unicorn heart');
  await expect(note(page)).toHaveText('Never seen in training, and left out: unicorn.');
  await expect.poll(() => drawing(pictures(page, 'samples'))).toBe(heart);
  await ask(page, 'red heart');
  await expect(note(page)).toBeHidden();
  expect((await state(page)).step).toBe(0);
});

test('the time is scrubbed and played, and the film of the training comes back after it', async ({ page, site }) => {
  await open(page, site, 'diffusion?steps=8');
  const slider = panel(page, 'samples').locator('.sliders input');
  const film = panel(page, 'samples').locator('.film');
  const sample = await drawing(pictures(page, 'samples'));
  await page.evaluate(() => window.kiln.step(2));
  await expect(panel(page, 'samples').locator('.images')).toHaveAttribute('data-step', '2');
  const trained = await drawing(pictures(page, 'samples'));
  expect(trained).not.toBe(sample);
  await slider.fill('1');
  await expect.poll(() => link(page)).toMatch(/^diffusion\?steps=8&time=1/);
  await expect(film).toBeHidden();
  await expect.poll(() => drawing(pictures(page, 'samples'))).not.toBe(trained);
  await panel(page, 'samples').locator('[data-do=play]').click();
  await expect.poll(() => link(page), { timeout: 20_000 }).toBe('diffusion?steps=8');
  await expect.poll(() => drawing(pictures(page, 'samples'))).toBe(trained);
  // The frame from before is still there.
  await film.locator('input').fill('0');
  await expect.poll(() => drawing(pictures(page, 'samples'))).toBe(sample);
});

test('damaged pictures are repaired, with the errors beside those of encoding alone', async ({ page, site }) => {
  await open(page, site, 'diffusion?steps=8');
  await toggle(page, 'repair').click();
  await expect(panel(page, 'repair').locator('.row-names li')).toHaveText(['Original', 'Damaged', 'Encoded', 'Repaired']);
  const figures = panel(page, 'repair').locator('.figures > div');
  await expect(figures.locator('dt')).toHaveText(['Error (diffusion)', 'Error (encoding)']);
  await expect(figures.locator('dd')).toHaveText([/^0\.\d*[1-9]/, /^0\.\d*[1-9]/]);
  const hole = await drawing(pictures(page, 'repair'));
  await page.locator('#control-damage').selectOption({ label: 'Noise' });
  await expect.poll(() => drawing(pictures(page, 'repair'))).not.toBe(hole);
  await panel(page, 'repair').locator('.away').click();
  await expect(panel(page, 'repair')).toBeHidden();
  await expect.poll(() => link(page)).toBe('diffusion?steps=8&damage=noise');
});

test('a drawing becomes pictures, and they go when it is wiped', async ({ page, site }) => {
  await open(page, site, 'diffusion?class=4&steps=8');
  await toggle(page, 'drawing').click();
  const pad = panel(page, 'drawing').locator('.pad canvas');
  await expect(pad).toBeVisible();
  await expect(pictures(page, 'drawing')).toHaveCount(0);
  await stroke(page, pad, [[0.3, 0.25], [0.7, 0.25], [0.45, 0.8]]);
  await expect(pictures(page, 'drawing')).toHaveAttribute('aria-label', /: 6 pictures at step 0$/);
  await expect.poll(() => coloursOf(pictures(page, 'drawing'))).toBeGreaterThan(3);
  await page.click('[data-tool=wipe]');
  await expect(pictures(page, 'drawing')).toBeHidden();
});

test('emoji stand above the most similar ones of the training set, which have their names', async ({ page, site }) => {
  await open(page, site, EMOJI);
  await toggle(page, 'nearest').click();
  await expect(pictures(page, 'nearest')).toHaveAttribute('aria-label', /: 16 pictures at step 0$/);
  await expect(panel(page, 'nearest').locator('.row-names li')).toHaveText(['Sample', 'Nearest']);
  const names = await panel(page, 'nearest').locator('.captions li').allTextContents();
  expect(names).toHaveLength(8);
  // In English and in Chinese.
  expect(names.filter((name) => !/^.*[a-z].* · .*\p{Script=Han}/iu.test(name))).toEqual([]);
  await toggle(page, 'between').click();
  await expect(pictures(page, 'between')).toHaveAttribute('aria-label', /: 10 pictures at step 0$/);
  await expect.poll(() => coloursOf(pictures(page, 'between'))).toBeGreaterThan(30);
});

test('a run from trained weights goes on from its file and after a reload, and does not begin anew with what ships', async ({ page, site }) => {
  const text = 'diffusion?batch=16&steps=4';
  await open(page, site, text);
  await page.evaluate(() => window.kiln.step(8));
  const undisturbed = await curve(page);
  await page.click('[data-do=reset]');
  await expect.poll(async () => (await state(page)).step).toBe(0);
  await page.evaluate(() => window.kiln.step(5));
  // The file is large: it stays in the page.
  await page.evaluate(async () => {
    window.transfer = new DataTransfer();
    window.transfer.items.add(new File([await window.kiln.checkpoint()], 'run.safetensors'));
    await window.kiln.open('gan2d?width=16&batch=32');
  });
  expect(await link(page)).toBe('gan2d?width=16&batch=32');
  await page.dispatchEvent('body', 'drop', { dataTransfer: await page.evaluateHandle(() => window.transfer) });
  await expect.poll(async () => [await link(page), (await state(page)).step]).toEqual([text, 5]);
  await stands(page);
  await keep(page);
  await page.reload();
  await page.waitForFunction(() => window.kiln);
  await page.evaluate(() => window.kiln.ready);
  await expect.poll(async () => [await link(page), (await state(page)).step]).toEqual([text, 5]);
  await collect(page);
  await page.evaluate(() => window.kiln.step(3));
  expect((await curve(page)).filter(([step]) => step > 5)).toEqual(undisturbed.slice(5));
});

test('in Chinese it fits on a page 360 px wide, and everything has a name', async ({ page, site }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await open(page, site, `${EMOJI}&words=%E7%BA%A2%20unicorn&between=true&nearest=true&repair=true&drawing=true`, 'device=cpu&lang=zh');
  await expect(note(page)).toHaveText('训练中没有见过这些词，已忽略：unicorn。');
  await expect(panel(page, 'repair').locator('.row-names li')).toHaveText(['原图', '损坏', '编码', '修复']);
  await page.locator('#controls-box > summary').click();
  await expect(page.getByRole('group', { name: '试试这些：文字' }).getByRole('button').first()).toHaveText('红心');
  expect(await untranslated(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.screenshot({ path: `${SHOTS}/diffusion-trained-zh.png`, fullPage: true });
});
