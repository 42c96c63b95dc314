// The tiles of a run: one for each panel that comes, in the order in which they come, their views inside.

import { t } from './i18n.js';
import { Emitter } from './emitter.js';
import { Scalars } from './views/scalars.js';
import { Images } from './views/images.js';
import { Plane } from './views/plane.js';
import { Histogram } from './views/histogram.js';
import { Figures } from './views/figures.js';
import { Tokens } from './views/tokens.js';
import { Attention } from './views/attention.js';
import { Lens } from './views/lens.js';

const PARTS = {
  scalars: Scalars,
  images: Images,
  points2d: Plane,
  field2d: Plane,
  mesh2d: Plane,
  histogram: Histogram,
  figures: Figures,
  tokens: Tokens,
  attention: Attention,
  lens: Lens,
};

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
    // A run may show less than the one before: what its first views do not name goes then, so that nothing flickers.
    this.stale = true;
    if (!this.tiles.size) this.element.classList.add('empty');
  }

  /** Everything anew, in another language: what the page has kept for the film and the curves stays. */
  retitle() {
    for (const { heading, element, panel, parts } of this.tiles.values()) {
      const title = this.#title(panel);
      heading.textContent = title;
      element.setAttribute('aria-label', title);
      for (const part of parts.values()) part.retitle?.(title);
    }
    this.#switch();
    if (this.last?.demo === this.demo) this.update(this.last.event, true);
  }

  update(event, again = false) {
    this.last = { demo: this.demo, event };
    if (this.stale) {
      for (const id of this.tiles.keys()) if (!event.panels.some((panel) => panel.id === id)) this.#remove(id);
    }
    // A text that waits for its model has nothing to show yet.
    this.element.classList.toggle('empty', !event.panels.length && !this.tiles.size);
    this.stale = false;
    let before = null;
    for (const panel of event.panels) {
      const title = this.#title(panel);
      const tile = this.tiles.get(panel.id) ?? this.#tile(panel, title);
      if (tile.heading.textContent !== title) tile.heading.textContent = title;
      // A panel that comes later than others still stands where the demo names it.
      if (before && before.nextElementSibling !== tile.element) before.after(tile.element);
      before = tile.element;
      for (const view of panel.views) {
        // Curves add up: those of an event that has been drawn are drawn already.
        if (again && view.type === 'scalars') continue;
        const Part = PARTS[view.type];
        if (!Part) continue; // A view of a newer worker: the others are still worth showing.
        let part = tile.parts.get(Part);
        if (!part) {
          part = new Part(this.options());
          tile.parts.set(Part, part);
          tile.element.append(part.element);
        }
        tile.element.classList.add(view.film ? 'has-film' : `has-${view.type}`);
        part.update(view, { step: event.step, title });
      }
    }
    this.#switch();
  }

  /**
   * A panel is shown while it has something to show. One that a live switch of the same name computes is shown while the
   * switch is on, and can be put away by itself.
   */
  #switch() {
    const values = this.session.schema?.values ?? {};
    for (const [id, { element, heading, parts }] of this.tiles) {
      element.hidden = parts.size === 0 || values[id] === false;
      if (typeof values[id] !== 'boolean' || element.hidden) continue;
      if (!heading.nextElementSibling.matches('.away')) {
        const button = Object.assign(document.createElement('button'), { type: 'button', className: 'away', textContent: '×' });
        button.addEventListener('click', () => {
          this.session.set(id, false);
          element.hidden = true;
        });
        heading.after(button);
      }
      heading.nextElementSibling.setAttribute('aria-label', t('panel.hide', { title: heading.textContent }));
    }
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

  #tile(panel, title) {
    const element = document.createElement('section');
    element.className = 'tile';
    element.dataset.panel = panel.id;
    const heading = document.createElement('h2');
    heading.textContent = title;
    element.append(heading);
    element.setAttribute('aria-label', title);
    this.element.append(element);
    const tile = { element, heading, panel: { id: panel.id, title: panel.title }, parts: new Map() };
    this.tiles.set(panel.id, tile);
    return tile;
  }
}
