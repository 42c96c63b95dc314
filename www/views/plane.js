// A piece of the plane: a field of colour, a bent grid and sets of points over each other on one canvas.

import { t, number } from '../i18n.js';
import { colour, rgb } from '../theme.js';
import { Canvas } from './canvas.js';
import { Pen } from './pen.js';

const DOT = { real: 2.2, generated: 2.4, drawn: 3 };

export class Plane {
  /** What lies under what. */
  order = ['field2d', 'mesh2d', 'points2d'];

  /** `onDraw(points)` is called with `[x, y, ...]` where the demo takes points; null where it does not. */
  constructor({ onDraw }) {
    this.element = document.createElement('div');
    this.element.className = 'plane';
    this.canvas = new Canvas((...args) => this.paint(...args));
    this.canvas.element.setAttribute('role', 'img');
    this.legend = document.createElement('div');
    this.legend.className = 'legend';
    this.element.append(this.canvas.element, this.legend);
    this.layers = {};
    this.sheet = document.createElement('canvas');
    if (onDraw) this.pen = new Pen(this, onDraw);
  }

  update(view, { title }) {
    this.title = title;
    this.layers[view.type] = view;
    this.bounds = view.bounds;
    if (view.type === 'points2d') this.describe(view);
    this.canvas.redraw();
  }

  /** What another run does not show must not stay behind. The picture stays until there is a new one. */
  keepTo() {
    this.layers = {};
  }

  retitle() {
    this.roles = null;
    this.pen?.show();
  }

  remove() {
    this.pen?.remove();
    this.canvas.remove();
    this.element.remove();
  }

  /** Says in words what the points are, and which colour is whose. */
  describe({ sets }) {
    const parts = sets.map(({ role, xy }) => t('points.count', { role: t(`role.${role}`, {}, role), count: number(xy.byteLength / 8) }));
    this.canvas.element.setAttribute('aria-label', `${this.title}. ${parts.join(', ')}`);
    const roles = sets.map(({ role }) => role).join();
    if (roles === this.roles) return;
    this.roles = roles;
    const keys = sets.map(({ role }) => key(`dot ${role}`, t(`role.${role}`, {}, role)));
    if (this.layers.field2d) keys.push(key('ramp', t('field.key')));
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

  points2d(context, { sets }) {
    for (const { role, xy } of sets) {
      const points = floats(xy);
      const size = DOT[role] ?? 2;
      context.fillStyle = colour[role] ?? colour.ink;
      context.globalAlpha = points.length > 2000 ? 0.55 : 0.8;
      context.beginPath();
      for (let at = 0; at < points.length; at += 2) {
        const [left, top] = this.toCanvas(points[at], points[at + 1]);
        context.moveTo(left + size, top);
        context.arc(left, top, size, 0, 2 * Math.PI);
      }
      context.fill();
    }
    context.globalAlpha = 1;
  }
}

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
