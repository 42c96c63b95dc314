import { test, expect, visit, untilStep, state, kill, keepingDevice, card } from './kiln.js';
const TINY = 'gan2d?width=16&depth=1&batch=16';
async function killGpuProcess(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  process.kill(processInfo.find(({ type }) => type === 'GPU').id, 'SIGKILL');
}
for (const way of ['gpu', 'throw', 'lose']) for (const wait of [1, 40])
test(`x ${way} ${wait}`, async ({ page, browser, changed }) => {
  test.setTimeout(200_000);
  const site = await changed(keepingDevice);
  await visit(page, site, TINY, 'device=webgpu');
  await page.evaluate(() => { window.log = []; const t0 = performance.now(); for (const k of ['status', 'error', 'card', 'reset', 'device']) window.kiln.on(k, (e) => window.log.push([Math.round(performance.now() - t0), k, e.status ?? e.code ?? e.key ?? e.kind ?? '', e.step, e.message?.slice?.(0, 80)])); });
  await expect.poll(async () => (await state(page)).device?.kind, { timeout: 150_000 }).toBe('webgpu');
  await untilStep(page, (await state(page)).step + wait, 120_000);
  const { step } = await state(page);
  if (way === 'gpu') await killGpuProcess(browser); else await kill(page, way);
  try {
    await untilStep(page, step + 20, 60_000);
  } catch { console.log('STUCK'); }
  const s = await state(page);
  console.log(way, wait, step, JSON.stringify(s.status), s.step, s.device.kind);
  const log = await page.evaluate(() => window.log);
  const i = log.findIndex((l) => l[1] === 'card' && /recov|moved/.test(l[2]));
  console.log(log.slice(Math.max(0, i - 8), i + 30).map((l) => l.join(' ')).join('\n'));
});
