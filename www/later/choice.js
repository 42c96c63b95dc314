// One of many pictures is chosen, with the mouse, a finger or the keys; those that were chosen wear a mark.

import { t } from '../i18n.js';
import { colour } from '../theme.js';

/** A mark is at most so large, and at most such a part of its picture. */
const BADGE = 18;
const PART = 0.45;

export class Choice {
  /** `images`: the grid, `{ canvas, view, session, indexAt, boxOf }`. */
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

  /** `scale`: from pixels of the sheet to those of the canvas. */
  paint(context, scale) {
    const { images, cursor } = this;
    const box = (index) => images.boxOf(index).map((value) => value * scale);
    /** How many marks a picture wears already. */
    const worn = new Map();
    for (const { index, text } of images.view.marks ?? []) {
      const [left, top, width, height] = box(index);
      frame(context, [left, top, width, height], colour.accent, 2.5);
      const size = Math.min(BADGE, Math.round(width * PART));
      const at = left + (worn.get(index) ?? 0) * (size + 1);
      worn.set(index, (worn.get(index) ?? 0) + 1);
      context.fillStyle = colour.accent;
      context.fillRect(at, top, size, size);
      context.fillStyle = colour.surface;
      context.font = `bold ${Math.round(size * 0.72)}px system-ui, sans-serif`;
      context.textAlign = 'center';
      context.textBaseline = 'middle';
      context.fillText(text, at + size / 2, top + size / 2 + 0.5);
    }
    if (cursor !== null && cursor < images.view.count) {
      frame(context, box(cursor), '#000', 5);
      frame(context, box(cursor), '#fff', 2.5);
    }
  }
}

function frame(context, [left, top, width, height], stroke, line) {
  context.strokeStyle = stroke;
  context.lineWidth = line;
  context.strokeRect(left + 1, top + 1, width - 2, height - 2);
}
