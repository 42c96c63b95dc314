// What opens over the page or in its place and is fetched when it is first asked for: the dialogs, and the front door.

import { later } from './later.js';

export class Extras {
  #made = new Map();

  /** `makers`: for each group of `later.js` what makes its object, which has `show()`, from what its modules export. */
  constructor(session, makers) {
    this.session = session;
    this.makers = makers;
  }

  /** Where it cannot be fetched a card says so; the next call tries again. */
  async show(name) {
    try {
      const parts = await later(name);
      if (!this.#made.has(name)) this.#made.set(name, this.makers[name](parts));
      await this.#made.get(name).show();
    } catch (error) {
      this.session.emit('card', { key: 'part-missing', detail: error.message });
    }
  }

  /** The language is another one. */
  render() {
    for (const one of this.#made.values()) one.render?.();
  }
}
