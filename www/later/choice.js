// One of many pictures is chosen, with the mouse, a finger or the keys.

import { t } from '../i18n.js';
import { frame } from '../views/marks.js';

export class Choice {
  /** `images`: the grid, `{ canvas, view, session, indexAt }`. */
  constructor(images) {
    this.images = images;
    this.cursor = null;
    const { element } = images.canvas;
    element.tabIndex = 0;
    element.setAttribute('role', 'application');
    element.classList.add('choice');
    element.addEventListener('click', (event) => this.#pick(images.indexAt(event.offsetX, event.offsetY)));
    element.addEventListener('keydown', (event) => this.#key(event));
    element.addEventListener('blur', () => this.#point(null));
  }

  /** What the grid is called, with how it is used and what is chosen. */
  label(title) {
    const marks = (this.images.view.marks ?? []).map(({ index, text }) => t('images.mark', { mark: text, index: index + 1 })).join(', ');
    return `${title}. ${t('images.pick')} ${marks}`;
  }

  #pick(index) {
    const { session, view } = this.images;
    if (index >= 0 && view.pick) session.act(view.pick, { index });
  }

  #point(cursor) {
    this.cursor = cursor;
    this.images.canvas.redraw();
  }

  #key(event) {
    const { view } = this.images;
    const columns = Math.min(view.columns, view.count);
    const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (move) {
      const to = (this.cursor ?? 0) + move;
      this.#point(this.cursor === null ? 0 : to >= 0 && to < view.count ? to : this.cursor);
    } else if (event.key === 'Enter' || event.key === ' ') this.#pick(this.cursor ?? -1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** `box(index)`: left, top, width and height of a picture on the canvas. */
  paint(context, box) {
    const { images, cursor } = this;
    if (cursor === null || cursor >= images.view.count) return;
    frame(context, box(cursor), '#000', 5);
    frame(context, box(cursor), '#fff', 2.5);
  }
}
