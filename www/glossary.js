// Technical words in the page's texts: the first use of each becomes a button that explains it. The words, and all that shows them,
// are fetched after the first picture (`later/glossary.js`); until then texts are plain.

import { Emitter } from './emitter.js';
import { language } from './i18n.js';
import { here, later } from './later.js';

/** Emits `change` when texts can be marked that could not be before. */
class Glossary extends Emitter {
  #awake = false;

  /** From now on the words may be fetched. */
  wake() {
    this.#awake = true;
    this.#fetch();
  }

  /** Turns the texts of one part of the page, in their order, into what lit draws: the first use of each term is marked. */
  marker() {
    const mark = here('glossary')?.marker(language);
    if (!mark && this.#awake) this.#fetch();
    return mark ?? ((text) => text);
  }

  /** Where they cannot be fetched texts stay plain; the next part of the page that is drawn tries again. */
  async #fetch() {
    const wanted = language;
    try {
      const { wordsOf } = await later('glossary');
      await wordsOf(wanted);
    } catch {
      return;
    }
    this.emit('change');
  }
}

export const glossary = new Glossary();
