// What is written on the page, in both languages.

import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test, expect, visit, SMALL } from './kiln.js';

const WWW = fileURLToPath(new URL('../../www/', import.meta.url));
const read = async (path) => JSON.parse(await readFile(`${WWW}${path}`, 'utf8'));
/** The arguments that a text takes. */
const argumentsOf = (text) => [...new Set([...text.matchAll(/\{(\w+)/g)].map(([, name]) => name))].sort();

test('both languages say a text with the same arguments', async () => {
  const [english, chinese] = [await read('i18n/en.json'), await read('i18n/zh.json')];
  const both = Object.keys(english).filter((key) => key in chinese);
  expect(both.length).toBeGreaterThan(400);
  expect(Object.keys(english).filter((key) => !(key in chinese))).toEqual([]);
  for (const key of both) expect(argumentsOf(english[key]), key).toEqual(argumentsOf(chinese[key]));
});

test('a lesson has the same parts, and opens the same links, in both languages', async () => {
  const lessons = (await readdir(`${WWW}lessons`)).filter((name) => name.endsWith('.en.json'));
  expect(lessons.length).toBeGreaterThan(5);
  for (const name of lessons) {
    const [english, chinese] = [await read(`lessons/${name}`), await read(`lessons/${name.replace('.en.', '.zh.')}`)];
    const parts = ({ lead, see, try: tried, more = [] }) => ({ lead: lead.length, see: see.length, links: tried.map(([link]) => link), more: more.length });
    expect(parts(english), name).toEqual(parts(chinese));
  }
});

test('what is counted has a form for one and a form for many', async ({ page, site }) => {
  await visit(page, site, SMALL);
  const said = await page.evaluate(async () => {
    const { t } = await import('./www/i18n.js');
    return ['0', '1', '24', '1,900'].map((count) => t('pictures.taken', { count }));
  });
  expect(said).toEqual(['0 pictures added', '1 picture added', '24 pictures added', '1,900 pictures added']);
  // No text counts with one form alone.
  const english = await read('i18n/en.json');
  const counted = Object.entries(english).filter(([, text]) => /\{\w+\} (pictures|points|tokens|files|heads)\b(?!\/)/.test(text));
  expect(counted).toEqual([]);
});

test('the Chinese addresses its reader in one way', async () => {
  const files = ['i18n/zh.json', ...(await readdir(`${WWW}lessons`)).filter((name) => name.endsWith('.zh.json')).map((name) => `lessons/${name}`)];
  for (const file of files) expect((await readFile(`${WWW}${file}`, 'utf8')).includes('您'), file).toBe(false);
});
