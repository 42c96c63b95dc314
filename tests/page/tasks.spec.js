// Tasks of the lessons: what counts, what is told, and what is kept of it.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test, expect, visit, state, card, elsewhere, FIXTURES, SHOTS } from './kiln.js';
import { serveModels } from './models-server.mjs';
import { Judge } from '../../www/later/judge.js';

const WWW = fileURLToPath(new URL('../../www/', import.meta.url));
const readJson = async (path) => JSON.parse(await readFile(WWW + path, 'utf8'));
const DEMOS = await readJson('demos.json');
const TASKS = new Map(await Promise.all(DEMOS.map(async ({ name }) => [name, await readJson(`later/tasks/${name}.en.json`)])));

/** A task of the test's own: it is reached at the first look, which is at step 20. */
const QUICK = {
  id: 'quick',
  link: 'gan2d?evaluate=20&width=16&batch=32',
  question: 'What will be measured?',
  answers: ['Nothing', 'A number'],
  right: 1,
  aim: 'Measure something with at most 16 units.',
  target: { of: 'divergence', most: 100, keep: { width: { most: 16 } } },
  reveal: 'Whatever is measured is a number.',
};
/** The page with this list in the place of the demo's own. */
const listed = (changed, ...list) => changed((path, body) => (/\/tasks\/gan2d\.\w+\.json$/.test(path) ? JSON.stringify(list) : body));

const box = (page) => page.locator('#lesson .tasks');
const task = (page, id) => page.locator(`#lesson [data-task="${id}"]`);
const summary = (page) => box(page).locator('summary').first();

async function open(page, id) {
  if (!(await box(page).evaluate((one) => one.open))) await summary(page).click();
  await task(page, id).locator('summary').click();
}

/** Opens a task's run, and takes so many steps. */
async function run(page, id, steps) {
  await page.evaluate(() => {
    window.begun = new Promise((resolve) => window.kiln.on('schema', () => window.kiln.on('status', resolve)));
  });
  await task(page, id).locator('.go a').click();
  await page.evaluate(() => window.begun);
  if (steps) await page.evaluate((n) => window.kiln.step(n), steps);
}

test('a task is done by a real run, is told with its prediction, and stays done after a reload', async ({ page, site }) => {
  test.setTimeout(240_000);
  const [demo, list] = ['diffusion2d', TASKS.get('diffusion2d')];
  const first = list[0];
  await visit(page, site, demo);
  await expect(summary(page)).toHaveText('Tasks');
  await open(page, first.id);
  const wrong = (first.right + 1) % first.answers.length;
  await task(page, first.id).getByLabel(first.answers[wrong], { exact: true }).check();
  await run(page, first.id, 0);
  expect((await state(page)).link).toBe(first.link);
  await page.evaluate(() => window.kiln.run());
  await expect(card(page, 'task')).toContainText(first.aim, { timeout: 150_000 });
  await page.evaluate(() => window.kiln.pause());
  await expect(summary(page)).toHaveText(`Tasks (1 of ${list.length} done)`);
  await expect(task(page, first.id).locator('.far')).toHaveText('Aim reached.');
  // A wrong prediction is no failure, and both answers are said.
  const verdict = task(page, first.id).locator('.verdict');
  await expect(verdict).toContainText(`You expected “${first.answers[wrong]}”`);
  await expect(verdict).toContainText(first.answers[first.right]);
  await expect(task(page, first.id).locator('.reveal')).toContainText(first.reveal);
  await expect(task(page, first.id).locator('fieldset')).toHaveAttribute('disabled', '');
  await page.screenshot({ path: `${SHOTS}/tasks.png`, fullPage: true });
  await page.reload();
  await page.evaluate(() => window.kiln.ready);
  await expect(summary(page)).toHaveText(`Tasks (1 of ${list.length} done)`);
  await open(page, first.id);
  await expect(task(page, first.id).locator('.mark')).toHaveText('done');
  await expect(verdict).toContainText(`You expected “${first.answers[wrong]}”`);
  await box(page).getByRole('button', { name: 'Forget which tasks are done' }).click();
  await expect(summary(page)).toHaveText('Tasks');
  await expect(summary(page)).toBeFocused();
  await expect(task(page, first.id).locator('.reveal')).toHaveCount(0);
});

test('a run with other settings does not count, and why is said', async ({ page, changed }) => {
  await visit(page, await listed(changed, QUICK), QUICK.link);
  await open(page, 'quick');
  await page.evaluate(() => window.kiln.step(20));
  await expect(task(page, 'quick').locator('.far')).toBeEmpty();
  await run(page, 'quick', 2);
  await expect(task(page, 'quick').locator('.far')).toContainText('press Run');
  // Another run of the demo, with other settings than the target asks for.
  await page.evaluate(() => window.kiln.open('gan2d?evaluate=20&width=32&batch=32'));
  await page.evaluate(() => window.kiln.step(20));
  await expect(task(page, 'quick').locator('.far')).toHaveText('This run does not count: Width has to be at most 16.');
  await expect(summary(page)).toHaveText('Tasks');
  // Settings that the target leaves open may be others.
  await page.evaluate(() => window.kiln.open('gan2d?evaluate=20&width=8&batch=64'));
  await page.evaluate(() => window.kiln.step(20));
  await expect(task(page, 'quick').locator('.verdict')).toHaveText('The answer: A number.');
  await expect(summary(page)).toHaveText('Tasks (1 of 1 done)');
});

test('the run of a task begins anew where its link is open already, and another demo ends it', async ({ page, changed }) => {
  await visit(page, await listed(changed, QUICK), QUICK.link);
  await page.evaluate(() => window.kiln.step(25));
  await open(page, 'quick');
  await run(page, 'quick', 0);
  await expect.poll(async () => (await state(page)).step).toBe(0);
  await page.evaluate(() => window.kiln.open('realnvp?batch=32&couplings=2&width=16'));
  await page.evaluate((link) => window.kiln.open(link), QUICK.link);
  await page.evaluate(() => window.kiln.step(20));
  await expect(task(page, 'quick').locator('.far')).toBeEmpty();
  await expect(summary(page)).toHaveText('Tasks');
});

test('how far a run has got is shown, and said aloud seldom', async ({ page, changed }) => {
  const far = { ...QUICK, target: { of: 'divergence', most: 0, within: { steps: 60 } } };
  // At the run itself: one that a link of the page opens begins by itself, and is past its steps before the test has looked.
  await visit(page, await listed(changed, far), far.link);
  await open(page, 'quick');
  await run(page, 'quick', 20);
  await expect(task(page, 'quick').locator('.far')).toHaveText(/^Jensen-Shannon divergence: 0\.\d+\. Aim: at most 0\.$/);
  await page.evaluate(() => {
    window.said = [];
    const region = document.querySelector('#lesson .tasks [role=status]');
    new MutationObserver(() => window.said.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true });
  });
  await page.evaluate(() => window.kiln.step(40));
  expect(await page.evaluate(() => window.said.length)).toBeLessThanOrEqual(1);
  await page.evaluate(() => window.kiln.step(20));
  await expect(task(page, 'quick').locator('.far')).toHaveText(/^Too late/);
  await expect(summary(page)).toHaveText('Tasks');
  await task(page, 'quick').getByRole('button', { name: 'Show the answer' }).click();
  await expect(task(page, 'quick').locator('.reveal')).toContainText(far.reveal);
  // Seen, and not done.
  await expect(summary(page)).toHaveText('Tasks');
});

test('tasks are done by keyboard, in Chinese, without storage, and on a phone', async ({ page, changed }) => {
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(error.message));
  await page.setViewportSize({ width: 360, height: 740 });
  await page.addInitScript(() => {
    Object.defineProperty(window, 'localStorage', { get: () => { throw new DOMException('denied', 'SecurityError'); } });
  });
  await visit(page, await listed(changed, QUICK), 'gan2d', 'paused&device=cpu&lang=zh');
  await page.locator('#lesson .unfold').press('Enter');
  await expect(summary(page)).toHaveText('任务');
  await summary(page).press('Enter');
  await task(page, 'quick').locator('summary').press('Enter');
  await task(page, 'quick').getByRole('radio').first().press('Space');
  await expect(task(page, 'quick').getByRole('group')).toHaveAccessibleName('你预计会怎样？');
  await expect(task(page, 'quick').getByRole('link')).toHaveAccessibleName(`打开运行。目标：${QUICK.aim}`);
  await task(page, 'quick').getByRole('link').press('Enter');
  await expect.poll(async () => (await state(page)).link).toBe(QUICK.link);
  // Out of sight of the lesson a card tells of it, and leads back.
  await page.evaluate(() => window.kiln.step(20));
  await card(page, 'task').getByRole('button', { name: '看看为什么' }).press('Enter');
  await expect(task(page, 'quick').locator('summary')).toBeFocused();
  await expect(task(page, 'quick').locator('.verdict')).toContainText('你预计“Nothing”');
  await expect(summary(page)).toHaveText('任务 （完成 1/1）');
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.screenshot({ path: `${SHOTS}/tasks-360.png` });
  expect(wrong).toEqual([]);
});

test('tasks that cannot be fetched are told of, and asked for again', async ({ page, site }) => {
  let there = false;
  await page.route(/\/tasks\/gan2d\./, (route) => (there ? route.continue() : route.abort()));
  await visit(page, site, 'gan2d');
  await summary(page).click();
  await expect(card(page, 'part-missing')).toBeVisible();
  there = true;
  await summary(page).click();
  await expect(box(page).locator('.task')).toHaveCount(TASKS.get('gan2d').length);
});

/** A `views` event with one view. */
const views = (step, view) => ({ type: 'views', step, panels: [{ id: 'any', title: '', views: [view] }] });
const curves = (...rows) => ({ type: 'scalars', series: ['a', 'b'], rows: new Uint8Array(new Float32Array(rows.flat()).buffer), reset: false });
const figure = (value) => ({ type: 'figures', figures: [{ id: 'b', title: 'B', value, digits: 2, of: null }] });

test('what is not a number reaches no target', () => {
  for (const target of [{ of: 'b', most: 1e9 }, { of: 'b', least: -1e9 }, { of: 'b' }]) {
    for (const value of [NaN, Infinity, -Infinity]) {
      expect(new Judge(target).see(views(1, figure(value)), {})).toBe(false);
      expect(new Judge(target).see(views(1, curves([1, 5, value])), {})).toBe(false);
    }
    expect(new Judge(target).see(views(1, figure(3)), {})).toBe(true);
  }
  // A setting that the demo does not have, or that is no number, is not kept.
  for (const values of [{}, { width: NaN }, { width: 9 }]) {
    expect(new Judge({ of: 'b', keep: { width: { most: 8 } } }).see(views(1, figure(3)), values)).toBe(false);
  }
});

test('each row of a curve is judged at its own step, and another series not at all', () => {
  const target = { of: 'b', most: 2, after: 3, within: { steps: 5 } };
  const judge = (...rows) => new Judge(target).see(views(9, curves(...rows)), {});
  expect(judge([2, 0, 1], [4, 0, 3], [6, 0, 1])).toBe(false);
  expect(judge([4, 1, 3])).toBe(false);
  expect(judge([4, 3, 1], [9, 0, 8])).toBe(true);
  const late = new Judge(target);
  late.see(views(6, curves()), {});
  expect(late.late).toBe(true);
});

test('only the time in which a run runs counts', () => {
  const judge = new Judge({ of: 'b', most: 2, within: { seconds: 10 } });
  judge.clock(true, 0);
  judge.see(views(1, figure(3)), {}, 6_000);
  judge.clock(false, 6_000);
  judge.clock(true, 60_000);
  expect(judge.late).toBe(false);
  expect(judge.see(views(2, figure(1)), {}, 63_000)).toBe(true);
  judge.begin();
  judge.clock(true, 100_000);
  expect(judge.see(views(1, figure(1)), {}, 110_001)).toBe(false);
  expect(judge.late).toBe(true);
});

test('both languages have the same tasks, links and targets, each demo has four, and one answer is right', async () => {
  for (const { name } of DEMOS) {
    const [en, zh] = [TASKS.get(name), await readJson(`later/tasks/${name}.zh.json`)];
    const facts = (list) => list.map(({ id, link, right, target, answers }) => ({ id, link, right, target, answers: answers.length }));
    expect(facts(zh), name).toEqual(facts(en));
    expect(en.length, name).toBeGreaterThanOrEqual(4);
    expect(new Set(en.map(({ id }) => id)).size).toBe(en.length);
    for (const one of [...en, ...zh]) {
      expect(one.answers[one.right], one.id).toBeTruthy();
      expect(new Set(one.answers).size).toBe(one.answers.length);
      // Templates end sentences that answers are part of.
      for (const answer of one.answers) expect(answer, one.id).not.toMatch(/[.。]$/);
      for (const text of [one.question, one.aim, one.reveal]) expect(text.length, one.id).toBeGreaterThan(8);
    }
    for (const one of zh) expect(one.question + one.aim + one.reveal, one.id).toMatch(/\p{Script=Han}/u);
  }
});

/** Names that a run has emitted: of figures, series and sliders; and those of the judge's own readings. */
const emitted = (page) =>
  page.evaluate(() => {
    window.names = new Set();
    window.kiln.on('views', ({ panels }) => {
      for (const view of panels.flatMap((panel) => panel.views)) {
        for (const { id } of view.figures ?? view.sliders ?? []) window.names.add(id);
        // Of a curve only what was measured.
        const width = 1 + (view.type === 'scalars' ? view.series.length : 0);
        const rows = width > 1 ? new Float32Array(view.rows.buffer, view.rows.byteOffset, view.rows.byteLength / 4) : [];
        rows.forEach((value, at) => at % width && Number.isFinite(value) && window.names.add(view.series[(at % width) - 1]));
        if (view.type === 'tokens') window.names.add('forced');
        if (view.type === 'attention') window.names.add('previous');
      }
    });
  });

/** A link with this setting, in the place of the one that it has. */
const having = (link, key, value) => {
  const [name, settings = ''] = link.split('?');
  const others = settings.split('&').filter((pair) => pair && !pair.startsWith(`${key}=`));
  return `${name}?${[...others, `${key}=${value}`].join('&')}`;
};

for (const { name, needs } of DEMOS) {
  test(`${name} emits what its targets name`, async ({ page, site, models }) => {
    test.setTimeout(240_000);
    const tiny = await serveModels({ folder: join(FIXTURES, '../autoencoder/tiny') });
    const url = `http://127.0.0.1:${tiny.address().port}/`;
    elsewhere.add(url);
    // Small models stand in for those that are downloaded; whatever trains is looked at when its first check has ended, which goes
    // on beside the steps after it.
    const own = { text: `${models.url}plain/tiny/tiny-llama-q8_0.gguf`, autoencoder: `${url}plain/diffusion_pytorch_model.safetensors` };
    const small = (link) => (needs.model ? having(having(link, 'model', own[name]), name === 'text' ? 'max_tokens' : 'size', name === 'text' ? 2 : 64) : having(link, 'evaluate', 20));
    try {
      const wanted = new Map();
      for (const { link, target } of TASKS.get(name)) wanted.set(small(link), [...(wanted.get(small(link)) ?? []), target.of]);
      await visit(page, site, [...wanted.keys()][0]);
      await emitted(page);
      for (const [link, names] of wanted) {
        await page.evaluate(() => window.names.clear());
        await page.evaluate((text) => window.kiln.open(text), link);
        const named = () => page.evaluate((all) => all.filter((one) => !window.names.has(one)), names);
        // Some show it at once, others once they have run, or have done what the task asks for.
        if ((await named()).includes('error_searched')) await page.evaluate(() => window.kiln.act('restore'));
        else if ((await named()).length) await page.evaluate((steps) => window.kiln.step(steps, { download: true }), needs.model ? 2 : 40);
        await expect.poll(named, { message: link, timeout: 60_000 }).toEqual([]);
      }
    } finally {
      elsewhere.delete(url);
      tiny.closeAllConnections();
      tiny.close();
    }
  });
}
