// The style sheet's colours for canvases, read again when the system turns dark or light.

import { Emitter } from './emitter.js';

const NAMES = ['ink', 'accent', 'muted', 'faint', 'surface', 'real', 'generated', 'drawn', 'series-1', 'series-2', 'series-3', 'series-4', 'series-5', 'series-6'];
const changed = new Emitter();
export const colour = {};

function read() {
  const style = getComputedStyle(document.documentElement);
  for (const name of NAMES) colour[name] = style.getPropertyValue(`--${name}`).trim() || '#888';
}

export function seriesColour(index) {
  return colour[`series-${(index % 6) + 1}`];
}

/** `#rrggbb` as three numbers. */
export function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

export const onTheme = (fn) => changed.on('change', fn);

read();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  read();
  changed.emit('change');
});
