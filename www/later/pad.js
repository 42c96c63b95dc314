// A small picture that the person paints with the mouse, a finger or the keys.

import { html, render, nothing } from '../vendor/lit-html.js';
import { t } from '../i18n.js';
import { offers } from '../schema.js';
import { colour } from '../theme.js';
import { Canvas } from '../views/canvas.js';
import { onPress } from '../views/press.js';
import { paintSheet } from '../views/sheet.js';
import { Brush } from './brush.js';
import { Latest } from './latest.js';

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** A pen is as wide as a part of the picture at first, and at most. */
const PEN = 1 / 14;
const WIDEST = 1 / 3;
/** Pictures in colour stand on white, grey ones are white on black. */
const GROUND = { 1: 0, 3: 255 };
/** The action for which parts of a picture are made unknown. */
const RESTORES = 'restore';

export class Pad {
  constructor({ session }) {
    this.session = session;
    this.latest = new Latest(session);
    this.tool = 'pen';
    this.shade = 255;
    this.paint = '#d9411e';
    this.element = document.createElement('div');
    this.element.className = 'pad';
    this.tools = document.createElement('div');
    this.canvas = new Canvas((...args) => this.#draw(...args), {
      heightOf: (width) => (this.brush ? Math.round((width * this.brush.height) / this.brush.width) : width),
      className: 'pixels',
    });
    this.sheet = document.createElement('canvas');
    this.hint = Object.assign(document.createElement('p'), { className: 'hint' });
    this.element.append(this.tools, this.canvas.element, this.hint);
    const { element } = this.canvas;
    element.tabIndex = 0;
    element.setAttribute('role', 'application');
    onPress(element, {
      may: () => Boolean(this.brush),
      down: (event) => this.#down(event),
      move: (events) => this.#move(events),
      up: () => (this.pressed = false),
    });
    element.addEventListener('keydown', (event) => this.#key(event));
    element.addEventListener('blur', () => this.#point(null));
  }

  update(view, { title }) {
    this.title = title;
    this.action = view.action;
    const { width, height, channels } = view;
    if ([width, height, channels].join() !== this.shape) {
      this.shape = [width, height, channels].join();
      this.brush = new Brush(view);
      this.width = Math.max(1, Math.round(width * PEN));
      this.cursor = null;
      this.revision = null;
      this.canvas.resize();
    }
    // A stroke that is being drawn goes on: it replaces what comes now.
    if (view.revision !== this.revision && !this.pressed && !this.latest.waiting) {
      this.brush.pixels.set(view.pixels);
      this.brush.mask.fill(0);
      this.brush.mask.set(view.mask);
      this.revision = view.revision;
    }
    this.canvas.element.setAttribute('aria-label', t('pad.label', { title, width, height }));
    this.hint.textContent = t('pad.hint');
    this.#render();
    this.canvas.redraw();
  }

  keepTo() {
    // Its picture stays; another run brings its own.
    this.revision = null;
  }

  retitle(title) {
    this.title = title;
  }

  remove() {
    this.latest.remove();
    this.canvas.remove();
    this.element.remove();
  }

  /** Whether the model fills in what is unknown, and so answers each drawing with a picture. */
  get #mends() {
    return offers(this.session.schema, RESTORES);
  }

  // --- tools -------------------------------------------------------------------------------------------------------

  #render() {
    const { brush } = this;
    this.element.classList.toggle('answered', this.#mends);
    const tools = ['pen', 'rubber'];
    if (this.#mends) tools.push('erase');
    const widest = Math.max(2, Math.round(brush.width * WIDEST));
    render(
      html`<div class="pad-tools">
        <div class="group switch" role="group" aria-label=${t('pad.tools')}>
          ${tools.map(
            (name) => html`<button
              type="button" data-tool=${name} aria-pressed=${this.tool === name} title=${t(this.#mends ? `pad.${name}.hint` : `pad.${name}.under`, {}, t(`pad.${name}.hint`))}
              @click=${() => ((this.tool = name), this.#render())}
            >
              ${t(`pad.${name}`)}
            </button>`,
          )}
        </div>
        <button type="button" data-tool="wipe" @click=${() => this.#wipe()}>${t('pad.wipe')}</button>
        <label>
          <span>${t('pad.width')}</span>
          <input type="range" min="1" max=${widest} .value=${String(this.width)} @input=${(event) => (this.width = event.target.valueAsNumber)} />
        </label>
        ${brush.channels === 3
          ? html`<label><span>${t('pad.colour')}</span><input type="color" .value=${this.paint} @input=${(event) => (this.paint = event.target.value)} /></label>`
          : html`<label>
              <span>${t('pad.shade')}</span>
              <input type="range" min="0" max="255" .value=${String(this.shade)} @input=${(event) => (this.shade = event.target.valueAsNumber)} />
            </label>`}
      </div>`,
      this.tools,
    );
  }

  get #ink() {
    const { channels } = this.brush;
    if (this.tool === 'erase') return null;
    // Where nothing is mended the rubber takes away what was painted, and what lay below comes back.
    if (this.tool === 'rubber') return this.#mends ? Array(channels).fill(GROUND[channels]) : null;
    return channels === 1 ? [this.shade] : [1, 3, 5].map((at) => parseInt(this.paint.slice(at, at + 2), 16));
  }

  #wipe() {
    // Else the worker's answer brings what lay below.
    if (this.#mends) this.brush.clear(GROUND[this.brush.channels]);
    this.canvas.redraw();
    this.latest.put(() => this.session.act(this.action, { pixels: [], mask: [] }));
  }

  #send() {
    this.canvas.redraw();
    this.latest.put(() => this.session.act(this.action, this.brush.args));
  }

  // --- strokes -----------------------------------------------------------------------------------------------------

  #down(event) {
    this.pressed = true;
    this.#point(null);
    this.brush.begin(this.#ink, this.width / 2);
    this.#add(event);
    this.#send();
  }

  #move(events) {
    events.forEach((event) => this.#add(event));
    this.#send();
  }

  #add({ clientX, clientY }) {
    const box = this.canvas.element.getBoundingClientRect();
    const { width, height } = this.brush;
    this.brush.to(((clientX - box.left) / box.width) * width, ((clientY - box.top) / box.height) * height);
  }

  #key(event) {
    if (!this.brush) return;
    const { width, height } = this.brush;
    const move = MOVES[event.key];
    const [x, y] = this.cursor ?? [Math.floor(width / 2), Math.floor(height / 2)];
    if (move) {
      const to = [Math.min(width - 1, Math.max(0, x + move[0])), Math.min(height - 1, Math.max(0, y + move[1]))];
      if (event.shiftKey) this.#dab([x, y], to);
      this.#point(to);
    } else if (event.key === ' ' || event.key === 'Enter') {
      this.#point([x, y]);
      this.#dab([x, y]);
    } else if (event.key === 'Escape') this.canvas.element.blur();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #dab(...places) {
    this.brush.begin(this.#ink, this.width / 2);
    for (const [x, y] of places) this.brush.to(x + 0.5, y + 0.5);
    this.#send();
  }

  #point(cursor) {
    this.cursor = cursor;
    this.canvas.redraw();
  }

  // --- its picture -------------------------------------------------------------------------------------------------

  #draw(context, width, height) {
    const { brush } = this;
    if (!brush) return;
    paintSheet(this.sheet, { ...brush, count: 1, columns: 1 }, brush.pixels);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.sheet, 0, 0, width, height);
    const [across, down] = [width / brush.width, height / brush.height];
    if (brush.mask.some(Boolean)) this.#hatch(context, across, down);
    if (!this.cursor) return;
    const [x, y] = this.cursor;
    for (const [stroke, wide] of [['#fff', 4], [colour.accent, 2]]) {
      context.strokeStyle = /** @type {string} */ (stroke);
      context.lineWidth = /** @type {number} */ (wide);
      context.strokeRect(x * across, y * down, across, down);
    }
  }

  // What is unknown: stripes, in no shade that a picture could be mistaken for.
  #hatch(context, across, down) {
    const { width, height, mask } = this.brush;
    context.save();
    context.beginPath();
    for (let at = 0; at < mask.length; at += 1) {
      if (mask[at]) context.rect((at % width) * across - 0.25, Math.floor(at / width) * down - 0.25, across + 0.5, down + 0.5);
    }
    context.clip();
    context.fillStyle = colour.surface;
    context.fillRect(0, 0, width * across, height * down);
    context.strokeStyle = colour.accent;
    context.lineWidth = 1.5;
    context.beginPath();
    for (let at = -height * down; at < width * across; at += 7) {
      context.moveTo(at, height * down);
      context.lineTo(at + height * down, 0);
    }
    context.stroke();
    context.restore();
  }
}
