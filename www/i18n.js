// The page's words. English is the fallback for every key; what comes from the worker brings its own English text.

import { how } from './query.js';

const LANGUAGES = ['en', 'zh'];
const KEY = 'kiln.language';
let words = {};
let english = {};
export let language = 'en';

export function preferred() {
  let kept = null;
  try {
    kept = localStorage.getItem(KEY);
  } catch {
    // No storage: the browser's language decides.
  }
  for (const tag of [how.lang, kept, ...(navigator.languages ?? [])]) {
    const found = LANGUAGES.find((name) => tag?.toLowerCase().startsWith(name));
    if (found) return found;
  }
  return 'en';
}

async function fetchWords(name) {
  const answer = await fetch(new URL(`./i18n/${name}.json`, import.meta.url));
  if (!answer.ok) throw new Error(`i18n/${name}.json: ${answer.status}`);
  return answer.json();
}

export async function setLanguage(name, keep = false) {
  const fallback = fetchWords('en');
  [english, words] = await Promise.all([fallback, name === 'en' ? fallback : fetchWords(name)]);
  language = name;
  document.documentElement.lang = name === 'zh' ? 'zh-Hans' : 'en';
  if (!keep) return;
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // Not kept; it holds for this visit.
  }
}

/**
 * The words for `key` with `{name}` filled from `args`; else `fallback`, else the English words, else the key.
 * `{name:picture|pictures}` is its first form where the argument is 1, else its second.
 */
export function t(key, args = {}, fallback = undefined) {
  const text = words[key] ?? fallback ?? english[key] ?? key;
  return text.replace(/\{(\w+)(?::(.*?)\|(.*?))?\}/g, (whole, name, one, many) => {
    if (!(name in args)) return whole;
    const value = String(args[name]);
    return one === undefined ? value : value === '1' ? one : many;
  });
}

/** What a demo calls a curve, or what all of them call it. */
export const seriesOf = (demo, name) => t(`${demo}.series.${name}`, {}, t(`series.${name}`, {}, name));

export const has = (key) => key in words || key in english;

export function number(value, digits = 0) {
  return new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}
