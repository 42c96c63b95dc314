import { readFile } from 'node:fs/promises';
import { test, expect, visit, state, coloursOf, drawing, drop, card, SHOTS, stroke, slowness } from './kiln.js';

const PANELS = [
  'plane', 'chosen', 'pad', 'reconstructions', 'repair', 'interpolation', 'arithmetic', 'samples', 'dimensions', 'figures',
];
const SMALL = 'vae?batch=16&start=scratch&width=4';
/** Decoded pictures a second that must follow a pointer, on the CPU. */
const FOLLOWS = 15;

const panel = (page, id) => page.locator(`[data-panel=${id}]`);
const plane = (page) => page.locator('.latent canvas');
const pad = (page) => page.locator('.pad canvas');

const picture = (page, id) => drawing(panel(page, id).locator('.images canvas').first());

/** Opens a link as a person does; shipped weights are loaded, everything is shown, and it stands. */
async function open(page, site, link = 'vae', query = 'device=cpu') {
  await visit(page, site, link, query);
  await stands(page);
}

async function stands(page) {
  await expect(panel(page, 'reconstructions').locator('canvas')).toBeVisible({ timeout: 30_000 });
  await expect.poll(async () => (await state(page)).status, { timeout: 30_000 }).toBe('paused');
}

/** Counts the views that show another decoded picture: `window.decoded()` gives how many there were since the last call. */
const count = (page) =>
  page.evaluate(() => {
    let last = '';
    let seen = 0;
    window.kiln.on('views', ({ panels }) => {
      const { pixels } = panels.find(({ id }) => id === 'chosen')?.views.find(({ type }) => type === 'images') ?? {};
      if (!pixels || String(pixels) === last) return;
      last = String(pixels);
      seen += 1;
    });
    window.decoded = () => {
      const told = seen;
      seen = 0;
      return told;
    };
  });

const SEVEN = [[0.3, 0.25], [0.7, 0.25], [0.45, 0.8]];

test('a link opens the shipped VAE, and everything is shown before anything is trained', async ({ page, site }) => {
  await open(page, site);
  expect(await state(page)).toMatchObject({ demo: 'vae', step: 0, link: 'vae', error: null });
  for (const id of PANELS) {
    await panel(page, id).scrollIntoViewIfNeeded();
    await expect(panel(page, id), id).toBeVisible();
    const canvases = panel(page, id).locator('canvas:not(.pad canvas):visible');
    for (const canvas of await canvases.all()) {
      await expect.poll(() => coloursOf(canvas), { message: id }).toBeGreaterThan(3);
    }
  }
  await expect(panel(page, 'reconstructions').locator('.row-names li')).toHaveText(['Input', 'Reconstructed']);
  await expect(page.locator('.latent .legend button')).toHaveCount(11);
  await expect(page.locator('#lesson h2')).toContainText('VAE');
  await expect(page.locator('#cards .card')).toHaveCount(0);
  await page.screenshot({ path: `${SHOTS}/vae.png`, fullPage: true });
});

test('where no trained weights ship, the page says so and shows that it starts from scratch', async ({ page, site }) => {
  await visit(page, site, 'vae?latent=3&width=4&batch=16');
  await expect(card(page, 'note-no-trained-weights-latent')).toContainText('no trained weights for latent=3');
  await expect(page.locator('#control-start option:checked')).toHaveText('From scratch');
  expect((await state(page)).link).toBe('vae?batch=16&start=scratch&latent=3&width=4');
});

test('a decoded picture follows the pointer through the plane', async ({ page, site }) => {
  await open(page, site);
  await count(page);
  const before = await picture(page, 'chosen');
  const canvas = plane(page);
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  const at = (turn) => [box.x + box.width * (0.5 + 0.4 * Math.cos(turn)), box.y + box.height * (0.5 + 0.4 * Math.sin(turn))];
  await page.mouse.move(...at(0));
  await page.mouse.down();
  // What the first picture costs is no part of the rate.
  await page.waitForFunction(() => window.decoded() > 0);
  // Each frame moves the pointer that is down; the browser's own events would be as many as the test has time to send.
  const rate = await canvas.evaluate(async (plane, places) => {
    window.decoded();
    const from = performance.now();
    for (let at = 0; performance.now() - from < 3000; at += 1) {
      const [clientX, clientY] = places[at % places.length];
      plane.dispatchEvent(new PointerEvent('pointermove', { pointerId: 1, buttons: 1, bubbles: true, isPrimary: true, clientX, clientY }));
      await new Promise(requestAnimationFrame);
    }
    return (1000 * window.decoded()) / (performance.now() - from);
  }, Array.from({ length: 105 }, (_, place) => at(place * 0.06)));
  await page.mouse.up();
  const slow = await slowness(page);
  console.log(`${rate.toFixed(1)} decoded pictures a second while the pointer drags, on a machine ${slow.toFixed(1)} times as slow`);
  expect(rate * slow).toBeGreaterThanOrEqual(FOLLOWS);
  expect(await picture(page, 'chosen')).not.toBe(before);
  // The last place of the pointer is the one that holds: no queue is worked off after it.
  // The worker takes its orders one after another: it has come to this one when it answers.
  await page.evaluate(() => window.kiln.checkpoint().then(() => undefined));
  expect(await page.evaluate(() => window.decoded())).toBeLessThan(6);
  // The address follows, and the link opens the same place.
  await expect.poll(() => page.evaluate(() => location.hash)).toMatch(/z=/);
  const { link } = await state(page);
  const chosen = await picture(page, 'chosen');
  await page.goto('about:blank');
  await open(page, site, link);
  await expect.poll(() => picture(page, 'chosen')).toBe(chosen);
});

test('a finger drags through the plane, and the page stays where it is', async ({ page, site }) => {
  await open(page, site);
  const before = await picture(page, 'chosen');
  await plane(page).scrollIntoViewIfNeeded();
  const box = await plane(page).boundingBox();
  const top = await page.evaluate(() => scrollY);
  const cdp = await page.context().newCDPSession(page);
  const touch = (type, part) =>
    cdp.send('Input.dispatchTouchEvent', {
      type, touchPoints: part === undefined ? [] : [{ x: box.x + box.width * 0.3, y: box.y + box.height * part }],
    });
  await touch('touchStart', 0.8);
  for (let part = 0.8; part > 0.2; part -= 0.05) await touch('touchMove', part);
  await touch('touchEnd');
  expect(await page.evaluate(() => scrollY)).toBe(top);
  await expect.poll(() => picture(page, 'chosen')).not.toBe(before);
});

test('the arrow keys move through the plane', async ({ page, site }) => {
  await open(page, site);
  const place = page.locator('.latent .place');
  const before = [await picture(page, 'chosen'), await place.textContent()];
  await plane(page).focus();
  for (let press = 0; press < 6; press += 1) await plane(page).press('Shift+ArrowRight');
  await plane(page).press('ArrowUp');
  await expect.poll(() => picture(page, 'chosen')).not.toBe(before[0]);
  await expect(place).not.toHaveText(before[1]);
});

test('one class alone can be shown, and the points can be hidden', async ({ page, site }) => {
  await open(page, site);
  const all = await drawing(plane(page));
  const three = page.locator('.latent .legend button').filter({ hasText: /^3$/ });
  await three.click();
  await expect(three).toHaveAttribute('aria-pressed', 'true');
  await expect.poll(() => drawing(plane(page))).not.toBe(all);
  await three.click();
  await expect.poll(() => drawing(plane(page))).toBe(all);
  await page.locator('.latent .legend button').first().click();
  await expect.poll(() => drawing(plane(page))).not.toBe(all);
});

test('sliders turn one number of the latent each', async ({ page, site }) => {
  await open(page, site, 'vae?latent=8');
  const sliders = panel(page, 'chosen').locator('input[type=range]');
  await expect(sliders).toHaveCount(8);
  await expect(sliders.first()).toHaveAttribute('aria-label', 'z1');
  const before = await picture(page, 'chosen');
  // The one that says most: every model has one.
  const widths = await panel(page, 'chosen').locator('.weight i').evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().width));
  const busiest = sliders.nth(widths.indexOf(Math.max(...widths)));
  await busiest.focus();
  for (let press = 0; press < 30; press += 1) await busiest.press('ArrowRight');
  await expect.poll(() => picture(page, 'chosen')).not.toBe(before);
  await expect.poll(async () => (await state(page)).link).toMatch(/z=/);
});

test('pictures are chosen as A, B and C with the mouse and with the keys', async ({ page, site }) => {
  await open(page, site);
  const canvas = panel(page, 'reconstructions').locator('canvas');
  const walk = await picture(page, 'interpolation');
  await canvas.scrollIntoViewIfNeeded();
  const { width, height } = await canvas.boundingBox();
  await canvas.click({ position: { x: width * 0.45, y: height * 0.25 } });
  await expect.poll(async () => (await state(page)).link).toMatch(/[?&]a=4/);
  await expect.poll(() => picture(page, 'interpolation')).not.toBe(walk);
  await canvas.focus();
  for (let press = 0; press < 8; press += 1) await canvas.press('ArrowRight');
  await canvas.press('Enter');
  await expect.poll(async () => (await state(page)).link).toMatch(/[?&]b=7/);
});

test('what is drawn on the pad comes back from the model, and is wiped', async ({ page, site }) => {
  await open(page, site);
  const blank = await drawing(pad(page));
  const before = await picture(page, 'chosen');
  await stroke(page, pad(page), SEVEN);
  const answer = panel(page, 'pad').locator('.images canvas');
  await expect(answer).toBeVisible();
  await expect.poll(() => coloursOf(answer)).toBeGreaterThan(3);
  // It is the chosen latent now, and can be moved.
  await expect.poll(() => picture(page, 'chosen')).not.toBe(before);
  const drawn = await drawing(pad(page));
  expect(drawn).not.toBe(blank);
  await page.click('[data-tool=wipe]');
  await expect.poll(() => drawing(pad(page))).toBe(blank);
  await expect(answer).toBeHidden();
});

test('the keys alone can draw', async ({ page, site }) => {
  await open(page, site);
  const blank = await drawing(pad(page));
  await pad(page).focus();
  await pad(page).press(' ');
  for (let press = 0; press < 6; press += 1) await pad(page).press('Shift+ArrowDown');
  await pad(page).blur();
  await expect.poll(() => drawing(pad(page))).not.toBe(blank);
  await expect(panel(page, 'pad').locator('.images canvas')).toBeVisible();
});

test('a hole in a picture is filled, and damaged pictures are mended by searching', async ({ page, site }) => {
  test.setTimeout(120_000);
  await open(page, site, 'vae?latent=8');
  await page.click('[data-act=edit_a]');
  const answer = panel(page, 'pad').locator('.images canvas');
  await expect(answer).toBeVisible();
  const whole = await drawing(pad(page));
  await page.click('[data-tool=erase]');
  await stroke(page, pad(page), [[0.4, 0.4], [0.6, 0.6]]);
  await expect.poll(() => drawing(pad(page))).not.toBe(whole);
  await expect(answer).toBeVisible();
  await page.click('[data-act=restore]');
  await expect(panel(page, 'repair').locator('.row-names li')).toHaveText(['Original', 'Damaged', 'Encoded', 'Searched'], { timeout: 60_000 });
  await expect(panel(page, 'repair').locator('dd')).toHaveText([/^\d/, /^\d/]);
  await page.screenshot({ path: `${SHOTS}/vae-repair.png`, fullPage: true });
});

test('it trains from scratch, is saved, and goes on from the file', async ({ page, site }) => {
  test.setTimeout(120_000);
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(20));
  expect((await state(page)).step).toBe(20);
  const losses = panel(page, 'losses').locator('canvas').first();
  // Curves that are far from sight are not drawn.
  await panel(page, 'losses').scrollIntoViewIfNeeded();
  await expect.poll(() => coloursOf(losses)).toBeGreaterThan(3);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('[data-do=save]')]);
  expect(download.suggestedFilename()).toBe('kiln-vae-20.safetensors');
  const bytes = [...(await readFile(await download.path()))];
  await page.evaluate(() => window.kiln.step(1));
  await expect(panel(page, 'samples').locator('.images')).toHaveAttribute('data-step', '21');
  const samples = await picture(page, 'samples');
  await page.evaluate(() => window.kiln.step(4));
  expect((await state(page)).step).toBe(25);
  await drop(page, bytes, 'kiln-vae-20.safetensors');
  await expect(card(page, 'loaded')).toBeVisible();
  await expect.poll(async () => (await state(page)).step).toBe(20);
  expect((await state(page)).link).toBe(SMALL);
  // The next step is the very one that was taken before.
  await page.evaluate(() => window.kiln.step(1));
  expect((await state(page)).step).toBe(21);
  await expect(panel(page, 'samples').locator('.images')).toHaveAttribute('data-step', '21');
  expect(await picture(page, 'samples')).toBe(samples);
});

test('the plane stays in place while it is dragged in a run that trains', async ({ page, site }) => {
  test.setTimeout(120_000);
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(5));
  const order = () => page.locator('.tile').evaluateAll((tiles) => tiles.map((tile) => tile.dataset.panel).join());
  const before = await order();
  await page.evaluate(() => window.kiln.run());
  await stroke(page, plane(page), [[0.2, 0.2], [0.8, 0.8], [0.2, 0.8]]);
  expect(await order()).toBe(before);
  await page.evaluate(() => window.kiln.pause());
});

for (const [width, dark] of [[390, true], [390, false], [1280, true]]) {
  test(`the VAE fits on a page ${width} px wide${dark ? ', in the dark' : ''}`, async ({ page, site }) => {
    await page.setViewportSize({ width, height: 900 });
    if (dark) await page.emulateMedia({ colorScheme: 'dark' });
    await open(page, site, 'vae?latent=16');
    if (width < 760) await page.locator('#controls-box > summary').click();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    await page.screenshot({ path: `${SHOTS}/vae-${width}${dark ? '-dark' : ''}.png`, fullPage: true });
  });
}

test('the VAE speaks Chinese, and changes its language while it stands', async ({ page, site }) => {
  await open(page, site, 'vae', 'device=cpu&lang=zh');
  await expect(panel(page, 'plane').locator('h2')).toHaveText(/潜变量平面/);
  await expect(panel(page, 'reconstructions').locator('.row-names li')).toHaveText(['输入', '重建']);
  await expect(page.locator('[data-key=data] .private')).toHaveText('你的图片不会离开这个标签页。');
  await expect(page.locator('[data-tool=pen]')).toHaveText('画笔');
  await expect(page.locator('#lesson h2')).toContainText('VAE');
  await page.getByRole('button', { name: 'EN', exact: true }).click();
  await expect(panel(page, 'plane').locator('h2')).toHaveText(/latent plane/);
  await expect(panel(page, 'reconstructions').locator('.row-names li')).toHaveText(['Input', 'Reconstructed']);
  await expect(page.locator('[data-tool=pen]')).toHaveText('Pen');
  await expect(page.locator('.latent .hint')).toContainText('arrow keys');
});

test('everything that is used has a name', async ({ page, site }) => {
  await open(page, site);
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll('#panels :is(button, input, canvas[role]), #controls :is(button, input, select)')]
      .filter((part) => !part.closest('[hidden]') && part.type !== 'file')
      .filter((part) => !(part.getAttribute('aria-label') || part.textContent.trim() || part.labels?.[0]?.textContent.trim()))
      .map((part) => part.outerHTML.slice(0, 120)),
  );
  expect(nameless).toEqual([]);
});

test('a first visit fetches nothing that only later demos need, and a later one fetches it once', async ({ page, site }) => {
  const fetched = [];
  // The lesson of every demo has its equation, and its words are explained after the first picture (glossary.spec.js).
  page.on('request', (request) => /\/www\/later\/(?!glossary|term-|equation|notation|lines)/.test(request.url()) && fetched.push(new URL(request.url()).pathname));
  await visit(page, site, 'gan2d?width=16&batch=32');
  await page.evaluate(() => window.kiln.step(5));
  expect(fetched).toEqual([]);
  await page.evaluate(() => (location.hash = '#vae'));
  await stands(page);
  expect(fetched).toContain('/www/later/latent.js');
  expect(fetched.filter((path) => path.endsWith('tokens.js'))).toEqual([]);
  expect(new Set(fetched).size).toBe(fetched.length);
});

test('a part that cannot be fetched is told, and the rest is shown', async ({ page, site }) => {
  await page.route(/\/www\/later\/latent\.js/, (route) => route.abort());
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(2));
  await expect(card(page, 'part-missing')).toBeVisible();
  await expect(panel(page, 'losses')).toBeVisible();
  await expect(page.locator('#control-latent')).toBeVisible();
});
