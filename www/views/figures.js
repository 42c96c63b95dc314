// Named numbers, the first ones largest.

import { t, number } from '../i18n.js';

export class Figures {
  constructor({ session }) {
    this.session = session;
    this.element = document.createElement('dl');
    this.element.className = 'figures';
  }

  update({ figures }) {
    this.figures = figures;
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
    figures.forEach((figure, index) => {
      const { digits, of } = figure;
      this.element.children[index].lastElementChild.replaceChildren(written(figure), ...(of === null || of === undefined ? [] : [best(of, digits)]));
    });
  }

  /** What is written of a figure; nothing where there is no such one. */
  says(id) {
    const figure = this.figures?.find((one) => one.id === id);
    return figure && written(figure);
  }

  retitle() {
    this.ids = null;
  }

  remove() {
    this.element.remove();
  }
}

const written = ({ value, digits }) => (Number.isFinite(value) ? number(value, digits) : '–');

function best(of, digits) {
  const element = document.createElement('small');
  element.textContent = ` / ${number(of, Number.isInteger(of) ? 0 : digits)}`;
  return element;
}
