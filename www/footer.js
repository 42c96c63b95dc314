// The foot of the page: what Kiln keeps to itself, the way to the front door, and the list of keys.

import { html, render } from './vendor/lit-html.js';
import { t } from './i18n.js';
import { follow } from './follow.js';

/** `door()` goes to the front door, `keys()` shows the list of keys. */
export const footer = (element, { door, keys }) =>
  render(
    html`<p>${t('footer')}</p>
      <div class="more">
        <a href="./" data-do="about" @click=${(event) => follow(event, door)}>${t('header.door')}</a>
        <button type="button" data-do="keys" aria-haspopup="dialog" @click=${keys}>${t('keys.title')}</button>
      </div>`,
    element,
  );
