// Whoever listens to the page is told what happens, and not what every step changes.

import { test, expect, visit, SMALL, SMALL_DIGITS } from './kiln.js';

/** Notes which live regions change, and what the worker shows meanwhile. */
const listen = (page) =>
  page.evaluate(() => {
    const LIVE = 'output, [role=status], [role=alert], [role=log], [role=timer], [role=marquee], [aria-live]:not([aria-live=off])';
    window.told = {};
    window.shown = 0;
    window.kiln.on('views', () => (window.shown += 1));
    new MutationObserver((records) => {
      const regions = new Set(records.map(({ target }) => (target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement)?.closest(LIVE)).filter(Boolean));
      for (const region of regions) {
        const name = `${region.tagName} ${region.id || region.className} in ${region.parentElement?.closest('[id], [data-panel]')?.outerHTML.slice(0, 50)}`;
        window.told[name] = (window.told[name] ?? 0) + 1;
      }
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });

for (const [name, link, seen] of [
  ['the points', SMALL, '.step-count'],
  ['the digits and their film', SMALL_DIGITS, '.film .when'],
  ['a VAE and its sliders', 'vae?start=scratch&width=4&batch=16', '.slider .value'],
]) {
  test(`while ${name} train no live region changes with every step`, async ({ page, site }) => {
    await visit(page, site, link);
    await page.evaluate(() => window.kiln.step(2));
    await listen(page);
    await page.evaluate(() => window.kiln.run({ download: true }));
    await page.waitForFunction(() => window.shown >= 20);
    await page.evaluate(() => window.kiln.pause());
    // What changes is on the page: it is not announced.
    await expect(page.locator(seen).first()).toHaveText(/\d/);
    const { told, shown } = await page.evaluate(() => ({ told: window.told, shown: window.shown }));
    expect(Object.keys(told)).not.toEqual([]);
    expect(Object.entries(told).filter(([, times]) => times > shown / 4)).toEqual([]);
  });
}

test('a text that is written is read out by its sentences, not by its tokens', async ({ page, site, models }) => {
  await visit(page, site, `text?model=${models.url}plain/tiny/tiny-llama-q8_0.gguf&prompt=Hello&max_tokens=60&temperature=1.2&speed=fast`);
  await listen(page);
  await page.evaluate(() => window.kiln.run({ download: true }));
  await page.waitForFunction(() => window.kiln.state.status === 'paused' && window.kiln.state.step > 8, null, { timeout: 60_000 });
  const { told, step } = await page.evaluate(() => ({ told: window.told, step: window.kiln.state.step }));
  expect(Object.keys(told)).not.toEqual([]);
  expect(Object.entries(told).filter(([, times]) => times > step / 4)).toEqual([]);
});

test('a slider of the film that has the focus says the same while the run goes on', async ({ page, site }) => {
  await visit(page, site, SMALL_DIGITS);
  await page.evaluate(() => window.kiln.step(2));
  const slider = page.locator('.film input');
  await slider.focus();
  await expect(slider).toHaveAttribute('aria-valuetext', 'Now');
  await page.evaluate(() => window.kiln.step(2));
  await expect(page.locator('[data-panel=samples] .images')).toHaveAttribute('data-step', '4');
  await expect(slider).toHaveAttribute('aria-valuetext', 'Now');
  await slider.press('Home');
  await expect(slider).toHaveAttribute('aria-valuetext', /step \d/);
});
