// The tasks of a lesson: a box that is closed until somebody opens it, since a first visit needs nothing of what is in it; and what was
// done of them, kept in the browser.

import { html, render, nothing } from './vendor/lit-html.js';
import { t } from './i18n.js';
import { Emitter } from './emitter.js';
import { later } from './later.js';
import { tried } from './tried.js';

const KEY = 'kiln.tasks';

/** Emits `change`. */
class Done extends Emitter {
  /** By demo: how many tasks there are, and which answer was predicted for each that is done (-1 for none). */
  #all = read();

  of(demo) {
    const { count = 0, done = {} } = this.#all[demo] ?? {};
    return { count, done };
  }

  add(demo, id, predicted, count) {
    this.#all[demo] = { count, done: { ...this.of(demo).done, [id]: predicted } };
    this.#keep();
  }

  forget() {
    this.#all = {};
    this.#keep();
  }

  #keep() {
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#all));
    } catch {
      // No storage: it holds for this visit.
    }
    this.emit('change');
  }
}

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return kept && typeof kept === 'object' ? kept : {};
  } catch {
    return {};
  }
}

export const done = new Done();

/** Where the box is, and of which demo. */
let shown = { element: null, demo: '' };
done.on('change', draw);

/** Draws the box of a demo's tasks in `element`. */
export function showTasks(element, demo) {
  shown = { element, demo };
  draw();
}

function draw() {
  const { element, demo } = shown;
  const { count, done: of } = done.of(demo);
  const told = count ? html`<small>${t('tasks.done', { n: Object.keys(of).length, count })}</small>` : nothing;
  render(
    html`<details class="tasks" @toggle=${({ currentTarget }) => fill(currentTarget)}>
      <summary>${t('tasks.title')} ${told}</summary>
      <div class="list"></div>
    </details>`,
    element,
  );
  fill(element.firstElementChild);
}

async function fill(box) {
  if (!box.open) return;
  try {
    const { tasks } = await later('tasks');
    await tasks.show(box.querySelector('.list'), shown.demo);
  } catch (error) {
    box.open = false;
    tried.session.emit('card', { key: 'part-missing', detail: error.message });
  }
}
