// How terms are found in a text: the longest one that fits, as whole words where words stand apart.

/** A letter of a script that sets words apart, a digit, or a hyphen: next to one a word goes on. */
const WORD = '[\\p{Script=Latin}\\p{Nd}-]';
const begins = new RegExp(`^${WORD}`, 'u');
const ends = new RegExp(`${WORD}$`, 'u');

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const whole = (form) => `${begins.test(form) ? `(?<!${WORD})` : ''}${escaped(form)}${ends.test(form) ? `(?!${WORD})` : ''}`;

/** `pattern` finds every form of `entries`; `idOf(found)` says whose it is. */
export function patternOf(entries) {
  const ids = new Map(entries.flatMap(({ id, forms }) => forms.map((form) => [form.toLowerCase(), id])));
  const longest = [...ids.keys()].sort((a, b) => b.length - a.length);
  return { pattern: new RegExp(longest.map(whole).join('|'), 'giu'), idOf: (found) => ids.get(found.toLowerCase()) };
}
