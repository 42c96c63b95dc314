// Bars for what takes a while, with a way out where it takes long.

import { html, render, nothing } from './vendor/lit-html.js';
import { t, number } from './i18n.js';

const LONG = 3_000;
const MB = 1024 * 1024;

export class Progress {
  #tasks = new Map();

  /** `cancellable()` says whether something is being opened now; `cancel` stops it. */
  constructor(element, { cancellable, cancel }) {
    this.element = element;
    this.cancellable = cancellable;
    this.cancel = cancel;
    setInterval(() => this.#tasks.size && this.render(), 500);
  }

  update({ what, done, total }) {
    // One thing at a time is waited for; the end may come without its name.
    if (total > 0 && done >= total) this.#tasks.clear();
    else if (!this.#tasks.has(what)) this.#tasks = new Map([[what, { done, total, since: [...this.#tasks.values()][0]?.since ?? performance.now() }]]);
    else this.#tasks.set(what, { done, total, since: this.#tasks.get(what)?.since ?? performance.now() });
    this.render();
  }

  clear() {
    this.#tasks.clear();
    this.render();
  }

  render() {
    const now = performance.now();
    render(
      [...this.#tasks].map(([what, { done, total, since }]) => {
        // A path is told by its last part.
        const label = t(`progress.${what}`, {}, t('progress.fetch', { file: what.split('/').at(-1) }));
        const amount = total > 10 * 1024 ? `${number(done / MB, 1)} / ${number(total / MB, 1)} MB` : total > 0 ? `${number(done)} / ${number(total)}` : '';
        return html`<div class="progress">
          <span>${label}</span>
          <progress aria-label=${label} max=${total > 0 ? total : nothing} value=${total > 0 ? done : nothing}></progress>
          <small>${amount}</small>
          ${this.cancellable() && now - since > LONG
            ? html`<button type="button" @click=${() => (this.clear(), this.cancel())}>${t('do.cancel')}</button>`
            : nothing}
        </div>`;
      }),
      this.element,
    );
  }
}
