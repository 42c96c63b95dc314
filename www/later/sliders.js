// Numbers that the person turns: a slider each, with its value, and a bar that says how much it matters.

import { t, number } from '../i18n.js';
import { Latest } from './latest.js';

const PLACES = 200;
/** A slider that was just turned is not turned back by an answer to an earlier turn, for so many ms. */
const SETTLE = 600;

export class Sliders {
  constructor({ session }) {
    this.session = session;
    this.latest = new Latest(session);
    this.element = document.createElement('div');
    this.element.className = 'sliders';
    /** `{ input, shown, bar }` of each, and when the person turned it last. */
    this.rows = [];
    this.waiting = new Map();
  }

  update({ action, sliders }) {
    this.action = action;
    this.sliders = sliders;
    const ids = sliders.map(({ id, low, high, step }) => [id, low, high, step].join()).join(';');
    if (ids !== this.ids) this.#build(sliders);
    this.ids = ids;
    const now = performance.now();
    sliders.forEach(({ value, weight }, index) => {
      const row = this.rows[index];
      const given = weight !== null && weight !== undefined;
      row.bar.parentElement.hidden = !given;
      if (given) {
        row.bar.style.width = `${Math.round(100 * Math.min(1, Math.max(0, weight)))}%`;
        row.bar.parentElement.title = t('slider.weight', { percent: number(100 * weight) });
      }
      if (now - row.turned > SETTLE) this.#put(row, value);
    });
  }

  #build(sliders) {
    this.rows = sliders.map(({ id, title, low, high, step }, index) => {
      const element = document.createElement('label');
      element.className = 'slider';
      const name = document.createElement('span');
      // Several are of one kind, such as gain-0 and gain-1, and differ in their number.
      const kind = id.split('-')[0];
      name.textContent = t(`slider.${kind}`, { numbers: title.match(/\d+$/)?.[0] ?? '' }, title);
      const input = Object.assign(document.createElement('input'), {
        type: 'range', min: String(low), max: String(high), step: String((step ?? (high - low) / PLACES) || 'any'),
      });
      input.dataset.slider = String(index);
      input.setAttribute('aria-label', name.textContent);
      // No live region: it also changes by itself, and the slider tells of the person's own turns.
      const shown = Object.assign(document.createElement('span'), { className: 'value' });
      const weight = document.createElement('span');
      weight.className = 'weight';
      const bar = document.createElement('i');
      weight.append(bar);
      element.append(name, input, shown);
      const ends = ['low', 'high'].map((end) => t(`slider.${kind}.${end}`, {}, ''));
      if (ends[0]) element.append(endsOf(ends));
      element.append(weight);
      const row = { element, input, shown, bar, turned: -SETTLE };
      input.addEventListener('input', () => {
        row.turned = performance.now();
        const value = input.valueAsNumber;
        this.#say(row, value);
        this.waiting.set(index, value);
        this.latest.put(() => this.#send());
      });
      return row;
    });
    this.element.replaceChildren(...this.rows.map(({ element }) => element));
    this.element.classList.toggle('many', sliders.length > 6);
  }

  // Another one may have been turned before the last was answered.
  #send() {
    for (const [index, value] of this.waiting) this.session.act(this.action, { index, value });
    this.waiting.clear();
  }

  #put(row, value) {
    row.input.value = String(value);
    this.#say(row, value);
  }

  #say({ input, shown }, value) {
    const said = number(value, 2);
    shown.textContent = said;
    input.setAttribute('aria-valuetext', said);
  }

  keepTo() {}

  retitle() {
    this.ids = null;
  }

  remove() {
    this.latest.remove();
    this.element.remove();
  }
}

function endsOf(texts) {
  const element = document.createElement('span');
  element.className = 'ends';
  element.append(...texts.map((textContent) => Object.assign(document.createElement('span'), { textContent })));
  return element;
}
