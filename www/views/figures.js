// Named numbers, the first ones largest.

import { t, number } from '../i18n.js';

export class Figures {
  constructor({ session }) {
    this.session = session;
    this.element = document.createElement('dl');
    this.element.className = 'figures';
  }

  update({ figures }) {
    const ids = figures.map(({ id }) => id).join();
    if (ids !== this.ids) {
      this.ids = ids;
      this.element.dataset.empty = t('plot.empty');
      this.element.replaceChildren(
        ...figures.map(({ id, title }) => {
          const pair = document.createElement('div');
          const name = document.createElement('dt');
          name.textContent = t(`${this.session.schema?.demo}.figure.${id}`, {}, t(`figure.${id}`, {}, title));
          pair.append(name, document.createElement('dd'));
          return pair;
        }),
      );
    }
    figures.forEach(({ value, digits, of }, index) => {
      const shown = Number.isFinite(value) ? number(value, digits) : '–';
      this.element.children[index].lastElementChild.replaceChildren(shown, ...(of === null || of === undefined ? [] : [best(of, digits)]));
    });
  }

  retitle() {
    this.ids = null;
  }

  remove() {
    this.element.remove();
  }
}

function best(of, digits) {
  const element = document.createElement('small');
  element.textContent = ` / ${number(of, Number.isInteger(of) ? 0 : digits)}`;
  return element;
}
