// The tiles of a run: one for each panel that comes, in the order in which they come, their views inside.

import { html, render } from './vendor/lit-html.js';
import { t } from './i18n.js';
import { actionsOf } from './schema.js';
import { Emitter } from './emitter.js';
import { taught } from './taught.js';
import { Scalars } from './views/scalars.js';
import { Images } from './views/images.js';
import { Plane } from './views/plane.js';
import { Histogram } from './views/histogram.js';
import { Figures } from './views/figures.js';
import { Note } from './views/note.js';
import { here, later } from './later.js';

const PARTS = {
  scalars: Scalars,
  images: Images,
  points2d: Plane,
  field2d: Plane,
  mesh2d: Plane,
  arrows2d: Plane,
  paths2d: Plane,
  histogram: Histogram,
  figures: Figures,
  note: Note,
};
/** Parts that are fetched with the first view of their kind: their group and their name. */
const LATER = {
  tokens: ['tokens', 'Tokens'],
  attention: ['tokens', 'Attention'],
  lens: ['tokens', 'Lens'],
  texts: ['texts', 'Texts'],
  map2d: ['pictures', 'Latent'],
  sliders: ['pictures', 'Sliders'],
  pad: ['pictures', 'Pad'],
};

/** A few rows of so many pictures or more are a strip. */
const STRIP = 8;

/** Pictures to choose from need more than pictures do, and so does a plane with a point that is dragged. */
const groupOf = (view) => (view.pick || view.drag ? 'pictures' : LATER[view.type]?.[0]);

/** What draws a view; nothing where this page does not know it. */
function partOf(view) {
  const [group, name] = LATER[view.type] ?? [];
  return group ? here(group)?.[name] : PARTS[view.type];
}

function instanceOf(part, view) {
  const Part = partOf(view);
  return Part !== undefined && part instanceof Part;
}

export class Panels {
  /**
   * `options()` gives `{ onDraw, session, consent }` for the demo that is open; `bus` carries what views tell each other: the text's
   * tokens, and `attention` (`{ token, weights }`) of the head that is shown.
   */
  constructor(element, session, options) {
    this.element = element;
    this.session = session;
    this.bus = Object.assign(new Emitter(), { tokens: [] });
    this.options = () => ({ session, bus: this.bus, ...options() });
    this.tiles = new Map();
    /** Events that wait for their parts, and groups of parts that could not be fetched for this run. */
    this.waiting = null;
    this.missed = new Set();
    session.on('schema', () => this.#switch());
  }

  /** Another run stands: its tiles begin anew, or show what is still true, up to the step `keepTo`. */
  reset({ keepTo, demo }) {
    const same = demo === this.demo;
    this.demo = demo;
    for (const [id, tile] of this.tiles) {
      if (same) for (const part of tile.parts.values()) part.keepTo?.(keepTo);
      else this.#remove(id);
    }
    if (keepTo < 0 || !same) {
      // A run may show less than the one before: what its first views do not name goes then, so that nothing flickers.
      this.stale = true;
      // What still waits for its parts was of the run before.
      if (this.waiting) this.waiting = [];
    }
    this.missed.clear();
    if (!this.tiles.size) this.element.classList.add('empty');
  }

  /** The tiles that have something to show: `[[id, title]]`. */
  get list() {
    return [...this.tiles].filter(([, { parts }]) => parts.size).map(([id, { heading }]) => [id, heading.textContent]);
  }

  /** Everything anew, in another language: what the page has kept for the film and the curves stays. */
  retitle() {
    for (const { heading, element, panel, parts, views } of this.tiles.values()) {
      const title = this.#title(panel);
      heading.textContent = title;
      element.setAttribute('aria-label', title);
      for (const part of parts.values()) part.retitle?.(title);
      for (const { part, view, step } of views.values()) {
        // Curves add up: those that came are drawn already.
        if (view.type !== 'scalars') part.update(view, { step, title });
      }
    }
    this.#switch();
  }

  /** Draws what an event shows, at once or when the promise that it answers is kept. Tiles that it does not name stay as they are. */
  update(event) {
    // In the order in which they came: some say only what is new.
    if (this.waiting) return void this.waiting.push(event);
    const groups = new Set(event.panels.flatMap(({ views }) => views).map(groupOf));
    const lacking = [...groups].filter((group) => group && !here(group) && !this.missed.has(group));
    if (lacking.length) return this.#fetch(lacking, event);
    return this.#show(event);
  }

  async #fetch(groups, event) {
    this.waiting = [event];
    for (const group of groups) {
      try {
        await later(group);
      } catch (error) {
        // The others are still worth showing.
        this.missed.add(group);
        this.session.emit('card', { key: 'part-missing', detail: error.message });
      }
    }
    const events = this.waiting;
    this.waiting = null;
    for (const one of events) this.update(one);
  }

  #show(event) {
    if (this.stale) {
      for (const id of this.tiles.keys()) if (!event.panels.some((panel) => panel.id === id)) this.#remove(id);
    }
    // A text that waits for its model has nothing to show yet.
    this.element.classList.toggle('empty', !event.panels.length && !this.tiles.size);
    this.stale = false;
    let before = null;
    for (const panel of event.panels) {
      const title = this.#title(panel);
      const tile = this.tiles.get(panel.id) ?? this.#tile(panel, title, before, event.panels);
      before = tile.element;
      if (tile.heading.textContent !== title) tile.heading.textContent = title;
      tile.panel = panel;
      // A layer that is named no more was switched off.
      for (const [type, { part }] of tile.views) {
        if (!panel.views.some((view) => view.type === type) && part.forget?.(type)) tile.views.delete(type);
      }
      for (const view of panel.views) {
        const Part = partOf(view);
        if (!Part) continue; // A view of a newer worker: the others are still worth showing.
        // A plane with a map is a plane, too: what lies over the map is drawn there.
        let part = [...tile.parts.values()].find((one) => one instanceof Part);
        if (!part) {
          part = new Part(this.#optionsOf(Part));
          tile.parts.set(Part, part);
          tile.element.append(part.element);
        }
        tile.element.classList.add(view.film ? 'has-film' : `has-${view.type}`);
        if (view.columns >= STRIP && view.count <= 4 * view.columns) tile.element.classList.add('has-strip');
        tile.views.set(view.type, { part, view, step: event.step });
        part.update(view, { step: event.step, title });
      }
      // What is named no more is true no more: a note on words that were changed, pictures of a drawing that was wiped.
      for (const part of tile.parts.values()) part.element.hidden = !panel.views.some((view) => instanceOf(part, view));
    }
    this.#switch();
  }

  /**
   * A panel is shown while it has something to show. One that a live switch of the same name computes is shown while the
   * switch is on, and can be put away by itself. In its head stand the buttons of what acts on it.
   */
  #switch() {
    const values = this.session.schema?.values ?? {};
    for (const [id, { element, heading, acts, parts }] of this.tiles) {
      const button = ({ name, title }) => html`<button type="button" data-act=${name} @click=${() => this.session.act(name)}>${t(`${this.demo}.action.${name}`, {}, title)}</button>`;
      render(actionsOf(this.session.schema).of(id).map(button), acts);
      element.hidden = parts.size === 0 || values[id] === false || !taught.showsTile(id);
      if (typeof values[id] !== 'boolean' || element.hidden || taught.locks(id)) continue;
      if (!heading.nextElementSibling.matches('.away')) {
        const button = Object.assign(document.createElement('button'), { type: 'button', className: 'away', textContent: '×' });
        button.addEventListener('click', () => this.session.set(id, false));
        heading.after(button);
      }
      heading.nextElementSibling.setAttribute('aria-label', t('panel.hide', { title: heading.textContent }));
    }
  }

  /** What a tile writes of one of its numbers; nothing where it has none of that name. */
  says(panel, name) {
    for (const part of this.tiles.get(panel)?.parts.values() ?? []) {
      const text = part.says?.(name);
      if (text !== undefined) return text;
    }
    return undefined;
  }

  /** Points are drawn on the first plane alone: another one may be of another space. */
  #optionsOf(Part) {
    const drawn = Part === Plane && [...this.tiles.values()].some(({ parts }) => parts.has(Plane));
    return { ...this.options(), ...(drawn ? { onDraw: null } : {}) };
  }

  #title(panel) {
    // A title may end in numbers that change with every view, such as what a classifier reads.
    const numbers = panel.title.match(/[\d ]+$/)?.[0].trim() ?? '';
    return t(`${this.demo}.panel.${panel.id}`, { numbers }, panel.title);
  }

  #remove(id) {
    const { element, parts } = this.tiles.get(id);
    for (const part of parts.values()) part.remove();
    element.remove();
    this.tiles.delete(id);
  }

  /** A panel that comes later than others stands where the event names it. One that stands is not moved: it may be dragged in. */
  #tile(panel, title, before, panels) {
    const element = document.createElement('section');
    element.className = 'tile';
    element.dataset.panel = panel.id;
    const heading = document.createElement('h2');
    heading.textContent = title;
    const acts = document.createElement('div');
    acts.className = 'acts';
    element.append(heading, acts);
    element.setAttribute('aria-label', title);
    const next = panels.slice(panels.indexOf(panel) + 1).find(({ id }) => this.tiles.has(id));
    if (before) before.after(element);
    else if (next) this.tiles.get(next.id).element.before(element);
    else this.element.append(element);
    const tile = { element, heading, acts, panel, parts: new Map(), views: new Map() };
    this.tiles.set(panel.id, tile);
    return tile;
  }
}
