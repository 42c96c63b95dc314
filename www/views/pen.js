// Draws points on a plane with the mouse, a finger or the arrow keys. Off until its button is pressed, so that a finger
// scrolls the page as it does everywhere else.

import { t } from '../i18n.js';
import { colour } from '../theme.js';
import { hasPoints } from '../schema.js';
import { onPress } from './press.js';

/** A stroke leaves a point every so many pixels. */
const SPACING = 5;
/** Points set with the keyboard go together when no more come for so many ms: new data begins the run anew. */
const KEYS_REST = 600;
const KEY_STEP = 0.02;

export class Pen {
  /** `clears`: the action that takes all drawn points away; offered while there are any. */
  constructor(plane, onDraw, clears) {
    this.plane = plane;
    this.onDraw = onDraw;
    this.on = false;
    this.points = [];
    this.cursor = null;
    this.button = document.createElement('button');
    this.button.type = 'button';
    this.button.className = 'pen';
    this.button.addEventListener('click', () => this.toggle());
    this.clear = Object.assign(document.createElement('button'), { type: 'button' });
    this.clears = clears;
    if (clears) this.clear.dataset.act = clears.name;
    this.clear.addEventListener('click', () => this.plane.session.act(clears.name));
    this.tools = document.createElement('div');
    this.tools.className = 'pen-tools';
    this.tools.append(this.button);
    this.hint = document.createElement('p');
    this.hint.className = 'pen-hint';
    plane.element.append(this.tools, this.hint);
    const { element } = plane.canvas;
    onPress(element, {
      may: () => this.on,
      down: (event) => {
        this.stroke = null;
        this.#add(event);
      },
      move: (events) => events.forEach((event) => this.#add(event)),
      up: () => this.#send(),
    });
    element.addEventListener('keydown', (event) => this.#key(event));
    this.show();
  }

  toggle() {
    this.on = !this.on;
    this.cursor = null;
    this.show();
    if (this.on) this.plane.canvas.element.focus({ preventScroll: true });
    this.plane.canvas.redraw();
  }

  /** What clears stands beside the pen while there is something to clear. */
  offer() {
    const drawn = Boolean(this.clears) && hasPoints(this.plane.session.schema);
    if (drawn === this.clear.isConnected) return;
    if (this.clear === document.activeElement) this.button.focus();
    if (drawn) this.tools.prepend(this.clear);
    else this.clear.remove();
  }

  /** Points that wait for more are of a run that has gone. */
  remove() {
    clearTimeout(this.timer);
  }

  show() {
    const { element } = this.plane.canvas;
    this.button.classList.toggle('on', this.on);
    this.button.textContent = t(this.on ? 'pen.done' : 'pen.draw');
    if (this.clears) this.clear.textContent = t(`${this.plane.session.schema?.demo}.action.${this.clears.name}`, {}, this.clears.title);
    this.offer();
    this.hint.textContent = this.on ? t('pen.hint') : '';
    element.classList.toggle('drawing', this.on);
    // A point that is chosen on the plane takes the keys while nothing is drawn.
    const used = this.on || this.plane.marker;
    if (used) element.tabIndex = 0;
    else element.removeAttribute('tabindex');
    element.setAttribute('role', used ? 'application' : 'img');
  }

  #add({ clientX, clientY }) {
    const box = this.plane.canvas.element.getBoundingClientRect();
    const at = [clientX - box.left, clientY - box.top];
    if (at[0] < 0 || at[1] < 0 || at[0] > box.width || at[1] > box.height) return;
    if (this.stroke && Math.hypot(at[0] - this.stroke[0], at[1] - this.stroke[1]) < SPACING) return;
    this.stroke = at;
    this.#put(this.plane.toPlane(...at));
  }

  #put(point) {
    this.points.push(...point);
    this.plane.canvas.redraw();
  }

  #send() {
    clearTimeout(this.timer);
    if (this.points.length) this.onDraw(this.points);
    this.points = [];
  }

  #key(event) {
    if (!this.on) return;
    const [x0, y0, x1, y1] = this.plane.bounds;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const move = moves[event.key];
    const [x, y] = this.cursor ?? [(x0 + x1) / 2, (y0 + y1) / 2];
    if (move) {
      const pace = KEY_STEP * (event.shiftKey ? 5 : 1);
      this.cursor = [
        Math.min(x1, Math.max(x0, x + move[0] * pace * (x1 - x0))),
        Math.min(y1, Math.max(y0, y + move[1] * pace * (y1 - y0))),
      ];
      this.plane.canvas.redraw();
    } else if (event.key === ' ' || event.key === 'Enter') {
      this.#put((this.cursor = [x, y]));
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.#send(), KEYS_REST);
    } else if (event.key === 'Escape') this.toggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** The points that are not yet in the data, and the cross of the keyboard. */
  paint(context) {
    context.fillStyle = colour.drawn;
    for (let at = 0; at < this.points.length; at += 2) {
      const [left, top] = this.plane.toCanvas(this.points[at], this.points[at + 1]);
      context.beginPath();
      context.arc(left, top, 3, 0, 2 * Math.PI);
      context.fill();
    }
    if (!this.cursor) return;
    const [left, top] = this.plane.toCanvas(...this.cursor);
    context.strokeStyle = colour.ink;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(left - 8, top);
    context.lineTo(left + 8, top);
    context.moveTo(left, top - 8);
    context.lineTo(left, top + 8);
    context.stroke();
  }
}
