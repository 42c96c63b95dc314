// A line of text among the controls acts while it is typed. The demo is one of which the page has never heard.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test, expect, answers, visit, state, card, SHOTS } from './kiln.js';

const WORKER = fileURLToPath(new URL('own-demo-worker.js', import.meta.url));
const served = (changed) => changed((path, body) => (path.endsWith('/worker-cpu_loader.js') ? readFile(WORKER) : body));

const field = (page) => page.getByRole('textbox', { name: 'Words' });
const clear = (page) => page.getByRole('button', { name: 'Clear: Words' });
const suggestion = (page, text) => page.getByRole('group', { name: 'Suggestions: Words' }).getByRole('button', { name: text, exact: true });
/** The texts that the worker was told, in turn. */
const told = (page) => page.evaluate(() => window.told);
const link = async (page) => (await state(page)).link;

async function open(page, changed, text = 'walk', query = undefined) {
  await page.addInitScript(() => {
    window.told = [];
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...rest) {
      if (message.type === 'set') window.told.push(message.value);
      if (message.type === 'open' && window.late) return void window.late.then(() => post.call(this, message, ...rest));
      return post.call(this, message, ...rest);
    };
  });
  await visit(page, await served(changed), text, query);
}

test('it has its label, its help, an example, and what the link says', async ({ page, changed }) => {
  await open(page, changed, 'walk?words=blue%20fish');
  await expect(field(page)).toHaveValue('blue fish');
  await expect(field(page)).toHaveAttribute('placeholder', 'for example: red heart');
  await page.getByRole('button', { name: 'What is Words?' }).click();
  await expect(page.locator('[data-key=words] .about')).toHaveText('What it carries.');
  await page.evaluate(() => window.kiln.open('walk'));
  await expect(field(page)).toHaveValue('');
  await expect(clear(page)).toBeHidden();
});

test('what is typed is sent once, after a pause, and at once on Enter', async ({ page, changed }) => {
  await open(page, changed);
  await field(page).pressSequentially('red he');
  expect(await told(page)).toEqual([]);
  await expect.poll(() => link(page)).toBe('walk?words=red%20he');
  expect(await told(page)).toEqual(['red he']);
  await field(page).pressSequentially('art');
  await field(page).press('Enter');
  await expect.poll(() => told(page)).toEqual(['red he', 'red heart']);
  // Neither the pause nor leaving the field sends it again: the worker is asked how it is once a second.
  await answers(page, 3);
  await field(page).blur();
  await answers(page);
  expect(await told(page)).toEqual(['red he', 'red heart']);
  expect(await state(page)).toMatchObject({ link: 'walk?words=red%20heart', step: 0 });
  // Without a pause and without Enter: when the field is left.
  await field(page).fill('tree');
  await field(page).blur();
  await expect.poll(() => told(page)).toEqual(['red he', 'red heart', 'tree']);
  expect(await page.evaluate(() => history.length)).toBeLessThan(4);
});

test('nothing is sent of what an input method is still composing', async ({ page, changed }) => {
  await open(page, changed, 'walk?words=fish');
  const keyboard = await page.context().newCDPSession(page);
  await field(page).focus();
  await field(page).press('End');
  await keyboard.send('Input.imeSetComposition', { text: 'hong xin', selectionStart: 8, selectionEnd: 8 });
  await expect(field(page)).toHaveValue('fishhong xin');
  // The Enter that takes what was composed.
  await field(page).evaluate((input) => input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true })));
  // The worker takes another setting meanwhile, and the controls are drawn anew: what is composed stays.
  await page.evaluate(() => window.kiln.set('stride', 2));
  await answers(page, 3);
  await expect(field(page)).toHaveValue('fishhong xin');
  expect(await told(page)).toEqual([2]);
  await keyboard.send('Input.insertText', { text: '红心' });
  await expect(field(page)).toHaveValue('fish红心');
  await expect.poll(() => told(page)).toEqual([2, 'fish红心']);
});

test('an answer does not change what is still being written, and spaces at the ends go when it is written', async ({ page, changed }) => {
  await open(page, changed);
  await field(page).pressSequentially('red ');
  await expect.poll(() => link(page)).toBe('walk?words=red');
  await answers(page);
  await expect(field(page)).toHaveValue('red ');
  await field(page).pressSequentially('heart ');
  await expect.poll(() => link(page)).toBe('walk?words=red%20heart');
  await field(page).blur();
  await expect(field(page)).toHaveValue('red heart');
});

test('a text that is refused is told, and gives way to the one that holds when the field is left', async ({ page, changed }) => {
  await open(page, changed, 'walk?words=fish');
  await field(page).fill('six');
  await expect(card(page, 'error-bad-command')).toContainText('Six is refused.');
  await expect(field(page)).toHaveValue('six');
  await field(page).blur();
  await expect(field(page)).toHaveValue('fish');
  expect(await told(page)).toEqual(['six']);
});

test('a suggestion puts its text into the field, and the field is cleared', async ({ page, changed }) => {
  await open(page, changed);
  await suggestion(page, 'blue fish').click();
  await expect(field(page)).toHaveValue('blue fish');
  await expect.poll(() => link(page)).toBe('walk?words=blue%20fish');
  // What was begun gives way to it.
  await field(page).pressSequentially('es');
  await suggestion(page, 'red heart').click();
  await expect(field(page)).toHaveValue('red heart');
  await expect.poll(() => link(page)).toBe('walk?words=red%20heart');
  await clear(page).click();
  await expect(field(page)).toHaveValue('');
  await expect(field(page)).toBeFocused();
  await expect(clear(page)).toBeHidden();
  await expect.poll(() => link(page)).toBe('walk');
});

test('it takes no more than the schema says, and tells so', async ({ page, changed }) => {
  await open(page, changed);
  await field(page).focus();
  await page.keyboard.insertText('a heart that is larger than all');
  await expect(field(page)).toHaveValue('a heart that is larger t');
  await expect(page.locator('[data-key=words] [role=status]')).toHaveText('No more than 24 characters fit.');
  await field(page).press('Backspace');
  await expect(page.locator('[data-key=words] [role=status]')).toHaveText('');
});

test('what was written for one run is not sent to another', async ({ page, changed }) => {
  await open(page, changed, 'walk?words=fish');
  await field(page).fill('tree');
  // The other run is opened when the pause is over: its worker is asked how it is once a second.
  await page.evaluate(() => {
    let seen = 0;
    window.late = new Promise((resolve) => window.kiln.on('status', () => (seen += 1) > 2 && resolve()));
    return window.kiln.open('walk?words=fish&seed=2');
  });
  await expect(field(page)).toHaveValue('fish');
  await answers(page, 3);
  expect(await told(page)).toEqual([]);
  expect(await link(page)).toBe('walk?seed=2&words=fish');
});

test('in Chinese it fits on a page 360 px wide', async ({ page, changed }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await open(page, changed, 'walk?words=红心', 'paused&device=cpu&lang=zh');
  await page.locator('#controls-box > summary').click();
  await expect(field(page)).toHaveValue('红心');
  await expect(page.getByRole('button', { name: '清空：Words' })).toBeVisible();
  await expect(page.getByRole('group', { name: '试试这些：Words' })).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.locator('#controls-box').screenshot({ path: `${SHOTS}/text-field-zh-360.png` });
});
