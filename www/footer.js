// The foot of the page: what Kiln keeps to itself, the way to the front door, the glossary, the list of keys, and whether a hidden tab
// runs on.

import { html, render } from './vendor/lit-html.js';
import { t } from './i18n.js';
import { follow } from './follow.js';

/** `door()` goes to the front door, `show(name)` opens a dialog; `away.pauses` says whether a run waits while the tab is hidden. */
export const footer = (element, { door, show, away }) =>
  render(
    html`<p>${t('footer')}</p>
      <div class="more">
        <a href="./" data-do="about" @click=${(event) => follow(event, door)}>${t('header.door')}</a>
        ${['glossary', 'keys'].map((name) => html`<button type="button" data-do=${name} aria-haspopup="dialog" @click=${() => show(name)}>${t(`${name}.title`)}</button>`)}
        <label><input type="checkbox" data-do="away" .checked=${away.pauses} @change=${({ target }) => (away.pauses = target.checked)} /> ${t('footer.away')}</label>
      </div>`,
    element,
  );
