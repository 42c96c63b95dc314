// The foot of the page: what Kiln keeps to itself, the way to the front door, the glossary, and the list of keys.

import { html, render } from './vendor/lit-html.js';
import { t } from './i18n.js';
import { follow } from './follow.js';

/** `door()` goes to the front door, `show(name)` opens a dialog. */
export const footer = (element, { door, show }) =>
  render(
    html`<p>${t('footer')}</p>
      <div class="more">
        <a href="./" data-do="about" @click=${(event) => follow(event, door)}>${t('header.door')}</a>
        ${['glossary', 'keys'].map((name) => html`<button type="button" data-do=${name} aria-haspopup="dialog" @click=${() => show(name)}>${t(`${name}.title`)}</button>`)}
      </div>`,
    element,
  );
