// The dialog of keyboard shortcuts, and whether single keys are heeded.

import { html, render } from '../vendor/lit-html.js';
import { t } from '../i18n.js';
import { shortcuts } from '../shortcuts.js';

/**
 * Texts `keys.<name>` by where they hold; each with its keys, between which any one does.
 * @type {Record<string, [string, string[]][]>}
 */
const KEYS = {
  page: [['run', ['Space']], ['step', ['S']], ['list', ['?']]],
  picture: [['move', ['←', '→', '↑', '↓']], ['press', ['Space', 'Enter']], ['draw', ['Shift', '←']], ['leave', ['Esc']]],
  writing: [['send', ['Enter']], ['line', ['Shift', 'Enter']], ['tokens', ['←', '→', '↑', '↓']]],
};
/** Keys that are pressed together. */
const TOGETHER = ['draw', 'line'];

export class Keys {
  constructor(element) {
    this.element = element;
  }

  show() {
    this.#render();
    this.element.showModal();
  }

  #render() {
    const cap = (key) => html`<kbd>${t(`key.${key}`, {}, key)}</kbd>`;
    render(
      html`<h2 id="keys-title">${t('keys.title')}</h2>
        ${Object.entries(KEYS).map(
          ([place, list]) => html`<h3>${t(`keys.${place}`)}</h3>
            <dl>
              ${list.map(([name, keys]) => html`<dt>${keys.map((key, index) => html`${index && TOGETHER.includes(name) ? ' + ' : ' '}${cap(key)}`)}</dt><dd>${t(`keys.${name}`)}</dd>`)}
            </dl>`,
        )}
        <label><input type="checkbox" .checked=${shortcuts.on} @change=${({ target }) => (shortcuts.on = target.checked)} /> ${t('keys.single')}</label>
        <form method="dialog"><button>${t('share.close')}</button></form>`,
      this.element,
    );
  }
}
