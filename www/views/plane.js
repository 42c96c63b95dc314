// A piece of the plane: a field of colour, a bent grid, arrows, paths and sets of points over each other on one canvas.

import { t, number } from '../i18n.js';
import { colour, rgb, classColour, classOf } from '../theme.js';
import { here } from '../later.js';
import { Canvas } from './canvas.js';
import { Pen } from './pen.js';

const DOT = { real: 2.2, generated: 2.4, drawn: 3, predicted: 1.5, chosen: 5 };
/** An arrow is at most so many cells long, and each side of its head at most so many pixels. */
const LONGEST = 1.2;
const HEAD = 4;

export class Plane {
  /** What lies under what. */
  order = ['field2d', 'mesh2d', 'arrows2d', 'paths2d', 'points2d'];

  /**
   * `onDraw(points)` is called with `[x, y, ...]` where the demo takes points; null where it does not. `clears`: the action that takes
   * them away.
   */
  constructor({ onDraw, clears = null, session }) {
    this.session = session;
    this.element = document.createElement('div');
    this.element.className = 'plane';
    this.canvas = new Canvas((...args) => this.paint(...args));
    this.canvas.element.setAttribute('role', 'img');
    this.legend = document.createElement('div');
    this.legend.className = 'legend';
    this.element.append(this.canvas.element, this.legend);
    this.layers = {};
    this.sheet = document.createElement('canvas');
    if (onDraw) this.pen = new Pen(this, onDraw, clears);
  }

  update(view, { title }) {
    this.title = title;
    this.layers[view.type] = view;
    this.bounds = view.bounds;
    if (view.type === 'points2d') {
      const Marker = view.drag && here('pictures')?.Marker;
      if (Marker && !this.marker) this.marker = new Marker(this);
      this.marker?.update(view);
      // The point that can be dragged is drawn by the marker.
      if (this.marker) this.layers.points2d = { ...view, sets: view.sets.filter(({ role }) => role !== 'chosen') };
      this.describe(this.layers.points2d);
      this.pen?.offer();
    }
    this.canvas.redraw();
  }

  /** What another run does not show must not stay behind. The picture stays until there is a new one. */
  keepTo() {
    this.layers = {};
  }

  /** A layer is shown no more. False where it stays nevertheless. */
  forget(type) {
    delete this.layers[type];
    this.canvas.redraw();
    return true;
  }

  retitle() {
    this.known = null;
    this.pen?.show();
  }

  remove() {
    this.pen?.remove();
    this.marker?.remove();
    this.canvas.remove();
    this.element.remove();
  }

  /** Says in words what is there, and which colour is whose. The points are the last layer that comes. */
  describe({ sets }) {
    const { field2d, arrows2d, paths2d } = this.layers;
    const parts = sets.map(({ role, xy }) => t('points.count', { role: nameOf(role), count: number(xy.byteLength / 8) }));
    if (arrows2d) parts.push(t('arrows.count', { count: number(arrows2d.columns * arrows2d.rows) }));
    if (paths2d) parts.push(t('paths.count', { count: number(paths2d.xy.byteLength / (8 * paths2d.length)) }));
    const said = this.marker ? `. ${this.marker.said()}` : '';
    this.canvas.element.setAttribute('aria-label', `${this.title}. ${parts.join(', ')}${said}`);
    // A density has no low half: nothing of it is drawn in the colour of low values.
    const ramp = field2d && floats(field2d.values).some((v) => v < (field2d.low + field2d.high) / 2) ? 'ramp' : 'ramp high';
    const known = [...sets.map(({ role }) => role), ...Object.keys(this.layers), ramp].join();
    if (known === this.known) return;
    this.known = known;
    const keys = sets.map(({ role }) => {
      const one = key(`dot ${role}`, nameOf(role));
      if (classOf(role) !== null) /** @type {HTMLElement} */ (one.firstChild).style.background = classColour(classOf(role));
      return one;
    });
    if (arrows2d) keys.push(key('arrows', t('arrows.key')));
    if (paths2d) keys.push(key('paths', t('paths.key')));
    if (field2d) keys.push(key(ramp, t(`${this.session.schema?.demo}.field.key`, {}, t('field.key'))));
    this.legend.replaceChildren(...keys);
  }

  /** From the plane to pixels of the canvas (y upwards). */
  toCanvas(x, y) {
    const [x0, y0, x1, y1] = this.bounds;
    return [((x - x0) / (x1 - x0)) * this.canvas.width, (1 - (y - y0) / (y1 - y0)) * this.canvas.height];
  }

  toPlane(left, top) {
    const [x0, y0, x1, y1] = this.bounds;
    return [x0 + (left / this.canvas.width) * (x1 - x0), y0 + (1 - top / this.canvas.height) * (y1 - y0)];
  }

  paint(context, width, height) {
    for (const type of this.order) {
      const view = this.layers[type];
      if (!view) continue;
      this.bounds = view.bounds;
      this[type](context, view, width, height);
    }
    this.marker?.paint(context);
    this.pen?.paint(context);
  }

  // Low values take the colour of generated points, high ones that of real points, and the middle none.
  field2d(context, { columns, rows, values, low, high }, width, height) {
    const numbers = floats(values);
    const real = rgb(colour.real);
    const generated = rgb(colour.generated);
    this.sheet.width = columns;
    this.sheet.height = rows;
    const image = new ImageData(columns, rows);
    for (let row = 0; row < rows; row += 1) {
      let to = (rows - 1 - row) * columns * 4;
      for (let column = 0; column < columns; column += 1, to += 4) {
        const value = (numbers[row * columns + column] - low) / (high - low || 1);
        const side = Math.min(1, Math.max(-1, value * 2 - 1)) || 0;
        const paint = side < 0 ? generated : real;
        image.data[to] = paint[0];
        image.data[to + 1] = paint[1];
        image.data[to + 2] = paint[2];
        image.data[to + 3] = Math.abs(side) * 105;
      }
    }
    this.sheet.getContext('2d').putImageData(image, 0, 0);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.sheet, 0, 0, width, height);
  }

  mesh2d(context, { columns, rows, xy }) {
    const corners = floats(xy);
    context.strokeStyle = colour.generated;
    context.globalAlpha = 0.45;
    context.lineWidth = 0.8;
    context.beginPath();
    const line = (from, count, stride) => {
      for (let index = 0; index < count; index += 1) {
        const at = (from + index * stride) * 2;
        const [left, top] = this.toCanvas(corners[at], corners[at + 1]);
        if (index === 0) context.moveTo(left, top);
        else context.lineTo(left, top);
      }
    };
    for (let row = 0; row < rows; row += 1) line(row * columns, columns, 1);
    for (let column = 0; column < columns; column += 1) line(column, rows, columns);
    context.stroke();
    context.globalAlpha = 1;
  }

  /** From the centre of each cell an arrow; the shortest are only a line. */
  arrows2d(context, { columns, rows, xy }, width, height) {
    const vectors = floats(xy);
    const [x0, y0, x1, y1] = this.bounds;
    const [across, up] = [width / columns, height / rows];
    const most = LONGEST * Math.min(across, up);
    context.strokeStyle = colour.muted;
    context.globalAlpha = 0.7;
    context.lineWidth = 1;
    context.beginPath();
    for (let at = 0; at < columns * rows; at += 1) {
      let right = (vectors[2 * at] / (x1 - x0)) * width;
      let down = (-vectors[2 * at + 1] / (y1 - y0)) * height;
      const length = Math.hypot(right, down);
      // What is not finite points nowhere.
      if (!(length > 0 && length < Infinity)) continue;
      const part = Math.min(1, most / length);
      right *= part;
      down *= part;
      const left = ((at % columns) + 0.5) * across;
      const top = height - (Math.floor(at / columns) + 0.5) * up;
      const [endLeft, endTop] = [left + right, top + down];
      context.moveTo(left, top);
      context.lineTo(endLeft, endTop);
      const head = Math.min(HEAD, 0.4 * length * part);
      if (head < 1) continue;
      const angle = Math.atan2(down, right);
      context.moveTo(endLeft - head * Math.cos(angle - 0.5), endTop - head * Math.sin(angle - 0.5));
      context.lineTo(endLeft, endTop);
      context.lineTo(endLeft - head * Math.cos(angle + 0.5), endTop - head * Math.sin(angle + 0.5));
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  /** Lines of `length` points each; a ring marks where each begins. */
  paths2d(context, { length, xy }) {
    const points = floats(xy);
    context.strokeStyle = colour['series-3'];
    context.lineWidth = 1;
    for (let first = 0; first + 2 * length <= points.length; first += 2 * length) {
      const [left, top] = this.toCanvas(points[first], points[first + 1]);
      context.globalAlpha = 0.8;
      context.beginPath();
      context.arc(left, top, 1.8, 0, 2 * Math.PI);
      context.stroke();
      // Each by itself, so that they are darker where they run together.
      context.globalAlpha = 0.4;
      context.beginPath();
      context.moveTo(left, top);
      for (let at = first + 2; at < first + 2 * length; at += 2) context.lineTo(...this.toCanvas(points[at], points[at + 1]));
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  points2d(context, { sets }) {
    for (const { role, xy } of sets) {
      const points = floats(xy);
      const size = DOT[role] ?? 2;
      const which = classOf(role);
      context.fillStyle = which === null ? (colour[role] ?? colour.ink) : classColour(which);
      context.globalAlpha = points.length > 2000 ? 0.55 : 0.8;
      context.beginPath();
      for (let at = 0; at < points.length; at += 2) {
        const [left, top] = this.toCanvas(points[at], points[at + 1]);
        context.moveTo(left + size, top);
        context.arc(left, top, size, 0, 2 * Math.PI);
      }
      context.fill();
      if (which === null) continue;
      // Some classes are as light as the page.
      context.strokeStyle = colour.muted;
      context.lineWidth = 0.5;
      context.stroke();
    }
    context.globalAlpha = 1;
  }
}

const nameOf = (role) => (classOf(role) === null ? t(`role.${role}`, {}, role) : t('role.class', { which: String(classOf(role) + 1) }));

export function floats(bytes) {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

export function key(className, text) {
  const element = document.createElement('span');
  element.className = 'key';
  const dot = document.createElement('i');
  dot.className = className;
  element.append(dot, text);
  return element;
}
