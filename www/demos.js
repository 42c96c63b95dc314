// The demos, as the registry in Rust describes them: from a file while no worker is here yet, then from the workers themselves.

import { Emitter } from './emitter.js';
import { has, language, t } from './i18n.js';

const LIST = new URL('./demos.json', import.meta.url);

/** Emits `change` when the list is another one. */
class Demos extends Emitter {
  #listed = [];
  /** What workers have said, by name. A module may hold some of the demos only. */
  #told = new Map();

  async load() {
    try {
      const answer = await fetch(LIST);
      if (answer.ok) this.#listed = await answer.json();
    } catch {
      // The worker tells it as well.
    }
    this.emit('change');
  }

  learn(demos) {
    for (const demo of demos) this.#told.set(demo.name, demo);
    this.emit('change');
  }

  /** All of them, in the order of the picker. */
  get all() {
    const names = new Set(this.#listed.map(({ name }) => name));
    return [...this.#listed.map((demo) => this.#told.get(demo.name) ?? demo), ...[...this.#told.values()].filter(({ name }) => !names.has(name))];
  }

  /** The same by family, in the order in which families first come: `[family, its demos]`. */
  get families() {
    const { all } = this;
    return [...new Set(all.map(({ family }) => family))].map((family) => [family, all.filter((one) => one.family === family)]);
  }

  of(name) {
    return this.all.find((demo) => demo.name === name);
  }

  titleOf({ title }) {
    return title[language] ?? title.en;
  }

  /** The name of a family; where the page has no words for it, the registry's. */
  familyOf(family) {
    return has(`family.${family}`) ? t(`family.${family}`) : family;
  }

  /** What a demo's steps are: it `trains`, `writes` or `edits`. */
  does(name) {
    return this.of(name)?.does;
  }

  /** Where files of a kind are opened: `{ demo, key, side }`; nothing where no demo opens them. */
  opening(kind) {
    for (const { name, opens } of this.all) {
      const found = opens.find((one) => one.kind === kind);
      if (found) return { ...found, demo: name };
    }
    return undefined;
  }
}

export const demos = new Demos();
