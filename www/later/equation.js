// The equation of a demo, whose terms carry the values that stand on the page, and the steps of its algorithm.
//
// `equations/DEMO.json`: `terms`, each `{ math, value?, name, about }`; `lines`, each `{ of, math, when? }`, in whose `math` what is parted
// by spaces is a term (`@name`) or plain, and a comma between spaces begins another formula; `steps`, groups of them, each
// `{ of, on, list, when? }`. `on`: `step`, `look` (new pictures), `check`, or what the worker's progress is called. A step of a `list` has
// `when`, too, and `done` where it is told of but left out under some settings. A `value` is a number of a tile (`panel.name`, as the
// tile writes it) or the key of a setting. `when` and `done` say for which values of settings: `{ key: [values] }`.

import { html, render, nothing } from '../vendor/lit-html.js';
import { t, number, language } from '../i18n.js';
import { numberOf } from '../tried.js';
import { Pace } from '../views/pace.js';
import { mathOf } from './notation.js';

/** Values are written anew this often at most, in ms: nobody reads faster. */
const PACE = 250;
/** What was just done is lit for so long, and the pace of the pictures is told of so long a time, in ms. */
const LIT = 1500;
const LOOKS = 2000;

const fetched = new Map();
/** The equation that is on the page. */
let current = null;

/** The equation of a demo, ready to be shown; rejected where it cannot be fetched. */
export async function equationOf(demo) {
  if (!fetched.has(demo)) {
    const answer = await fetch(new URL(`./equations/${demo}.json`, import.meta.url));
    if (!answer.ok) throw new Error(`equations/${demo}.json cannot be fetched: ${answer.status}.`);
    fetched.set(demo, await answer.json());
  }
  return {
    show(element, given) {
      if (current?.demo !== demo || current.element !== element) {
        current?.remove();
        current = new Equation(element, demo, fetched.get(demo), given);
      }
      current.render();
    },
  };
}

class Equation {
  /** The line and the place in it of the term that is explained. */
  #open = '';
  /** What the worker is at, where it says so: encoding, for one. */
  #doing = '';
  /** When something was last done: a step by itself, a check; and which check that was. */
  #done = { step: -Infinity, check: -Infinity };
  #checked = null;
  #looks = [];

  constructor(element, demo, { terms, lines, steps }, { session, panels }) {
    this.element = element;
    this.demo = demo;
    this.steps = steps;
    this.session = session;
    this.panels = panels;
    this.lines = lines.map((line) => ({ ...line, pieces: line.math.split(' , ').map((piece) => piece.split(' ').map((part) => partOf(part, terms))) }));
    this.pace = new Pace(PACE, () => this.render());
    this.step = session.state.step;
    this.offs = [
      session.on('views', () => this.#looked()),
      session.on('state', () => this.#moved()),
      session.on('schema', () => this.pace.ask()),
      session.on('progress', ({ what }) => {
        this.#doing = what;
        this.pace.ask();
      }),
      session.on('reset', () => {
        this.#checked = null;
        this.pace.ask();
      }),
    ];
  }

  remove() {
    for (const off of this.offs) off();
    this.pace.stop();
    clearTimeout(this.timer);
    render(nothing, this.element);
  }

  #looked() {
    const now = performance.now();
    this.#looks = [...this.#looks.filter((at) => now - at < LOOKS), now];
    const checked = this.panels.says('figures', 'measured_at') ?? '';
    if (checked !== this.#checked && this.#checked !== null) this.#flash('check');
    this.#checked = checked;
    this.pace.ask();
  }

  #moved() {
    const { step, status } = this.session.state;
    if (step === this.step + 1 && status === 'paused') this.#flash('step');
    this.step = step;
    if (status !== 'loading') this.#doing = '';
    this.pace.ask();
  }

  #flash(what) {
    this.#done[what] = performance.now();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.pace.ask(), LIT);
  }

  /** Settings of the run; nothing while it is not known. */
  get #values() {
    const { schema } = this.session;
    return schema?.demo === this.demo ? schema.values : null;
  }

  #holds({ when }) {
    const values = this.#values;
    return !when || (values !== null && Object.entries(when).every(([key, wanted]) => wanted.includes(values[key])));
  }

  /** Until the settings are known, the first of the lines that say one thing is drawn: it is that of the defaults. */
  #drawn() {
    if (this.#values) return this.lines.filter((line) => this.#holds(line));
    return this.lines.filter(({ of }, at) => this.lines.findIndex((line) => line.of.en === of.en) === at);
  }

  #value(name) {
    const [panel, series] = name.split('.');
    if (series) return this.panels.says(panel, series) ?? '–';
    return this.#values ? numberOf(this.#values[name]) : '–';
  }

  render() {
    const lines = this.#drawn();
    const open = lines.flatMap(({ pieces }) => pieces.flat()).find((part) => part.key === this.#open && part.term)?.term;
    let next = 1;
    // Before the settings are known, what some of them leave out is there.
    const said = (part) => this.#values === null || this.#holds(part);
    const groups = this.steps.filter(said).map((group) => ({ ...group, list: group.list.filter(said) }));
    render(
      html`<h3>${t('equation.title')}</h3>
        <div class="lines" @keydown=${(event) => event.key === 'Escape' && this.#explain('')}>
          ${lines.map(
            ({ of, pieces }) => html`<div class="line" role="group" aria-label=${of[language]}>
              <p class="of">${of[language]}</p>
              <div class="pieces">${pieces.map((parts) => html`<div class="parts">${parts.map((part) => (part.term ? this.#term(part) : part.node))}</div>`)}</div>
            </div>`,
          )}
        </div>
        <p class="about" id="term-about" role="status">${open ? html`<b>${open.name[language]}</b> ${open.about[language]}` : t('equation.hint')}</p>
        <h3>${t('equation.steps')}</h3>
        ${groups.map((group) => {
          const start = next;
          next += group.list.length;
          return this.#group(group, start);
        })}`,
      this.element,
    );
  }

  #term({ term, node, key }) {
    const value = term.value ? this.#value(term.value) : '';
    // Its symbols are a part of its name, as everything that can be seen on a button has to be.
    return html`<button
      type="button" class="term" data-value=${term.value ?? nothing} aria-expanded=${key === this.#open} aria-controls="term-about"
      @click=${() => this.#explain(key === this.#open ? '' : key)}
    >
      ${node}<span class="value">${value}</span><span class="off-screen"> ${term.name[language]}</span>
    </button>`;
  }

  #explain(key) {
    this.#open = key;
    this.render();
  }

  #group(group, start) {
    const { lit, text } = this.#at(group);
    return html`<div class="steps" data-on=${group.on} data-lit=${lit}>
      <p class="of">${group.of[language]} <span class="now">${text}</span></p>
      <ol start=${start}>
        ${group.list.map((step) => {
          const off = this.#values !== null && !this.#holds({ when: step.done });
          return html`<li class=${off ? 'off' : ''}>${step[language]}${off ? html` <small>(${t('steps.off')})</small>` : nothing}</li>`;
        })}
      </ol>
    </div>`;
  }

  /** Whether a group of steps is being done, and what is to be said of it. */
  #at({ on }) {
    const { status, speed } = this.session.state;
    const now = performance.now();
    const running = this.#values !== null && status === 'running';
    const rate = (value) => (value > 0 ? t('steps.rate', { rate: number(value, value < 10 ? 1 : 0) }) : t('steps.running'));
    if (on === 'step' && running) return { lit: true, text: rate(speed) };
    if (on === 'look' && running) return { lit: true, text: rate((1000 * this.#looks.filter((at) => now - at < LOOKS).length) / LOOKS) };
    if (on === 'check') return { lit: now - this.#done.check < LIT, text: this.#checked ? t('steps.last', { step: this.#checked }) : '' };
    if (on === this.#doing) return { lit: true, text: t('steps.running') };
    const done = now - (this.#done[on === 'look' ? 'step' : on] ?? -Infinity) < LIT;
    return { lit: done, text: done ? t('steps.done') : '' };
  }
}

let count = 0;

/** A part of a line: `{ node, key, term? }`. */
function partOf(part, terms) {
  const term = part.startsWith('@') ? terms[part.slice(1)] : null;
  return { term, node: mathOf(term?.math ?? part), key: String((count += 1)) };
}
