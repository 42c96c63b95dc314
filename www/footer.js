// The foot of the page: what Kiln keeps to itself, the way to the front door, the list of keys, and whether a hidden tab runs on.

import { html, render } from './vendor/lit-html.js';
import { t } from './i18n.js';
import { follow } from './follow.js';

/** `door()` goes to the front door, `keys()` shows the list of keys; `away.pauses` says whether a run waits while the tab is hidden. */
export const footer = (element, { door, keys, away }) =>
  render(
    html`<p>${t('footer')}</p>
      <div class="more">
        <a href="./" data-do="about" @click=${(event) => follow(event, door)}>${t('header.door')}</a>
        <button type="button" data-do="keys" aria-haspopup="dialog" @click=${keys}>${t('keys.title')}</button>
        <label><input type="checkbox" data-do="away" .checked=${away.pauses} @change=${({ target }) => (away.pauses = target.checked)} /> ${t('footer.away')}</label>
      </div>`,
    element,
  );
