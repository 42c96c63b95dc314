// Plays a slider: from one end to the other in a few seconds, each value when the one before has been shown.

import { t } from '../i18n.js';

/** From end to end, in ms. */
const DURATION = 4000;
/** A frame that took longer, such as the first one of a page that was out of sight, counts for so many ms. */
const LONGEST = 1000;
/** Where the person wants nothing to move by itself, each press goes a part of the way: at most so many presses. */
const PRESSES = 8;

const calm = matchMedia('(prefers-reduced-motion: reduce)');
const frame = () => new Promise(requestAnimationFrame);

export class Player {
  /** What is played now; null while nothing is. */
  #run = null;

  /**
   * `slider`: `{ low, high, step, play }`; `name`: what it is called. `does`: `{ begin(), value(), put(value), send(value), turn(value) }`:
   * called before it is played; the value that the slider has; puts it to another one, and answers the nearest that it can
   * have; sends that one, settled when the worker has shown it, rejected when it is refused; turns it as the person does.
   */
  constructor({ low, high, step, play }, name, does) {
    this.from = play === low ? high : low;
    this.to = play;
    this.presses = Math.min(PRESSES, Math.max(1, Math.round((high - low) / (step ?? 0))));
    this.name = name;
    this.does = does;
    this.element = Object.assign(document.createElement('button'), { type: 'button' });
    this.element.dataset.do = 'play';
    this.element.addEventListener('click', () => this.#press());
    this.off = new AbortController();
    calm.addEventListener('change', () => this.stop(), { signal: this.off.signal });
    this.stop();
  }

  #press() {
    if (this.#run) return this.stop();
    this.does.begin();
    // From the end it begins anew.
    const part = (this.does.value() - this.from) / (this.to - this.from);
    if (calm.matches) this.#step(part);
    else this.#play(part < 1 ? part : 0);
  }

  #at(part) {
    return part < 1 ? this.from + (this.to - this.from) * part : this.to;
  }

  #step(part) {
    const next = Math.floor(part * this.presses + 1e-3) + 1;
    this.does.turn(this.#at(next > this.presses ? 0 : next / this.presses));
  }

  async #play(begin) {
    const run = {};
    this.#run = run;
    this.#label();
    let [part, last, sent] = [begin, performance.now(), NaN];
    try {
      for (;;) {
        const value = this.does.put(this.#at(part));
        if (value !== sent) await this.does.send(value);
        sent = value;
        if (part >= 1) break;
        const now = await frame();
        if (this.#run !== run) return;
        part += Math.min(LONGEST, now - last) / DURATION;
        last = now;
      }
    } catch {
      // A card says why the worker does not take it.
    }
    if (this.#run === run) this.stop();
  }

  stop() {
    this.#run = null;
    this.#label();
  }

  // One name at a time, so that it is the name that says what a press does: nothing is pressed or switched on.
  #label() {
    const key = this.#run ? 'pause' : calm.matches ? 'next' : 'play';
    const icon = Object.assign(document.createElement('span'), { className: `icon ${this.#run ? 'pause' : 'play'}` });
    icon.setAttribute('aria-hidden', 'true');
    const text = t(`slider.${key}`);
    this.element.replaceChildren(icon, text);
    this.element.setAttribute('aria-label', t('slider.of', { text, name: this.name }));
  }

  remove() {
    this.stop();
    this.off.abort();
  }
}
