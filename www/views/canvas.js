// A canvas that is as sharp as the screen and draws at most once a frame, and only while it can be seen.

import { onPaper, onTheme } from '../theme.js';

export class Canvas {
  /** `heightOf` gives the height for a width; a square where it is left out. */
  constructor(draw, { heightOf = (width) => width, className = '' } = {}) {
    this.draw = draw;
    this.heightOf = heightOf;
    this.element = document.createElement('canvas');
    this.element.className = className;
    this.width = 0;
    this.height = 0;
    this.visible = true;
    this.dirty = false;
    this.resizes = new ResizeObserver(() => this.#fit());
    this.resizes.observe(this.element);
    this.sight = new IntersectionObserver(
      (entries) => {
        this.visible = entries.at(-1).isIntersecting;
        if (this.visible && this.dirty) this.redraw();
      },
      { rootMargin: '400px' },
    );
    this.sight.observe(this.element);
    this.offTheme = onTheme(() => this.redraw());
    this.offPaper = onPaper(() => this.#paint());
  }

  #fit() {
    const width = this.element.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    this.resize();
  }

  /** Call it when the height that `heightOf` gives has changed. */
  resize() {
    if (!this.width) return;
    const height = Math.max(1, Math.round(this.heightOf(this.width)));
    const scale = Math.min(devicePixelRatio || 1, 2);
    this.height = height;
    this.element.style.height = `${height}px`;
    this.element.width = Math.round(this.width * scale);
    this.element.height = Math.round(height * scale);
    this.scale = scale;
    this.redraw();
  }

  redraw() {
    // At once: a canvas that waited for its size would push away what is under it.
    if (!this.width) this.#fit();
    this.dirty = true;
    if (this.frame || !this.visible) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.#paint();
    });
  }

  #paint() {
    if (!this.width) return;
    this.dirty = false;
    const context = this.element.getContext('2d');
    context.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    this.draw(context, this.width, this.height);
  }

  remove() {
    this.resizes.disconnect();
    this.sight.disconnect();
    this.offTheme();
    this.offPaper();
    cancelAnimationFrame(this.frame);
    this.element.remove();
  }
}
