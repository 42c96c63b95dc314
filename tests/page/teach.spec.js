// What a teacher sends: a page that the address sets up, the dialog that builds it, its QR code and sheet.

import decodeQR from 'qr/decode.js';
import { test, expect, visit, pick, state, card, coloursOf, SHOTS, SMALL, SMALL_DIGITS } from './kiln.js';

const TASK = 'Cover all eight modes.\nWrite down what you changed.';
const taskOf = (text) => `task=${encodeURIComponent(text)}`;
const shown = (page, selector, name) => page.locator(selector).evaluateAll((all, key) => all.filter((one) => one.checkVisibility()).map((one) => one.dataset[key]), name);
const wide = (page) => page.evaluate(() => document.documentElement.scrollWidth);

/** What a decoder by other people than the encoder's reads in the QR code on the page. */
async function decoded(page, selector = '#share .qr') {
  const { side, bits } = await page.locator(selector).evaluate(async (svg) => {
    const side = 4 * svg.viewBox.baseVal.width;
    const image = new Image(side, side);
    image.src = `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`;
    await image.decode();
    const canvas = new OffscreenCanvas(side, side);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0, side, side);
    const { data } = context.getImageData(0, 0, side, side);
    return { side, bits: Array.from({ length: side * side }, (_, at) => (data[4 * at] < 128 ? '1' : '0')).join('') };
  });
  // Cameras need the clear edge that the standard asks for: four modules of four pixels.
  expect(bits.slice(0, 16 * side)).not.toContain('1');
  const data = new Uint8Array(4 * side * side).fill(255);
  [...bits].forEach((bit, at) => bit === '1' && data.fill(0, 4 * at, 4 * at + 3));
  return decodeQR({ width: side, height: side, data });
}

async function share(page) {
  await page.click('[data-do=share]');
  await expect(page.locator('#share')).toBeVisible();
}

test('whatever a page is asked for is read from its address as it was written, and what is no value is named', async ({ page, site }) => {
  await page.goto(`${site}?device=cpu`);
  const { wrong, read } = await page.evaluate(async () => {
    const { plain, read, write } = await import(new URL('www/query.js', document.baseURI).href);
    const one = (list) => list[Math.floor(Math.random() * list.length)];
    const words = () => Array.from({ length: 1 + Math.floor(Math.random() * 12) }, () => one(['a', 'ß', '中', '文', '&', '=', '#', '%', '+', '"', '<', '/', ':', ',', '?', '\n', ' ', '😀'])).join('').trim();
    const names = () => one([[], ['lr_g'], ['lr_g', 'seed', 'd_steps']]);
    const targets = [null, { figure: 'distance', below: 30 }, { series: 'modes', above: 7, within: 900 }, { figure: 'x_1', below: -1.5e-7, within: 1 }, { series: 'loss', above: 0 }];
    const wrong = [];
    for (let times = 0; times < 3000; times += 1) {
      const how = {
        embed: one([true, false]), paused: one([true, false]), lang: one(['', 'en', 'zh']), title: one(['', words()]), task: one(['', words()]), target: one(targets),
        controls: one([null, names()]), tiles: one([null, names()]), locked: names(), kiosk: one([0, 15, 120, 3600]), bridge: one(['', 'https://example.org', 'http://127.0.0.1:8123']),
        device: one(['', 'cpu', 'webgpu']), threads: one(['', '1']), watchdog: one([0, 3000]),
      };
      const back = read(write(how));
      const order = (value) => JSON.stringify(value, Object.keys({ ...how, figure: 0, series: 0, below: 0, above: 0, within: 0, ...Object.fromEntries(names().map((name) => [name, 0])) }));
      if (order(back.how) !== order(how) || back.unknown.length || back.broken.length) wrong.push([write(how), how, back]);
    }
    return { wrong: wrong.slice(0, 3), read: ['', '?nonsense&toString=1', '?kiosk=3&lang=fr&target=modes%3E7&bridge=*&controls=a%20b&embed=maybe&watchdog=0', '?bridge=https://example.org/page', '?bridge=javascript:alert(1)', '?bridge=null', `?title=${'x'.repeat(121)}`].map((text) => {
      const { how, unknown, broken } = read(text);
      return [write(how), unknown, broken.map(([key]) => key), JSON.stringify(how) === JSON.stringify(plain())];
    }) };
  });
  expect(wrong).toEqual([]);
  expect(read).toEqual([
    ['', [], [], true],
    ['', ['nonsense', 'toString'], [], true],
    ['', [], ['kiosk', 'lang', 'target', 'bridge', 'controls', 'embed', 'watchdog'], true],
    ['', [], ['bridge'], true],
    ['', [], ['bridge'], true],
    ['', [], ['bridge'], true],
    ['', [], ['title'], true],
  ]);
});

test('a target is reached below or above its number, within its steps, and never by what is not a number', async ({ page, site }) => {
  await page.goto(`${site}?device=cpu`);
  const said = await page.evaluate(async () => {
    const [{ forJudge }, { Judge }] = await Promise.all(['goal', 'judge'].map((name) => import(new URL(`www/later/${name}.js`, document.baseURI).href)));
    const at = (step, value) => ({ step, panels: [{ views: [{ type: 'figures', figures: [{ id: 'loss', value: 2 }, ...(value === undefined ? [] : [{ id: 'distance', value }])] }] }] });
    const judged = (target, views) => {
      const judge = new Judge(forJudge(target));
      return judge.see(views, {}) ? 'met' : judge.late ? 'late' : 'open';
    };
    return [
      [{ figure: 'distance', below: 30 }, at(5, 29.9)], [{ figure: 'distance', below: 30 }, at(5, 30)], [{ figure: 'distance', above: 30 }, at(5, 31)], [{ figure: 'distance', above: 30 }, at(5, NaN)],
      [{ figure: 'distance', below: 30 }, at(5, NaN)], [{ figure: 'distance', below: 30 }, at(5)], [{ series: 'loss', above: 1, within: 5 }, at(5)], [{ series: 'loss', above: 1, within: 5 }, at(6)],
    ].map(([target, views]) => judged(target, views));
  });
  expect(said).toEqual(['met', 'open', 'met', 'open', 'open', 'open', 'met', 'late']);
});

test('the controls and tiles that an address names are shown and no others; what it locks cannot be changed, and says why', async ({ page, site }) => {
  await visit(page, site, SMALL, 'paused&device=cpu&controls=loss,lr_g,lr_d,seed&locked=loss,lr_d,seed&tiles=plane');
  await page.evaluate(() => window.kiln.step(3));
  expect(await shown(page, '#controls .control', 'key')).toEqual(['loss', 'lr_g', 'lr_d']);
  expect(await shown(page, '#panels .tile', 'panel')).toEqual(['plane']);
  for (const key of ['loss', 'lr_d']) {
    const own = page.locator(`.control[data-key=${key}]`);
    await expect(own).toContainText('set by your teacher');
    for (const input of await own.locator('input, select').all()) await expect(input).toBeDisabled();
  }
  await expect(page.locator('#control-lr_g')).toBeEnabled();
  await expect(page.locator('[data-do=seed]')).toBeDisabled();
  await expect(page.locator('select[data-do=speed]')).toHaveCount(0);
  // A script may: it is a matter of politeness.
  await page.evaluate(() => window.kiln.set('lr_d', 0.003));
  await expect(page.locator('#control-lr_d')).toHaveValue('0.003');
  await expect(page.locator('#cards .card')).toHaveCount(0);
});

test('without any control the run has the room of the list, and where no tile of that name is, all are shown', async ({ page, site }) => {
  await visit(page, site, SMALL, 'paused&device=cpu&embed&controls&tiles=nonsense');
  await page.evaluate(() => window.kiln.step(3));
  await expect(page.locator('#controls-box')).toBeHidden();
  const main = await page.locator('#main').boundingBox();
  expect(main.width).toBeGreaterThan(1200);
  expect((await shown(page, '#panels .tile', 'panel')).length).toBeGreaterThan(1);
});

for (const [language, now, met, late] of [['en', 'Now', 'Reached at step', 'Not reached in time'], ['zh', '现在', '步达到', '没有在规定步数内达到']]) {
  test(`a teacher's title, task and target stand above the run, which judges the target, ${language}`, async ({ page, site }) => {
    await page.setViewportSize({ width: 360, height: 740 });
    const query = `paused&device=cpu&lang=${language}&title=Lesson+3&${taskOf(TASK)}&target=series:generator:above:0`;
    await visit(page, site, SMALL, query);
    const assignment = page.locator('#assignment');
    await expect(assignment.locator('h2')).toHaveText('Lesson 3');
    await expect(assignment.locator('.task')).toHaveText(TASK);
    await expect(assignment.locator('.now')).toContainText(now);
    await expect(assignment.locator('[role=status]')).toHaveText('');
    await expect(page).toHaveTitle('Lesson 3 - Kiln');
    await page.evaluate(() => window.kiln.step(3));
    await expect(assignment.locator('[role=status]')).toContainText(met);
    expect(await wide(page)).toBe(360);
    await page.screenshot({ path: `${SHOTS}/assignment-${language}.png` });
    // Anew it is not reached yet.
    await page.click('[data-do=reset]');
    await expect(assignment.locator('[role=status]')).toHaveText('');
    await page.goto('about:blank');
    await visit(page, site, SMALL, query.replace('above:0', 'above:1000:within:2'));
    await page.evaluate(() => window.kiln.step(4));
    await expect(assignment.locator('[role=status]')).toContainText(late);
  });
}

test('what a teacher has set holds for its own demo: another one is shown whole, and its address says nothing of it', async ({ page, site }) => {
  await visit(page, site, SMALL, 'paused&device=cpu&title=Lesson+3&controls=lr_g');
  await expect(page.locator('#assignment')).toBeVisible();
  await pick(page, 'classifier');
  await expect.poll(async () => (await state(page)).demo).toBe('classifier');
  await expect(page.locator('#assignment')).toBeHidden();
  await expect(page).toHaveURL(/\/\?paused&device=cpu#classifier$/);
  await expect(page).toHaveTitle('Classifier - Kiln');
  expect(await shown(page, '#controls .control', 'key')).toEqual(['batch', 'lr']);
  await page.goBack();
  await expect(page.locator('#assignment')).toBeVisible();
  await expect(page).toHaveURL(/\/\?paused&device=cpu&title=Lesson\+3&controls=lr_g#gan2d/);
  expect(await shown(page, '#controls .control', 'key')).toEqual(['lr_g']);
  // Chosen anew in the list it is the teacher's as well.
  for (const demo of ['classifier', 'gan2d']) {
    await pick(page, demo);
    await expect.poll(async () => (await state(page)).demo).toBe(demo);
  }
  await expect(page.locator('#assignment')).toBeVisible();
  await expect(page).toHaveURL(/&title=Lesson\+3&controls=lr_g#gan2d/);
});

test('what the page does not understand of its address is named in a note, and it works without', async ({ page, site }) => {
  await visit(page, site, SMALL, 'paused&device=cpu&nonsense=1&kiosk=3&controls=lr_g,lr_x&locked=lr_y');
  const note = card(page, 'address');
  for (const part of ['“nonsense”', '“kiosk=3”', '15 to 3600', 'no control “lr_x”', 'no control “lr_y”']) await expect(note).toContainText(part);
  await page.evaluate(() => window.kiln.step(3));
  expect(await shown(page, '#controls .control', 'key')).toEqual(['lr_g']);
  await page.goto('about:blank');
  await visit(page, site, SMALL, 'paused&device=cpu&lang=zh&nonsense=1');
  await expect(note).toContainText('没有“nonsense”这个参数');
});

test('by keyboard alone Share builds a page for a class: link, frame and QR code follow, and the link gives what was set', async ({ page, site }) => {
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await visit(page, site, SMALL);
  await page.evaluate(() => window.kiln.step(60));
  expect(asked.filter((path) => /lean-qr|later\/(share|builder|qr|goal)/.test(path))).toEqual([]);
  await page.locator('[data-do=share]').focus();
  await page.keyboard.press('Enter');
  await expect(page.locator('#share')).toBeVisible();
  const link = page.locator('#share-link');
  await expect(link).toHaveValue(`${site}#${SMALL}`);
  expect(await decoded(page)).toBe(`${site}#${SMALL}`);
  await expect(page.locator('#share .qr')).toHaveAccessibleName(`QR code of the link ${site}#${SMALL}`);
  const press = async (locator, key = 'Space') => {
    await locator.focus();
    await page.keyboard.press(key);
  };
  await press(page.locator('.builder summary'), 'Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Lesson 3: 模式崩溃');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Cover "all" eight & more.');
  await page.keyboard.press('Tab');
  await expect(page.locator('[data-do=measure]')).toBeFocused();
  await page.keyboard.type('Modes');
  await page.locator('[data-do=bound]').focus();
  await page.keyboard.type('7');
  await page.keyboard.press('Tab');
  await page.keyboard.type('900');
  await page.keyboard.press('Tab');
  await expect(page.locator('.builder .said')).toHaveText('Modes covered above 7 within 900 steps');
  await press(page.locator('[data-do=paused]'));
  await press(page.locator('[data-do=controls-none]'));
  const row = (key, at) => page.locator(`[data-of=${key}] input`).nth(at);
  for (const key of ['lr_g', 'lr_d', 'seed']) await press(row(key, 0));
  for (const key of ['lr_d', 'seed']) await press(row(key, 1));
  await expect(row('loss', 1)).toBeDisabled();
  await press(page.locator('[data-do=tile-losses]'));
  const address = await link.inputValue();
  expect(address.startsWith(`${site}?paused&title=Lesson+3:`)).toBe(true);
  expect(await decoded(page)).toBe(address);
  const frame = await page.locator('#share-embed').inputValue();
  expect(frame).toContain('title="Lesson 3: 模式崩溃"');
  // The browser reads in the lines what was meant. (This page's policy allows no style in them.)
  const lines = frame.replace(/ style="[^"]*"/, '');
  expect(await page.evaluate((text) => new DOMParser().parseFromString(text, 'text/html').querySelector('iframe').src, lines)).toBe(address.replace('?paused', '?embed&paused'));
  await page.keyboard.press('Escape');
  await expect(page.locator('#share')).toBeHidden();
  await page.goto('about:blank');
  await page.goto(address);
  await page.waitForFunction(() => window.kiln);
  await page.evaluate(() => window.kiln.ready);
  expect(await state(page)).toMatchObject({ status: 'paused', link: SMALL });
  await page.evaluate(() => window.kiln.step(3));
  await expect(page.locator('#assignment h2')).toHaveText('Lesson 3: 模式崩溃');
  await expect(page.locator('#assignment .task')).toHaveText('Cover "all" eight & more.');
  await expect(page.locator('#assignment .goal b')).toHaveText('Modes covered above 7 within 900 steps');
  expect(await shown(page, '#controls .control', 'key')).toEqual(['lr_g', 'lr_d']);
  await expect(page.locator('#control-lr_d')).toBeDisabled();
  await expect(page.locator('[data-do=seed]')).toBeDisabled();
  expect(await shown(page, '#panels .tile', 'panel')).not.toContain('losses');
  // Whoever shares it hands on what was set, and not that it waits.
  await share(page);
  await expect(link).toHaveValue(address.replace('?paused&', '?'));
});

for (const [width, colorScheme, language] of [[360, 'dark', 'zh'], [1440, 'light', 'en']]) {
  test(`the dialog fits on a page ${width} px wide, ${colorScheme}, ${language}`, async ({ page, site }) => {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    await visit(page, site, SMALL, `paused&device=cpu&lang=${language}&target=series:modes:above:7&${taskOf('一二三四五六七八九十'.repeat(60))}`);
    await page.evaluate(() => window.kiln.step(3));
    await share(page);
    await page.locator('.builder summary').click();
    const box = await page.locator('#share').evaluate(({ scrollWidth, clientWidth }) => ({ scrollWidth, clientWidth }));
    expect(box.scrollWidth).toBeLessThanOrEqual(box.clientWidth);
    expect(await wide(page)).toBe(width);
    // A code of so many characters is past what cameras read, and past what there is.
    await expect(page.locator('#share .qr-none')).toBeVisible();
    await page.locator('#builder-task').fill('短');
    await expect(page.locator('#share .qr')).toBeVisible();
    expect(await page.locator('#share').innerText()).not.toMatch(/builder\.|share\.|undefined/);
    for (const [name, part] of [['', '#share h2'], ['-target', '.builder .target'], ['-controls', '.builder table']]) {
      await page.locator(part).evaluate((element) => element.scrollIntoView());
      await page.screenshot({ path: `${SHOTS}/share-${width}${name}.png` });
    }
  });
}

test('a run is printed with its title, task, link and QR code, dark on white, without what is pressed', async ({ page, site }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await visit(page, site, SMALL, `paused&device=cpu&title=Lesson+3&${taskOf(TASK)}&target=series:modes:above:7`);
  await page.evaluate(() => window.kiln.step(60));
  await page.evaluate(() => (window.print = () => (window.printed = true)));
  await share(page);
  const address = await page.locator('#share-link').inputValue();
  await page.click('[data-do=print]');
  await page.waitForFunction(() => window.printed);
  // The curves have the colours of a light page before the browser says that it prints.
  const inks = await page.locator('[data-panel=losses] canvas').evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const of = (...wanted) => {
      let count = 0;
      for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 200 && wanted.every((part, index) => Math.abs(data[at + index] - part) < 8)) count += 1;
      return count > 0;
    };
    return { light: of(0x0b, 0x7a, 0x88), dark: of(0x34, 0xc3, 0xd4) };
  });
  expect(inks).toEqual({ light: true, dark: false });
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize({ width: 720, height: 1000 });
  const sheet = page.locator('#sheet');
  await expect(sheet.locator('h1')).toHaveText('Lesson 3');
  for (const text of [...TASK.split('\n'), 'Modes covered above 7', address]) await expect(sheet).toContainText(text);
  await expect(sheet).toContainText('generator turns random numbers');
  expect(await decoded(page, '#sheet .qr')).toBe(address);
  for (const part of ['#header', '#toolbar', '#controls-box', '#lesson', '#assignment', '#footer', '#share', '#cards .card', '.tile button', '.tile input']) {
    expect(await page.locator(part).evaluateAll((all) => all.filter((one) => one.checkVisibility()).length), part).toBe(0);
  }
  await expect(page.locator('[data-panel=plane] canvas').first()).toBeVisible();
  expect(await page.evaluate(() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color])).toEqual(['rgb(255, 255, 255)', 'rgb(0, 0, 0)']);
  const outside = await page.locator('#panels canvas').evaluateAll((all) => all.filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth).length);
  expect(outside).toBe(0);
  await page.screenshot({ path: `${SHOTS}/print.png`, fullPage: true });
  // Back on the screen everything is as it was.
  await page.evaluate(() => dispatchEvent(new Event('afterprint')));
  await page.emulateMedia({ media: 'screen', colorScheme: 'dark' });
  await expect(sheet).toBeHidden();
  await expect(page.locator('html')).not.toHaveClass(/paper/);
  // Printed from the browser's own menu it has its title, task and link, too.
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  await page.emulateMedia({ media: 'print' });
  for (const text of ['Lesson 3', TASK.split('\n')[0], page.url()]) await expect(sheet).toContainText(text);
});

test('what is out of sight is printed, too', async ({ page, site }) => {
  await page.setViewportSize({ width: 700, height: 300 });
  await visit(page, site, SMALL_DIGITS);
  await page.evaluate(() => window.kiln.step(3));
  await expect(page.locator('[data-panel=outputs] canvas')).toBeVisible();
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  const canvases = page.locator('#panels canvas:visible');
  expect(await canvases.count()).toBeGreaterThan(3);
  for (const canvas of await canvases.all()) expect(await coloursOf(canvas), await canvas.evaluate((one) => one.closest('.tile').dataset.panel)).toBeGreaterThan(1);
});
