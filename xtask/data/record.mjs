// Records what a pretrained model did in the page, to be shown before anybody has downloaded it:
// `node xtask/data/record.mjs [FOLDER [DEMO...]]`, where FOLDER is the built page (dist/) and KILN_MODELS the folder of the models' files.
// A demo whose model is not there is left as it is. Written are www/later/recorded/DEMO.json, and list.json, which says where it is shown.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { serve } from '../../tests/page/serve.mjs';
import { serveModels } from '../../tests/page/models-server.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const OUT = join(ROOT, 'www/later/recorded');
const LIST = join(OUT, 'list.json');
const [dist = join(ROOT, 'dist'), ...only] = process.argv.slice(2);
const models = process.env.KILN_MODELS ?? '';

/** A recording is fetched by whoever opens the demo: no more bytes than these. */
const MOST = 150_000;
/** Probabilities and values of figures are kept to so many digits. */
const DIGITS = 5;
/** On a busy machine a model of 100 MB takes its time; in ms. */
const PATIENCE = 600_000;
/** How fast it was here says nothing of another machine. */
const TIMED = ['tokens_per_second', 'first_token_ms', 'encode_ms', 'decode_ms'];

/**
 * `model`: its id in the manifest, whose file is in KILN_MODELS. `values`: what is opened besides the model. `set` and `act(tokens)`: what is
 * changed and done once the run has ended. `when`: links with these values ask for nothing of their own, and show the recording.
 */
const RECIPES = {
  text: {
    model: 'smollm2-135m',
    // It ends with a sentence.
    values: { prompt: 'What is a neural network?', max_tokens: 43, layer: 22, head: 5 },
    set: { attention: true, lens: true },
    // A word that was there before: the head that is opened looks at what followed it then.
    act: (tokens) => [['choose', { token: tokens.findLastIndex(({ piece }) => piece === ' human') }]],
    when: { prompt: ['', 'What is a neural network?'], chat: [true], system: [''], edits: [''] },
  },
  autoencoder: {
    model: 'taesd',
    values: { size: 96 },
    // The channel that is open already: a live setting is answered with all values.
    set: { channel: 0 },
    act: () => [],
    when: { picture: [''], edits: [''] },
  },
};

const manifest = JSON.parse(readFileSync(join(ROOT, 'www/weights/models.json'), 'utf8')).models;
const fileOf = (id) => manifest.find((model) => model.id === id).files[0].name;

async function record(page, site, demo) {
  const { model, values, set, act, when } = RECIPES[demo];
  const weights = await serveModels({ folder: models });
  const url = `http://127.0.0.1:${weights.address().port}/plain/${fileOf(model)}`;
  await page.goto('about:blank');
  await page.goto(`${site}?device=cpu&paused#${demo}?${new URLSearchParams({ model: url, ...values }).toString().replaceAll('+', '%20')}`);
  await page.waitForFunction(() => window.kiln);
  await page.evaluate(async () => {
    await window.kiln.ready;
    window.recorded = new Map();
    window.kiln.on('schema', (event) => (window.values = event.values));
    window.kiln.on('views', ({ panels }) => {
      for (const panel of panels) {
        // Of a text only what is new is sent.
        const [before] = window.recorded.get(panel.id)?.views ?? [];
        for (const view of panel.views) if (view.type === 'tokens') view.tokens = [...(before?.tokens.slice(0, view.from) ?? []), ...view.tokens];
        for (const view of panel.views) if (view.type === 'tokens') view.from = 0;
        window.recorded.set(panel.id, panel);
      }
    });
    await window.kiln.run({ download: true });
  });
  // Looked at seldom: the machine has a model to run.
  await page.waitForFunction(() => window.kiln.state.status === 'paused', null, { polling: 1000 });
  const tokens = await page.evaluate(() => window.recorded.get('text')?.views[0].tokens ?? []);
  await page.evaluate(
    async ([set, act]) => {
      for (const [key, value] of Object.entries(set)) window.kiln.set(key, value);
      for (const [name, args] of act) window.kiln.act(name, args);
      // Answered after all of them.
      await window.kiln.checkpoint();
    },
    [set, act(tokens)],
  );
  const { panels, ...rest } = await page.evaluate(() => {
    const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
    const plain = (value) => {
      if (value instanceof Uint8Array) return { base64: base64(value) };
      if (Array.isArray(value)) return value.map(plain);
      return value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)])) : value;
    };
    return { step: window.kiln.state.step, values: window.values, panels: [...window.recorded.values()].map(plain) };
  });
  weights.closeAllConnections();
  weights.close();
  for (const { views } of panels) for (const view of views) if (view.figures) view.figures = view.figures.filter(({ id }) => !TIMED.includes(id));
  const { model: _, ...kept } = rest.values;
  return { recording: { ...rest, values: kept, panels }, when: { model: [model], ...when } };
}

const short = (_, value) => (typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value);

mkdirSync(OUT, { recursive: true });
const list = existsSync(LIST) ? JSON.parse(readFileSync(LIST, 'utf8')) : {};
const server = await serve(dist);
const site = `http://127.0.0.1:${server.address().port}/`;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--headless=new', '--no-sandbox', '--disable-dev-shm-usage'] });
const page = await browser.newPage({ serviceWorkers: 'block', bypassCSP: true });
page.setDefaultTimeout(PATIENCE);
for (const demo of only.length ? only : Object.keys(RECIPES)) {
  const file = fileOf(RECIPES[demo].model);
  if (!existsSync(join(models, file))) {
    console.log(`${demo}: left as it is, ${file} is not in KILN_MODELS`);
    continue;
  }
  const { recording, when } = await record(page, site, demo);
  const text = `${JSON.stringify(recording, short)}\n`;
  if (text.length > MOST) throw new Error(`${demo}: ${text.length} bytes, more than ${MOST}`);
  writeFileSync(join(OUT, `${demo}.json`), text);
  list[demo] = when;
  console.log(`${demo}: ${text.length} bytes`);
}
writeFileSync(LIST, `${JSON.stringify(list, null, 2)}\n`);
await browser.close();
server.closeAllConnections();
server.close();
