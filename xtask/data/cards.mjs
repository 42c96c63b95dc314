// Makes the pictures of the front door anew, each from the demo itself on the built page, run on the CPU:
// `node xtask/data/cards.mjs [FOLDER [NAME...]]`, where FOLDER is the built page (dist/) and NAME a demo, `film`, or `preview`, the picture
// of the front door that a sent link shows.
// A demo that has no recipe below is opened as its plain link opens it, and its first canvas is taken.
// The language model's words need the file of its weights: KILN_MODELS is the folder that holds it; without it that card is left as it is.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { serve } from '../../tests/page/serve.mjs';
import { serveModels } from '../../tests/page/models-server.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const OUT = join(ROOT, 'www/later/cards');
const [dist = join(ROOT, 'dist'), ...only] = process.argv.slice(2);
const MODEL = 'SmolLM2-135M-Instruct.Q4_1.gguf';
const models = process.env.KILN_MODELS ?? '';

/** Pictures are 16 to 10, and the film is square; in pixels. */
const CARD = [400, 250];
const FRAME = 256;
/** What a sent link shows, in pixels: the size that is usual for it. */
const PREVIEW = { width: 1200, height: 630 };
/** How well WebP keeps them. The film is many pictures. */
const QUALITY = 0.72;
const FILM_QUALITY = 0.45;

/**
 * What is opened, how many steps are taken, and which part of which panel is shown: `[left, top, width, height]`, from 0 to 1; or the
 * `text` of which element.
 */
const RECIPES = {
  gan2d: { link: 'gan2d?data=spiral&loss=wasserstein&d_steps=3', steps: 1500, panel: 'plane', part: [0, 0.1875, 1, 0.625] },
  dcgan: { link: 'dcgan', steps: 1200, panel: 'samples', part: [0, 0, 1, 0.625] },
  vae: { link: 'vae', steps: 0, panel: 'plane', part: [0, 0.1875, 1, 0.625] },
  diffusion2d: { link: 'diffusion2d?data=moons', steps: 1500, panel: 'plane', part: [0, 0.1875, 1, 0.625] },
  diffusion: { link: 'diffusion?data=emoji', steps: 0, panel: 'samples', part: [0, 0, 1, 0.625] },
  realnvp: { link: 'realnvp?data=moons', steps: 1500, panel: 'plane', part: [0, 0.1875, 1, 0.625] },
  autoencoder: { link: 'autoencoder', steps: 0, panel: 'picture', part: [0, 0.1875, 1, 0.625] },
  classifier: { link: 'classifier', steps: 300, panel: 'examples' },
  gpt: { link: 'gpt', steps: 500, text: '[data-panel=completions] .rows-of-text' },
};

/** The film: the steps at which a frame is taken. A GAN moves fast at first. */
const FILM = { link: 'gan2d', panel: 'plane', steps: [0, 50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1150, 1300, 1600, 2000] };

const server = await serve(dist);
const site = `http://127.0.0.1:${server.address().port}/`;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--headless=new', '--no-sandbox', '--disable-dev-shm-usage'] });
const page = await browser.newPage({ viewport: { width: 1440, height: 1000 }, colorScheme: 'dark', deviceScaleFactor: 2, serviceWorkers: 'block', bypassCSP: true });

async function open(link) {
  await page.goto('about:blank');
  await page.goto(`${site}?device=cpu&paused#${link}`);
  await page.waitForFunction(() => window.kiln);
  await page.evaluate(() => window.kiln.ready);
}

/** Draws parts of canvases, or of pictures of elements, side by side, and gives them as one WebP file. */
const draw = (shots, size, quality = QUALITY) =>
  page.evaluate(
    async ([all, [width, height], kept]) => {
      const canvas = new OffscreenCanvas(width * all.length, height);
      const context = canvas.getContext('2d');
      context.imageSmoothingQuality = 'high';
      for (const [index, { url, part }] of all.entries()) {
        const picture = await createImageBitmap(await (await fetch(url)).blob());
        const [left, top, wide, high] = part ?? [0, 0, 1, 1];
        const [w, h] = [wide * picture.width, high * picture.height];
        // As large as it fits, on the ground of the dark page.
        const scale = Math.min(width / w, height / h);
        context.fillStyle = '#1c1f25';
        context.fillRect(index * width, 0, width, height);
        context.drawImage(picture, left * picture.width, top * picture.height, w, h, index * width + (width - w * scale) / 2, (height - h * scale) / 2, w * scale, h * scale);
      }
      const blob = await canvas.convertToBlob({ type: 'image/webp', quality: kept });
      return [...new Uint8Array(await blob.arrayBuffer())];
    },
    [shots, size, quality],
  );

/** The panel's canvas as it is drawn at the next frame but one. */
async function shot(panel) {
  const canvas = page.locator(`${panel ? `[data-panel=${panel}]` : '#panels'} canvas`).first();
  await canvas.waitFor({ timeout: 120_000 });
  await canvas.scrollIntoViewIfNeeded();
  return canvas.evaluate(async (element) => {
    for (let frames = 0; frames < 3; frames += 1) await new Promise(requestAnimationFrame);
    return element.toDataURL();
  });
}

/** The beginning of an element's text, as the page shows it. */
async function shotOf(element) {
  await element.scrollIntoViewIfNeeded();
  const box = await element.boundingBox();
  const width = Math.min(box.width, 460);
  const png = await page.screenshot({ clip: { x: box.x, y: box.y, width, height: (width * CARD[1]) / CARD[0] } });
  return `data:image/png;base64,${png.toString('base64')}`;
}

/** What the language model writes. */
async function words() {
  const weights = await serveModels({ folder: models });
  await page.setViewportSize({ width: 1000, height: 900 });
  await open(`text?model=http://127.0.0.1:${weights.address().port}/plain/${MODEL}&prompt=${encodeURIComponent('Why is the sky blue?')}&max_tokens=48&greedy=true`);
  await page.evaluate(() => window.kiln.run({ download: true }));
  await page.waitForFunction(() => window.kiln.state.status === 'paused' && window.kiln.state.step > 10, null, { timeout: 300_000 });
  await page.locator('[data-show=surprise]').click();
  const picture = await shotOf(page.locator('.turn.assistant').first());
  weights.closeAllConnections();
  weights.close();
  return picture;
}

async function card(name) {
  const { link, steps, panel, part, text } = RECIPES[name] ?? { link: name, steps: 200 };
  await open(link);
  if (steps) await page.evaluate((count) => window.kiln.step(count), steps);
  return draw([{ url: await (text ? shotOf(page.locator(text).first()) : shot(panel)), part }], CARD);
}

async function film() {
  await open(FILM.link);
  const shots = [];
  let step = 0;
  for (const next of FILM.steps) {
    if (next > step) await page.evaluate((count) => window.kiln.step(count), next - step);
    step = next;
    shots.push({ url: await shot(FILM.panel) });
  }
  return draw(shots, [FRAME, FRAME], FILM_QUALITY);
}

/** The front door at rest, as a JPEG: not every reader of links knows WebP. */
async function preview() {
  const still = await browser.newPage({ viewport: PREVIEW, colorScheme: 'dark', reducedMotion: 'reduce', serviceWorkers: 'block' });
  await still.goto(`${site}?lang=en`);
  await still.locator('.film img').evaluate((image) => image.decode());
  await still.locator('.starts a').first().waitFor();
  const bytes = await still.screenshot({ type: 'jpeg', quality: 82 });
  await still.close();
  writeFileSync(join(ROOT, 'www/preview.jpg'), bytes);
  return bytes;
}

mkdirSync(OUT, { recursive: true });
const demos = JSON.parse(readFileSync(join(ROOT, 'www/demos.json'), 'utf8'));
for (const name of only.length ? only : ['film', ...demos.map((demo) => demo.name), 'preview']) {
  if (name === 'preview') {
    console.log(`preview: ${(await preview()).length} bytes`);
    continue;
  }
  const writes = demos.find((demo) => demo.name === name)?.does === 'writes';
  if (writes && !existsSync(join(models, MODEL))) {
    console.log(`${name}: left as it is, ${MODEL} is not in KILN_MODELS`);
    continue;
  }
  const bytes = name === 'film' ? await film() : writes ? await draw([{ url: await words() }], CARD) : await card(name);
  writeFileSync(join(OUT, `${name}.webp`), Uint8Array.from(bytes));
  console.log(`${name}: ${bytes.length} bytes`);
}
await browser.close();
server.closeAllConnections();
server.close();
