// What Lighthouse makes of the built page, served packed as hosts serve it: `node tests/page/lighthouse.mjs [FOLDER [FORM...]]`, where
// FOLDER is the built page (dist/) and FORM `mobile` or `desktop` (both). Lighthouse slows the network and the processor down for a phone
// (1.6 Mbit/s, a quarter of the speed). Each page is measured three times, and the median counts.

import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import lighthouse, { desktopConfig } from 'lighthouse';
import { serve } from './serve.mjs';

/** What is opened: the front door, and a run. */
export const PAGES = { 'front door': '', 'run of points': '#gan2d' };
const TIMES = 3;

/** A port that nobody uses. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** `{ scores, faults }` of an address, in a fresh browser: scores from 0 to 100 by category, and what keeps each below 100. */
export async function measure(url, { form = 'mobile', categories = ['performance', 'accessibility', 'best-practices'] } = {}) {
  const port = await freePort();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--no-first-run', `--remote-debugging-port=${port}`],
  });
  try {
    const { lhr } = await lighthouse(url, { port, logLevel: 'error', onlyCategories: categories }, form === 'desktop' ? desktopConfig : undefined);
    if (lhr.runtimeError) throw new Error(`${lhr.runtimeError.code}: ${lhr.runtimeError.message}`);
    const all = Object.values(lhr.categories);
    const scores = Object.fromEntries(all.map(({ id, score }) => [id, Math.round(100 * score)]));
    const faults = all.flatMap(({ id, auditRefs }) =>
      auditRefs
        .map(({ id: audit, weight }) => ({ weight, ...lhr.audits[audit] }))
        .filter(({ weight, score }) => weight > 0 && score !== null && score < 1)
        .map(({ id: audit, score, displayValue = '', details }) => `${id}: ${audit} ${Math.round(100 * score)} ${displayValue} ${where(details)}`.trim()),
    );
    return { scores, faults };
  } finally {
    await browser.close();
  }
}

const where = (details) => (details?.items ?? []).slice(0, 3).map(({ node, description, source, url }) => node?.snippet ?? description ?? source ?? url ?? '').join(' ');

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [dist = fileURLToPath(new URL('../../dist', import.meta.url)), ...forms] = process.argv.slice(2);
  const server = await serve(dist, 0, undefined, undefined, true);
  for (const form of forms.length ? forms : ['mobile', 'desktop']) {
    for (const [page, hash] of Object.entries(PAGES)) {
      const runs = [];
      for (let time = 0; time < TIMES; time += 1) runs.push(await measure(`http://127.0.0.1:${server.address().port}/${hash}`, { form }));
      const names = Object.keys(runs[0].scores);
      console.log(`${form}, ${page}: ${names.map((name) => `${name} ${median(runs.map(({ scores }) => scores[name]))} (${runs.map(({ scores }) => scores[name]).join(', ')})`).join('; ')}`);
      for (const fault of new Set(runs.flatMap(({ faults }) => faults))) console.log(`  ${fault}`);
    }
  }
  server.closeAllConnections();
  server.close();
}
