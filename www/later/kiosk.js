// A page that nobody owns, on a screen in a hall: after a while without a touch it starts over, for whoever comes next.

import { html, nothing, render } from '../vendor/lit-html.js';
import { t } from '../i18n.js';

const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'wheel'];
/** Seconds for which the page says that it is about to start over. */
const WARNING = 10;

export class Kiosk {
  #leftAt = performance.now();
  /** Seconds that are left, while the page says so; else null. */
  #left = null;

  /** `again()` starts over. */
  constructor({ seconds, again }) {
    this.seconds = seconds;
    this.again = again;
    this.element = document.createElement('div');
    this.element.id = 'kiosk';
    document.body.append(this.element);
  }

  show() {
    for (const sign of SIGNS) addEventListener(sign, () => this.#stay(), { capture: true, passive: true });
    setInterval(() => this.#look(), 250);
  }

  #stay() {
    this.#leftAt = performance.now();
    if (this.#left === null) return;
    this.#left = null;
    this.render();
  }

  #look() {
    const left = Math.ceil(this.seconds - (performance.now() - this.#leftAt) / 1000);
    if (left > WARNING || left === this.#left) return;
    this.#left = left;
    if (left <= 0) this.#over();
    this.render();
  }

  #over() {
    this.#leftAt = performance.now();
    this.#left = null;
    for (const dialog of document.querySelectorAll('dialog')) dialog.close();
    for (const list of document.querySelectorAll('details.drop')) list.removeAttribute('open');
    /** @type {HTMLElement} */ (document.activeElement)?.blur();
    scrollTo({ top: 0, behavior: 'instant' });
    this.again();
  }

  render() {
    // Said once; the seconds are for the eye.
    render(
      this.#left === null
        ? nothing
        : html`<div role="alert"><p>${t('kiosk.warning')}</p></div>
            <b aria-hidden="true">${this.#left}</b>
            <button type="button" class="primary" data-do="stay" @click=${() => this.#stay()}>${t('kiosk.stay')}</button>`,
      this.element,
    );
  }
}
