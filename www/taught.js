// What a teacher's address says of one demo: its title and task, its controls and tiles, and which values are locked. It holds for the
// demo that the page was opened with, and only that demo's addresses keep it.

import { how, plain, write } from './query.js';

const OF_DEMO = ['title', 'task', 'target', 'controls', 'tiles', 'locked'];
const PLAIN = plain();
/** As the page was opened. */
const SEARCH = location.search;
/** The same address without what belongs to one demo. */
const OTHER = { ...how, ...Object.fromEntries(OF_DEMO.map((key) => [key, PLAIN[key]])) };

class Taught {
  /** The demo that the page was opened with, and the one that is open. */
  #first;
  #now;
  /** Whether a tile that is named has been seen. */
  #seen = false;

  watch(session) {
    session.on('reset', ({ demo }) => {
      this.#first ??= demo;
      this.#now = demo;
    });
    session.on('views', ({ panels }) => (this.#seen ||= panels.some(({ id }) => how.tiles?.includes(id))));
  }

  /** What is asked for of the demo that is open. */
  get how() {
    return this.#first === this.#now ? how : OTHER;
  }

  showsControl(key) {
    return this.how.controls?.includes(key) ?? true;
  }

  /** A control that is named is shown with those that a beginner needs. */
  asksFor(key) {
    return this.how.controls?.includes(key) ?? false;
  }

  /** Where none of those that are named is there, all are shown: a page without any would be of no use. */
  showsTile(id) {
    return !this.#seen || (this.how.tiles?.includes(id) ?? true);
  }

  locks(key) {
    return this.how.locked.includes(key);
  }

  /** The query of a run's address. */
  search(demo) {
    const others = this.#first !== undefined && demo !== this.#first && write(how) !== write(OTHER);
    return others ? write(OTHER) : SEARCH;
  }
}

export const taught = new Taught();

/** Controls that the address names and the demo has not. */
export function strangers({ schema }) {
  return [...new Set([...(taught.how.controls ?? []), ...taught.how.locked])].filter((key) => !Object.hasOwn(schema.properties, key));
}
