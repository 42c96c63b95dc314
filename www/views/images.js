// A grid of pictures. With `film`, earlier grids are kept and a slider goes back through time.

import { t, number } from '../i18n.js';
import { Canvas } from './canvas.js';

/** What the film may take in memory; beyond it every second frame goes. */
const FILM_BYTES = 24 * 1024 * 1024;
const FILM_FRAMES = 240;
const STRIP = 12;
/** The thumbnails follow this slowly, in ms. */
const STRIP_PACE = 1000;

export class Images {
  constructor() {
    this.element = document.createElement('div');
    this.element.className = 'images';
    this.canvas = new Canvas((context, width, height) => this.#paint(context, width, height), { heightOf: (width) => this.#height(width), className: 'pixels' });
    this.canvas.element.setAttribute('role', 'img');
    this.sheet = document.createElement('canvas');
    this.thumb = document.createElement('canvas');
    this.element.append(this.canvas.element);
    this.frames = [];
    this.live = true;
  }

  update(view, { step, title }) {
    this.title = title;
    // Before the first step there is nothing to show yet.
    if (view.count === 0) return;
    const shape = [view.count, view.width, view.height, view.columns].join();
    if (shape !== this.shape) {
      this.shape = shape;
      this.frames = [];
      this.shown = null;
    }
    this.view = view;
    if (view.film) this.#film(view, step);
    else this.frames = [{ step, pixels: view.pixels }];
    if (this.live || !view.film) this.#show(this.frames.length - 1);
    else this.#label();
    const height = this.#height(this.canvas.width);
    if (height !== this.canvas.height) this.canvas.resize();
  }

  keepTo(step) {
    this.frames = this.frames.filter((frame) => frame.step <= step);
    this.live = true;
    if (this.slider) this.#label();
  }

  retitle(title) {
    this.title = title;
    if (this.slider) this.slider.setAttribute('aria-label', t('film.scrub'));
    if (this.slider) this.#label();
  }

  remove() {
    this.canvas.remove();
    this.element.remove();
  }

  #film(view, step) {
    if (!this.slider) this.#scrubber();
    this.frames = this.frames.filter((frame) => frame.step < step);
    this.frames.push({ step, pixels: view.pixels });
    if (this.frames.length > FILM_FRAMES || this.frames.length * view.pixels.byteLength > FILM_BYTES) {
      // The first, the last and the one that is looked at stay.
      const kept = this.frames[Number(this.slider.value)];
      const last = this.frames.length - 1;
      this.frames = this.frames.filter((frame, index) => index % 2 === 0 || index === last || (!this.live && frame === kept));
      if (!this.live) this.slider.value = String(this.frames.indexOf(kept));
    }
  }

  #scrubber() {
    const film = document.createElement('div');
    film.className = 'film';
    this.slider = Object.assign(document.createElement('input'), { type: 'range', min: '0', max: '0', value: '0' });
    this.slider.setAttribute('aria-label', t('film.scrub'));
    this.strip = new Canvas((context, width, height) => this.#thumbs(context, width, height), { heightOf: (width) => width / STRIP, className: 'pixels strip' });
    this.strip.element.setAttribute('aria-hidden', 'true');
    this.output = document.createElement('output');
    this.slider.addEventListener('input', () => {
      const at = Number(this.slider.value);
      this.live = at === this.frames.length - 1;
      this.#show(at);
    });
    film.append(this.strip.element, this.slider, this.output);
    this.element.append(film);
  }

  #label() {
    const last = this.frames.length - 1;
    this.slider.max = String(Math.max(0, last));
    if (this.live) this.slider.value = String(last);
    const step = this.frames[Number(this.slider.value)]?.step ?? 0;
    this.output.textContent = t(this.live ? 'film.live' : 'film.at', { step: number(step) });
    this.slider.setAttribute('aria-valuetext', this.output.textContent);
    this.element.dataset.step = step;
    const now = performance.now();
    if (this.frames.length > STRIP && now - (this.stripAt ?? 0) < STRIP_PACE) return;
    this.stripAt = now;
    this.strip.redraw();
  }

  #show(at) {
    const frame = this.frames[at];
    if (!frame) return;
    this.shown = frame;
    if (this.slider) this.#label();
    this.canvas.element.setAttribute('aria-label', t('images.label', { title: this.title, count: this.view.count, step: number(frame.step) }));
    this.canvas.redraw();
  }

  #height(width) {
    if (!this.view) return width;
    return Math.round((width * sheetHeight(this.view)) / sheetWidth(this.view));
  }

  #paint(context, width, height) {
    if (!this.shown) return;
    // Only now, where it can be seen: a hidden grid costs nothing.
    if (this.painted !== this.shown) paintSheet(this.sheet, this.view, this.shown.pixels);
    this.painted = this.shown;
    context.imageSmoothingEnabled = this.sheet.width > width * this.canvas.scale;
    context.drawImage(this.sheet, 0, 0, width, height);
  }

  // The first picture of the sheet, at as many moments as fit.
  #thumbs(context, width, height) {
    const { frames, view } = this;
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
const sheetWidth = (view) => columnsOf(view) * (view.width + 1) - 1;
const sheetHeight = (view) => Math.ceil(view.count / columnsOf(view)) * (view.height + 1) - 1;

/** All pictures of a view on one canvas, a clear pixel between them. */
function paintSheet(sheet, view, pixels) {
  const { count, width, height, channels } = view;
  const columns = columnsOf(view);
  const across = sheetWidth(view);
  sheet.width = across;
  sheet.height = sheetHeight(view);
  const image = new ImageData(across, sheet.height);
  const words = new Uint32Array(image.data.buffer);
  let from = 0;
  for (let index = 0; index < count; index += 1) {
    const left = (index % columns) * (width + 1);
    const top = Math.floor(index / columns) * (height + 1);
    for (let y = 0; y < height; y += 1) {
      let to = (top + y) * across + left;
      for (let x = 0; x < width; x += 1, to += 1, from += channels) {
        const red = pixels[from];
        const green = channels === 3 ? pixels[from + 1] : red;
        const blue = channels === 3 ? pixels[from + 2] : red;
        words[to] = 0xff000000 | (blue << 16) | (green << 8) | red;
      }
    }
  }
  sheet.getContext('2d').putImageData(image, 0, 0);
}
