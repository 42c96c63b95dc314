// A film of what was shown: earlier frames are kept, and a slider goes back through them.

import { t, number } from '../i18n.js';

/** What a film may take in memory; beyond it every second frame goes. */
const BYTES = 24 * 1024 * 1024;
/** The thumbnails follow this slowly, in ms. */
const STRIP_PACE = 1000;

export class Film {
  /** `{ step, ... }`, by their steps. */
  frames = [];
  /** The newest one is shown, and whatever comes after it. */
  live = true;
  #stripAt = 0;

  /**
   * `host`: the view's element, which the slider comes into and whose `data-step` says what is shown. `most`: so many frames are kept at
   * most; `show()`: the slider stands elsewhere. `strip`: a canvas of thumbnails, drawn anew where there are more than `fits`.
   */
  constructor(host, { most, show, strip = null, fits = 0 }) {
    this.host = host;
    this.most = most;
    this.show = show;
    this.strip = strip;
    this.fits = fits;
    this.element = document.createElement('div');
    this.element.className = 'film';
    this.slider = Object.assign(document.createElement('input'), { type: 'range', min: '0', max: '0', value: '0' });
    this.slider.addEventListener('input', () => this.go(Number(this.slider.value)));
    this.when = Object.assign(document.createElement('div'), { className: 'when' });
    this.now = Object.assign(document.createElement('button'), { type: 'button', className: 'quiet' });
    this.now.dataset.do = 'now';
    this.now.addEventListener('click', () => {
      // The button goes off with the press: the keyboard goes on from the slider.
      this.slider.focus();
      this.go(this.last);
    });
    this.foot = Object.assign(document.createElement('div'), { className: 'foot' });
    this.foot.append(this.when, this.now);
    if (strip) {
      strip.element.setAttribute('aria-hidden', 'true');
      this.element.append(strip.element);
    }
    this.element.append(this.slider, this.foot);
    host.append(this.element);
    this.retitle();
  }

  get last() {
    return this.frames.length - 1;
  }

  /** The place of the frame that is shown. */
  get at() {
    return this.live ? this.last : Number(this.slider.value);
  }

  get frame() {
    return this.frames[this.at];
  }

  /** A frame that takes so many bytes; those of later steps are no longer true. */
  add(frame, bytes) {
    const kept = this.live ? null : this.frame;
    this.frames = this.frames.filter(({ step }) => step < frame.step);
    this.frames.push(frame);
    if (this.frames.length > this.most || this.frames.length * bytes > BYTES) {
      // The first, the last and the one that is looked at stay.
      this.frames = this.frames.filter((one, index) => index % 2 === 0 || index === this.last || one === kept);
    }
    if (!kept) return;
    const at = this.frames.indexOf(kept);
    this.live = at < 0;
    this.slider.value = String(at);
  }

  /** Shows the frame at a place. */
  go(at) {
    this.live = at === this.last;
    this.slider.value = String(at);
    this.show();
  }

  /** One frame is nothing to go back to. Where the next one is on its way the slider's place is kept. */
  place(wanted, awaited) {
    const first = this.frames.length < 2;
    this.element.hidden = !wanted || (first && !awaited);
    this.element.classList.toggle('awaited', first);
  }

  /** Another run stands, which is the one that was shown up to this step. */
  keepTo(step) {
    this.frames = this.frames.filter((frame) => frame.step <= step);
    this.live = true;
    this.label();
  }

  /** What comes is not of the kind that was kept. */
  clear() {
    this.keepTo(-1);
  }

  /** Says what is shown. */
  label() {
    this.slider.max = String(Math.max(0, this.last));
    if (this.live) this.slider.value = String(this.last);
    const step = this.frame?.step ?? 0;
    this.now.disabled = this.live;
    this.when.textContent = t(this.live ? 'film.live' : 'film.at', { step: number(step) });
    // Whoever listens while the slider has the focus would hear each step.
    this.slider.setAttribute('aria-valuetext', this.live ? t('film.now') : this.when.textContent);
    this.host.dataset.step = String(step);
    const now = performance.now();
    if (this.frames.length > this.fits && now - this.#stripAt < STRIP_PACE) return;
    this.#stripAt = now;
    this.strip?.redraw();
  }

  retitle() {
    this.slider.setAttribute('aria-label', t('film.scrub'));
    this.now.textContent = t('film.now');
    this.label();
  }

  remove() {
    this.strip?.remove();
  }
}
