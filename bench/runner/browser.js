// One run: a fresh Chromium, the probe, the page, its window.bench.

import { readFileSync } from 'node:fs';
// The page's tests have it too: it lies in the repository's own node_modules.
import { chromium } from '@playwright/test';

const PROBE = readFileSync(new URL('../shared/probe.js', import.meta.url), 'utf8');
const COMMON = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-renderer-backgrounding'];
const WEBGPU = {
  none: [],
  // Computes on the CPU: its counts hold for any GPU, its times for none.
  software: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
  hardware: ['--enable-unsafe-webgpu', '--enable-features=Vulkan', '--use-angle=vulkan', '--ignore-gpu-blocklist'],
};

/**
 * What `window.bench(workload, {budgetMs})` of the page at `url` gives, with the browser's version and the adapter's name; or
 * `{error}`. `adapter` is none, software or hardware.
 */
export async function run(url, workload, { budgetMs, timeoutMs, adapter }) {
  const executablePath = process.env.CHROMIUM;
  const browser = await chromium.launch({ executablePath, headless: true, args: [...COMMON, ...WEBGPU[adapter]] });
  const said = [];
  let timer;
  try {
    const page = await browser.newPage();
    const failed = new Promise((resolve) => {
      timer = setTimeout(() => resolve({ error: `no answer within ${timeoutMs / 1000} s`, late: true }), timeoutMs);
      page.on('crash', () => resolve({ error: 'the page crashed' }));
    });
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
    await page.addInitScript(PROBE);
    const result = await Promise.race([measured(page, url, workload, budgetMs), failed]);
    if (result.error && said.length) result.said = said.slice(0, 4).map((text) => text.slice(0, 300));
    return { ...result, browser: browser.version() };
  } catch (error) {
    return { error: String(error).slice(0, 300), said, browser: browser.version() };
  } finally {
    clearTimeout(timer);
    await browser.close().catch(() => {});
  }
}

async function measured(page, url, workload, budgetMs) {
  await page.goto(url);
  await page.waitForFunction(() => typeof window.bench === 'function', null, { timeout: 60000 });
  return page.evaluate(
    async ([workload, budgetMs]) => {
      try {
        const result = await window.bench(workload, { budgetMs });
        const info = result.gpu?.dispatches && (await navigator.gpu?.requestAdapter())?.info;
        const adapter = info && [info.vendor, info.architecture, info.description].filter(Boolean).join(' ');
        return { ...result, isolated: crossOriginIsolated, adapter };
      } catch (error) {
        return { error: String(error?.stack ?? error).slice(0, 600) };
      }
    },
    [workload, budgetMs],
  );
}
