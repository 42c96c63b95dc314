import { readFile } from 'node:fs/promises';
import { test, expect, visit, state, answers, coloursOf, drop, SHOTS } from './kiln.js';

const MODEL = 'tiny-llama-q8_0.gguf';

/** A link to the tiny model on the test's own server. */
const linkTo = (models, values = '') => `text?model=${models.url}plain/tiny/${MODEL}&max_tokens=24${values && `&${values}`}`;

/** Opens the tiny model and lets it write its first answer. */
async function write(page, site, models, values = 'prompt=Hello') {
  await visit(page, site, linkTo(models, values));
  await page.evaluate(() => window.kiln.run({ download: true }));
  await stands(page);
}

const stands = (page, least = 1) =>
  page.waitForFunction((steps) => window.kiln.state.status === 'paused' && window.kiln.state.step >= steps, least, { timeout: 60_000, polling: 50 });
const written = (page) => page.locator('.turn.assistant .token, .turn.generated .token');
const text = (page) => page.locator('.reading').evaluate((element) => element.textContent);
const field = (page) => page.locator('.composer textarea');
const press = (page, name) => page.click(`.composer [data-do=${name}]`);

test('before a download the page says what it weighs and asks', async ({ page, site }) => {
  await page.goto(`${site}?device=cpu#text`);
  await page.evaluate(() => window.kiln.ready);
  const consent = page.locator('.consent');
  await expect(consent).toContainText('SmolLM2-135M-Instruct');
  await expect(consent).toContainText('Apache-2.0');
  await expect(consent.locator('[data-do=download]')).toHaveText('Download 98 MB');
  await answers(page);
  // The watch over other origins would have seen a request.
  expect((await state(page)).status).toBe('paused');
  await page.screenshot({ path: `${SHOTS}/text-consent.png`, fullPage: true });
});

test('a model is fetched at the click, once, and is there after a reload', async ({ page, site, models }) => {
  await page.goto(`${site}?device=cpu#${linkTo(models, 'prompt=Hello')}`);
  await page.evaluate(() => window.kiln.ready);
  expect(models.asked).toEqual([]);
  await page.click('[data-do=download]');
  await stands(page);
  await expect(page.locator('.consent')).toBeHidden();
  const asked = models.asked.length;
  expect(asked).toBeGreaterThan(0);
  await page.reload();
  await page.evaluate(() => window.kiln.ready);
  await stands(page);
  await expect(page.locator('.consent')).toBeHidden();
  expect(models.asked.length).toBe(asked);
});

test('a model that lies elsewhere under the same file name is asked for', async ({ page, site, models }) => {
  await write(page, site, models);
  const other = linkTo(models, 'prompt=Hello').replace('/tiny/', '/other/');
  await page.evaluate((link) => window.kiln.open(link), other);
  await expect(page.locator('.consent [data-do=download]')).toBeVisible();
  await page.waitForURL(/other/);
  await page.reload();
  await page.evaluate(() => window.kiln.ready);
  await expect(page.locator('.consent [data-do=download]')).toBeVisible();
  expect(models.asked.filter(({ path }) => path.includes('/other/'))).toEqual([]);
});

test('a chat streams, stops, goes on and is answered anew', async ({ page, site, models }) => {
  await visit(page, site, linkTo(models, 'prompt=&max_tokens=400&temperature=1.2'));
  await page.evaluate(() => window.kiln.run({ download: true }));
  await stands(page, 0);
  await page.evaluate(() => window.kiln.set('speed', 'fast'));
  await field(page).fill('Hello');
  await field(page).press('Enter');
  await expect(field(page)).toHaveValue('');
  await expect(page.locator('.turn.user')).toContainText('Hello');
  await expect.poll(() => written(page).count()).toBeGreaterThan(3);
  await press(page, 'stop');
  await expect.poll(async () => (await state(page)).status).toBe('paused');
  const before = await written(page).count();
  await press(page, 'continue');
  await expect.poll(() => written(page).count()).toBeGreaterThan(before);
  await press(page, 'stop');
  await expect.poll(async () => (await state(page)).status).toBe('paused');
  const first = await text(page);
  await press(page, 'regenerate');
  await expect.poll(() => written(page).count()).toBeGreaterThan(3);
  await press(page, 'stop');
  await expect.poll(async () => (await state(page)).status).toBe('paused');
  expect(await text(page)).not.toBe(first);
  expect((await state(page)).link).toMatch(/seed=2/);
  await press(page, 'new-chat');
  await expect(page.locator('.token')).toHaveCount(0);
});

test('why it stopped is said in words, and Continue writes on', async ({ page, site, models }) => {
  await write(page, site, models, 'prompt=Hello&chat=false&max_tokens=5');
  const said = page.locator('.stop');
  await expect(said).toHaveText(/Stopped after 5 tokens|has finished its answer/);
  if (/5 tokens/.test(await said.textContent())) {
    await press(page, 'continue');
    await stands(page, 6);
  }
});

test('a second turn is written after the first answer', async ({ page, site, models }) => {
  await write(page, site, models);
  await field(page).fill('And then?');
  await press(page, 'send');
  await expect(page.locator('.turn.user')).toHaveCount(2);
  await expect.poll(async () => (await state(page)).link).toMatch(/prompt=Hello%1EAnd%20then%3F/);
  await stands(page);
});

test('each candidate says what left it out and what made it less likely', async ({ page, site, models }) => {
  test.setTimeout(120_000);
  const rows = page.locator('.token-card .candidate');
  const reasons = async (values) => {
    await page.goto('about:blank');
    await write(page, site, models, `prompt=Hello&chat=false&${values}`);
    await written(page).last().click();
    await expect(rows).toHaveCount(10);
    return (await rows.locator('.reason').allTextContents()).join();
  };
  expect(await reasons('top_k=0&top_p=1')).toBe('');
  expect(await reasons('top_k=3&top_p=1')).toBe(Array(7).fill('filtered out by top-k').join());
  expect(await reasons('top_k=0&top_p=0.01')).toBe(Array(9).fill('filtered out by top-p').join());
  expect(await reasons('top_k=0&top_p=1&min_p=1')).toBe(Array(9).fill('filtered out by min-p').join());
  expect(await reasons('greedy=true')).toBe(Array(9).fill('filtered out: greedy always takes the most likely token').join());
  await reasons('top_k=0&top_p=1&repetition_penalty=1.1');
  const penalised = [];
  for (const token of await written(page).all()) {
    if (!(await token.isVisible())) continue; // A part of a character has no text of its own.
    await token.click();
    penalised.push(...(await rows.locator('.reason').allTextContents()));
  }
  expect(new Set(penalised)).toEqual(new Set(['made less likely by the repetition penalty']));
});

test('another candidate can be chosen, and the link then gives the same text', async ({ page, site, models }) => {
  await write(page, site, models, 'prompt=Hello&chat=false');
  const before = await text(page);
  await written(page).nth(2).click();
  const card = page.locator('.token-card');
  await expect(card).toContainText('bits');
  await expect(card.locator('.candidate[aria-current]')).toHaveCount(1);
  await card.locator('button.candidate').first().click();
  await expect.poll(async () => (await state(page)).link).toMatch(/edits=2\.\d+/);
  await stands(page);
  await expect(page.locator('.token.forced')).toHaveCount(1);
  const after = await text(page);
  expect(after).not.toBe(before);
  const { link } = await state(page);
  await page.goto('about:blank');
  await visit(page, site, link);
  await page.evaluate(() => window.kiln.run({ download: true }));
  await stands(page);
  expect(await text(page)).toBe(after);
});

test('the token that is chosen shows what it attended to and what each layer would have said', async ({ page, site, models }) => {
  await write(page, site, models);
  await expect(page.locator('[data-panel=attention]')).toBeHidden();
  await page.click('[data-show=attention]');
  await page.click('[data-show=lens]');
  await written(page).nth(1).click();
  const heads = page.locator('[data-panel=attention] canvas');
  await expect(heads).toBeVisible();
  expect(await coloursOf(heads)).toBeGreaterThan(3);
  await expect(page.locator('.attended li').first()).toContainText('%');
  await expect(page.locator('.turn:not(.template) > [data-heat]').first()).toBeVisible();
  await expect(page.locator('[data-panel=lens] tr')).toHaveCount(3);
  // The last strip; the click scrolls to it, which a bare one of the mouse does not.
  const { height } = await heads.boundingBox();
  await heads.click({ position: { x: 5, y: height - 3 } });
  await expect.poll(async () => (await state(page)).link).toMatch(/head=3/);
  await page.locator('[data-set=layer]').fill('1');
  await expect.poll(async () => (await state(page)).link).toMatch(/layer=1/);
  await page.screenshot({ path: `${SHOTS}/text-inside.png`, fullPage: true });
  await page.click('[data-panel=attention] .away');
  await expect(page.locator('[data-panel=attention]')).toBeHidden();
  await expect.poll(async () => (await state(page)).link).not.toMatch(/attention=true/);
  await page.click('[data-show=lens]');
  await expect(page.locator('[data-panel=lens]')).toBeHidden();
});

test('the knobs of sampling act while it writes', async ({ page, site, models }) => {
  await visit(page, site, linkTo(models, 'prompt=Hello&chat=false&max_tokens=400&speed=fast'));
  await page.evaluate(() => window.kiln.run({ download: true }));
  await expect.poll(() => written(page).count()).toBeGreaterThan(2);
  await page.locator('#control-temperature').fill('1.5');
  await page.locator('#control-temperature').press('Enter');
  await expect.poll(async () => (await state(page)).link).toMatch(/temperature=1\.5/);
  expect((await state(page)).step).toBeGreaterThan(2);
});

test('the step button writes one token', async ({ page, site, models }) => {
  await write(page, site, models, 'prompt=Hello&chat=false&max_tokens=3');
  const before = await written(page).count();
  await page.click('[data-do=step]');
  await expect.poll(() => written(page).count()).toBe(before + 1);
});

test('the keyboard alone is enough', async ({ page, site, models }) => {
  await write(page, site, models, 'prompt=Hello&chat=false');
  const reading = page.locator('.reading');
  await reading.focus();
  await reading.press('Home');
  await reading.press('ArrowRight');
  await reading.press('ArrowRight');
  await expect(page.locator('.token.at')).toHaveCount(1);
  await expect(page.locator('.token-card')).toContainText('Token 3 of');
  await reading.press('End');
  await reading.press('Enter');
  await expect(page.locator('.token.chosen')).toHaveCount(1);
  await reading.press('Escape');
  await expect(page.locator('.token.chosen')).toHaveCount(0);
  const box = field(page);
  await box.fill('One');
  await box.press('Shift+Enter');
  expect(await box.inputValue()).toBe('One\n');
  // The Enter that ends a composition of an input method sends nothing.
  await box.evaluate((element) => element.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true })));
  expect((await state(page)).link).toContain('prompt=Hello');
});

test('a text that was saved is shown again when it is loaded', async ({ page, site, models }) => {
  await write(page, site, models);
  const before = await text(page);
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('[data-do=save]')]);
  const bytes = await readFile(await file.path());
  await press(page, 'new-chat');
  await expect(page.locator('.token')).toHaveCount(0);
  await drop(page, bytes, 'text.safetensors');
  await expect.poll(() => text(page)).toBe(before);
});

test('what is written next is scrolled to, wherever the person looked', async ({ page, site, models }) => {
  // Taller than its box before a word is written.
  await write(page, site, models, `prompt=Hello${'%0A'.repeat(30)}&chat=false&max_tokens=40`);
  await page.locator('.reading').focus();
  await page.keyboard.press('Home');
  await press(page, 'regenerate');
  await expect(page.locator('.token.at')).toHaveCount(0);
  const left = () => page.locator('.reading').evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight);
  await expect.poll(() => page.locator('.reading').evaluate((element) => element.scrollTop)).toBeGreaterThan(20);
  await expect.poll(left).toBeLessThan(40);
});

test('surprise colours the text, and the text can be copied', async ({ page, site, models, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await write(page, site, models, 'prompt=Hello&chat=false');
  await page.click('[data-show=surprise]');
  await expect(page.locator('.tools .legend')).toContainText('bits');
  const shades = await written(page).evaluateAll((spans) => new Set(spans.map((span) => getComputedStyle(span).backgroundColor)).size);
  expect(shades).toBeGreaterThan(1);
  await page.click('[data-do=copy]');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('Hello');
});

test('a text has one colouring at a time, and only that one is pressed', async ({ page, site, models }) => {
  await write(page, site, models, 'prompt=Hello&chat=false');
  const pressed = () => page.locator('[data-show][aria-pressed=true]').evaluateAll((buttons) => buttons.map(({ dataset }) => dataset.show));
  await page.click('[data-show=surprise]');
  expect(await pressed()).toEqual(['surprise']);
  await page.click('[data-show=attention]');
  await expect.poll(pressed).toEqual(['attention']);
  await page.click('[data-show=surprise]');
  await expect.poll(pressed).toEqual(['surprise']);
  await expect(page.locator('.tools .legend.surprise')).toBeVisible();
});

test('the lens shows all of its layers, and less than half a percent is not 0 %', async ({ page, site, models }) => {
  await write(page, site, models, 'prompt=Hello&chat=false');
  const shown = await page.evaluate(async () => {
    const { Lens } = await import('./www/later/lens.js');
    const lens = new Lens({ bus: { tokens: [] } });
    document.querySelector('main').append(lens.element);
    const layers = Array.from({ length: 31 }, () => [0.0001, 0.0049, 0.006, 0.5].map((raw, id) => ({ id, piece: 'a', raw })));
    const drawn = new Promise((done) => new MutationObserver(done).observe(lens.element, { childList: true, subtree: true }));
    lens.update({ token: 0, layers });
    await drawn;
    const box = lens.element.querySelector('.scroll');
    const answer = { texts: [...lens.element.querySelectorAll('tr:first-child small')].map(({ textContent }) => textContent), whole: box.scrollHeight - box.clientHeight < 20 };
    lens.element.remove();
    return answer;
  });
  expect(shown).toEqual({ texts: ['<1 %', '<1 %', '1 %', '50 %'], whole: true });
});

test('the text demo speaks Chinese, in the dark, on a page 360 px wide', async ({ page, site, models }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await visit(page, site, linkTo(models, 'prompt=Hello'), 'paused&device=cpu&lang=zh');
  await expect(page.locator('.consent [data-do=download]')).toHaveText('下载');
  await page.click('[data-do=download]');
  await stands(page);
  await expect(page.locator('.composer [data-do=send]')).toHaveText('发送');
  await expect(page.locator('#lesson h2')).toContainText('Transformer');
  await page.locator('#controls-box > summary').click();
  await page.click('[data-show=attention]');
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.screenshot({ path: `${SHOTS}/text-narrow.png`, fullPage: true });
});
