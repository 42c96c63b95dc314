// The tiles of a run: one for each panel that comes, in the order in which they come, their views inside.

import { t } from './i18n.js';
import { Scalars } from './views/scalars.js';
import { Images } from './views/images.js';
import { Plane } from './views/plane.js';
import { Histogram } from './views/histogram.js';
import { Figures } from './views/figures.js';

const PARTS = {
  scalars: Scalars,
  images: Images,
  points2d: Plane,
  field2d: Plane,
  mesh2d: Plane,
  histogram: Histogram,
  figures: Figures,
};

export class Panels {
  /** `options()` gives `{ onDraw }` for the demo that is open. */
  constructor(element, options) {
    this.element = element;
    this.options = options;
    this.tiles = new Map();
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
    if (this.last?.demo === this.demo) this.update(this.last.event, true);
  }

  update(event, again = false) {
    this.last = { demo: this.demo, event };
    this.element.classList.remove('empty');
    if (this.stale) {
      for (const id of this.tiles.keys()) if (!event.panels.some((panel) => panel.id === id)) this.#remove(id);
    }
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
        part.update(view, { step: event.step, title });
      }
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
    element.className = `tile ${panel.views.map(({ type, film }) => (film ? 'has-film' : `has-${type}`)).join(' ')}`;
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
