// Keys that act wherever the focus is, and the box that switches them off: who speaks to the computer, or types by accident, would
// press them unawares.

import { html } from './vendor/lit-html.js';
import { t } from './i18n.js';

const KEY = 'kiln.shortcuts';
/** What takes keys itself. */
const TAKEN = 'input, select, textarea, button, summary, a, dialog, [role=application]';

let on = true;
try {
  on = localStorage.getItem(KEY) !== 'off';
} catch {
  // No storage: on at each visit.
}

function put(value) {
  on = value;
  try {
    localStorage.setItem(KEY, value ? 'on' : 'off');
  } catch {
    // Not kept; it holds for this visit.
  }
}

/** `acts`: what each key does. */
export function listenForKeys(acts) {
  addEventListener('keydown', (event) => {
    if (!on || event.ctrlKey || event.metaKey || event.altKey || /** @type {Element} */ (event.target).closest(TAKEN) || !(event.key in acts)) return;
    acts[event.key]();
    event.preventDefault();
  });
}

export const shortcutsBox = () =>
  html`<label class="shortcuts"><input type="checkbox" .checked=${on} @change=${(event) => put(event.target.checked)} /> ${t('shortcuts')}</label>`;
