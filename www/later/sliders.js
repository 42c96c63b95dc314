// Numbers that the person turns: a slider each, with its value, and a bar that says how much it matters. Some can be played.

import { t, number } from '../i18n.js';
import { Latest } from './latest.js';
import { Player } from './player.js';
import { SUPERSEDED } from '../state.js';

const PLACES = 200;

export class Sliders {
  constructor({ session }) {
    this.session = session;
    this.latest = new Latest(session);
    this.element = document.createElement('div');
    this.element.className = 'sliders';
    /** `{ input, shown, bar, player }` of each, and how many of its values the worker has not taken yet. */
    this.rows = [];
    this.waiting = new Map();
    this.off = session.on('reset', () => this.#forget());
  }

  update({ action, sliders }) {
    this.action = action;
    this.sliders = sliders;
    const ids = sliders.map(({ id, low, high, step, play }) => [id, low, high, step, play].join()).join(';');
    if (ids !== this.ids) this.#build(sliders);
    this.ids = ids;
    sliders.forEach(({ value, weight }, index) => {
      const row = this.rows[index];
      const given = weight !== null && weight !== undefined;
      row.bar.parentElement.hidden = !given;
      if (given) {
        row.bar.style.width = `${Math.round(100 * Math.min(1, Math.max(0, weight)))}%`;
        row.bar.parentElement.title = t('slider.weight', { percent: number(100 * weight) });
      }
      // Else an answer from before would turn it back.
      if (!row.untaken && !this.waiting.has(index)) this.#put(row, value);
    });
  }

  #build(sliders) {
    for (const { player } of this.rows) player?.remove();
    this.rows = sliders.map((slider, index) => {
      const { id, title, low, high, step, play } = slider;
      const label = document.createElement('label');
      label.className = 'slider';
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
      label.append(name, input, shown);
      const ends = ['low', 'high'].map((end) => t(`slider.${kind}.${end}`, {}, ''));
      if (ends[0]) label.append(endsOf(ends));
      label.append(weight);
      const row = { element: /** @type {HTMLElement} */ (label), input, shown, bar, player: null, digits: Number.isInteger(step) ? 0 : 2, untaken: 0 };
      // Under the finger that is put on it nothing moves by itself, also before the finger moves.
      input.addEventListener('pointerdown', () => this.#halt());
      input.addEventListener('input', () => {
        this.#halt();
        this.#turn(index, input.valueAsNumber);
      });
      if (typeof play === 'number') {
        row.player = new Player(slider, name.textContent, {
          begin: () => this.#halt(),
          value: () => input.valueAsNumber,
          put: (value) => this.#move(row, value),
          send: (value) => this.#shown(index, value),
          turn: (value) => this.#turn(index, value),
        });
        row.element = document.createElement('div');
        row.element.className = 'played';
        row.element.append(row.player.element, label);
      }
      return row;
    });
    this.element.replaceChildren(...this.rows.map(({ element }) => element));
    this.element.classList.toggle('many', sliders.length > 6);
  }

  /** Another run stands: what was turned or played was of the one before. */
  #forget() {
    this.#halt();
    this.waiting.clear();
  }

  /** What the person turns is not played. */
  #halt() {
    for (const { player } of this.rows) player?.stop();
  }

  /** Puts a slider to the nearest value that it can have, and answers that. */
  #move(row, value) {
    row.input.value = String(value);
    this.#say(row, row.input.valueAsNumber);
    return row.input.valueAsNumber;
  }

  #turn(index, value) {
    this.waiting.set(index, this.#move(this.rows[index], value));
    this.latest.put(() => this.#send());
  }

  /** Settled when the worker has taken the value and has shown it; rejected when it is refused, or of a run that is being left. */
  async #shown(index, value) {
    if (this.session.phase.is('leaving', 'opening')) throw SUPERSEDED;
    await this.#tell(index, value);
    await this.session.once('views');
  }

  // Another one may have been turned before the last was answered.
  #send() {
    // A refusal is told by a card.
    for (const [index, value] of this.waiting) this.#tell(index, value).catch(() => {});
    this.waiting.clear();
  }

  async #tell(index, value) {
    const row = this.rows[index];
    row.untaken += 1;
    try {
      await this.session.act(this.action, { index, value });
    } finally {
      row.untaken -= 1;
    }
  }

  #put(row, value) {
    row.input.value = String(value);
    this.#say(row, value);
  }

  #say({ input, shown, digits }, value) {
    const said = number(value, digits);
    shown.textContent = said;
    input.setAttribute('aria-valuetext', said);
  }

  keepTo() {}

  retitle() {
    this.ids = null;
  }

  remove() {
    for (const { player } of this.rows) player?.remove();
    this.off();
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
