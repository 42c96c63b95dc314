// The style sheet's colours for canvases, read again when the system turns dark or light.

import { Emitter } from './emitter.js';

const NAMES = [
  'ink', 'accent', 'muted', 'faint', 'surface', 'real', 'generated', 'drawn', 'predicted',
  'series-1', 'series-2', 'series-3', 'series-4', 'series-5', 'series-6',
];
/**
 * One for each class, on dark maps and on the page's ground in both themes. Found by a search for the ten that lie farthest
 * apart (0.15 at least in OKLab) for normal eyes and for two kinds of colour blindness (Machado and others 2009).
 */
const CLASSES = ['#96c3ff', '#e16900', '#6900ff', '#e1ff00', '#a50f96', '#96fff0', '#a53c2d', '#8787ff', '#f0b478', '#c36996'];
const changed = new Emitter();
export const colour = {};

function read() {
  const style = getComputedStyle(document.documentElement);
  for (const name of NAMES) colour[name] = style.getPropertyValue(`--${name}`).trim() || '#888';
}

export function seriesColour(index) {
  return colour[`series-${(index % 6) + 1}`];
}

/** The number in a role such as `class-3`; null where a role is none of a class. */
export const classOf = (role) => (role.startsWith('class-') ? Number(role.slice(6)) : null);
export const classColour = (which) => CLASSES[which % CLASSES.length];

/** `#rrggbb` as three numbers. */
export function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

export const onTheme = (fn) => changed.on('change', fn);
/** The page is about to be printed: what waits to be seen is drawn at once. */
export const onPaper = (fn) => changed.on('paper', fn);

/** Dark on white, as on paper, whatever the system is; or as the system is again. */
export function paper(on) {
  document.documentElement.classList.toggle('paper', on);
  read();
  changed.emit('change');
  if (on) changed.emit('paper');
}

read();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  read();
  changed.emit('change');
});
