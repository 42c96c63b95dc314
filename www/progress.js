// Bars for what takes a while, with a way out where it takes long.

import { html, render, nothing } from './vendor/lit-html.js';
import { t, number } from './i18n.js';
import { MB } from './models.js';

const LONG = 3_000;
const SOON = 400;
/** A download of this many bytes can be cancelled from its first moment. */
const LARGE = 5 * MB;
/** The rate forgets half of what it knew in this time, in ms. */
const HALF = 3_000;
/** Less time than this between two events says nothing of a rate, in ms. */
const APART = 200;

/** What a person brought: at hand, and so mostly done at once; never so important that it could not be stopped. */
const PICTURES = 'pictures';

export class Progress {
  /** `{ what, done, total, bytes, since, rate, at, from }` of what is waited for, or null. */
  #task = null;

  /** `local(what)`: whether it is read from this machine; `cancellable(what)` says whether it can be stopped; `cancel(what)` stops it, and is kept when it stands. */
  constructor(element, { local, cancellable, cancel }) {
    this.element = element;
    this.local = local;
    this.cancellable = cancellable;
    this.cancel = cancel;
    setInterval(() => this.#task && this.render(), 500);
  }

  update({ what, done, total, bytes }) {
    // One thing at a time is waited for; the end may come without its name.
    if (total > 0 && done >= total) return this.clear();
    const now = performance.now();
    if (this.#task?.what !== what) this.#task = { what, done, total, bytes, since: this.#task?.since ?? now, rate: 0, at: now, from: done };
    // Another try elsewhere may begin with less: the bar stays where it was.
    Object.assign(this.#task, { total, done: Math.max(done, this.#task.done) });
    this.#measure(now);
    this.render();
  }

  #measure(now) {
    const task = this.#task;
    const passed = now - task.at;
    if (passed < APART) return;
    const rate = (task.done - task.from) / passed;
    const keep = task.rate > 0 ? 0.5 ** (passed / HALF) : 0;
    Object.assign(task, { rate: keep * task.rate + (1 - keep) * rate, at: now, from: task.done });
  }

  clear() {
    this.#task = null;
    this.render();
  }

  render() {
    const now = performance.now();
    // What is done at once needs no bar.
    if (!this.#task || ((!this.#task.bytes || this.#task.what === PICTURES) && now - this.#task.since < SOON)) return render(nothing, this.element);
    const { what, done, total, bytes, since } = this.#task;
    // A path is told by its last part.
    const label = t(`progress.${what}`, {}, t(this.local(what) ? 'progress.read' : 'progress.fetch', { file: what.split('/').at(-1) }));
    const may = this.cancellable(what) && (now - since > LONG || (bytes && total > LARGE) || what === PICTURES);
    render(
      html`<section class="progress" aria-label=${label}>
        <span>${label}</span>
        <progress aria-label=${label} max=${total > 0 ? total : nothing} value=${total > 0 ? done : nothing}></progress>
        <small>${bytes ? this.#bytes() : total > 0 ? `${number(done)} / ${number(total)}` : ''}</small>
        ${may ? html`<button type="button" data-do="cancel" @click=${() => this.#cancel(what)}>${t('do.cancel')}</button>` : nothing}
      </section>`,
      this.element,
    );
  }

  // What was on its way when it was cancelled may still tell of itself.
  #cancel(what) {
    this.clear();
    this.cancel(what).finally(() => this.clear());
  }

  #bytes() {
    const { done, total, rate } = this.#task;
    const size = (amount) => number(amount / MB, 1);
    const amount = total > 0 ? `${size(done)} / ${size(total)} MB` : `${size(done)} MB`;
    const pace = rate * 1000;
    if (pace < 1000) return amount;
    const speed = t('progress.rate', { rate: number(pace / MB, pace < MB ? 2 : 1) });
    if (total <= 0) return `${amount}, ${speed}`;
    const seconds = (total - done) / pace;
    const left = seconds < 90 ? t('progress.seconds', { n: number(Math.ceil(seconds)) }) : t('progress.minutes', { n: number(Math.ceil(seconds / 60)) });
    return `${amount}, ${speed}, ${left}`;
  }
}
