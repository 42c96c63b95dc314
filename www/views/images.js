// A grid of pictures. With `film`, earlier grids are kept and a slider goes back through time.

import { t, number } from '../i18n.js';
import { Canvas } from './canvas.js';
import { Film } from './film.js';
import { paintMarks } from './marks.js';
import { paintSheet } from './sheet.js';
import { here } from '../later.js';

/** A film has at most so many frames, and so many thumbnails. */
const FRAMES = 240;
const STRIP = 12;
/** Large pictures are drawn smoothly until their pixels are this large on the screen. */
const LARGE = 96;
const CRISP = 3;

export class Images {
  constructor({ session }) {
    this.session = session;
    this.element = document.createElement('div');
    this.element.className = 'images';
    this.canvas = new Canvas((context, width, height) => this.#paint(context, width, height), { heightOf: (width) => this.#height(width), className: 'pixels' });
    this.canvas.element.setAttribute('role', 'img');
    this.sheet = document.createElement('canvas');
    this.thumb = document.createElement('canvas');
    this.grid = document.createElement('div');
    this.grid.append(this.canvas.element);
    this.element.append(this.grid);
    /** Made with the first view that asks for it. */
    this.film = null;
    /** What is shown and is no frame of the film. */
    this.still = null;
  }

  update(view, { step, title }) {
    this.title = title;
    // Before the first step there is nothing to show yet.
    if (view.count === 0) return this.#expect(view);
    const shape = [view.count, view.width, view.height, view.columns].join();
    if (shape !== this.shape) {
      this.shape = shape;
      this.film?.clear();
      this.shown = null;
    }
    this.view = view;
    this.element.classList.toggle('single', view.count === 1);
    const Choice = view.pick && here('pictures')?.Choice;
    if (Choice && !this.choice) this.choice = new Choice(this);
    this.#rows(view.rows ?? []);
    this.#captions(view.captions ?? []);
    // Samples half-way are shown in place of the film, which goes on after them.
    this.still = view.film ? null : { step, pixels: view.pixels };
    if (view.film) this.#filmed().add({ step, pixels: view.pixels }, view.pixels.byteLength);
    this.film?.place(view.film, this.session.schema?.begins);
    this.#show();
    const height = this.#height(this.canvas.width);
    if (height !== this.canvas.height) this.canvas.resize();
  }

  /** Room for pictures that are still to come: a square of those that are kept as a film, two rows of others. */
  #expect(view) {
    this.expected = { ...view, count: view.columns * (view.film ? view.columns : 2) };
    if (view.film) this.#filmed();
    this.film?.place(view.film, this.session.schema?.begins);
    this.canvas.element.setAttribute('aria-label', this.title);
    this.canvas.redraw();
  }

  // What each row shows stands to its left.
  #rows(names) {
    const said = names.map((name) => t(`row.${name}`, {}, name)).join('\n');
    if (said === (this.said ?? '')) return;
    this.said = said;
    this.labels?.remove();
    this.grid.className = said ? 'rows' : '';
    if (!said) return;
    this.labels = Object.assign(document.createElement('ul'), { className: 'row-names' });
    for (const name of said.split('\n')) this.labels.append(Object.assign(document.createElement('li'), { textContent: name }));
    this.grid.prepend(this.labels);
  }

  // A text for each picture that has one, in the columns of the grid.
  #captions(captions) {
    const said = captions.join('\n');
    if (said === (this.captioned ?? '')) return;
    this.captioned = said;
    this.captions?.remove();
    if (!said.trim()) return;
    this.captions = Object.assign(document.createElement('ul'), { className: 'captions' });
    this.captions.style.setProperty('--columns', String(columnsOf(this.view)));
    this.captions.style.setProperty('--rows', String(rowsOf(this.view)));
    // Under a grid of several rows nobody could tell whose they are.
    this.captions.classList.toggle('over', rowsOf(this.view) > 1 && captions.every(Boolean));
    for (const text of captions.filter(Boolean)) this.captions.append(Object.assign(document.createElement('li'), { textContent: text, title: text }));
    this.grid.append(this.captions);
  }

  keepTo(step) {
    this.film?.keepTo(step);
  }

  retitle(title) {
    this.title = title;
    this.film?.retitle();
  }

  /** The picture at a place on the canvas; -1 where there is none. */
  indexAt(left, top) {
    const { view, canvas } = this;
    const column = Math.floor((left / canvas.width) * columnsOf(view));
    const row = Math.floor((top / canvas.height) * rowsOf(view));
    const index = row * columnsOf(view) + column;
    return column >= 0 && column < columnsOf(view) && index >= 0 && index < view.count ? index : -1;
  }

  /** `[left, top, width, height]` of a picture, in pixels of the sheet. */
  #boxOf(index) {
    const { width, height } = this.view;
    return [(index % columnsOf(this.view)) * (width + 1), Math.floor(index / columnsOf(this.view)) * (height + 1), width, height];
  }

  remove() {
    this.canvas.remove();
    this.film?.remove();
    this.element.remove();
  }

  #filmed() {
    const strip = () => new Canvas((context, width, height) => this.#thumbs(context, width, height), { heightOf: (width) => width / STRIP, className: 'pixels strip' });
    return (this.film ??= new Film(this.element, { most: FRAMES, show: () => this.#show(), strip: strip(), fits: STRIP }));
  }

  #show() {
    const frame = this.still ?? this.film?.frame;
    if (!frame) return;
    this.shown = frame;
    this.film?.label();
    const label = t('images.label', { title: this.title, count: this.view.count, step: number(frame.step) });
    this.canvas.element.setAttribute('aria-label', this.choice ? this.choice.label(label) : label);
    this.canvas.redraw();
  }

  #height(width) {
    const view = this.view ?? this.expected;
    return view?.columns ? Math.round((width * sheetHeight(view)) / sheetWidth(view)) : width;
  }

  #paint(context, width, height) {
    if (!this.shown) return;
    // Only now, where it can be seen: a hidden grid costs nothing.
    if (this.painted !== this.shown) paintSheet(this.sheet, { ...this.view, columns: columnsOf(this.view) }, this.shown.pixels);
    this.painted = this.shown;
    const enlarged = (width * this.canvas.scale) / this.sheet.width;
    context.imageSmoothingEnabled = enlarged < (this.view.width >= LARGE ? CRISP : 1);
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.sheet, 0, 0, width, height);
    const box = (index) => this.#boxOf(index).map((value) => (value * width) / this.sheet.width);
    paintMarks(context, this.view.marks ?? [], box);
    this.choice?.paint(context, box);
  }

  // The first picture of the sheet, at as many moments as fit.
  #thumbs(context, width, height) {
    const { film: { frames }, view } = this;
    if (!frames.length) return;
    const count = Math.min(STRIP, frames.length);
    for (let index = 0; index < count; index += 1) {
      const frame = frames[count === 1 ? 0 : Math.round((index * (frames.length - 1)) / (count - 1))];
      paintSheet(this.thumb, { ...view, count: 1, columns: 1 }, frame.pixels);
      context.drawImage(this.thumb, 0, 0, view.width, view.height, index * (width / STRIP), 0, height - 2, height - 2);
    }
  }
}

const columnsOf = (view) => Math.min(view.columns, view.count);
const rowsOf = (view) => Math.ceil(view.count / columnsOf(view));
const sheetWidth = (view) => columnsOf(view) * (view.width + 1) - 1;
const sheetHeight = (view) => rowsOf(view) * (view.height + 1) - 1;
