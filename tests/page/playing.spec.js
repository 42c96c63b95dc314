// Sliders that are played: from noise to data by themselves, no faster than the worker shows each value.

import { test, expect, answers, visit, untilStep, state, SMALL_DIFFUSION2D as SMALL, SMALL_REALNVP, SHOTS, slowness } from './kiln.js';

const play = (page) => page.locator('[data-panel=plane] [data-do=play]');
const slider = (page) => page.locator('[data-panel=plane] .sliders input');
const value = (page) => slider(page).evaluate((input) => input.valueAsNumber);

/** Opens a link, paused; notes what the worker is told and shows, in turn, and each change of the address. */
async function open(page, site, link = SMALL, query = undefined) {
  await page.addInitScript(() => {
    window.turns = [];
    window.addresses = [];
    /** So many frames pass before a link goes to the worker. */
    window.framesLate = 0;
    const late = async (frames) => {
      for (let frame = 0; frame < frames; frame += 1) await new Promise(requestAnimationFrame);
    };
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...rest) {
      if (message.type === 'act') window.turns.push({ value: message.args.value, at: performance.now() });
      if (message.type === 'act' && window.held) return void window.held.then(() => post.call(this, message, ...rest));
      if (message.type === 'open' && window.framesLate > 0) return void late(window.framesLate).then(() => post.call(this, message, ...rest));
      return post.call(this, message, ...rest);
    };
    for (const way of ['pushState', 'replaceState']) {
      const change = history[way];
      history[way] = function (...given) {
        window.addresses.push(way);
        return change.apply(this, given);
      };
    }
  });
  await visit(page, site, link, query);
  await expect(play(page)).toBeVisible();
  await page.evaluate(() => {
    window.kiln.on('views', () => window.turns.push('shown'));
    window.addresses.length = 0;
  });
}

const turns = (page) => page.evaluate(() => window.turns);
/** The values that the worker was told, in turn. */
const told = async (page) => (await turns(page)).filter((one) => one !== 'shown').map((one) => one.value);

/** No value is sent before the one before has been shown. */
function oneAtATime(list) {
  list.forEach((one, index) => {
    if (one !== 'shown' && index > 0) expect(list[index - 1], `turn ${index} of ${list.length}`).toBe('shown');
  });
}

test('the time is played from noise to data in four seconds, one value at a time, and stops there', async ({ page, site }) => {
  await open(page, site);
  await expect(play(page)).toHaveAccessibleName('Play: Time');
  const entries = await page.evaluate(() => history.length);
  await play(page).click();
  await expect(play(page)).toHaveAccessibleName('Pause: Time');
  await expect(play(page)).toBeFocused();
  await expect(play(page)).toHaveAccessibleName('Play: Time');
  // One name that changes says it, and nothing is pressed as well.
  expect(await play(page).getAttribute('aria-pressed')).toBeNull();
  const list = await turns(page);
  const sent = list.filter((one) => one !== 'shown');
  const values = sent.map((one) => one.value);
  expect(values[0]).toBe(1);
  expect(values.at(-1)).toBe(0);
  // However long the worker takes for each.
  expect(values.length).toBeGreaterThan(3);
  values.slice(1).forEach((one, index) => expect(one).toBeLessThan(values[index]));
  oneAtATime(list);
  const took = sent.at(-1).at - sent[0].at;
  expect(took).toBeGreaterThan(3500);
  expect(took).toBeLessThan(8000 * (await slowness(page)));
  expect(await value(page)).toBe(0);
  await expect.poll(async () => (await state(page)).link).toBe(SMALL);
  // As while it is dragged: no entry of the history, and no flood of addresses.
  const ways = await page.evaluate(() => window.addresses);
  expect(ways).not.toContain('pushState');
  expect(ways.length).toBeLessThan(20);
  expect(await page.evaluate(() => history.length)).toBe(entries);
  expect((await state(page)).step).toBe(0);
});

test('it is paused, goes on from there, and begins anew from the end', async ({ page, site }) => {
  await open(page, site);
  await play(page).click();
  await page.waitForFunction(() => window.turns.some((one) => one.value < 0.8));
  await play(page).click();
  await expect(play(page)).toHaveText('Play');
  const stood = await value(page);
  expect(stood).toBeGreaterThan(0);
  // The page asks the worker how it is once a second: nothing has moved meanwhile.
  await answers(page, 3);
  expect(await value(page)).toBe(stood);
  const before = (await told(page)).length;
  await play(page).click();
  await expect(play(page)).toHaveText('Play', { timeout: 10_000 });
  const rest = (await told(page)).slice(before);
  expect(rest[0]).toBe(stood);
  expect(rest.at(-1)).toBe(0);
  await play(page).click();
  await page.waitForFunction((from) => window.turns.filter((one) => one !== 'shown').length > from, before + rest.length);
  expect((await told(page))[before + rest.length]).toBe(1);
});

test('the keys start and stop it, and whoever turns the slider or opens another run stops it', async ({ page, site }) => {
  await open(page, site);
  await slider(page).focus();
  await page.keyboard.press('Shift+Tab');
  await expect(play(page)).toBeFocused();
  await page.keyboard.press('Space');
  await expect(play(page)).toHaveText('Pause');
  await page.keyboard.press('Enter');
  await expect(play(page)).toHaveText('Play');
  // The keys are the button's alone: the run stays paused.
  expect((await state(page)).status).toBe('paused');
  await page.keyboard.press('Space');
  await expect(play(page)).toHaveText('Pause');
  await page.waitForFunction(() => window.turns.some((one) => one.value > 0 && one.value < 1));
  await slider(page).press('End');
  await expect(play(page)).toHaveText('Play');
  await expect.poll(async () => (await state(page)).link).toBe(`${SMALL}&time=1.0`);
  expect(await value(page)).toBe(1);
  // A finger that is put on the slider stops it, too, before it moves.
  await play(page).click();
  await expect(play(page)).toHaveText('Pause');
  await slider(page).dispatchEvent('pointerdown');
  await expect(play(page)).toHaveText('Play');
  expect(await value(page)).toBeGreaterThan(0);
  // What is played while another run is being opened is of the one that is left.
  await play(page).click();
  await expect(play(page)).toHaveText('Pause');
  await page.evaluate((link) => {
    window.framesLate = 20;
    return window.kiln.open(link);
  }, `${SMALL}&time=0.4`);
  await expect(play(page)).toHaveText('Play');
  await answers(page);
  await expect.poll(() => value(page)).toBe(0.4);
  expect((await state(page)).link).toBe(`${SMALL}&time=0.4`);
});

test('an answer from before a turn does not turn the slider back, however late the worker takes the turn', async ({ page, site }) => {
  await open(page, site);
  await page.evaluate(() => {
    window.held = new Promise((resolve) => (window.release = resolve));
  });
  await slider(page).press('End');
  await answers(page, 3);
  // Views of the time that the worker still has.
  await page.evaluate(() => window.kiln.step(1));
  expect(await turns(page)).toContain('shown');
  expect(await value(page)).toBe(1);
  await page.evaluate(() => window.release());
  await expect.poll(async () => (await state(page)).link).toBe(`${SMALL}&time=1.0`);
  expect(await value(page)).toBe(1);
});

test('it is played while the run goes on', async ({ page, site }) => {
  await open(page, site);
  await page.click('[data-do=run]');
  await untilStep(page, 5);
  const { step } = await state(page);
  await play(page).click();
  await expect(play(page)).toHaveText('Pause');
  await expect(play(page)).toHaveText('Play', { timeout: 20_000 });
  const values = await told(page);
  expect(values[0]).toBe(1);
  expect(values.at(-1)).toBe(0);
  oneAtATime(await turns(page));
  const after = await state(page);
  expect(after.status).toBe('running');
  expect(after.step).toBeGreaterThan(step);
});

test('a slider with few places is played through each of them once', async ({ page, site }) => {
  await open(page, site, SMALL_REALNVP);
  await expect(page.locator('[data-panel=plane] .slider .value')).toHaveText('4');
  await play(page).click();
  await expect(play(page)).toHaveAccessibleName('Pause: Couplings passed');
  await expect(play(page)).toHaveText('Play', { timeout: 10_000 });
  expect(await told(page)).toEqual([0, 1, 2, 3, 4]);
  await expect.poll(async () => (await state(page)).link).toBe(SMALL_REALNVP);
});

test('where motion is unwanted each press goes an eighth of the way, and nothing moves by itself', async ({ page, site }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await open(page, site);
  await expect(play(page)).toHaveAccessibleName('Step: Time');
  for (const expected of [1, 0.875, 0.75]) {
    await play(page).click();
    await expect.poll(async () => Number(new URLSearchParams((await state(page)).link.split('?')[1]).get('time'))).toBe(expected);
    expect(await value(page)).toBe(expected);
  }
  await answers(page, 3);
  expect(await value(page)).toBe(0.75);
  expect(await told(page)).toEqual([1, 0.875, 0.75]);
  for (let press = 0; press < 6; press += 1) await play(page).click();
  expect(await value(page)).toBe(0);
  await expect.poll(async () => (await state(page)).link).toBe(SMALL);
  expect(await value(page)).toBe(0);
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  await expect(play(page)).toHaveAccessibleName('Play: Time');
});

test.describe('with a finger, on a page 360 px wide', () => {
  test.use({ hasTouch: true, isMobile: true, viewport: { width: 360, height: 740 } });

  test('the slider is dragged and played, in Chinese, and the page does not scroll with it', async ({ page, site }) => {
    await open(page, site, SMALL, 'paused&device=cpu&lang=zh');
    await expect(play(page)).toHaveAccessibleName('播放：时间');
    await slider(page).scrollIntoViewIfNeeded();
    const box = await slider(page).boundingBox();
    // Long and large enough for a finger, whatever the slider is called.
    expect(box.width).toBeGreaterThanOrEqual(150);
    expect(box.height).toBeGreaterThanOrEqual(32);
    expect((await play(page).boundingBox()).height).toBeGreaterThanOrEqual(36);
    const finger = await page.context().newCDPSession(page);
    const touch = (type, part) =>
      finger.send('Input.dispatchTouchEvent', { type, touchPoints: part === null ? [] : [{ x: box.x + part * box.width, y: box.y + box.height / 2 }] });
    const scrolled = () => page.evaluate(() => [scrollX, scrollY]);
    const before = await scrolled();
    await touch('touchStart', 0.03);
    for (const part of [0.1, 0.3, 0.5, 0.7, 0.8]) await touch('touchMove', part);
    await touch('touchEnd', null);
    await expect.poll(() => value(page)).toBeGreaterThan(0.7);
    await expect.poll(async () => (await state(page)).link).toMatch(/time=0\.[78]/);
    expect(await scrolled()).toEqual(before);
    await play(page).tap();
    await expect(play(page)).toHaveText('暂停');
    await page.screenshot({ path: `${SHOTS}/playing-zh-360.png` });
    await expect(play(page)).toHaveText('播放', { timeout: 10_000 });
    expect(await value(page)).toBe(0);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  });

  test('a slider with a long name has a track that can be turned', async ({ page, site }) => {
    await open(page, site, SMALL_REALNVP);
    expect((await slider(page).boundingBox()).width).toBeGreaterThanOrEqual(150);
    await page.locator('[data-panel=plane] .sliders').screenshot({ path: `${SHOTS}/playing-360.png` });
  });
});
